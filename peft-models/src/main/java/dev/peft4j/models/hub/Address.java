package dev.peft4j.models.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Addresses of a hub, and whether two are of one server. */
final class Address {
    private static final Set<String> SCHEMES = Set.of("http", "https");
    private static final int MOST_PORT = 65535;

    private Address() {}

    /** Whether something can be asked for there. */
    static boolean isServer(URI address) {
        return address.getHost() != null && SCHEMES.contains(scheme(address)) && port(address) <= MOST_PORT;
    }

    /** What a hub knows of a revision, with sizes and hashes of its files. */
    static URI listing(HubConfig config, HubName name) {
        return URI.create(base(config) + "/api/models/" + name.repository() + "/revision/"
                + URLEncoder.encode(name.revision(), StandardCharsets.UTF_8) + "?blobs=true");
    }

    /** What a hub knows of a repository. */
    static URI repository(HubConfig config, HubName name) {
        return URI.create(base(config) + "/api/models/" + name.repository());
    }

    /** A file of a commit. */
    static URI file(HubConfig config, HubName name, String commit, String file) {
        return URI.create(base(config) + "/" + name.repository() + "/resolve/" + commit + "/"
                + URLEncoder.encode(file, StandardCharsets.UTF_8)
                        .replace("+", "%20")
                        .replace("%2F", "/"));
    }

    /** For people. */
    static String page(HubConfig config, HubName name) {
        return base(config) + "/" + name.repository();
    }

    private static String base(HubConfig config) {
        String text = config.endpoint().toString();
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }

    /** Where a redirect leads, or null if nowhere that can be asked: another protocol, or from a secure one to one that is not. */
    static @Nullable URI redirect(URI from, String location) {
        try {
            URI to = from.resolve(new URI(location));
            boolean lessSecure = scheme(from).equals("https") && !scheme(to).equals("https");
            return isServer(to) && !lessSecure ? to : null;
        } catch (URISyntaxException e) {
            return null;
        }
    }

    /** Whether two addresses are of the same server, as for the right to see a token. */
    static boolean sameServer(URI a, URI b) {
        return scheme(a).equals(scheme(b)) && a.getHost().equalsIgnoreCase(b.getHost()) && port(a) == port(b);
    }

    private static String scheme(URI address) {
        return String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
    }

    private static int port(URI address) {
        if (address.getPort() >= 0) {
            return address.getPort();
        }
        return scheme(address).equals("https") ? 443 : 80;
    }
}
