package dev.peft4j.models.data;

import dev.peft4j.core.data.Example;
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
import java.util.stream.Stream;

/**
 * Turns records into examples of a task. For a language model: prompt, completion and the end token, with the loss on completion and end only. For a classifier: the
 * text, or prompt and text as a pair, with the special tokens of its tokenizer. For tags: words and the tags that are their label. For answers: the prompt as the
 * question and the text that has the answer, which is the label. For vectors: prompt and text as a pair of which one is to be found by the other. For hidden
 * tokens: the text.
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
     * @param examples of the task
     * @param cut how many were cut to the greatest length
     * @param dropped how many were left out because the cut took everything that is scored
     */
    public record Encoded(List<Example> examples, int cut, int dropped) {}

    /**
     * Encodes records.
     *
     * @throws BadInputException if a classifier gets a record without a label, or with one that means nothing; if nothing is left to train on
     */
    public Encoded encode(List<TextRecord> records) {
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (TextRecord record : records) {
            StoppedException.ifInterrupted(() -> records.size() + " records were to be turned into tokens");
            List<PackedBatch.Sequence> of = sequences(record);
            cut += of.stream().anyMatch(s -> s.length() > maxLength) ? 1 : 0;
            of = of.stream().map(this::shorten).toList();
            if (task == TaskType.FEATURE_EXTRACTION) {
                examples.add(new PackedBatch.Pair(of.get(0), of.get(1)));
            } else if (of.stream().allMatch(this::predictsNothing)) {
                dropped++;
            } else {
                examples.addAll(of);
            }
        }
        if (examples.isEmpty()) {
            throw new BadInputException("none of " + records.size() + " records has a token to learn from within "
                    + maxLength + " tokens. Shorten the prompts or raise the greatest length.");
        }
        return new Encoded(examples, cut, dropped);
    }

    private List<PackedBatch.Sequence> sequences(TextRecord record) {
        try {
            return switch (task) {
                case CAUSAL_LM -> List.of(scored(record));
                case SEQ_CLS -> List.of(classified(record));
                case TOKEN_CLS -> List.of(new TagEncoder(tokenizer, maxLength).sequence(record, labels));
                case QUESTION_ANS -> new AnswerEncoder(tokenizer, maxLength).sequences(record);
                case FEATURE_EXTRACTION -> pair(record);
                case MASKED_LM -> List.of(new MaskEncoder(tokenizer, maxLength).sequence(record));
            };
        } catch (BadInputException e) {
            throw e.getMessage() != null && e.getMessage().startsWith(record.place())
                    ? e
                    : record.error(String.valueOf(e.getMessage()));
        }
    }

    /** One more token than fits says that something is cut. */
    private List<PackedBatch.Sequence> pair(TextRecord record) {
        if (record.prompt().isBlank() || record.text().isBlank()) {
            throw record.error(
                    "the record has one text, and pairs are learnt, of which one is to be found by the other."
                            + " Name both columns (--prompt-column, --text-column).");
        }
        return Stream.of(record.prompt().strip(), record.text())
                .map(text -> PackedBatch.Sequence.of(tokenizer.encode(text, true, maxLength + 1)))
                .toList();
    }

    private PackedBatch.Sequence classified(TextRecord record) {
        if (!record.prompt().isBlank()) {
            TextTokenizer.Tokens both =
                    tokenizer.encodePair(record.prompt().strip(), record.text(), TextTokenizer.Cut.LONGER, maxLength);
            return classified(record, both.ids()).withTokenTypes(both.types());
        }
        return classified(record, tokenizer.encode(record.text(), true, maxLength + 1));
    }

    private PackedBatch.Sequence classified(TextRecord record, int... ids) {
        return labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION
                ? PackedBatch.Sequence.classified(ids, labels.classOf(record))
                : labels.problem() == ProblemType.REGRESSION
                        ? PackedBatch.Sequence.valued(ids, labels.valuesOf(record))
                        : PackedBatch.Sequence.labelSet(ids, labels.valuesOf(record));
    }

    /** A language model predicts no first token. */
    private boolean predictsNothing(PackedBatch.Sequence s) {
        return s.targets() instanceof Targets.PerToken t
                && Arrays.stream(t.labels())
                        .skip(task == TaskType.CAUSAL_LM ? 1 : 0)
                        .allMatch(label -> label == Targets.IGNORE);
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
