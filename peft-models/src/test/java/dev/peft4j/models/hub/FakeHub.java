package dev.peft4j.models.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A hub of one repository on this machine, and a second server that keeps its large files. */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final HubName NAME = HubName.parse("hub:org/name");

    /** What was asked. */
    record Request(String method, String path, String range, String authorization) {}

    /** Answers in place of the hub; says whether it did. */
    interface Answer {
        boolean to(HttpExchange exchange) throws IOException;
    }

    final Map<String, byte[]> files = new TreeMap<>();
    final List<Request> requests = new CopyOnWriteArrayList<>();
    final List<Request> storeRequests = new CopyOnWriteArrayList<>();
    final Map<String, Answer> answers = new ConcurrentHashMap<>(); // by the end of the path
    final List<Duration> waits = new CopyOnWriteArrayList<>();
    volatile String commit = COMMIT;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer hub = server();
    private final HttpServer store = server();

    FakeHub() throws IOException {
        hub.createContext("/", e -> serve(e, requests, this::hub));
        store.createContext("/", e -> serve(e, storeRequests, this::store));
        files.put("config.json", "{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8));
        files.put("tokenizer.json", "{}".getBytes(StandardCharsets.UTF_8));
        files.put("README.md", "# A model".getBytes(StandardCharsets.UTF_8));
        files.put("modeling.py", "print()".getBytes(StandardCharsets.UTF_8));
        files.put("pytorch_model.bin", new byte[10]);
        files.put("model.safetensors", bytes(300_000, 1));
    }

    private HttpServer server() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
        return server;
    }

    static byte[] bytes(int size, int seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    URI address() {
        return address(hub);
    }

    URI storeAddress() {
        return address(store);
    }

    private static URI address(HttpServer server) {
        String host = InetAddress.getLoopbackAddress().getHostAddress();
        return URI.create("http://" + host + ":" + server.getAddress().getPort());
    }

    HubConfig config(Path cache) {
        return HubConfig.of(cache).withEndpoint(address()).withTimeout(Duration.ofSeconds(10));
    }

    /** Waits for nothing, and writes down how long it would have waited. */
    Hub client(HubConfig config) {
        return new Hub(config, new Pause() {
            @Override
            public void sleep(Duration time) {
                waits.add(time);
            }

            @Override
            public Instant now() {
                return Instant.parse("2026-01-01T00:00:00Z");
            }
        });
    }

    Path download(Path cache) throws IOException {
        return client(config(cache)).download(NAME, DownloadProgress.none());
    }

    private interface Content {
        void answer(HttpExchange exchange, String path) throws IOException;
    }

    private void serve(HttpExchange e, List<Request> log, Content content) throws IOException {
        String path = e.getRequestURI().getRawPath();
        log.add(new Request(e.getRequestMethod(), path, header(e, "Range"), header(e, "Authorization")));
        try (e) {
            for (Map.Entry<String, Answer> answer : answers.entrySet()) {
                if (path.endsWith(answer.getKey()) && answer.getValue().to(e)) {
                    return;
                }
            }
            content.answer(e, path);
        }
    }

    private static String header(HttpExchange e, String name) {
        String value = e.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    private void hub(HttpExchange e, String path) throws IOException {
        String files = "/org/name/resolve/" + commit + "/";
        String ofMain = "/org/name/resolve/main/";
        if (path.equals("/api/models/org/name/revision/main")
                || path.equals("/api/models/org/name/revision/" + commit)) {
            send(e, 200, listing().getBytes(StandardCharsets.UTF_8));
        } else if (path.startsWith(files) || path.startsWith(ofMain)) {
            file(e, path.substring((path.startsWith(files) ? files : ofMain).length()));
        } else {
            e.getResponseHeaders()
                    .set(
                            "X-Error-Code",
                            path.startsWith("/api/models/org/name/") ? "RevisionNotFound" : "RepoNotFound");
            send(e, 404, new byte[0]);
        }
    }

    private void file(HttpExchange e, String name) throws IOException {
        byte[] content = files.get(name);
        e.getResponseHeaders().set("X-Repo-Commit", commit);
        if (content == null) {
            e.getResponseHeaders().set("X-Error-Code", "EntryNotFound");
            send(e, 404, new byte[0]);
        } else if (isLarge(name)) {
            e.getResponseHeaders().set("X-Linked-Etag", '"' + sha256(content) + '"');
            e.getResponseHeaders().set("X-Linked-Size", String.valueOf(content.length));
            redirect(e, storeAddress() + "/store/" + name + "?Signature=secret");
        } else {
            e.getResponseHeaders().set("ETag", '"' + git(content) + '"');
            send(e, 200, content);
        }
    }

    private void store(HttpExchange e, String path) throws IOException {
        send(e, 200, files.get(path.substring(path.lastIndexOf('/') + 1)));
    }

    String listing() {
        List<String> siblings = new ArrayList<>();
        files.forEach((name, content) -> siblings.add(sibling(name, content.length, git(content))
                + (isLarge(name)
                        ? ", \"lfs\": {\"sha256\": \"" + sha256(content) + "\", \"size\": " + content.length + "}"
                        : "")
                + "}"));
        return listing(String.join(",", siblings));
    }

    String listing(String siblings) {
        return "{\"id\": \"org/name\", \"cardData\": {\"tags\": [[1]]}, \"sha\": \"" + commit + "\", \"siblings\": ["
                + siblings + "], \"x\": 1}";
    }

    static String sibling(String name, long size, String blob) {
        return "{\"rfilename\": \"" + name + "\", \"size\": " + size + ", \"blobId\": \"" + blob + "\"";
    }

    static boolean isLarge(String name) {
        return name.endsWith(".safetensors") || name.endsWith(".bin");
    }

    static void redirect(HttpExchange e, String to) throws IOException {
        e.getResponseHeaders().set("Location", to);
        send(e, 302, new byte[0]);
    }

    /** With the part that was asked for, as servers of files do. */
    static void send(HttpExchange e, int status, byte[] content) throws IOException {
        String range = header(e, "Range");
        boolean part = status == 200 && range.startsWith("bytes=");
        int from = part ? Integer.parseInt(range.substring(6, range.length() - 1)) : 0;
        if (part) {
            e.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        byte[] body = Arrays.copyOfRange(content, from, content.length);
        boolean head = e.getRequestMethod().equals("HEAD");
        if (head) {
            e.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
        }
        e.sendResponseHeaders(part ? 206 : status, head || body.length == 0 ? -1 : body.length);
        if (!head && body.length > 0) {
            try (OutputStream out = e.getResponseBody()) {
                out.write(body);
            }
        }
    }

    /** As a server that knows no parts. */
    static boolean sendWhole(HttpExchange e, byte[] content) throws IOException {
        e.sendResponseHeaders(200, content.length);
        e.getResponseBody().write(content);
        return true;
    }

    /** Says that all comes, and breaks off. */
    static boolean cut(HttpExchange e, byte[] content, int from, int to) throws IOException {
        if (from > 0) {
            e.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        e.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
        e.getResponseBody().write(content, from, to - from);
        e.getResponseBody().flush();
        return true; // closing it now ends the connection
    }

    static String sha256(byte[] content) {
        return hash("SHA-256", content);
    }

    static String git(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = Arrays.copyOf(head, head.length + content.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return hash("SHA-1", all);
    }

    private static String hash(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** Requests for bytes of a file. */
    List<Request> gets(String file) {
        List<Request> all = new ArrayList<>(requests);
        all.addAll(storeRequests);
        return all.stream()
                .filter(r -> r.method().equals("GET") && r.path().endsWith("/" + file))
                .filter(r -> !isLarge(file) || r.path().startsWith("/store/"))
                .toList();
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
