package dev.peft4j;

/**
 * A part of a text that answers a question.
 *
 * @param text the answer; empty if the text has none
 * @param begin its first character in the text; -1 if there is none
 * @param end behind its last character; -1 if there is none
 * @param score how much better it is than no answer: the difference of the sums of both logits, above 0 if there is one
 */
public record Span(String text, int begin, int end, double score) {
    /** Whether the text has no answer. */
    public boolean isNone() {
        return begin < 0;
    }
}
