package dev.peft4j.models.data;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns records into examples of a task. For a language model: prompt, completion and the end token, with the loss on completion and end only. For a classifier: the
 * text, or prompt and text as a pair, with the special tokens of its tokenizer. For tags: words and the tags that are their label. For answers: the prompt as the
 * question and the text that has the answer, which is the label. For vectors: prompt and text as a pair of which one is to be found by the other. For hidden
 * tokens: the text, of which each epoch hides other tokens ({@link VariedSequence}). For images: the text says where the image is.
 *
 * @param input of the model
 * @param task of the model
 * @param maxLength longer sequences are cut to this many tokens
 * @param labels what the labels of records mean to a classifier
 */
public record RecordEncoder(ModelInput input, TaskType task, int maxLength, Labels labels) {
    /** For a language model, or a classifier whose classes are numbered from 0; that there are as many is checked by the model. */
    public RecordEncoder(TextTokenizer tokenizer, TaskType task, int maxLength) {
        this(tokenizer, task, maxLength, Labels.numbered(Integer.MAX_VALUE));
    }

    /**
     * For what fits into the context of a model.
     *
     * @param rowsInFront places of the context that adapters take
     * @param maxLength longer sequences are cut to this many tokens; 0 for {@link Model#usualLength}, if so many fit
     * @throws BadInputException if so many do not fit, or adapters leave no place
     */
    public static RecordEncoder forModel(Model model, ModelInput input, Labels labels, int rowsInFront, int maxLength) {
        if (model.taskType() == TaskType.IMAGE_CLS) {
            return new RecordEncoder(input, TaskType.IMAGE_CLS, 0, labels);
        }
        int fits = model.contextLength() - rowsInFront;
        String context = "the context of this model is " + model.contextLength() + " tokens"
                + (rowsInFront > 0 ? ", of which adapters take " + rowsInFront : "");
        if (fits < 1) {
            throw new BadInputException("records were to be encoded, and " + context + ". Use fewer virtual tokens.");
        }
        if (maxLength < 0 || maxLength > fits) {
            throw new BadInputException(
                    "a greatest length of " + maxLength + " tokens (--max-length; in Java maxLength) was given; "
                            + context + ". Give at most " + fits + ".");
        }
        return new RecordEncoder(
                input, model.taskType(), maxLength == 0 ? Math.min(fits, model.usualLength()) : maxLength, labels);
    }

    /**
     * The tokenizer of the model.
     *
     * @throws BadInputException if it reads no texts
     */
    public TextTokenizer tokenizer() {
        return input.tokenizer("texts were to be turned into tokens");
    }

    /**
     * What became of some records.
     *
     * @param examples of the task
     * @param cut how many were longer than the greatest length, and were cut to it; for answers, into parts that overlap
     * @param dropped how many were left out because nothing was left that is scored
     */
    public record Encoded(List<Example> examples, int cut, int dropped) {}

    /**
     * What became of one record.
     *
     * @param isCut whether it is longer than the greatest length
     */
    record Made(List<? extends Example> examples, boolean isCut) {
        static Made of(Example example, boolean isCut) {
            return new Made(List.of(example), isCut);
        }
    }

    /**
     * Encodes records.
     *
     * @throws BadInputException if a classifier gets a record without a label, or with one that means nothing, or two labels that mean one class; if nothing is
     *     left to train on
     */
    public Encoded encode(List<TextRecord> records) {
        if (task.classifies()) {
            LabelText.requireEach(records);
        }
        if (task.classifies() && labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            labels.requireOneText(records, task == TaskType.TOKEN_CLS);
        }
        boolean pairs = task == TaskType.SEQ_CLS
                && records.stream().anyMatch(r -> !r.prompt().isBlank());
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (TextRecord record : records) {
            if (task == TaskType.IMAGE_CLS) {
                image(record).requireSizeOf(image(records.get(0)), input);
            }
            StoppedException.ifInterrupted(() -> records.size() + " records were to be turned into tokens");
            Made made = make(record, pairs);
            cut += made.isCut ? 1 : 0;
            List<? extends Example> kept = kept(made);
            dropped += kept.isEmpty() ? 1 : 0;
            examples.addAll(kept);
        }
        if (examples.isEmpty()) {
            throw new BadInputException("none of " + records.size() + " records has a token to learn from within "
                    + maxLength + " tokens. Shorten the prompts or raise the greatest length.");
        }
        return new Encoded(examples, cut, dropped);
    }

    /**
     * The examples of one record: several of a long text with an answer; none if the cut takes everything that is scored.
     *
     * @throws BadInputException if a classifier gets a record without a label, or with one that means nothing
     */
    public List<Example> encode(TextRecord record) {
        return List.copyOf(kept(make(record, !record.prompt().isBlank())));
    }

