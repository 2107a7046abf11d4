package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.MergeReport;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.core.weight.WeightFormat;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every method has to keep, on every family. The results are a table of {@code docs/METHODS.md}. */
@ExtendWith(SettledMemory.class)
class BehaviourMatrixTest {
    private static final String BEGIN = "<!-- behaviour matrix: written by BehaviourMatrixTest -->\n";
    private static final String END = "<!-- end of the behaviour matrix -->\n";
    private static final double CLOSE = 1e-5;
    private static final Backend EXACT = EmulatedEngine.without(
            Backend.host()); // where there are products of 16 bits, they round more than is allowed here
    private static final double MERGED = 1e-3; // largest difference of a logit, which are up to 10

    /** The behaviours, as columns of the table. */
    static final Map<String, Behaviour> BEHAVIOURS = new LinkedHashMap<>();

    private static final Map<String, Map<String, String>> RESULTS = new LinkedHashMap<>();

    static {
        BEHAVIOURS.put("identity at start", BehaviourMatrixTest::startsAtTheBase);
        BEHAVIOURS.put("effect", BehaviourMatrixTest::hasAnEffectAndLeavesTheBase);
        BEHAVIOURS.put("gradients", BehaviourMatrixTest::everyParameterGetsAGradientAndTheBaseKeepsItsBytes);
        BEHAVIOURS.put("merge", BehaviourMatrixTest::mergedEqualsAttachedAndUnmergingRestoresEveryBit);
        BEHAVIOURS.put("merged on disk", BehaviourMatrixTest::aMergedModelOnDiskEqualsTheAttachedAdapter);
        BEHAVIOURS.put("disable", BehaviourMatrixTest::disabledEqualsTheBase);
        BEHAVIOURS.put("save and load", BehaviourMatrixTest::comesBackFromDisk);
        BEHAVIOURS.put("two adapters", BehaviourMatrixTest::twoAdaptersDoNotInterfere);
        BEHAVIOURS.put("per sequence", BehaviourMatrixTest::eachSequenceHasItsOwn);
        BEHAVIOURS.put("generation", BehaviourMatrixTest::generatesWithAndWithoutACache);
        BEHAVIOURS.put("flat memory", BehaviourMatrixTest::memoryIsFlat);
    }

    interface Behaviour {
        void check(Model model, Methods.Method method, Path dir) throws IOException;
    }

    /** How the base is kept. */
    private enum Base {
        F32,
        BF16,
        BYTES;

        private WeightFormat format() {
            return switch (this) {
                case F32 -> WeightFormat.full();
                case BF16 -> WeightFormat.bf16();
                case BYTES -> ByteWeight::keep;
            };
        }

        Model open(String family) throws IOException {
            return Models.load(
                    Methods.MODELS.resolve(family), LoadOptions.on(EXACT).withFormat(format()));
        }
    }

    @TempDir
    Path dir;

    static Stream<Arguments> cells() {
        return Arrays.stream(Base.values())
                .flatMap(w -> Methods.FAMILIES.stream().flatMap(f -> Methods.all().stream()
                        .flatMap(m -> BEHAVIOURS.keySet().stream().map(b -> Arguments.of(w, f, m, b)))));
    }

    @ParameterizedTest(name = "{0} {1} {2}: {3}")
    @MethodSource("cells")
    void behaves(Base base, String family, Methods.Method method, String behaviour) throws IOException {
        Map<String, String> row = RESULTS.computeIfAbsent(method.name(), n -> new LinkedHashMap<>());
        String cell = base + ":" + family + ":" + behaviour;
        row.put(cell, "failed");
        if (!method.impossible(family).isEmpty() || isMeaningless(method, behaviour)) {
            if (!method.impossible(family).isEmpty()) {
                try (Model model = base.open(family)) {
                    assertThrows(IllegalArgumentException.class, () -> method.create(model, 1));
                }
            }
            row.put(cell, "-");
            return;
        }
        try (Model model = base.open(family)) {
            if (behaviour.equals("generation") && !(model instanceof CausalModel)) {
                row.put(cell, "-");
                return;
            }
            if (behaviour.startsWith("merge") && givesBiasWithoutOne(model, method)) {
                try (Adapter adapter = random(model, method, 4)) {
                    String message = assertThrows(
                                    IllegalArgumentException.class, () -> MergedAdapter.of(model, List.of(adapter)))
                            .getMessage();
                    assertTrue(message.contains("has none to merge it into"), message);
                }
            } else {
                BEHAVIOURS.get(behaviour).check(model, method, dir);
            }
        }
        row.put(cell, "yes");
    }

