package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.model.FeatureReader;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A head that is trained on what its lowest trained layer reads: the base computes that once for each record, without dropout. */
final class CachedHead {
    private static final String FEATURES = "features";
    private static final String CONTENT = "hash_of_the_features";

    private final Model model;
    private final String layer;
    private final Head head;
    private final Set<String> resting; // tensors that features may depend on
    private final @Nullable Path directory;

    /**
     * The head of a model.
     *
     * @param trained tensors of the head, in the order of the forward pass
     * @param directory in which features are kept; null for memory alone
     * @throws BadInputException if the head cannot be cut in front of its lowest trained layer
     */
    CachedHead(Model model, Set<String> trained, @Nullable Path directory) {
        this.model = model;
        this.directory = directory;
        String lowest = trained.iterator().next();
        layer = lowest.substring(0, lowest.lastIndexOf('.'));
        boolean linear =
                model.linearSites().stream().map(LinearSite::name).toList().contains(layer);
        Head rest = linear ? model.head().behind(layer) : null;
        if (rest == null) {
            throw new BadInputException("a head on cached features was asked for; that of a " + model.modelType()
                    + " model for " + model.taskType() + " cannot be cut in front of " + layer
                    + ", the first layer that is trained. Use the strategy head.");
        }
        head = rest;
        resting = new LinkedHashSet<>(model.tensorNames());
        resting.removeAll(trained);
    }

    /**
     * Refuses what features of the base would not know of: other adapters, and copies of other tensors.
     *
     * @param trained tensors of the head
     */
    static void requireFeaturesOfBase(List<Adapter> adapters, BaseTuning tuning, Set<String> trained) {
        if (adapters.size() > 1) {
            throw new BadInputException("a head on cached features was asked for with " + adapters.size()
                    + " active adapters; cached features are those of the base alone. Leave out the others, or the"
                    + " cache.");
        }
        List<String> copies = tuning.parameters().stream()
                .filter(p -> !p.isLent() && !trained.contains(p.name()))
                .map(Parameter::name)
                .toList();
        if (!copies.isEmpty()) {
            throw new BadInputException("a head on cached features was asked for with copies of " + copies.size()
                    + " other tensors, such as " + copies.get(0) + "; cached features are those of"
                    + " the base, whatever the copies hold. Use the strategy head, or train what the cached strategy"
                    + " makes.");
        }
    }

    /** The model of features. */
    Model model() {
        return new CachedModel(model, head);
    }

    /**
     * The features of records, from the directory if it has them.
     *
     * @param name of their file
     * @throws UncheckedIOException if the file is of another base, of other records or of another layer
     */
    List<FeatureBatch.Features> of(List<? extends Example> records, String name) {
        if (records.isEmpty()) {
            return List.of();
        }
        if (records.stream().anyMatch(CachedHead::isVaried)) {
            throw new BadInputException("cached features were asked for of records in which chance has a part; they"
                    + " would be the same in each epoch. Use the strategy head.");
        }
        FeatureReader reader = FeatureReader.ofInput(model, List.of(), layer);
        Path where = directory;
        if (where == null) {
            return reader.read(records);
        }
        try {
            Path file = where.resolve(name + ".safetensors");
            Map<String, String> identity = identity(records);
            if (Files.exists(file)) {
                return load(file, identity, records);
            }
            List<FeatureBatch.Features> made = reader.read(records);
            Files.createDirectories(where);
            save(file, identity, made);
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private static boolean isVaried(Example record) {
        return record instanceof VariedSequence || (record instanceof VariedImage image && image.isVaried());
    }

    /** What features depend on, by names. */
    private Map<String, String> identity(List<? extends Example> records) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("hash_of_the_base", Fingerprint.of(model, resting));
        all.put("hash_of_the_records", Fingerprint.of(records));
        Map<String, Object> form = model.head().fields();
        all.put("layer", layer + (form.isEmpty() ? "" : " of " + form));
        return all;
    }

    private static void save(Path file, Map<String, String> identity, List<FeatureBatch.Features> made)
            throws IOException {
        FeatureBatch all = FeatureBatch.of(made);
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        identity.forEach(writer::metadata);
        writer.metadata(CONTENT, Fingerprint.of(made));
        try (Tensor rows = Tensor.allocate(DType.F32, all.length(), all.width())) {
            all.writeTo(rows);
            writer.add(FEATURES, rows, rows.rows(), rows.cols()).write(file);
        }
    }

    private static List<FeatureBatch.Features> load(
            Path file, Map<String, String> identity, List<? extends Example> records) throws IOException {
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            for (Map.Entry<String, String> e : identity.entrySet()) {
                String there = in.metadata().getOrDefault(e.getKey(), "nothing");
                if (!there.equals(e.getValue())) {
                    throw new BadFileException(
                            file,
                            "features with the " + e.getKey().replace('_', ' ') + " " + e.getValue()
                                    + " were asked for, and these have " + there
                                    + ". Delete the file to compute them anew, or give another directory.");
                }
            }
            if (!in.tensors().containsKey(FEATURES)) {
                throw new BadFileException(
                        file, "features were expected and there are none. The file is damaged; delete it.");
            }
            List<FeatureBatch.Features> read;
            try (Tensor rows = in.load(FEATURES, DType.F32)) {
                read = split(file, rows, records);
            }
            if (!Fingerprint.of(read).equals(in.metadata().getOrDefault(CONTENT, ""))) {
                throw new BadFileException(
                        file, "features were expected as they were written, and these are others. Delete the file.");
            }
            return read;
        }
    }

    /** One row of each record, or one of each of its tokens. */
    private static List<FeatureBatch.Features> split(Path file, Tensor rows, List<? extends Example> records)
            throws BadFileException {
        boolean one = rows.rows() == records.size();
        int expected =
                one ? rows.rows() : records.stream().mapToInt(Example::length).sum();
        if (rows.rows() != expected) {
            throw new BadFileException(
                    file,
                    "features of " + records.size() + " records were expected, and there are " + rows.rows()
                            + " rows. The file is damaged; delete it.");
        }
        List<FeatureBatch.Features> all = new ArrayList<>();
        int at = 0;
        for (Example record : records) {
            int count = one ? 1 : record.length();
            all.add(new FeatureBatch.Features(rows.rows(at, count).toFloats(), rows.cols(), record.targets()));
            at += count;
        }
        return all;
    }
}
