package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;

/**
 * A name that a pattern of a file is matched against: it stops the match after so many looks, because a pattern can be made that looks for ever.
 */
final class BoundedText implements CharSequence {
    private static final int MOST_LOOKS = 1_000_000;

    private final String text;
    private int looks;

    BoundedText(String text) {
        this.text = text;
    }

    @Override
    public int length() {
        return text.length();
    }

    @Override
    public char charAt(int index) {
        if (++looks > MOST_LOOKS) {
            throw new BadInputException(
                    "a pattern was matched against \"" + text + "\" and had not come to an end after " + MOST_LOOKS
                            + " steps. Use a simpler pattern, or the names of the layers.");
        }
        return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
        return text.substring(start, end);
    }

    @Override
    public String toString() {
        return text;
    }
}
