package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.Split;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageRecord;
import dev.peft4j.models.image.ImageRecords;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records to train on, and some that are held out to evaluate on. Immutable. If nothing was held out when training begins, a tenth is, drawn with the seed of the
 * training, but of pairs of texts, which are compared with each other, never one alone; {@code split(0, 0)} holds out none.
 */
public final class Dataset extends TrainingData {
    private static final Logger LOG = LoggerFactory.getLogger(FineTuned.class);

    private final List<TextRecord> train;
    private final List<TextRecord> heldOut;
    private final HeldOut from;
    private final Augmentation augmentation;

    /** Where the records that are held out come from. */
    private enum HeldOut {
        /** It was not said. */
        OPEN,
        /** They are of the same records. */
        DRAWN,
        /** They are others. */
        GIVEN
    }

    private Dataset(List<TextRecord> train, List<TextRecord> heldOut, HeldOut from, Augmentation augmentation) {
        this.train = List.copyOf(train);
        this.heldOut = List.copyOf(heldOut);
        this.from = from;
        this.augmentation = augmentation;
        if (train.isEmpty()) {
            throw new BadInputException("records to train on were expected, and there are none"
                    + (heldOut.isEmpty() ? "" : " beside the " + heldOut.size() + " that are held out")
                    + ". Give at least one.");
        }
    }

    /**
     * Reads a file of records: {@code .jsonl} with the keys text, or prompt and completion, or text and label, or the usual ones of another task, such as tokens and tags
     * (docs/MODELS.md); {@code .csv} or {@code .tsv} with such columns; each also with {@code .gz} behind it; {@code .parquet} with such columns where peft-parquet is on
     * the class path. What the task of a model cannot learn from is said when training begins.
     *
     * @throws dev.peft4j.core.error.BadFileException with the line, if a record is damaged; if the file is missing, empty or of another kind
     */
    public static Dataset read(Path file) throws IOException {
        return read(file, RecordReader.defaults());
    }

    /**
     * The same with other columns or keys: {@code RecordReader.defaults().withPrompt("question").withText("answer")}.
     *
     * @param columns what is the prompt, the text and the label
     */
    public static Dataset read(Path file, RecordReader columns) throws IOException {
        return new Dataset(columns.read(file), List.of(), HeldOut.OPEN, Augmentation.none());
    }

    /**
     * Reads images with their classes: a folder with a folder for each class, a table that names files and labels, a file of CIFAR, or one in the form of MNIST
     * ({@link ImageRecords}). Pixels are decoded when a batch needs them.
     *
     * @throws dev.peft4j.core.error.BadFileException if nothing is there that can be read, or a file of images is damaged; single files of a folder or table that are
     *     no images are left out with a warning
     */
    public static Dataset images(Path from) throws IOException {
        return images(ImageRecords.defaults().read(from));
    }

    /** Images that an application has. */
    public static Dataset images(List<ImageRecord> records) {
        return of(records.stream().map(ImageRecord::labelled).toList());
    }

    /**
     * Records that an application has.
     *
     * @throws BadInputException if there are none
     */
    public static Dataset of(List<TextRecord> records) {
        return new Dataset(records, List.of(), HeldOut.OPEN, Augmentation.none());
    }

    /**
     * Holds out a share, drawn with a seed; records that were held out before are drawn from too. Records of one prompt stay together, and the classes have
     * about the same shares on both sides.
     *
     * @param share of the records, rounded down: from 0 up to but not including 1
     */
    public Dataset split(double share, long seed) {
        Split drawn = Split.of(new Split(train, heldOut).all(), share, seed);
        return new Dataset(drawn.train(), drawn.heldOut(), HeldOut.DRAWN, augmentation);
    }

    /** Holds out the records of another one: a file for evaluation. */
    public Dataset heldOut(Dataset other) {
        List<TextRecord> out = new ArrayList<>(other.train);
        out.addAll(other.heldOut);
        return new Dataset(train, out, HeldOut.GIVEN, augmentation);
    }

    /** The first records to train on, at most so many. */
    public Dataset limit(int most) {
        if (most < 1) {
            throw new BadInputException(
                    "at most " + most + " records were to be trained on; it is at least 1. Change the number.");
        }
        return new Dataset(train.subList(0, Math.min(most, train.size())), heldOut, from, augmentation);
    }

    /** The records to train on in another order, so that {@link #limit} takes them from all over a file. */
    public Dataset shuffle(long seed) {
        List<TextRecord> shuffled = new ArrayList<>(train);
        Collections.shuffle(shuffled, new Random(seed));
        return new Dataset(shuffled, heldOut, from, augmentation);
    }

    /** Images that chance changes in each epoch of training; those that are held out are read as they are. */
    public Dataset augmented(Augmentation by) {
        return new Dataset(train, heldOut, from, by);
    }

    /** The records to train on. */
    public List<TextRecord> train() {
        return train;
    }

    /** The records that are held out; empty if none are, or not yet. */
    public List<TextRecord> heldOut() {
        return heldOut;
    }

    /** Whether it was said what is held out. */
    public boolean isSplit() {
        return from != HeldOut.OPEN;
    }

    @Override
    Dataset splitUnless(double share, long seed, TaskType task) {
        if (isSplit()) {
            return this;
        }
        Dataset split = split(share, seed);
        return task == TaskType.FEATURE_EXTRACTION && split.heldOut.size() == 1 ? split(0, seed) : split;
    }

    @Override
    void requireFit(ModelInfo model) {} // of any task

    @Override
    Labels labels(ModelInfo model, int classes, List<Path> adapters) throws IOException {
        return Classes.of(model, classes, adapters, from == HeldOut.DRAWN ? new Split(train, heldOut).all() : train);
    }

    @Override
    List<String> notes(ModelInfo model, Labels labels) {
        return Classes.shares(model, labels, train);
    }

    @Override
    int size(boolean ofHeldOut) {
        return (ofHeldOut ? heldOut : train).size();
    }

    @Override
    List<TextRecord> scored() {
        return heldOut;
    }

    @Override
    RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, int maxLength, boolean ofHeldOut) {
        List<TextRecord> side = ofHeldOut ? heldOut : train;
        if (base.model().taskType() == TaskType.CAUSAL_LM && side.stream().anyMatch(r -> r.label() != null)) {
            LOG.warn(
                    "{} have labels, which a language model does not learn",
                    ofHeldOut ? "held-out records" : "records");
        }
        boolean varies = !ofHeldOut && !augmentation.equals(Augmentation.none());
        ModelInput input = varies ? base.input().with(augmentation) : base.input();
        return RecordEncoder.forModel(base.model(), input, labels, rowsInFront, maxLength)
                .encode(side);
    }
}
