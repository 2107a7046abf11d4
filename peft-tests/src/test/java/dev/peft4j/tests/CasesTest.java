package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Model and adapter directories that other programs wrote, with the logits that PyTorch, transformers and PEFT (or AdapterHub) compute: every {@code
 * NAME-expected.json} under {@code src/test/resources/cases} and {@code shared/cases}, or under {@code -Dpeft4j.cases=DIR}. Those of this project are
 * picked by {@code scripts/pick-config-cases.py} from those that {@code scripts/make-config-cases.py} makes of every field and value.
 */
@ExtendWith(SettledMemory.class)
class CasesTest {
    private static final double TOLERANCE = 1e-4;
    private static final String END = "-expected.json";

    @TempDir
    private Path temporary;

    /** A directory, and what is expected of it. */
    record Case(Path root, Path file, Map<String, Object> json) {
        Path directory() {
            String name = file.getFileName().toString();
            return file.resolveSibling(name.substring(0, name.length() - END.length()));
        }

        String expect() {
            return String.valueOf(json.get("expect"));
        }

        /** Where PEFT itself loses tensors or leaves some at their first values, reading is strict here. */
        boolean mayBeRefused() {
            return expect().contains("refused") || isGiven("ignored_tensors") || isGiven("missing_tensors");
        }

        private boolean isGiven(String list) {
            return json.get(list) instanceof List<?> names && !names.isEmpty();
        }

        /** Whether there are logits that are computed without random values. */
        boolean hasLogits() {
            return json.containsKey("logits_after_last_token") && !expect().equals("opens");
        }

        @Override
        public String toString() {
            return root.relativize(directory()).toString();
        }
    }

    /** {@code -Dpeft4j.cases=DIR}, else those of this project, and of the reference material where it is there. */
    private static List<Path> roots() {
        String given = System.getProperty("peft4j.cases", "");
        if (!given.isEmpty()) {
            return List.of(Shared.root().resolve(given).normalize());
        }
        Path own = Shared.root().resolve("peft-tests/src/test/resources");
        List<Path> all = new ArrayList<>(List.of(own.resolve("cases"), own.resolve("golden")));
        Path shared = Shared.directory().resolve("cases");
        if (Files.isDirectory(shared)) {
            all.add(shared);
        }
        return all;
    }

    static List<Case> cases() throws IOException {
        List<Case> all = new ArrayList<>();
        for (Path root : roots()) {
            try (Stream<Path> files = Files.walk(root)) {
                List<Case> found = files.filter(f -> f.getFileName().toString().endsWith(END))
                        .sorted()
                        .map(f -> read(root, f))
                        .toList();
                assertFalse(found.isEmpty(), "no *" + END + " under " + root);
                all.addAll(found);
            }
        }
        return all;
    }

    private static Case read(Path root, Path file) {
        try {
            return new Case(root, file, Json.read(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void means_what_it_means_to_python(Case c) throws IOException {
        boolean isModel = c.json().get("base") == null;
        Path base = isModel
                ? c.directory()
                : c.root().resolve(String.valueOf(c.json().get("base")));
        try (Model model = Models.load(base, Backend.host(), 0, 0)) {
            if (isModel) {
                assertTrue(!c.expect().equals("refused"), "it was opened");
                checkLogits(c, model, List.of(), c.hasLogits());
            } else {
                adapter(c, model);
            }
        } catch (BadFileException e) {
            assertTrue(isModel && c.expect().contains("refused"), () -> "refused: " + e.getMessage());
            assertThreeParts(c, e);
        }
    }

    private void adapter(Case c, Model model) throws IOException {
        Adapter adapter;
        long before = Tensor.nativeBytes();
        try {
            adapter = AdapterFiles.load(c.directory(), model);
        } catch (BadFileException e) {
            assertEquals(before, Tensor.nativeBytes(), "native bytes of an adapter that was refused");
            assertTrue(c.mayBeRefused(), () -> "refused: " + e.getMessage());
            assertThreeParts(c, e);
            return;
        }
        try (adapter) {
            assertFalse(
                    c.expect().equals("refused"),
                    () -> "opened, where PEFT says: " + c.json().get("error"));
            checkLogits(c, model, List.of(adapter), c.hasLogits());
            if (adapter.isMergeable()) {
                checkMerged(c, model, adapter);
            }
            Path again = temporary.resolve("again");
            AdapterFiles.save(again, model, adapter);
            try (Adapter read = AdapterFiles.load(again, model)) {
                checkLogits(c, model, List.of(read), c.hasLogits());
            }
        }
        assertEquals(before, Tensor.nativeBytes(), "native bytes of adapters that were closed");
    }

    private void checkMerged(Case c, Model model, Adapter adapter) throws IOException {
        MergedAdapter merged;
        try {
            merged = MergedAdapter.of(model, List.of(adapter));
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().contains("bias"), e.getMessage()); // what has no place in the base
            return;
        }
        try (merged) {
            checkLogits(c, model, List.of(merged), c.hasLogits());
            Path directory = temporary.resolve("merged");
            MergedModel.write(directory, model, merged);
            try (Model written = Models.load(directory, Backend.host(), 0, 0)) {
                checkLogits(c, written, List.of(), c.hasLogits());
            }
        }
    }

    private static void checkLogits(Case c, Model model, List<Adapter> adapters, boolean equal) {
        int[][] ids = GoldenCase.rows(c.json().get("ids"));
        List<?> expected = c.json().get("logits_after_last_token") instanceof List<?> given ? given : List.of();
        PackedBatch batch = PackedBatch.of(ids);
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = Call.of(pass, adapters);
            Tensor logits = model.logits(call, batch).value();
            PackedBatch all = batch.withRowsOf(call);
            for (int i = 0; i < ids.length; i++) {
                int row = model instanceof CausalModel ? all.start(i) + all.length(i) - 1 : i;
                float[] found = logits.rows(row, 1).toFloats();
                double[] wanted = expected.isEmpty()
                        ? new double[0]
                        : ((List<?>) expected.get(i))
                                .stream().mapToDouble(GoldenCase::number).toArray();
                assertTrue(found.length >= wanted.length, "outputs");
                for (int k = 0; k < found.length; k++) {
                    assertTrue(Float.isFinite(found[k]), "finite");
                    if (equal && k < wanted.length) {
                        int at = k;
                        assertEquals(
                                wanted[k],
                                found[k],
                                TOLERANCE,
                                () -> "logits " + Arrays.toString(wanted) + " of " + c + ", here "
                                        + Arrays.toString(Arrays.copyOf(found, wanted.length)) + ", at " + at);
                    }
                }
            }
        }
    }

    /** What was asked, what was found, what to do: at least a name, a colon and two sentences. */
    private static void assertThreeParts(Case c, BadFileException e) {
        String text = String.valueOf(e.getMessage()).replace(c.directory().toString(), "");
        assertTrue(text.contains(": ") && text.strip().matches("(?s).*[.;:].* .*"), text);
        assertFalse(text.contains("Exception") || text.contains("null"), text);
    }
}
