package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.OptimizerConfig;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a strategy trains in which step. */
class StrategiesTest {
    private static final Path MODELS = Shared.root().resolve("peft-tests/src/test/resources/golden/models");
    private static final int SIDE = 16;

    @TempDir
    Path dir;

    static Model open(String name) throws IOException {
        return Models.load(MODELS.resolve(name), LoadOptions.on(Backend.host()));
    }

    static List<Example> sentences(int count) {
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] ids = new int[3 + i % 5];
            int seed = i;
            Arrays.setAll(ids, j -> (seed + j * 3 + 7) % 60);
            all.add(PackedBatch.Sequence.classified(ids, i % 3));
        }
        return all;
    }

    static List<Example> images(int count) {
        return images(count, 3);
    }

    static List<Example> images(int count, int channels) {
        SplittableRandom random = new SplittableRandom(4);
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] values = new float[channels * SIDE * SIDE];
            for (int p = 0; p < values.length; p++) {
                values[p] = (float) random.nextGaussian(i % 3 - 1, 1);
            }
            all.add(new ImageBatch.Image(values, channels, SIDE, SIDE, new Targets.Classes(new int[] {i % 3})));
        }
        return all;
    }

    private static TrainingConfig.Builder config(double epochs, double rate) {
        return TrainingConfig.builder()
                .epochs(epochs)
                .batchSize(4)
                .learningRate(rate)
                .warmup(0)
                .schedule(Schedule.CONSTANT)
                .seed(3);
    }

    private static Map<String, float[]> values(Model model) {
        Map<String, float[]> all = new LinkedHashMap<>();
        model.tensorNames().forEach(n -> all.put(n, floats(model, n)));
        return all;
    }

    private static float[] floats(ModelSites model, String name) {
        try (var copy = model.weight(name).copy(model.backend().dtype())) {
            return copy.toFloats();
        }
    }

    private static Set<String> moved(Map<String, float[]> before, Map<String, float[]> after) {
        Set<String> names = new TreeSet<>();
        before.forEach((n, v) -> {
            if (!Arrays.equals(v, after.get(n))) {
                names.add(n);
            }
        });
        return names;
    }

    @ParameterizedTest
    @CsvSource({
        "bert, 2, bert.encoder.layer.1",
        "gpt2, 2, h.1",
        "resnet_small, 3, resnet.encoder.stages.1.layers.1",
        "efficientnet_small, 7, efficientnet.encoder.blocks.6",
        "vgg_small, 4, features.8"
    })
    void blocks_are_those_of_the_family(String name, int count, String last) throws IOException {
        try (Model model = open(name)) {
            List<String> blocks = model.blocks();
            assertEquals(count, blocks.size(), blocks::toString);
            assertTrue(blocks.get(count - 1).endsWith(last), blocks::toString);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"head", "last:1", "norms", "norms+head", "biases", "pattern:attention", "full"})
    void what_is_chosen_moves_and_the_rest_has_the_same_bits(String text) throws IOException {
        Strategy strategy = Strategy.parse(text);
        try (Model model = open("bert");
                BaseTuning tuning = strategy.inPlace(model)) {
            Map<String, float[]> before = values(model);
            new Trainer(model, tuning, config(1, 1e-2).build(), List.of())
                    .withStrategy(strategy)
                    .train(sentences(12), List.of());
            Set<String> expected = new TreeSet<>();
            for (String n : model.tensorNames()) {
                boolean head = n.startsWith("classifier.");
                boolean norm = n.contains("LayerNorm");
                boolean last = n.contains("layer.1.") || n.contains("pooler");
                boolean chosen =
                        switch (text) {
                            case "head" -> head;
                            case "last:1" -> head || last;
                            case "norms" -> norm;
                            case "norms+head" -> norm || head;
                            case "biases" -> n.endsWith(".bias");
                            case "pattern:attention" -> n.contains("attention");
                            default -> true;
                        };
                if (chosen) {
                    expected.add(n);
                }
            }
            assertEquals(expected, moved(before, values(model)));
        }
    }

    /** Records which tensors a step moves, and what stages are told. */
    private static final class Watch implements TrainingListener {
        private final Model model;
        private final Adapter adapter;
        private final List<Set<String>> moved = new ArrayList<>();
        private final List<String> stages = new ArrayList<>();
        private Map<String, float[]> last;

        Watch(Model model, Adapter adapter) {
            this.model = model;
            this.adapter = adapter;
            this.last = now();
        }

        private Map<String, float[]> now() {
            Map<String, float[]> all = new LinkedHashMap<>();
            adapter.parameters().forEach(p -> all.put(p.name(), p.value().toFloats()));
            return all;
        }

        @Override
        public void onStage(int number, int count, String text, long trained, long all) {
            stages.add(number + "/" + count + " " + text + " " + trained + "/" + all);
        }

        @Override
        public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
            Map<String, float[]> now = now();
            moved.add(StrategiesTest.moved(last, now));
            last = now;
            assertTrue(moved.size() == step && model.weights().count() > 0);
        }
    }

    @Test
    void a_stage_trains_its_tensors_in_its_steps() throws IOException {
        Strategy strategy = Strategy.parse("head@1>norms@1>last:1");
        try (Model model = open("bert");
                BaseTuning tuning = strategy.ofCopies(model)) {
            Map<String, float[]> base = values(model);
            Watch watch = new Watch(model, tuning);
            new Trainer(model, tuning, config(3, 1e-2).build(), List.of(watch))
                    .withStrategy(strategy)
                    .train(sentences(8), List.of());
            assertEquals(6, watch.moved.size());
            for (int step = 0; step < 6; step++) {
                for (String n : watch.moved.get(step)) {
                    boolean head = n.startsWith("classifier.");
                    boolean last = n.contains("layer.1.") || n.contains("pooler");
                    boolean allowed = step < 2 ? head : step < 4 ? n.contains("LayerNorm") : head || last;
                    assertTrue(allowed, "step " + step + ": " + n);
                }
            }
            assertEquals(Set.of("classifier.weight", "classifier.bias"), watch.moved.get(0));
            assertEquals(10, watch.moved.get(2).size(), "weights and biases of 5 norms");
            assertEquals(20, watch.moved.get(5).size(), "16 of the block, 2 of the pooler, 2 of the head");
            assertEquals(3, watch.stages.size());
            assertTrue(watch.stages.get(0).startsWith("1/3 head "), watch.stages::toString);
            assertEquals(Set.of(), moved(base, values(model)), "the base stays");
            assertTrue(tuning.parameters().stream().allMatch(Parameter::isTrainable), "as before the run");
            try (MergedAdapter merged = MergedAdapter.of(model, List.of(tuning))) {
                assertEquals(tuning.parameters().size(), merged.tensors().size());
            }
        }
    }

    @Test
    void gradual_unfreezing_opens_a_block_each_epoch() throws IOException {
        Strategy strategy = Strategy.parse("gradual");
        try (Model model = open("bert");
                BaseTuning tuning = strategy.ofCopies(model)) {
            Watch watch = new Watch(model, tuning);
            new Trainer(model, tuning, config(5, 1e-2).build(), List.of(watch))
                    .withStrategy(strategy)
                    .train(sentences(4), List.of());
            List<Integer> counts = watch.moved.stream().map(Set::size).toList();
            assertEquals(List.of(2, 20, 36, 41, 41), counts);
            assertTrue(watch.stages.get(1).startsWith("1/1 gradual, last:1 "), watch.stages::toString);
        }
    }

    @Test
    void rates_fall_from_block_to_block() throws IOException {
        Strategy strategy = Strategy.parse("full,rate=0.5,decay=0.25");
        OptimizerConfig descent = new OptimizerConfig.GradientDescent(0);
        List<Map<String, float[]>> changes = new ArrayList<>();
        for (Strategy s : List.of(Strategy.parse("full"), strategy)) {
            try (Model model = open("bert");
                    BaseTuning tuning = s.ofCopies(model)) {
                Map<String, float[]> change = new LinkedHashMap<>();
                new Trainer(
                                model,
                                tuning,
                                config(1, 0.1)
                                        .optimizer(descent)
                                        .maxGradNorm(0)
                                        .batchSize(8)
                                        .build(),
                                List.of())
                        .withStrategy(s)
                        .train(sentences(8), List.of());
                for (Parameter p : tuning.parameters()) {
                    float[] now = p.value().toFloats();
                    float[] before = floats(model, p.name());
                    for (int i = 0; i < now.length; i++) {
                        now[i] -= before[i];
                    }
                    change.put(p.name(), now);
                }
                changes.add(change);
            }
        }
        Map<String, Double> factors = Map.of(
                "classifier.weight", 0.5,
                "bert.pooler.dense.weight", 0.5,
                "bert.encoder.layer.1.output.dense.weight", 0.125,
                "bert.encoder.layer.0.output.dense.weight", 0.03125,
                "bert.embeddings.position_embeddings.weight", 0.0078125);
        factors.forEach((name, factor) -> {
            float[] whole = changes.get(0).get(name);
            float[] part = changes.get(1).get(name);
            for (int i = 0; i < whole.length; i++) {
                assertEquals(factor * whole[i], part[i], 2e-7, name);
            }
        });
        assertFalse(changes.get(0).get("bert.embeddings.position_embeddings.weight")[0] == 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5})
    void a_run_that_goes_on_in_a_stage_or_between_two_has_the_same_bits(int stop) throws IOException {
        Strategy strategy = Strategy.parse("head@1>last:1@1,decay=0.5>full");
        List<float[]> expected = run(strategy, "bert", sentences(8), 0);
        List<float[]> found = run(strategy, "bert", sentences(8), stop);
        TrainingRunTest.assertSame(expected, found);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void running_statistics_go_on_with_a_run(int stop) throws IOException {
        Strategy strategy = Strategy.parse("bn-stats@1>last:1,statistics=batch");
        List<float[]> expected = run(strategy, "resnet_small", images(12), 0);
        TrainingRunTest.assertSame(expected, run(strategy, "resnet_small", images(12), stop));
    }

    /** The values that a run ends with, which is stopped and goes on if the step is not 0. */
    private List<float[]> run(Strategy strategy, String name, List<Example> records, int stop) throws IOException {
        Path state = dir.resolve(name + stop + ".safetensors");
        TrainingConfig config = config(3, 1e-2).build();
        Map<String, float[]> kept = new LinkedHashMap<>();
        for (int part = stop == 0 ? 1 : 0; part < 2; part++) {
            try (Model model = open(name);
                    BaseTuning tuning = strategy.ofCopies(model)) {
                Trainer[] running = new Trainer[1];
                TrainingListener stopper =
                        part == 0 ? TrainingRunTest.atStep(stop, () -> running[0].stop()) : new TrainingListener() {};
                Trainer trainer = new Trainer(model, tuning, config, List.of(stopper)).withStrategy(strategy);
                running[0] = trainer;
                if (stop > 0) {
                    Checkpoints where = new Checkpoints(state, 0, Duration.ZERO);
                    trainer = part == 0 ? trainer.keepState(where) : trainer.resume(where);
                }
                trainer.train(records, List.of());
                tuning.parameters().forEach(p -> kept.put(p.name(), p.value().toFloats()));
            }
        }
        return List.copyOf(kept.values());
    }

    @Test
    void another_strategy_is_another_run() throws IOException {
        Path state = dir.resolve("state.safetensors");
        Strategy first = Strategy.parse("head@1>full");
        Strategy second = Strategy.parse("head@2>full");
        try (Model model = open("bert");
                BaseTuning tuning = first.ofCopies(model)) {
            TrainingConfig config = config(3, 1e-2).build();
            new Trainer(model, tuning, config, List.of())
                    .withStrategy(first)
                    .keepState(state)
                    .train(sentences(8), List.of());
            Trainer other = new Trainer(model, tuning, config, List.of())
                    .withStrategy(second)
                    .resume(state);
            String message = assertThrows(BadInputException.class, () -> other.train(sentences(8), List.of()))
                    .getMessage();
            assertTrue(message.contains("strategy head@2>full"), message);
        }
    }

    @Test
    void statistics_become_those_of_all_batches() throws IOException {
        Strategy strategy = Strategy.parse("bn-stats");
        try (Model model = open("resnet_small");
                BaseTuning tuning = strategy.ofCopies(model)) {
            Map<String, float[]> base = values(model);
            List<Example> records = images(12);
            // equal batches of all images, however often they are read, have their mean as the mean of all
            TrainingConfig config = config(3, 1e-2).batchSize(12).build();
            new Trainer(model, tuning, config, List.of()).withStrategy(strategy).train(records, List.of());
            List<float[]> thrice = TrainingRunTest.values(tuning);
            assertEquals(Set.of(), moved(base, values(model)));
            assertEquals(model.statistics().size(), tuning.parameters().size());
            try (BaseTuning once = strategy.ofCopies(model)) {
                new Trainer(model, once, config.toBuilder().epochs(1).build(), List.of())
                        .withStrategy(strategy)
                        .train(records, List.of());
                for (int i = 0; i < thrice.size(); i++) {
                    assertArrayEquals(TrainingRunTest.values(once).get(i), thrice.get(i), 1e-5f);
                    String name = once.parameters().get(i).name();
                    assertFalse(Arrays.equals(base.get(name), thrice.get(i)), name);
                }
            }
        }
    }

    @Test
    void norms_of_parts_that_rest_keep_their_statistics() throws IOException {
        Strategy strategy = Strategy.parse("last:1,statistics=batch");
        try (Model model = open("resnet_small");
                BaseTuning tuning = strategy.ofCopies(model)) {
            new Trainer(model, tuning, config(1, 1e-2).build(), List.of())
                    .withStrategy(strategy)
                    .train(images(8), List.of());
            for (Parameter p : tuning.parameters()) {
                boolean last = p.name().startsWith("resnet.encoder.stages.1.layers.1.")
                        || p.name().startsWith("classifier.");
                assertEquals(
                        last, !Arrays.equals(floats(model, p.name()), p.value().toFloats()), p.name());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bert | last:3 | has 2 blocks",
                "bert | pattern:atention | Did you mean attention?",
                "bert | bn-stats | no norms that take any",
                "bert | full,statistics=batch | no norms that take any",
                "llama_tied | head | tied to the embedding",
                "bert | head@4>full | the run has 6 steps",
                "bert | head@3>full | the run has 6 steps",
                "bert | head@0.4>norms@0.05>full | has no step"
            })
    void what_a_model_or_a_run_does_not_have_is_told(String name, String text, String expected) throws IOException {
        Strategy strategy = Strategy.parse(text);
        try (Model model = open(name)) {
            String message = assertThrows(BadInputException.class, () -> {
                        try (BaseTuning tuning = strategy.ofCopies(model)) {
                            new Trainer(model, tuning, config(3, 1e-2).build(), List.of())
                                    .withStrategy(strategy)
                                    .train(sentences(8), List.of());
                        }
                    })
                    .getMessage();
            assertTrue(message.contains(expected), message);
        }
    }

    @Test
    void a_strategy_trains_base_tensors_alone() throws IOException {
        Strategy strategy = Strategy.parse("full");
        try (Model model = open("bert");
                Adapter lora = TrainingRunTest.create(LoraConfig.of(2, 4), model);
                BaseTuning head = Strategy.parse("head").ofCopies(model)) {
            TrainingConfig config = config(1, 1e-2).build();
            Trainer other = new Trainer(model, lora, config, List.of());
            String message = assertThrows(BadInputException.class, () -> other.withStrategy(strategy))
                    .getMessage();
            assertTrue(message.contains("LORA"), message);
            Trainer less = new Trainer(model, head, config, List.of()).withStrategy(strategy);
            message = assertThrows(BadInputException.class, () -> less.train(sentences(8), List.of()))
                    .getMessage();
            assertTrue(message.contains("Strategy.inPlace") || message.contains("inPlace or ofCopies"), message);
        }
    }
}
