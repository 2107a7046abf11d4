package dev.peft4j.models.jinja;

import java.util.List;

/**
 * What a template has made.
 *
 * @param text of all
 * @param generated what stands in {@code {% generation %}}, in the order of the text; empty if that was not asked for
 */
public record Rendering(String text, List<Span> generated) {
    /** Copies the spans. */
    public Rendering {
        generated = List.copyOf(generated);
    }

    /**
     * A part of the text.
     *
     * @param begin its first character, as {@link String#charAt(int)} counts
     * @param end behind its last
     */
    public record Span(int begin, int end) {}
}
