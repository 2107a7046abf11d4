package dev.peft4j.tests;

import static dev.peft4j.tests.StrategiesTest.images;
import static dev.peft4j.tests.StrategiesTest.sentences;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.OptimizerConfig;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** New heads of several layers, and of the mean of the tokens: trained, written, opened again, and by Python. Their numbers are in {@link ModelGoldenTest}. */
class NewHeadTest {
    private static final int OUTPUTS = 4; // the checkpoints have heads of others, or none
    private static final double SAME = 1e-6;
    private static final double IN_PEFT = 1e-5;
    private static final TrainingConfig CONFIG = TrainingConfig.builder()
            .epochs(3)
            .batchSize(4)
            .learningRate(2e-2)
            .seed(1)
            .build();
    private static final Map<String, Object> NO_DROPOUT =
            Map.of("hidden_dropout_prob", 0.0, "attention_probs_dropout_prob", 0.0, "classifier_dropout", 0.0);

    @TempDir
    Path dir;

    /** Layers with a bar between them, and whether the mean is read. */
    private static NewHead head(String text) {
        String numbers = text.replace("mean", "").strip();
        List<Integer> layers = new ArrayList<>();
        for (String n : numbers.isEmpty() ? new String[0] : numbers.split("\\|")) {
            layers.add(Integer.parseInt(n.strip()));
        }
        return new NewHead(layers, text.contains("mean"));
    }

    private static LoadOptions options(Path directory) throws IOException {
        boolean images = ModelInfo.read(directory).task() == TaskType.IMAGE_CLS;
        return LoadOptions.on(Backend.host()).withTask(images ? TaskType.IMAGE_CLS : TaskType.SEQ_CLS);
    }

    private static Model open(Path directory, NewHead head) throws IOException {
        return Models.load(
                directory, options(directory).withOutputs(OUTPUTS).withSeed(3).withNewHead(head));
    }

    private static List<Example> records(Model model, int count) throws IOException {
        if (model.taskType() != TaskType.IMAGE_CLS) {
            return sentences(count).stream().map(e -> known(model, e)).toList();
        }
        return model.modelType().equals("vit")
                ? List.copyOf(TaskBatches.images(model, count, 15, 12).images())
                : images(count, model.modelType().equals("vgg") ? 2 : 3);
    }

    /** With tokens that the vocabulary has. */
    private static Example known(Model model, Example example) {
        int[] ids = ((PackedBatch.Sequence) example).ids().clone();
        Arrays.setAll(ids, i -> 5 + ids[i] % (model.vocabularySize() - 5));
        return PackedBatch.Sequence.classified(ids, ids[0] % OUTPUTS);
    }

