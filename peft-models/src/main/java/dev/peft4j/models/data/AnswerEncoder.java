package dev.peft4j.models.data;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Questions with the texts that answer them, as sequences: {@code question, context}. A context that is too long becomes several, which overlap; each is scored on the
 * answer if it has all of it, and else on its first token.
 *
 * @param tokenizer of the model
 * @param maxLength most tokens of a sequence
 */
public record AnswerEncoder(TextTokenizer tokenizer, int maxLength) {
    private static final int OVERLAP = 128;
    private static final int LEAST_CONTEXT = 8; // tokens

    /**
     * A part of a context.
     *
     * @param ids of question and part, with the tokens around them
     * @param types segment of each
     * @param contextAt where the part begins among the ids
     * @param begins the first character of each token of the part, in the whole context
     * @param ends behind the last one
     */
    public record Window(int[] ids, int[] types, int contextAt, int[] begins, int[] ends) {
        /** First and last token of an answer among the ids; null if the part does not hold all of it. */
        int @Nullable [] tokens(int from, int to) {
            int first = 0;
            while (first < begins.length && ends[first] <= from) {
                first++;
            }
            int last = begins.length - 1;
            while (last >= 0 && begins[last] >= to) {
                last--;
            }
            boolean whole = first <= last && first < begins.length && begins[first] <= from && ends[last] >= to;
            return whole ? new int[] {contextAt + first, contextAt + last} : null;
        }
    }

    /**
     * The parts of a context.
     *
     * @throws BadInputException if the question leaves no room for one
     */
    public List<Window> windows(String question, String context) {
        int[] asked = tokenizer.encode(question.strip(), false);
        TextTokenizer.Located text = tokenizer.locate(context);
        int room = maxLength - tokenizer.specialOfPairs() - asked.length;
        if (room < LEAST_CONTEXT) {
            throw new BadInputException(
                    "a question of " + asked.length + " tokens was given where a sequence has " + maxLength
                            + ", which leaves no room for the text. Shorten the question, or raise the greatest length.");
        }
        int step = room - Math.min(OVERLAP, room / 2);
        List<Window> windows = new ArrayList<>();
        int from = 0;
        do {
            int to = Math.min(text.ids().length, from + room);
            TextTokenizer.Tokens both = tokenizer.join(asked, Arrays.copyOfRange(text.ids(), from, to));
            windows.add(new Window(
                    both.ids(),
                    both.types(),
                    tokenizer.secondAt(asked.length),
                    Arrays.copyOfRange(text.begins(), from, to),
                    Arrays.copyOfRange(text.ends(), from, to)));
            if (to == text.ids().length) {
                return windows;
            }
            from += step;
        } while (true);
    }

    /**
     * The words of the right answers of a record: several where SQuAD has several, none where the text has no answer.
     *
     * @throws BadInputException with file and line, if the text does not have the first of them
     */
    public static List<String> answers(TextRecord record) {
        return Answer.texts(record);
    }

    /** A record as sequences to learn. */
    List<PackedBatch.Sequence> sequences(TextRecord record) {
        if (record.prompt().isBlank() || record.text().isBlank()) {
            throw record.error(
                    "the record has no " + (record.prompt().isBlank() ? "question" : "text")
                            + ", and this model answers questions by a text. Name both columns (--prompt-column, --text-column; in Java withPrompt, withText).");
        }
        Answer answer = Answer.of(record);
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (Window w : windows(record.prompt(), record.text())) {
            int[] span = answer.isNone() ? null : w.tokens(answer.from(), answer.to());
            int[] scored = span == null ? new int[2] : span; // the first token stands for no answer
            all.add(PackedBatch.Sequence.answered(w.ids, scored[0], scored[1]).withTokenTypes(w.types));
        }
        return all;
    }
}
