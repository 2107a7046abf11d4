package dev.peft4j.models.hub;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.Optional;

/** An answer of a server, whose body is still to come; who has it closes it. */
record Reply(HttpResponse<Body> response) implements AutoCloseable {
    int status() {
        return response.statusCode();
    }

    boolean isRedirect() {
        return switch (status()) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    URI uri() {
        return response.uri();
    }

    Optional<String> header(String name) {
        return response.headers().firstValue(name);
    }

    /** A header that is a size, or -1. */
    long size(String name) {
        return sizeOf(header(name).orElse(""));
    }

    /** A number of bytes, or -1 where a text is none. */
    static long sizeOf(String text) {
        return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : -1;
    }

    Body body() {
        return response.body();
    }

    @Override
    public void close() {
        response.body().close();
    }
}