    /** One column per behaviour: the families for which it holds. */
    @AfterAll
    static void theTableIsInTheDocument() throws IOException {
        if (RESULTS.size() < Methods.all().size()) {
            return; // only some were run
        }
        StringBuilder table = new StringBuilder(BEGIN).append("| method |");
        BEHAVIOURS.keySet().forEach(b -> table.append(' ').append(b).append(" |"));
        table.append("\n|---|").append("---|".repeat(BEHAVIOURS.size())).append('\n');
        RESULTS.forEach((method, row) -> {
            table.append("| ").append(method).append(" |");
            for (String b : BEHAVIOURS.keySet()) {
                List<String> failed = new ArrayList<>();
                boolean some = false;
                for (Map.Entry<String, String> cell : row.entrySet()) {
                    if (cell.getKey().endsWith(":" + b)) {
                        some |= cell.getValue().equals("yes");
                        if (cell.getValue().equals("failed")) {
                            failed.add(cell.getKey());
                        }
                    }
                }
                String good = some ? " yes |" : " - |";
                table.append(failed.isEmpty() ? good : " NOT " + String.join(", ", failed) + " |");
            }
            table.append('\n');
        });
        table.append('\n')
                .append(
                        "Each cell holds for " + String.join(", ", Methods.FAMILIES)
                                + ", with the base in single precision, in bfloat16 and in a form that a test brings (rows of bytes);\n")
                .append("generation for decoders, which have a next token. LoRA with\n")
                .append(
                        "lora_bias cannot be merged into families without biases, such as llama: the cell says that it is refused there, as\n")
                .append(
                        "BitFit is. A cell with - has no meaning: rows in front of sequences have an effect from the start, and they\n")
                .append("and bottlenecks are no changes of weights, so merging is refused.\n")
                .append(END);
        GeneratedTable.check("docs/METHODS.md", BEGIN, END, table.toString());
    }

    /** Rows in front of a sequence have an effect from the start, and only changes of weights can be merged. */
    static boolean isMeaningless(Methods.Method method, String behaviour) {
        return (method.addsRows() && behaviour.equals("identity at start"))
                || (!method.isMergeable() && behaviour.startsWith("merge"));
    }

    /** A bias of B has no place in a family without biases: merging has to refuse it. */
    private static boolean givesBiasWithoutOne(Model model, Methods.Method method) {
        return method.name().equals("LoRA lora_bias") && Methods.WITHOUT_BIASES.contains(model.modelType());
    }