    private static float[] logits(Model model, List<Adapter> adapters, Batch batch) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), batch).value().toFloats();
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "bert,6|5",
        "bert,mean",
        "bert,6 mean",
        "roberta_small,5",
        "roberta_small,5 mean",
        "electra_small,mean",
        "distilbert_small,5 mean",
        "deberta_small,mean",
        "modernbert_small,5",
        "modernbert_small,5 mean",
        "gpt2,5|4",
        "llama,5",
        "resnet_small,7",
        "resnet_cifar_small,7|3",
        "vgg_small,5",
        "efficientnet_small,5",
        "vit_small,5",
        "vit_small,mean"
    })
    void a_model_and_an_adapter_are_opened_again_without_saying_it(String name, String text) throws IOException {
        Path base = Methods.MODELS.resolve(name);
        NewHead form = head(text);
        Path whole = dir.resolve("whole");
        Path saved = dir.resolve("adapter");
        Batch batch;
        float[] ofModel;
        float[] ofAdapter;
        try (Model model = open(base, form)) {
            List<Example> records = records(model, 9);
            batch = Batch.of(records.subList(0, 5));
            try (BaseTuning tuning = Strategy.parse("full").ofCopies(model)) {
                new Trainer(model, tuning, CONFIG, List.of()).train(records, List.of());
                ofModel = logits(model, List.of(tuning), batch);
                try (MergedAdapter merged = MergedAdapter.of(model, List.of(tuning))) {
                    MergedModel.write(whole, model, merged);
                }
            }
            try (Adapter adapter = new LoraMethod().create(lora(name), model, 5)) {
                List<String> trained = adapter.parameters().stream()
                        .filter(Parameter::isTrainable)
                        .map(Parameter::name)
                        .toList();
                assertTrue(trained.containsAll(tensorsOfHead(model, form)), trained.toString());
                new Trainer(model, adapter, CONFIG, List.of()).train(records, List.of());
                ofAdapter = logits(model, List.of(adapter), batch);
                Labels labels =
                        new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, OUTPUTS, List.of("a", "b", "c", "d"));
                AdapterFiles.save(
                        saved,
                        model,
                        adapter,
                        Classes.notes(labels, model.head().fields()));
            }
        }
        ModelInfo written = ModelInfo.read(whole);
        assertEquals(OUTPUTS, written.head());
        assertEquals(form, written.form());
        try (Model model = Models.load(whole, options(whole))) {
            assertEquals(List.of(), model.newModules());
            assertArrayEquals(ofModel, logits(model, List.of(), batch), (float) SAME);
        }
        ModelInfo info = ModelInfo.read(base, options(base).task(), List.of(saved));
        assertEquals(OUTPUTS, Classes.outputs(info, 0, List.of(saved)));
        assertEquals(form, info.newHead(null, List.of(saved)));
        assertEquals(
                List.of("a", "b", "c", "d"), Classes.known(info, List.of(saved)).names());
        try (Model model = open(base, form);
                Adapter adapter = AdapterFiles.load(saved, model)) {
            assertArrayEquals(ofAdapter, logits(model, List.of(adapter), batch), (float) SAME);
        }
    }

    private static LoraConfig lora(String name) {
        String target =
                switch (name) {
                    case "resnet_small" -> "0.convolution";
                    case "resnet_cifar_small" -> "conv1";
                    case "vgg_small" -> "features.3";
                    default -> "";
                };
        LoraConfig config = LoraConfig.of(2, 4);
        return target.isEmpty() ? config : config.withTarget(TargetModules.of(target));
    }

    private static String module(Model model) {
        return Objects.requireNonNull(model.traits().head(model.taskType())).module();
    }

    private static List<String> tensorsOfHead(Model model, NewHead form) {
        String module = module(model);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < form.layers().size(); i++) {
            names.add(module + "." + 2 * i + ".weight");
            names.add(module + "." + 2 * i + ".bias");
        }
        names.add(
                module + (form.layers().isEmpty() ? "" : "." + 2 * form.layers().size()) + ".weight");
        return names;
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"bert,6|5", "bert,mean", "bert,6 mean", "resnet_small,7|3", "vit_small,5 mean"})
    void cached_features_train_the_head_that_the_base_in_each_step_does(String name, String text) throws IOException {
        Path base =
                name.equals("bert") ? TinyModels.bert(dir.resolve("bert"), NO_DROPOUT) : Methods.MODELS.resolve(name);
        NewHead form = head(text);
        Path cache = dir.resolve("cache");
        try (Model model = open(base, form)) {
            List<Example> records = records(model, 13);
            Map<String, float[]> expected = train(model, "head", records, null);
            Map<String, float[]> found = train(model, "cached-head", records, cache);
            assertEquals(expected.keySet(), found.keySet());
            assertTrue(
                    found.keySet().containsAll(tensorsOfHead(model, form)),
                    found.keySet().toString());
            expected.forEach((n, v) -> {
                assertArrayEquals(v, found.get(n), (float) SAME, n);
                try (Tensor before = model.weight(n).copy(DType.F32)) {
                    assertFalse(Arrays.equals(before.toFloats(), v), n + " is trained");
                }
            });
            try (SafetensorsFile file = SafetensorsFile.open(cache.resolve("train.safetensors"))) {
                assertEquals(13, file.tensors().get("features").rows());
                assertTrue(
                        file.metadata().get("layer").startsWith(module(model)),
                        file.metadata().toString());
            }
        }
        NewHead another =
                form.isMean() && !form.layers().isEmpty() ? new NewHead(form.layers(), false) : NewHead.ofLayers(9);
        try (Model other = open(base, another)) {
            String message = assertThrows(
                            UncheckedIOException.class, () -> train(other, "cached-head", records(other, 13), cache))
                    .getMessage();
            assertTrue(message.contains("Delete the file"), message);
        }
    }

    private static Map<String, float[]> train(Model model, String strategy, List<Example> records, @Nullable Path cache)
            throws IOException {
        Strategy parsed = Strategy.parse(strategy);
        try (BaseTuning tuning = parsed.ofCopies(model)) {
            TrainingConfig config = CONFIG.toBuilder()
                    .optimizer(new OptimizerConfig.GradientDescent(0.9)) // AdamW would make steps of rounding errors
                    .build();
            Trainer trainer = new Trainer(model, tuning, config, List.of()).withStrategy(parsed);
            (cache == null ? trainer : trainer.keepFeatures(cache)).train(records, List.of());
            Map<String, float[]> values = new TreeMap<>();
            tuning.parameters().forEach(p -> values.put(p.name(), p.value().toFloats()));
            return values;
        }
    }

    @Test
    void rates_that_fall_block_by_block_leave_all_layers_of_the_head_as_they_are() throws IOException {
        Path base = TinyModels.bert(dir.resolve("bert"), NO_DROPOUT);
        TrainingConfig step = TrainingConfig.of(1, 8, 1e4).toBuilder() // gradients of new layers are small
                .optimizer(new OptimizerConfig.GradientDescent(0))
                .maxGradNorm(0)
                .schedule(Schedule.CONSTANT)
                .warmup(0)
                .build();
        List<Map<String, double[]>> moved = new ArrayList<>();
        for (String text : List.of("full", "full,decay=0.5")) {
            Strategy strategy = Strategy.parse(text);
            try (Model model = open(base, NewHead.ofLayers(6, 5));
                    BaseTuning tuning = strategy.ofCopies(model)) {
                Map<String, double[]> before = new TreeMap<>();
                tuning.parameters().forEach(p -> before.put(p.name(), p.value().toDoubles()));
                new Trainer(model, tuning, step, List.of())
                        .withStrategy(strategy)
                        .train(records(model, 7), List.of()); // of classes that are not balanced
                tuning.parameters().forEach(p -> {
                    double[] from = before.get(p.name());
                    double[] to = p.value().toDoubles();
                    Arrays.setAll(from, i -> to[i] - from[i]);
                });
                moved.add(before);
            }
        }
        Set<Double> compared = new TreeSet<>();
        moved.get(0).forEach((name, full) -> {
            boolean isHead = name.startsWith("classifier.");
            double share = isHead ? 1 : name.contains("layer.1.") ? 0.5 : name.contains("layer.0.") ? 0.25 : Double.NaN;
            double most = Arrays.stream(full).map(Math::abs).max().orElse(0);
            assertTrue(!isHead || most > 1e-2, name + " " + most);
            for (int i = 0; most > 1e-2 && !Double.isNaN(share) && i < full.length; i++) { // else it is rounding
                assertEquals(share * full[i], moved.get(1).get(name)[i], 1e-4 * most, name);
                compared.add(share);
            }
        });
        assertEquals(Set.of(0.25, 0.5, 1.0), compared);
    }

    /** {@code model.classifier = nn.Sequential(...)} in transformers and PEFT, with what was written here. */
    @Test
    void python_opens_what_it_sets_itself() throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<String> lines = new ArrayList<>(written("bert", NewHead.ofLayers(6, 5)));
        lines.addAll(written("resnet_small", NewHead.ofLayers(7)));
        lines.addAll(written("vit_small", NewHead.ofLayers(6)));
        lines.addAll(written("roberta_small", NewHead.ofLayers(6)).subList(1, 2)); // PEFT saves no part of a head
        checker.check(dir, lines);
    }

    private List<String> written(String name, NewHead form) throws IOException {
        Path base = Methods.MODELS.resolve(name);
        Path whole = dir.resolve(name + "-whole");
        Path saved = dir.resolve(name + "-adapter");
        try (Model model = open(base, form);
                Adapter adapter = new LoraMethod().create(lora(name), model, 5)) {
            List<Example> records = records(model, 9);
            Batch batch = Batch.of(records.subList(0, 5));
            new Trainer(model, adapter, CONFIG, List.of()).train(records, List.of());
            AdapterFiles.save(saved, model, adapter);
            MergedModel.write(whole, model, adapter);
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("head", module(model));
            line.put("head_layers", form.layers());
            line.put("head_outputs", OUTPUTS);
            line.put("tol", IN_PEFT);
            line.put("logits", logitsFile(name, logits(model, List.of(adapter), batch)));
            line.putAll(inputs(name, records.subList(0, 5)));
            line.put("model", base.toAbsolutePath().toString());
            line.put("adapter", saved.toString());
            String ofAdapter = Json.printLine(line);
            line.remove("adapter");
            line.put("model", whole.toString());
            return List.of(ofAdapter, Json.printLine(line));
        }
    }

    private String logitsFile(String name, float... rows) throws IOException {
        Path file = dir.resolve(name + "-logits.safetensors");
        SafetensorsWriter writer = new SafetensorsWriter();
        try (Tensor all = Tensor.of(DType.F32, rows.length / OUTPUTS, OUTPUTS, rows)) {
            for (int i = 0; i < all.rows(); i++) {
                writer.add("logits." + i, all.rows(i, 1), OUTPUTS);
            }
            writer.write(file);
        }
        return file.toString();
    }

    /** A file of pixels, or a case with tokens. */
    private Map<String, Object> inputs(String name, List<Example> records) throws IOException {
        Path file = dir.resolve(name + "-inputs");
        if (records.get(0) instanceof PackedBatch.Sequence) {
            List<int[]> ids =
                    records.stream().map(e -> ((PackedBatch.Sequence) e).ids()).toList();
            Files.writeString(file, Json.print(Map.of("task", "seq_cls", "inputs", ids)));
            return Map.of("case", file.toString());
        }
        PeftImagesTest.writePixels(
                file, records.stream().map(ImageBatch.Image.class::cast).toList());
        return Map.of("pixels", file.toString());
    }

    private static void refused(String part, Executable what) {
        String message = assertThrows(BadInputException.class, what).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void forms_that_cannot_be_made_are_refused() {
        refused("from 1 to 65536", () -> NewHead.ofLayers(5, 0));
        refused("from 1 to 65536", () -> NewHead.ofLayers(65_537));
        refused("at most 8", () -> NewHead.ofLayers(1, 1, 1, 1, 1, 1, 1, 1, 1));
        assertEquals(8, NewHead.ofLayers(1, 1, 1, 1, 1, 1, 1, 1).layers().size());
        Path bert = Methods.MODELS.resolve("bert");
        refused("elements", () -> open(bert, NewHead.ofLayers(65_536, 65_536)));
        refused("reads the last token", () -> open(Methods.MODELS.resolve("gpt2"), NewHead.ofMean()));
        refused("already", () -> open(Methods.MODELS.resolve("resnet_small"), NewHead.ofMean()));
        LoadOptions options = LoadOptions.on(Backend.host()).withNewHead(NewHead.ofLayers(4));
        for (TaskType task : List.of(TaskType.TOKEN_CLS, TaskType.QUESTION_ANS, TaskType.FEATURE_EXTRACTION)) {
            refused("only classifiers of whole texts", () -> Models.load(bert, options.withTask(task)));
        }
        refused("only classifiers of whole texts", () -> Models.load(Methods.MODELS.resolve("gpt2"), options));
    }

    @Test
    void a_head_that_is_there_is_not_replaced_by_one_of_as_many_outputs() throws IOException {
        Path bert = Methods.MODELS.resolve("bert");
        int outputs = ModelInfo.read(bert).head();
        LoadOptions options = options(bert).withNewHead(NewHead.ofLayers(4));
        refused("a head of its own, classifier with " + outputs, () -> Models.load(bert, options));
        refused("a head of its own", () -> Models.load(bert, options.withNewHead(NewHead.ofMean())));
        Path whole = dir.resolve("whole");
        try (Model model = open(bert, NewHead.ofLayers(4));
                Adapter none = Strategy.parse("head").ofCopies(model)) {
            MergedModel.write(whole, model, none);
        }
        refused("a head of its own, classifier.2", () -> open(whole, NewHead.ofLayers(5)));
        try (Model same = open(whole, NewHead.ofLayers(4));
                Model other = Models.load(whole, options.withOutputs(7).withNewHead(NewHead.ofLayers(5, 3)))) {
            assertEquals(List.of(), same.newModules());
            assertEquals(List.of("classifier.0", "classifier.2", "classifier.4"), other.newModules());
        }
        edit(whole, "head_layers", null);
        refused("write \"head_layers\": [4] into", () -> open(whole, NewHead.ofLayers(4)));
        try (Model unguessed = Models.load(whole, options(whole).withOutputs(OUTPUTS))) {
            assertEquals(List.of("classifier"), unguessed.newModules());
        }
    }

    private static void edit(Path directory, String field, @Nullable Object value) throws IOException {
        Path file = directory.resolve("config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.read(file));
        config.remove(field);
        if (value != null) {
            config.put(field, value);
        }
        Files.writeString(file, Json.print(config));
    }

    @Test
    void configs_that_say_something_else_are_refused() throws IOException {
        Path bert = TinyModels.bert(dir.resolve("bert"));
        for (Object wrong : List.of(4, "x", List.of(0), List.of(1.5), List.of("a"), List.of(70_000))) {
            edit(bert, "head_layers", wrong);
            String message = assertThrows(BadFileException.class, () -> Models.load(bert, options(bert)))
                    .getMessage();
            assertTrue(message.contains("head_layers") && message.contains("Correct config.json"), message);
            assertThrows(BadFileException.class, () -> ModelInfo.read(bert, TaskType.SEQ_CLS));
        }
        edit(bert, "head_layers", List.of(65_536, 65_536));
        String large = assertThrows(BadFileException.class, () -> Models.load(bert, LoadOptions.on(Backend.host())))
                .getMessage();
        assertTrue(large.contains("more elements than the whole checkpoint"), large);
        edit(bert, "head_layers", null);
        edit(bert, "classifier_pooling", "max");
        assertThrows(BadFileException.class, () -> Models.load(bert, LoadOptions.on(Backend.host())));
    }

    @Test
    void adapters_have_heads_of_one_form() throws IOException {
        Path bert = Methods.MODELS.resolve("bert");
        List<Path> saved = new ArrayList<>();
        for (NewHead form : List.of(NewHead.ofLayers(4), NewHead.ofLayers(4).withMean())) {
            saved.add(dir.resolve("adapter" + saved.size()));
            try (Model model = open(bert, form);
                    Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 4), model, 5)) {
                Labels labels = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, OUTPUTS, List.of());
                AdapterFiles.save(
                        saved.get(saved.size() - 1),
                        model,
                        adapter,
                        Classes.notes(labels, model.head().fields()));
            }
        }
        ModelInfo info = ModelInfo.read(bert);
        refused("another form of the head", () -> info.newHead(null, saved));
        refused("has a head already", () -> info.newHead(NewHead.ofLayers(4), saved.subList(0, 1)));
        try (Model model = open(bert, NewHead.ofLayers(4));
                Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 4), model, 5)) {
            Path hostile = dir.resolve("hostile");
            AdapterFiles.save(hostile, model, adapter, Map.of("head_layers", "[0]"));
            assertThrows(BadFileException.class, () -> info.newHead(null, List.of(hostile)));
        }
    }
}
