package dev.peft4j.core.model;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.tensor.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a layer of a model makes of records: rows of a linear layer, a convolution, a norm, a table of tokens or a block, by the name of the module. */
public final class FeatureReader {
    private static final int BATCH_LENGTH = 2048; // tokens
    private static final int BATCH_IMAGES = 32;

    private final Model model;
    private final List<Adapter> adapters;
    private final String layer;
    private final Rows rows;
    private final boolean ofInput;

    /** Which rows of a record are read. */
    public enum Rows {
        /** The mean of all. */
        MEAN,
        /** The first: of a text its first token, of an image the pixel at its upper left. */
        FIRST,
        /** All. */
        ALL
    }

    private FeatureReader(Model model, List<Adapter> adapters, String layer, Rows rows, boolean ofInput) {
        this.model = model;
        this.adapters = List.copyOf(adapters);
        this.layer = layer;
        this.rows = rows;
        this.ofInput = ofInput;
        Set<String> known = layers(model);
        if (!known.contains(layer)) {
            throw new BadInputException("features of the layer " + layer + " were asked for; this "
                    + model.modelType() + " model has " + known.size() + " others."
                    + TargetModules.suggestion(layer, known) + " Name one of: " + some(known) + ".");
        }
    }

    /**
     * Reads the output of a layer.
     *
     * @param adapters that are active
     * @throws BadInputException if the model has no layer of that name
     */
    public static FeatureReader ofOutput(Model model, List<Adapter> adapters, String layer, Rows rows) {
        return new FeatureReader(model, adapters, layer, rows, false);
    }

    /** Reads what a layer reads, all rows of it. */
    public static FeatureReader ofInput(Model model, List<Adapter> adapters, String layer) {
        return new FeatureReader(model, adapters, layer, Rows.ALL, true);
    }

    /** Names of the layers and blocks of a model. */
    public static Set<String> layers(Model model) {
        Set<String> names = new LinkedHashSet<>();
        model.embeddingSites().forEach(s -> names.add(s.name()));
        names.addAll(model.blocks());
        model.convSites().forEach(s -> names.add(s.name()));
        model.normSites().forEach(s -> names.add(s.name()));
        model.linearSites().forEach(s -> names.add(s.name()));
        return names;
    }

    private static String some(Set<String> known) {
        int most = 8;
        List<String> names = List.copyOf(known);
        return String.join(", ", names.subList(0, Math.min(most, names.size()))) + (names.size() > most ? ", ..." : "");
    }

    /**
     * The features of records, in their order, with the targets of the records; without dropout.
     *
     * @throws BadInputException if the rows of the layer are not those of single records, or the layer does not run in this model
     */
    public List<FeatureBatch.Features> read(List<? extends Example> records) {
        List<FeatureBatch.Features> all = new ArrayList<>();
        try (Arena arena = new Arena(model.backend().dtype())) {
            int from = 0;
            while (from < records.size()) {
                StoppedException.ifInterrupted(() -> "features of " + records.size() + " records were to be computed");
                int to = Batch.end(records, from, 1, BATCH_LENGTH, BATCH_IMAGES);
                List<? extends Example> some = records.subList(from, to);
                read(some, arena, all);
                from = to;
            }
        }
        return all;
    }

    private void read(List<? extends Example> records, Arena arena, List<FeatureBatch.Features> to) {
        Found found = new Found();
        Batch batch = Batch.of(records);
        try (Pass pass = Pass.tapped(model.backend(), arena, found::layer)) {
            Call call = Call.of(pass, adapters);
            Layout layout = model.layout(call, batch);
            Head head = model.head();
            int[] read = head.rows(layout);
            Node hidden = model.hidden(call, batch, ofInput ? read : null);
            if (found.values == null) { // a layer of the head
                Node given = ofInput || read == null ? hidden : Functions.rows(pass, hidden, read);
                Head.Features features = head.features(layout.over(call, read), layout, given);
                head.logits(features.call(), features.rows());
            }
            found.addTo(to, records, layout);
        }
    }

    /** What a layer has told. */
    private final class Found {
        private float @Nullable [] values;
        private int count;

        void layer(String name, @Nullable Node input, Node output) {
            Node node = ofInput ? input : output;
            if (name.equals(layer) && values == null && node != null) { // the first time, where others use it too
                values = node.value().toFloats();
                count = node.value().rows();
            }
        }

        void addTo(List<FeatureBatch.Features> to, List<? extends Example> records, Layout layout) {
            float[] read = values;
            if (read == null) {
                throw new BadInputException("features of the layer " + layer
                        + " were asked for, which does not run when this model predicts. Name another one.");
            }
            int width = read.length / count;
            int[] starts = starts(layout);
            for (int i = 0; i < records.size(); i++) {
                float[] own = Arrays.copyOfRange(read, starts[i] * width, starts[i + 1] * width);
                Targets targets = records.get(i).targets();
                to.add(new FeatureBatch.Features(chosen(own, width), width, targets));
            }
        }

        private int[] starts(Layout layout) {
            int size = layout.size();
            if (count == layout.starts()[size]) {
                return layout.starts();
            }
            boolean even = count == size || (layout.batch() instanceof ImageBatch && count % size == 0);
            if (!even) {
                throw new BadInputException("features of the layer " + layer + " were asked for, which makes " + count
                        + " rows of " + size + " records with " + layout.starts()[size]
                        + " rows; they are not those of single records. Name another layer.");
            }
            int[] starts = new int[size + 1];
            Arrays.setAll(starts, i -> i * (count / size));
            return starts;
        }
    }

    private float[] chosen(float[] all, int width) {
        return switch (rows) {
            case ALL -> all;
            case FIRST -> Arrays.copyOf(all, width);
            case MEAN -> mean(all, width);
        };
    }

    private static float[] mean(float[] all, int width) {
        double[] sums = new double[width];
        for (int from = 0; from < all.length; from += width) {
            for (int c = 0; c < width; c++) {
                sums[c] += all[from + c];
            }
        }
        float[] means = new float[width];
        int count = all.length / width;
        for (int c = 0; c < width; c++) {
            means[c] = (float) (sums[c] / count);
        }
        return means;
    }
}
