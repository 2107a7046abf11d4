package dev.peft4j.models;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;

/**
 * How much longer a text becomes on its way through a tokenizer, and so how long it may be in one call of the library. All lengths are those of the decomposed
 * text (NFKD) if the tokenizer normalises texts, since no normal form is longer.
 */
final class TextGrowth {
    private static final int LONGEST_TEXT = 1 << 20; // takes half a gigabyte of native memory at most
    private static final int SHORTEST_LIMIT = 1 << 10;
    private static final double LONGEST_CHANGED = 1 << 22;
    private static final double MOST_STEPS = 4e6; // the library ends the process at 1e7

    private final List<Search> searches = new ArrayList<>();
    private double growth = 1;
    private boolean decomposes;
    private boolean joinsWords;

    private record Search(RegexPattern pattern, double growth) {}

    /** Characters of the decomposed text. */
    static int decomposed(String text) {
        boolean isPlain = text.chars().allMatch(c -> c < 0x80);
        return isPlain
                ? text.length()
                : Normalizer.normalize(text, Normalizer.Form.NFKD).length();
    }

    /** A text becomes at most as long as its decomposition. */
    void decompose() {
        decomposes = true;
    }

    boolean decomposes() {
        return decomposes;
    }

    /** Each character becomes at most so many. */
    void times(double most) {
        growth *= Math.max(1, most);
    }

    /** The text is searched as it is at this place. */
    void search(RegexPattern pattern) {
        searches.add(new Search(pattern, growth));
    }

    /** A text is searched for that goes beyond a space between two words. */
    void joinWords() {
        joinsWords = true;
    }

    boolean joinsWords() {
        return joinsWords;
    }

    /** Most characters that one becomes. */
    double growth() {
        return growth;
    }

    /** Most characters of a text in one call; 0 if even short texts would end the process. */
    int longestText() {
        int length = LONGEST_TEXT;
        while (length >= SHORTEST_LIMIT && !isSafe(length)) {
            length /= 2;
        }
        return length < SHORTEST_LIMIT ? 0 : length;
    }

    @Override
    public String toString() {
        return "up to " + growth + " times as long, and " + searches.size() + " searches of it";
    }

    private boolean isSafe(double length) {
        return length * growth <= LONGEST_CHANGED
                && searches.stream().allMatch(s -> s.pattern.steps(length * s.growth) <= MOST_STEPS);
    }
}
