package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every pair of methods of all modules active together: the result is finite, both get gradients, and without one of them it is exactly the other. The count is
 * written into {@code docs/METHODS.md}.
 */
class CompositionMatrixTest {
    private static final String BEGIN = "<!-- pairs: written by CompositionMatrixTest -->\n";
    private static final String END = "<!-- end of the pairs -->\n";
    private static final Set<String> REFUSED = new TreeSet<>();
    private static final Set<String> FAMILIES_DONE = new TreeSet<>();
    private static int composed;

    static List<String> families() {
        return Methods.FAMILIES;
    }

    private static List<Methods.Method> methods() {
        return Methods.all().stream()
                .filter(m -> !m.name().startsWith("LoRA ") || m.name().equals("LoRA embeddings"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("families")
    void every_pair_composes_or_is_refused_by_the_name_of_a_tensor(String family) throws IOException {
        List<Methods.Method> methods =
                methods().stream().filter(m -> m.impossible(family).isEmpty()).toList();
        try (Model model = Models.load(Methods.MODELS.resolve(family), Backend.host(), 0, 0);
                Arena arena = new Arena(DType.F32)) {
            for (int i = 0; i < methods.size(); i++) {
                for (int j = i + 1; j < methods.size(); j++) {
                    check(model, methods.get(i), methods.get(j), arena);
                }
            }
        }
        FAMILIES_DONE.add(family);
    }

    private static void check(Model model, Methods.Method one, Methods.Method two, Arena arena) {
        String pair = one.name() + " + " + two.name();
        try (PeftModel peft = new PeftModel(model)) {
            Adapter first = one.create(model, 1);
            Adapter second = headless(model, two.create(model, 2));
            Methods.randomise(first, 1);
            Methods.randomise(second, 2);
            peft.add("one", first);
            peft.add("two", second);
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                peft.call(pass, Active.of("one", "two"));
            } catch (IllegalArgumentException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("can take its place"), pair);
                REFUSED.add(pair);
                return;
            }
            float[] both = logits(peft, Active.of("one", "two"), arena);
            for (float v : both) {
                assertTrue(Float.isFinite(v), pair);
            }
            float[] alone = logits(peft, Active.of("one"), arena);
            float[] other = logits(peft, Active.of("two"), arena);
            assertFalse(Arrays.equals(both, alone), () -> pair + ": the second has no effect");
            assertFalse(Arrays.equals(both, other), () -> pair + ": the first has no effect");
            Compositions.without(
                    peft, () -> assertArrayEquals(alone, logits(peft, Active.of("one", "two"), arena), pair), "two");
            Compositions.without(
                    peft, () -> assertArrayEquals(other, logits(peft, Active.of("one", "two"), arena), pair), "one");
            train(peft, pair, arena);
            mixed(peft, pair, arena);
            composed++;
        }
    }

    private static void train(PeftModel peft, String pair, Arena arena) {
        Model model = peft.base();
        try (Pass pass = Pass.training(model.backend(), arena, 3)) {
            Call call = peft.call(pass, Active.of("one", "two"));
            model.loss(call, batch(model), 1.0 / model.scored(call, batch(model)));
            pass.backward();
        }
        for (String name : List.of("one", "two")) {
            for (Parameter p : peft.adapter(name).parameters()) {
                assertTrue(model.backend().kernels().sumOfSquares(p.grad()) > 0, () -> pair + ": " + p);
            }
        }
    }

    /** One kind for one sequence, another for the next, in one batch: each as if it were alone. */
    private static void mixed(PeftModel peft, String pair, Arena arena) {
        PackedBatch batch = PackedBatch.of(new int[] {5, 9, 2, 7}, new int[] {11, 3});
        Model model = peft.base();
        float[][] alone = new float[2][];
        String[] names = {"one", "two"};
        for (int i = 0; i < 2; i++) {
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                PackedBatch single =
                        i == 0 ? PackedBatch.of(new int[] {5, 9, 2, 7}) : PackedBatch.of(new int[] {11, 3});
                alone[i] = model.logits(peft.call(pass, Active.of(names[i])), single)
                        .value()
                        .toFloats();
            }
        }
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            float[] together = model.logits(peft.call(pass, Active.perSequence(names)), batch)
                    .value()
                    .toFloats();
            assertTrue(together.length == alone[0].length + alone[1].length, pair);
            for (int i = 0; i < together.length; i++) {
                float expected = i < alone[0].length ? alone[0][i] : alone[1][i - alone[0].length];
                assertTrue(Math.abs(expected - together[i]) < 1e-4, pair + " in one batch");
            }
        }
    }

    private static PackedBatch batch(Model model) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int[] ids : new int[][] {{5, 9, 2, 7, 30, 4}, {11, 3, 7}, {8, 8, 1}, {7, 5, 20}}) {
            boolean classifies = model.taskType() == TaskType.SEQ_CLS;
            all.add(
                    classifies
                            ? PackedBatch.Sequence.classified(ids, ids[0] % 3)
                            : PackedBatch.Sequence.labelled(ids, ids));
        }
        return PackedBatch.of(all);
    }

    private static float[] logits(PeftModel peft, Active active, Arena arena) {
        try (Pass pass = Pass.inference(peft.base().backend(), arena)) {
            Tensor t = peft.base()
                    .logits(peft.call(pass, active), batch(peft.base()))
                    .value();
            return t.toFloats();
        }
    }

    /** The same adapter without a classifier of its own: of two that are active together, one has the head. */
    private static Adapter headless(Model model, Adapter adapter) {
        if (model.taskModules().isEmpty()) {
            return adapter;
        }
        return (Adapter) Proxy.newProxyInstance(
                Adapter.class.getClassLoader(), new Class<?>[] {Adapter.class}, (proxy, method, args) -> {
                    if (method.getName().equals("replacement") && ((String) args[0]).startsWith("classifier.")) {
                        return null;
                    }
                    if (method.getName().equals("parameters")) {
                        return adapter.parameters().stream()
                                .filter(p -> !p.name().startsWith("classifier."))
                                .toList();
                    }
                    try {
                        return method.invoke(adapter, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @AfterAll
    static void writeCount() throws IOException {
        if (FAMILIES_DONE.size() < Methods.FAMILIES.size()) {
            return;
        }
        String text = BEGIN + composed
                + " pairs on " + String.join(", ", Methods.FAMILIES)
                + " compose: both change the result, every parameter of both gets a gradient, without\n"
                + "one it is exactly the other, and in one batch each sequence has what its own adapter gives it. Refused, because both\n"
                + "have a trained copy of the same tensor: " + String.join("; ", REFUSED) + ".\n" + END;
        GeneratedTable.check("docs/METHODS.md", BEGIN, END, text);
    }
}