    private List<? extends Example> kept(Made made) {
        return made.examples.stream().allMatch(this::predictsNothing) ? List.of() : made.examples;
    }

    private Made make(TextRecord record, boolean pairs) {
        if (task != TaskType.IMAGE_CLS && record.image() != null) {
            throw record.error(
                    "the record is an image, and the model reads texts. Give texts, or use a model of images.");
        }
        try {
            return switch (task) {
                case CAUSAL_LM -> scored(record);
                case SEQ_CLS -> pairs ? classifiedPair(record) : classified(record);
                case TOKEN_CLS -> new TagEncoder(tokenizer(), maxLength).encode(record, labels);
                case QUESTION_ANS -> {
                    List<PackedBatch.Sequence> parts = new AnswerEncoder(tokenizer(), maxLength).sequences(record);
                    yield new Made(parts, parts.size() > 1);
                }
                case FEATURE_EXTRACTION -> pair(record);
                case MASKED_LM -> new MaskEncoder(tokenizer(), maxLength).encode(record);
                case IMAGE_CLS -> Made.of(image(record).example(labels, input), false);
            };
        } catch (BadInputException e) {
            throw e.getMessage() != null && e.getMessage().startsWith(record.place())
                    ? e
                    : record.error(String.valueOf(e.getMessage()));
        }
    }

    private static RecordImage image(TextRecord record) {
        RecordImage image = record.image();
        if (image == null) {
            throw record.error(
                    "the record is a text, and the model reads images. Give images, or use a model of texts.");
        }
        return image;
    }

    /** One more token than fits says that something is cut. */
    private Made pair(TextRecord record) {
        requireBoth(record, "pairs are learnt, of which one text is to be found by the other");
        int[] anchor = tokenizer().encode(record.prompt().strip(), true, maxLength + 1);
        int[] positive = tokenizer().encode(record.text(), true, maxLength + 1);
        return Made.of(
                new PackedBatch.Pair(
                        PackedBatch.Sequence.of(tokenizer().shorten(anchor, maxLength)),
                        PackedBatch.Sequence.of(tokenizer().shorten(positive, maxLength))),
                Math.max(anchor.length, positive.length) > maxLength);
    }

    private static void requireBoth(TextRecord record, String why) {
        boolean first = !record.prompt().isBlank();
        if (!first || record.text().isBlank()) {
            throw record.error(
                    "the record has "
                            + (first || !record.text().isBlank()
                                    ? "one text, its " + (first ? "first" : "second")
                                    : "no text")
                            + ", and " + why
                            + ". Give it both, or name both columns (--prompt-column, --text-column; in Java withPrompt, withText).");
        }
    }

    private Made classifiedPair(TextRecord record) {
        requireBoth(record, "records with two texts are classified");
        TextTokenizer.Tokens both =
                tokenizer().encodePair(record.prompt().strip(), record.text(), TextTokenizer.Cut.LONGER, maxLength);
        return Made.of(classified(record, both.ids()).withTokenTypes(both.types()), both.isCut());
    }

    private Made classified(TextRecord record) {
        int[] ids = tokenizer().encode(record.text(), true, maxLength + 1);
        return Made.of(classified(record, tokenizer().shorten(ids, maxLength)), ids.length > maxLength);
    }

    private PackedBatch.Sequence classified(TextRecord record, int... ids) {
        return labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION
                ? PackedBatch.Sequence.classified(ids, labels.classOf(record))
                : labels.problem() == ProblemType.REGRESSION
                        ? PackedBatch.Sequence.valued(ids, labels.valuesOf(record))
                        : PackedBatch.Sequence.labelSet(ids, labels.valuesOf(record));
    }

    /** A language model predicts no first token. */
    private boolean predictsNothing(Example e) {
        return e.targets() instanceof Targets.PerToken t
                && Arrays.stream(t.labels())
                        .skip(task == TaskType.CAUSAL_LM ? 1 : 0)
                        .allMatch(label -> label == Targets.IGNORE);
    }

    private Made scored(TextRecord record) {
        TextTokenizer.Example whole = tokenizer().encodeExample(record.prompt(), record.text(), maxLength + 1);
        int[] ids = Arrays.copyOf(whole.ids(), Math.min(whole.ids().length, maxLength));
        int[] learnt = ids.clone();
        Arrays.fill(learnt, 0, Math.min(ids.length, whole.promptLength()), Targets.IGNORE);
        return Made.of(PackedBatch.Sequence.labelled(ids, learnt), whole.ids().length > maxLength);
    }
}
