package dev.peft4j.models.data;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns records into labelled token sequences. For a language model: prompt, completion and the end token, with the loss on completion
 * and end only. For a classifier: the text with the special tokens of its tokenizer.
 *
 * @param tokenizer of the model
 * @param task of the model
 * @param maxLength longer sequences are cut to this many tokens
 * @param labels what the labels of records mean to a classifier
 */
public record RecordEncoder(TextTokenizer tokenizer, TaskType task, int maxLength, Labels labels) {
    /** For a language model, or a classifier whose classes are numbered from 0; that there are as many is checked by the model. */
    public RecordEncoder(TextTokenizer tokenizer, TaskType task, int maxLength) {
        this(tokenizer, task, maxLength, Labels.numbered(Integer.MAX_VALUE));
    }

    /**
     * For what fits into the context of a model.
     *
     * @param rowsInFront places of the context that adapters take
     * @param maxLength longer sequences are cut to this many tokens; 0 for as many as fit
     * @throws BadInputException if so many do not fit, or adapters leave no place
     */
    public static RecordEncoder forModel(
            Model model, TextTokenizer tokenizer, Labels labels, int rowsInFront, int maxLength) {
        int fits = model.contextLength() - rowsInFront;
        String context = "the context of this model is " + model.contextLength() + " tokens"
                + (rowsInFront > 0 ? ", of which adapters take " + rowsInFront : "");
        if (fits < 1) {
            throw new BadInputException("records were to be encoded, and " + context + ". Use fewer virtual tokens.");
        }
        if (maxLength < 0 || maxLength > fits) {
            throw new BadInputException("a greatest length of " + maxLength + " tokens (--max-length) was given; "
                    + context + ". Give at most " + fits + ".");
        }
        return new RecordEncoder(tokenizer, model.taskType(), maxLength == 0 ? fits : maxLength, labels);
    }

    /**
     * What became of some records.
     *
     * @param sequences labelled
     * @param cut how many were cut to the greatest length
     * @param dropped how many were left out because the cut took everything that is scored
     */
    public record Encoded(List<PackedBatch.Sequence> sequences, int cut, int dropped) {}

    /**
     * Encodes records.
     *
     * @throws BadInputException if a classifier gets a record without a label, or with one that means nothing; if nothing is left to train on
     */
    public Encoded encode(List<TextRecord> records) {
        List<PackedBatch.Sequence> sequences = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (TextRecord record : records) {
            StoppedException.ifInterrupted(() -> records.size() + " records were to be turned into tokens");
            PackedBatch.Sequence s = sequence(record);
            cut += s.length() > maxLength ? 1 : 0;
            s = shorten(s);
            if (predictsNothing(s)) {
                dropped++;
            } else {
                sequences.add(s);
            }
        }
        if (sequences.isEmpty()) {
            throw new BadInputException("none of " + records.size() + " records has a token to learn from within "
                    + maxLength + " tokens. Shorten the prompts or raise the greatest length.");
        }
        return new Encoded(sequences, cut, dropped);
    }

    private PackedBatch.Sequence sequence(TextRecord record) {
        try {
            return task == TaskType.SEQ_CLS ? classified(record) : scored(record);
        } catch (BadInputException e) {
            throw e.getMessage() != null && e.getMessage().startsWith(record.place())
                    ? e
                    : record.error(String.valueOf(e.getMessage()));
        }
    }

    private PackedBatch.Sequence classified(TextRecord record) {
        int[] ids =
                tokenizer.encode(record.text(), true, maxLength + 1); // one more than fits says that something is cut
        return labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION
                ? PackedBatch.Sequence.classified(ids, labels.classOf(record))
                : labels.problem() == ProblemType.REGRESSION
                        ? PackedBatch.Sequence.valued(ids, labels.valuesOf(record))
                        : PackedBatch.Sequence.labelSet(ids, labels.valuesOf(record));
    }

    private static boolean predictsNothing(PackedBatch.Sequence s) {
        return s.targets() instanceof Targets.PerToken t
                && Arrays.stream(t.labels()).skip(1).allMatch(label -> label == Targets.IGNORE);
    }

    private PackedBatch.Sequence scored(TextRecord record) {
        TextTokenizer.Example example = tokenizer.encodeExample(record.prompt(), record.text(), maxLength + 1);
        int[] labels = example.ids().clone();
        Arrays.fill(labels, 0, example.promptLength(), Targets.IGNORE);
        return PackedBatch.Sequence.labelled(example.ids(), labels);
    }

    private PackedBatch.Sequence shorten(PackedBatch.Sequence s) {
        if (s.length() <= maxLength) {
            return s;
        }
        if (s.targets() instanceof Targets.PerToken t) {
            return PackedBatch.Sequence.labelled(
                    Arrays.copyOf(s.ids(), maxLength), Arrays.copyOf(t.labels(), maxLength));
        }
        return new PackedBatch.Sequence(tokenizer.shorten(s.ids(), maxLength), new int[0], s.targets());
    }
}
