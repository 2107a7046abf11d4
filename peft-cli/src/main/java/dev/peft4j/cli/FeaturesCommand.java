package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.FeatureReader;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageInput;
import dev.peft4j.models.image.ImageRecord;
import dev.peft4j.run.RunDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes what a layer makes of texts or images. */
@Command(
        name = "features",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Writes what a layer of a model makes of the texts or images of a data file.",
        footer = {
            "",
            "Examples:",
            "  peft4j features --model BERT --data texts.jsonl --layer bert.encoder.layer.5 --out features.safetensors",
            "  peft4j features --model BERT --data train.tsv --columns sentence,label --text-column sentence \\",
            "      --layer bert.pooler.dense --rows first --out features.jsonl"
        })
final class FeaturesCommand implements Callable<Integer> {
    private static final String SAFETENSORS = ".safetensors";
    private static final String JSONL = ".jsonl";

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description =
                    "texts: .jsonl, .csv or .tsv, also .gz, or .parquet; images: a folder, a table, or a file of CIFAR or MNIST")
    Path data = Path.of("");

    @Option(names = "--limit", paramLabel = "N", description = "read the first N records only")
    int limit;

    @Option(
            names = "--layer",
            required = true,
            paramLabel = "NAME",
            description = "name of a linear layer, norm, convolution, table or block, whose output is written")
    String layer = "";

    @Option(
            names = "--rows",
            paramLabel = "KIND",
            description =
                    "of the tokens of a text, or the pixels of an image: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    Kind kind = Kind.MEAN;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description =
                    "features.safetensors: a tensor (texts, columns), of all rows (rows, columns) and a second one with the"
                            + " number of rows of each text; or features.jsonl: a line for each text")
    Path out = Path.of("");

    @Mixin
    DataOptions dataOptions = new DataOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    /** Which rows are written. */
    enum Kind {
        MEAN,
        FIRST,
        ALL;

        FeatureReader.Rows rows() {
            return switch (this) {
                case MEAN -> FeatureReader.Rows.MEAN;
                case FIRST -> FeatureReader.Rows.FIRST;
                case ALL -> FeatureReader.Rows.ALL;
            };
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        Given given = new Given(spec);
        for (String option : List.of("--label-column", "--prompt-column", "--separator", "--shuffle")) {
            given.refuse(option, true, "features, which are of single texts in the order of the file");
        }
        String name = String.valueOf(out.getFileName());
        if (!name.endsWith(SAFETENSORS) && !name.endsWith(JSONL)) {
            throw new BadInputException("--out " + out + " was given, whose name says no form. End it with "
                    + SAFETENSORS + " or " + JSONL + ".");
        }
        RunDirectory.requireApart(List.of(out), List.of(data));
        ModelInfo info = modelOptions.info(List.of());
        TaskType task = info.task();
        dataOptions.check(given, info, List.of(data));
        given.refuse("--augment", true, "features, which are of images as they are");
        boolean images = task == TaskType.IMAGE_CLS;
        List<TextRecord> records = dataOptions.read(data, limit, images ? task : TaskType.MASKED_LM);
        try (Model model = modelOptions.open(List.of());
                ModelInput input = ModelInput.open(modelOptions.directory(), model)) {
            List<Example> examples = images ? images(records, input) : texts(records, model, input);
            List<FeatureBatch.Features> made = FeatureReader.ofOutput(model, List.<Adapter>of(), layer, kind.rows())
                    .read(examples);
            if (name.endsWith(SAFETENSORS)) {
                writeTensors(made, records);
            } else {
                writeLines(made, records);
            }
            console.printf(
                    "%s: %s of %,d %s, %,d columns%n",
                    out,
                    layer,
                    made.size(),
                    images ? "images" : "texts",
                    made.get(0).width());
        }
        return 0;
    }

    private List<Example> texts(List<TextRecord> records, Model model, ModelInput input) {
        TextTokenizer tokenizer = input.tokenizer("texts were given");
        int most = RecordEncoder.forModel(model, input, Labels.none(), 0, dataOptions.maxLength)
                .maxLength();
        List<Example> examples = new ArrayList<>();
        for (TextRecord text : records) {
            examples.add(PackedBatch.Sequence.of(tokenizer.encode(text.text(), true, most)));
        }
        return examples;
    }

    private static List<Example> images(List<TextRecord> records, ModelInput input) {
        List<Example> examples = new ArrayList<>();
        for (TextRecord record : records) {
            if (record.image() instanceof ImageRecord image) {
                examples.add(image.example(null, ImageInput.of(input).preprocessing(), Augmentation.none()));
            }
        }
        return examples;
    }

    private void writeTensors(List<FeatureBatch.Features> made, List<TextRecord> records) throws IOException {
        FeatureBatch all = FeatureBatch.of(made);
        SafetensorsWriter writer =
                new SafetensorsWriter().metadata("format", "pt").metadata("layer", layer);
        if (records.get(0).image() != null) {
            writer.metadata(
                    "images",
                    Json.printLine(Map.of(
                            "images", records.stream().map(TextRecord::text).toList())));
        }
        try (Tensor rows = Tensor.allocate(DType.F32, all.length(), all.width());
                Tensor counts = Tensor.allocate(DType.F32, 1, made.size())) {
            all.writeTo(rows);
            writer.add("features", rows, rows.rows(), rows.cols());
            if (kind == Kind.ALL) {
                float[] each = new float[made.size()];
                for (int i = 0; i < each.length; i++) {
                    each[i] = made.get(i).length();
                }
                counts.set(each);
                writer.add("rows", counts, made.size());
            }
            writer.write(out);
        }
    }

    private void writeLines(List<FeatureBatch.Features> made, List<TextRecord> records) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < made.size(); i++) {
            FeatureBatch.Features f = made.get(i);
            List<List<Float>> rows = new ArrayList<>();
            for (int r = 0; r < f.length(); r++) {
                float[] row = Arrays.copyOfRange(f.values(), r * f.width(), (r + 1) * f.width());
                List<Float> numbers = new ArrayList<>();
                for (float v : row) {
                    numbers.add(v);
                }
                rows.add(numbers);
            }
            Object value = kind == Kind.ALL ? rows : rows.get(0);
            Map<String, Object> line = new LinkedHashMap<>();
            if (records.get(i).image() != null) {
                line.put("image", records.get(i).text());
            }
            line.put("features", value);
            lines.append(Json.printLine(line)).append('\n');
        }
        AtomicFile.write(out, lines.toString());
    }
}
