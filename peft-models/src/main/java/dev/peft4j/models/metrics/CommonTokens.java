package dev.peft4j.models.metrics;

import dev.peft4j.core.error.StoppedException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The length of the longest common subsequence of one text and others, 64 tokens at a time. Hyyrö 2004, "Bit-parallel LCS-length computation revisited", section 4:
 * for each token of the other text {@code u = v & m; v = (v + u) | (v - u)}, m having a bit wherever the text has that token; the bits of v that are 0 are the length.
 */
final class CommonTokens {
    private static final int CHECKED = 1024; // tokens between two looks for an interrupt
    private final Map<String, Places> places = new HashMap<>();
    private final int length;

    CommonTokens(List<String> text) {
        length = text.size();
        for (int i = 0; i < length; i++) {
            places.computeIfAbsent(text.get(i), t -> new Places()).add(i);
        }
    }

    /** Where a text has a token: the words of m that are not 0, which are no more than its places. */
    private static final class Places {
        private int[] words = new int[1];
        private long[] bits = new long[1];
        private int count;

        void add(int place) {
            int word = place >> 6;
            if (count == 0 || words[count - 1] != word) {
                if (count == words.length) {
                    words = Arrays.copyOf(words, 2 * count);
                    bits = Arrays.copyOf(bits, 2 * count);
                }
                words[count++] = word;
            }
            bits[count - 1] |= 1L << place;
        }
    }

    int with(List<String> other) {
        long[] v = new long[(length + 63) >> 6];
        Arrays.fill(v, -1);
        for (int i = 0; i < other.size(); i++) {
            if (i % CHECKED == CHECKED - 1) {
                int at = i;
                StoppedException.ifInterrupted(() -> "texts of " + length + " and " + other.size()
                        + " tokens were to be compared, " + at + " were read");
            }
            Places of = places.get(other.get(i));
            if (of != null) {
                step(v, of);
            }
        }
        int zeros = 0; // none behind the length, where no m has a bit
        for (long word : v) {
            zeros += Long.bitCount(~word);
        }
        return zeros;
    }

    private static void step(long[] v, Places of) {
        int next = 0;
        long carry = 0;
        for (int w = of.words[0]; w < v.length && (next < of.count || carry != 0); w++) {
            long m = next < of.count && of.words[next] == w ? of.bits[next++] : 0;
            long u = v[w] & m;
            long sum = v[w] + u + carry;
            carry = ((v[w] & u) | ((v[w] | u) & ~sum)) >>> 63;
            v[w] = sum | (v[w] & ~m);
        }
    }
}
