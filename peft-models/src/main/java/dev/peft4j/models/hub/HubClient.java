package dev.peft4j.models.hub;

import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * Asks a hub. Redirects are followed here and not by Java's client, which would take the token along to other hosts.
 *
 * @param client of Java
 * @param failures what is said
 * @param backoff how long a busy hub is left alone
 */
record HubClient(HttpClient client, Failures failures, Backoff backoff) {
    private static final int MOST_REDIRECTS = 10;
    private static final String AGENT = "peft4j";

    /** A client of Java for a hub. */
    static HttpClient client(HubConfig config) {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1) // one connection for each large file
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(config.timeout())
                .build();
    }

    /**
     * Gets what is at an address.
     *
     * @param from the first byte that is asked for; the answer may begin at 0 all the same
     * @param file of the repository; empty for what is none, of which the status 404 is an answer
     * @return with status 200, 206 or 416, which is for a first byte that is not there
     * @throws HubException if the hub refuses
     * @throws PassingException if it may not refuse later
     */
    Reply get(URI address, long from, String file) throws IOException {
        Reply reply = follow("GET", address, from, false);
        int status = reply.status();
        boolean partial = from > 0 && (status == 206 || status == 416);
        return status == 200 || partial || (status == 404 && file.isEmpty()) ? reply : refuse(reply, file);
    }

    /** What the hub itself says of a file, without going to where its bytes are. */
    Reply head(URI address, String file) throws IOException {
        Reply reply = follow("HEAD", address, 0, true);
        return reply.status() == 200 || reply.isRedirect() ? reply : refuse(reply, file);
    }

    /** Follows redirects, with the token to the hub alone; to the end, or as long as they stay on the hub. */
    private Reply follow(String method, URI address, long from, boolean onHub) throws IOException {
        URI at = address;
        for (int i = 0; i <= MOST_REDIRECTS; i++) {
            Reply reply = exchange(method, at, from);
            Optional<String> location = reply.isRedirect() ? reply.header("Location") : Optional.empty();
            if (location.isEmpty()) {
                return reply;
            }
            URI next = Address.redirect(at, location.get());
            if (next == null) {
                reply.close();
                throw failures.noHub(
                        "a redirect to where nothing can be asked, or to a connection that is not secure", null);
            }
            if (onHub && !isHub(next)) {
                return reply;
            }
            reply.close();
            at = next;
        }
        throw failures.noHub("more than " + MOST_REDIRECTS + " redirects, one after the other", null);
    }

    private boolean isHub(URI address) {
        return Address.sameServer(address, failures.config().endpoint());
    }

    private Reply exchange(String method, URI address, long from) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .header("User-Agent", AGENT)
                .header("Accept-Encoding", "identity");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        HubToken token = failures.config().token();
        if (!token.isNone() && isHub(address)) {
            request.header("Authorization", token.authorization());
        }
        Body body = new Body(failures.config().timeout());
        CompletableFuture<HttpResponse<Body>> reply = client.sendAsync(request.build(), info -> body);
        boolean done = false;
        try {
            Reply result = new Reply(reply.get(failures.config().timeout().toNanos(), TimeUnit.NANOSECONDS));
            done = true;
            return result;
        } catch (TimeoutException e) {
            throw cut(
                    address,
                    "does not answer within " + failures.config().timeout().toSeconds() + " s",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(failures.asked());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SSLHandshakeException) {
                throw failures.unreachable(
                        host(address)
                                + " cannot prove who it is (its certificate is not one that this Java trusts). Check"
                                + " HF_ENDPOINT and the clock; behind a proxy that looks into connections, give Java its"
                                + " certificate (-Djavax.net.ssl.trustStore).",
                        e.getCause());
            }
            throw cut(address, "cannot be reached (" + reason(e.getCause()) + ")", e.getCause());
        } finally {
            if (!done) {
                reply.cancel(true);
                body.close();
            }
        }
    }

    private static String host(URI address) {
        return String.valueOf(address.getHost());
    }

    /** The first text of an exception and its causes, or what the last one is: Java's exceptions of the network often have no text. */
    private static String reason(@Nullable Throwable e) {
        String kind = "no reason is known";
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t.getMessage() != null && !t.getMessage().isBlank()) {
                return HubException.shown(t.getMessage());
            }
            kind = t.getClass().getSimpleName();
        }
        return kind;
    }

    /** A connection that was not made, or did not hold. */
    PassingException cut(URI address, String what, @Nullable Throwable cause) {
        return PassingException.of(failures.unreachable(
                host(address) + " " + what
                        + ". Check the network, HF_ENDPOINT and the proxy (-Dhttps.proxyHost), and try again; what has come is"
                        + " kept. With HF_HUB_OFFLINE=1 only the cache is used.",
                cause));
    }

    /** A body that did not come to its end. */
    PassingException cut(Reply reply, IOException e) {
        return cut(reply.uri(), "began to send and did not end (" + reason(e) + ")", e);
    }

    private Reply refuse(Reply reply, String file) throws IOException {
        reply.close();
        int status = reply.status();
        if (status == 408 || status >= 500) {
            throw PassingException.after(
                    backoff.asked(reply.header("Retry-After"), Optional.empty()), failures.down(status));
        }
        if (status == 429) {
            var wait = backoff.asked(reply.header("Retry-After"), reply.header("RateLimit"));
            throw PassingException.after(wait, failures.tooMany(wait));
        }
        if (status == 401 || status == 403) {
            throw isHub(reply.uri())
                    ? failures.notAllowed(status, reply.header("X-Error-Code").orElse(""))
                    : failures.of(host(reply.uri()) + ", where the hub keeps the file, answers " + status
                            + ". Try again; check the proxy if there is one.");
        }
        throw status == 404 ? failures.noFile(file) : failures.oddStatus(status);
    }
}
