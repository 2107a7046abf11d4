package dev.peft4j.models.data;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.models.TextTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Words with a tag each, as sequences: the first token of a word has its tag, and the others are not scored.
 *
 * @param tokenizer of the model
 * @param maxLength most tokens of a sequence
 */
public record TagEncoder(TextTokenizer tokenizer, int maxLength) {
    private static final Pattern SPACES = Pattern.compile("\\s+");
    private static final int NO_WORD = -1;

    /**
     * Words as a model reads them.
     *
     * @param ids with the tokens around a text
     * @param words number of the word that each token begins; -1 for all others
     * @param isCut whether tokens did not fit and were left out
     */
    public record Words(int[] ids, int[] words, boolean isCut) {}

    /** Words between white space. */
    static List<String> words(String text) {
        return text.isBlank() ? List.of() : List.of(SPACES.split(text.strip()));
    }

    /** Words in their order; those that do not fit are left out. */
    public Words encode(List<String> words) {
        StringBuilder text = new StringBuilder();
        int[] behind = new int[words.size()]; // its last character
        for (int w = 0; w < behind.length; w++) {
            text.append(' ').append(words.get(w)); // also in front of the first, as transformers does for words
            behind[w] = text.length();
        }
        TextTokenizer.Located located = tokenizer.locate(text.toString());
        int around = tokenizer.around().length;
        int n = Math.min(located.ids().length, Math.max(0, maxLength - around));
        int[] ids = tokenizer.around(Arrays.copyOf(located.ids(), n));
        int[] begun = new int[ids.length];
        Arrays.fill(begun, NO_WORD);
        int word = 0;
        int last = NO_WORD;
        for (int i = 0; i < n; i++) {
            while (word < behind.length && located.ends()[i] > behind[word]) {
                word++;
            }
            if (word != last && word < behind.length && located.ends()[i] > located.begins()[i]) {
                begun[tokenizer.inFront() + i] = word;
                last = word;
            }
        }
        return new Words(ids, begun, n < located.ids().length);
    }

    /**
     * Makes sure that a record has a tag for each word.
     *
     * @return the words
     * @throws dev.peft4j.core.error.BadInputException with file and line, if it has more or fewer
     */
    static List<String> requireTagEach(TextRecord record, int tags) {
        List<String> words = words(record.text());
        if (tags != words.size()) {
            throw record.error(tags + " tags were found for " + words.size()
                    + " words. Give one tag for each word, with white space between words.");
        }
        return words;
    }

    /** A record as a sequence to learn. */
    RecordEncoder.Made encode(TextRecord record, Labels labels) {
        int[] tags = labels.tagsOf(record);
        List<String> words = requireTagEach(record, tags.length);
        Words encoded = encode(words);
        int[] scored = Arrays.stream(encoded.words)
                .map(w -> w == NO_WORD ? Targets.IGNORE : tags[w])
                .toArray();
        return RecordEncoder.Made.of(PackedBatch.Sequence.labelled(encoded.ids, scored), encoded.isCut);
    }
}