    private static PackedBatch batch(Model model) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int[] ids : new int[][] {{5, 9, 2, 7, 30, 4}, {11, 3}, {8, 8, 1}, {7, 5, 20}}) {
            boolean classifies = model.taskType() == TaskType.SEQ_CLS;
            all.add(
                    classifies
                            ? PackedBatch.Sequence.classified(ids, ids[0] % 3)
                            : PackedBatch.Sequence.labelled(ids, ids));
        }
        return PackedBatch.of(all);
    }

    private static float[] logits(Model model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return realRows(model, Call.of(pass, adapters));
        }
    }

    /** The logits without those of rows that adapters put in front. */
    private static float[] realRows(Model model, Call call) {
        PackedBatch batch = batch(model);
        Tensor logits = model.logits(call, batch).value();
        if (!(model instanceof CausalModel)) {
            return logits.toFloats();
        }
        PackedBatch all = batch.withRowsOf(call);
        float[] real = new float[batch.tokens() * logits.cols()];
        int at = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int n = batch.length(s);
            float[] rows = logits.rows(all.start(s) + all.length(s) - n, n).toFloats();
            System.arraycopy(rows, 0, real, at, rows.length);
            at += rows.length;
        }
        return real;
    }

    private static float[] logits(PeftModel peft, Active active) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(peft.base().backend(), arena)) {
            return realRows(peft.base(), peft.call(pass, active));
        }
    }

    private static double distance(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double worst = 0;
        for (int i = 0; i < a.length; i++) {
            worst = Math.max(worst, Math.abs(a[i] - b[i]));
        }
        return worst;
    }

    private static Adapter random(Model model, Methods.Method method, long seed) {
        Adapter adapter = method.create(model, seed);
        Methods.randomise(adapter, seed);
        return adapter;
    }

    private static List<float[]> baseTensors(Model model) {
        return model.tensorNames().stream()
                .map(n -> BaseTensors.floats(model, n))
                .toList();
    }

    private static void assertBase(Model model, List<float[]> before) {
        int i = 0;
        for (String name : model.tensorNames()) {
            assertArrayEquals(before.get(i++), BaseTensors.floats(model, name), name);
        }
    }

    private static void startsAtTheBase(Model model, Methods.Method method, Path dir) {
        try (Adapter adapter = method.create(model, 1)) {
            float[] base = logits(model, List.of());
            float[] fresh = logits(model, List.of(adapter));
            if (method.changesNothing()) {
                assertArrayEquals(base, fresh);
            } else {
                assertTrue(distance(base, fresh) < CLOSE, () -> "differs by " + distance(base, fresh));
            }
        }
    }

    private static void hasAnEffectAndLeavesTheBase(Model model, Methods.Method method, Path dir) {
        try (Adapter adapter = random(model, method, 2)) {
            float[] base = logits(model, List.of());
            assertTrue(distance(base, logits(model, List.of(adapter))) > 1e-2);
            assertArrayEquals(base, logits(model, List.of()));
        }
    }

    private static void everyParameterGetsAGradientAndTheBaseKeepsItsBytes(
            Model model, Methods.Method method, Path dir) {
        List<float[]> before = baseTensors(model);
        try (Adapter adapter = random(model, method, 3);
                Arena arena = new Arena(DType.F32);
                AdamW optimizer = new AdamW(0)) {
            adapter.beforeTraining(10);
            List<float[]> start =
                    adapter.parameters().stream().map(p -> p.value().toFloats()).toList();
            for (int step = 1; step <= 3; step++) {
                train(model, adapter, arena, optimizer, step);
            }
            for (int i = 0; i < start.size(); i++) {
                Parameter p = adapter.parameters().get(i);
                assertTrue(distance(start.get(i), p.value().toFloats()) > 1e-4, () -> p + " did not move");
            }
            assertBase(model, before);
        }
    }

    private static void train(Model model, Adapter adapter, Arena arena, AdamW optimizer, int step) {
        try (Pass pass = Pass.training(model.backend(), arena, step)) {
            model.loss(Call.of(pass, adapter), batch(model), 0.1);
            pass.backward();
            adapter.addPenalty(pass);
        }
        for (Parameter p : adapter.parameters()) {
            assertTrue(model.backend().kernels().sumOfSquares(p.grad()) > 0, () -> "no gradient for " + p);
        }
        optimizer.step(model.backend(), adapter.parameters(), 1e-2);
        adapter.afterStep(model.backend(), step);
        adapter.parameters().forEach(Parameter::zeroGrad);
    }

    private static void mergedEqualsAttachedAndUnmergingRestoresEveryBit(Model model, Methods.Method method, Path dir) {
        List<float[]> before = baseTensors(model);
        float[] base = logits(model, List.of());
        try (PeftModel peft = new PeftModel(model)) {
            peft.add("one", random(model, method, 4));
            MergeReport report = peft.merge("merged", List.of("one"), batch(model));
            assertTrue(report.effect() > 1e-2 && report.largestDifference() < MERGED, report::toString);
            assertTrue(report.relativeDifference() < 1e-4, report::toString);
            assertTrue(distance(logits(peft, Active.of("one")), logits(peft, Active.of("merged"))) < MERGED);
            peft.delete("merged");
            assertBase(model, before);
            assertArrayEquals(base, logits(peft, Active.none()));
        }
    }

    private static void aMergedModelOnDiskEqualsTheAttachedAdapter(Model model, Methods.Method method, Path dir)
            throws IOException {
        try (Adapter adapter = random(model, method, 5)) {
            float[] attached = logits(model, List.of(adapter));
            MergedModel.write(dir.resolve("merged"), model, adapter);
            try (Model merged = Models.load(dir.resolve("merged"), EXACT, 0, 0)) {
                assertTrue(distance(attached, logits(merged, List.of())) < MERGED);
            }
        }
    }

    private static void disabledEqualsTheBase(Model model, Methods.Method method, Path dir) {
        try (PeftModel peft = new PeftModel(model)) {
            peft.add("one", random(model, method, 6));
            float[] base = logits(model, List.of());
            float[] on = logits(peft, Active.of("one"));
            try (PeftModel.Scope outer = peft.disable("one")) {
                assertArrayEquals(base, logits(peft, Active.of("one")));
                try (PeftModel.Scope inner = peft.disable()) {
                    assertArrayEquals(base, logits(peft, Active.of("one")));
                    assertFalse(inner == outer);
                }
                assertArrayEquals(base, logits(peft, Active.of("one")));
            }
            assertArrayEquals(on, logits(peft, Active.of("one")));
        }
    }

    private static void comesBackFromDisk(Model model, Methods.Method method, Path dir) throws IOException {
        try (Adapter adapter = random(model, method, 7)) {
            float[] attached = logits(model, List.of(adapter));
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            try (Adapter back = AdapterFiles.load(dir.resolve("a"), model)) {
                assertTrue(distance(attached, logits(model, List.of(back))) < CLOSE);
                AdapterFiles.save(dir.resolve("b"), model, back);
            }
            for (Path file : files(dir.resolve("a"))) {
                assertArrayEquals(
                        Files.readAllBytes(file),
                        Files.readAllBytes(dir.resolve("b").resolve(file.getFileName())),
                        file.getFileName() + " changes when it is read and written");
            }
            assertEquals(files(dir.resolve("a")).size(), files(dir.resolve("b")).size());
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.sorted().toList();
        }
    }

    private static void twoAdaptersDoNotInterfere(Model model, Methods.Method method, Path dir) {
        try (PeftModel peft = new PeftModel(model)) {
            peft.add("one", random(model, method, 8));
            float[] one = logits(peft, Active.of("one"));
            peft.add("two", random(model, method, 9));
            float[] two = logits(peft, Active.of("two"));
            assertTrue(distance(one, two) > 1e-3);
            assertArrayEquals(one, logits(peft, Active.of("one")));
            peft.delete("one");
            assertArrayEquals(two, logits(peft, Active.of("two")));
        }
    }

    private static void eachSequenceHasItsOwn(Model model, Methods.Method method, Path dir) {
        try (PeftModel peft = new PeftModel(model)) {
            peft.add("one", random(model, method, 10));
            peft.add("two", random(model, method, 11));
            float[] mixed = logits(peft, Active.perSequence("one", Active.BASE, "two", "two"));
            float[][] alone = {
                logits(peft, Active.of("one")), logits(peft, Active.none()), logits(peft, Active.of("two"))
            };
            PackedBatch batch = batch(model);
            int[] which = {0, 1, 2, 2};
            for (int s = 0; s < which.length; s++) {
                int width = mixed.length / (model instanceof CausalModel ? batch.tokens() : batch.sequences());
                int from = (model instanceof CausalModel ? batch.start(s) : s) * width;
                int count = (model instanceof CausalModel ? batch.length(s) : 1) * width;
                for (int i = from; i < from + count; i++) {
                    assertEquals(alone[which[s]][i], mixed[i], CLOSE, "sequence " + s);
                }
            }
        }
    }

    private static void generatesWithAndWithoutACache(Model model, Methods.Method method, Path dir) {
        try (PeftModel peft = new PeftModel(model)) {
            peft.add("one", random(model, method, 12));
            peft.add("two", random(model, method, 13));
            Active each = Active.perSequence("one", Active.BASE, "two");
            List<int[]> prompts = List.of(new int[] {5, 9, 2}, new int[] {11}, new int[] {3, 8});
            GenerationConfig greedy = GenerationConfig.greedy(6).withStopTokens(Set.of());
            try (TextGenerator together = new TextGenerator((CausalModel) model, pass -> peft.call(pass, each))) {
                List<int[]> cached = together.generate(prompts, greedy);
                List<int[]> plain = together.generate(prompts, greedy.withoutCache());
                for (int i = 0; i < prompts.size(); i++) {
                    assertArrayEquals(plain.get(i), cached.get(i));
                    List<String> names = each.sets().get(i);
                    Active one = Active.of(names.toArray(String[]::new));
                    try (TextGenerator alone = new TextGenerator((CausalModel) model, pass -> peft.call(pass, one))) {
                        assertArrayEquals(alone.generate(prompts.get(i), greedy), cached.get(i));
                    }
                }
            }
        }
    }

    /** The first run of a thread takes its working memory, which stays. */
    private static void memoryIsFlat(Model model, Methods.Method method, Path dir) {
        blocksTakenBySteps(model, method);
        long before = Tensor.nativeBytes();
        assertEquals(0, blocksTakenBySteps(model, method), "native blocks taken by steps");
        assertEquals(before, Tensor.nativeBytes(), "native bytes left behind");
    }

    private static long blocksTakenBySteps(Model model, Methods.Method method) {
        try (Adapter adapter = random(model, method, 14);
                Arena arena = new Arena(DType.F32);
                AdamW optimizer = new AdamW(0)) {
            adapter.beforeTraining(100);
            for (int step = 1; step <= 3; step++) {
                train(model, adapter, arena, optimizer, step);
            }
            long blocks = Tensor.nativeAllocations();
            for (int step = 4; step <= 8; step++) {
                train(model, adapter, arena, optimizer, step);
            }
            return Tensor.nativeAllocations() - blocks;
        }
    }
}
