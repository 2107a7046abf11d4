package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How much work an operation is, and the table of it. */
class RooflineTest {
    @TempDir
    Path dir;

    /** An engine of a later day. */
    interface Later extends MatrixEngine {
        void prepare(Object weights);

        void multiply(Object weights, Tensor x, Tensor y);
    }

    private static Method method(Class<?> type, String name) {
        return Arrays.stream(type.getMethods())
                .filter(m -> m.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static Operation of(Class<?> type, String name, Object... arguments) {
        return Operation.of(method(type, name), arguments);
    }

    private static Tensor tensor(int rows, int cols) {
        return Tensor.zeros(DType.F32, rows, cols);
    }

    @Test
    void work_of_a_product_is_two_operations_for_each_row_column_and_inner_element() {
        try (Tensor x = tensor(70, 80);
                Tensor w = tensor(100, 80);
                Tensor y = tensor(70, 100);
                Tensor a = tensor(8, 80);
                Tensor h = tensor(70, 8);
                Tensor dw = tensor(100, 80)) {
            Operation forward = of(MatrixEngine.class, "gemm", false, true, 1.0, x, w, 0.0, y);
            assertEquals(2.0 * 70 * 100 * 80, forward.operations());
            assertEquals(4.0 * (70 * 80 + 100 * 80 + 70 * 100), forward.bytes());
            assertEquals("products NT, sides from 64 on", forward.kind());
            Operation low = of(MatrixEngine.class, "gemm", false, true, 1.0, x, a, 0.0, h);
            assertEquals("products NT, a side below 64", low.kind());
            Operation gradient = of(MatrixEngine.class, "gemm", true, false, 1.0, y, x, 1.0, dw);
            assertEquals(2.0 * 70 * 100 * 80, gradient.operations());
            assertEquals("gemm TN 80 x 70", gradient.name());
        }
    }

    @Test
    void products_that_an_engine_gets_later_are_understood_or_left_open() {
        try (Tensor x = tensor(70, 80);
                Tensor y = tensor(70, 100)) {
            assertEquals(
                    2.0 * 70 * 100 * 80,
                    of(Later.class, "multiply", "weights", x, y).operations());
            Operation open = of(Later.class, "prepare", "weights");
            assertEquals(0, open.operations());
            assertEquals("other products", open.kind());
        }
    }

    @Test
    void work_of_attention_counts_the_keys_that_a_query_sees() {
        int[] start = {0, 3};
        int[] count = {3, 4};
        AttentionShape causal = new AttentionShape(start, count, start, count, 2, 1, 16, 0.25, true, 0, 0);
        double pairs = 6 + 10;
        assertEquals(pairs * 2 * 16 * 4, of(Kernels.class, "attention", causal).operations());
        assertEquals(
                pairs * 2 * 16 * 8,
                of(Kernels.class, "attentionBackward", causal).operations());
        AttentionShape near = causal.withWindow(2); // 1 + 2 + 2 and 1 + 2 + 2 + 2
        assertEquals(12 * 2 * 16 * 4, of(Kernels.class, "attention", near).operations());
        AttentionShape all = new AttentionShape(start, count, start, count, 2, 1, 16, 0.25, false, 0, 0);
        assertEquals((9 + 16) * 2 * 16 * 4, of(Kernels.class, "attention", all).operations());
        assertEquals("attention", of(Kernels.class, "attention", all).kind());
    }

    @Test
    void work_of_a_kernel_is_the_bytes_of_its_tensors_and_of_moved_rows_those_rows() {
        try (Tensor a = tensor(2, 10);
                Tensor b = tensor(2, 10);
                Tensor table = tensor(1000, 10)) {
            assertEquals(4 * 60, of(Kernels.class, "add", a, b, a).bytes());
            assertEquals(
                    4 * 40,
                    of(Kernels.class, "gather", new int[] {1, 2}, table, a).bytes());
            assertEquals("element by element", of(Kernels.class, "add", a, b, a).kind());
        }
    }

    @Test
    void every_operation_of_a_backend_has_a_kind() {
        Map<String, List<String>> kinds = new TreeMap<>();
        for (Method m : Kernels.class.getMethods()) {
            Object[] none = new Object[m.getParameterCount()];
            kinds.merge(Operation.of(m, none).kind(), List.of(m.getName()), (x, y) -> x);
        }
        assertEquals(
                List.of("activations", "attention", "element by element", "loss", "norms", "optimizer"),
                List.copyOf(kinds.keySet()));
    }

    @Test
    void a_row_says_what_share_of_the_cores_was_reached() {
        BackendTimer.Spent products = new BackendTimer.Spent();
        products.nanoseconds = 500_000_000;
        products.calls = 10;
        products.operations = 40e9;
        BackendTimer.Spent copies = new BackendTimer.Spent();
        copies.nanoseconds = 250_000_000;
        copies.calls = 2;
        copies.bytes = 1e9;
        BackendTimer.Spent open = new BackendTimer.Spent();
        open.nanoseconds = 50_000_000;
        open.calls = 2;
        StringWriter text = new StringWriter();
        new Roofline(new CoreSpeed(160e9, 20e9), 2, 1.0)
                .print(
                        new PrintWriter(text),
                        Map.of("products", products, "copies", copies, "open", open),
                        Map.of("gemm", products));
        String table = text.toString().replaceAll(" +", " ");
        assertTrue(table.startsWith("The cores give 160 GFLOP/s in large products and 20.0 GB/s in a copy"), table);
        assertTrue(table.contains("products 250.0 50.0 % 5.0 20.00 GFLOP 80.0 GFLOP/s 50 %\n"), table);
        assertTrue(table.contains("copies 125.0 25.0 % 1.0 0.50 GB 4.0 GB/s 20 %\n"), table);
        assertTrue(table.contains("open 25.0 5.0 % 1.0 - - -\n"), table);
        assertTrue(table.contains("everything else (tape, Java) 100.0 20.0 % - - -\n"), table);
        assertTrue(table.contains("step 500.0 100.0 % - - -\n"), table);
        assertTrue(
                table.indexOf("products") < table.indexOf("copies") && table.indexOf("copies") < table.indexOf("open"));
    }

    @Test
    void the_cores_are_measured() {
        CoreSpeed speed = CoreSpeed.measure(Backend.auto());
        assertTrue(speed.operations() > 1e8 && speed.operations() < 1e14, speed.toString());
        assertTrue(speed.bytes() > 1e8 && speed.bytes() < 1e13, speed.toString());
        assertEquals(2.0, new CoreSpeed(10, 5).seconds(20, 10));
        assertEquals(3.0, new CoreSpeed(10, 5).seconds(20, 15));
        assertEquals(new CoreSpeed(11, 5), new CoreSpeed(10, 5).orBetter(new CoreSpeed(11, 4)));
    }

    @Test
    void the_profile_of_a_case_fits_a_terminal_and_adds_up_to_its_step() throws IOException {
        BenchModels.write(dir);
        CommandFixture command = new CommandFixture();
        command.works("bench", "gpt2_lora_4x128", "--checkpoints", dir, "--steps", 2, "--profile");
        String kinds = command.err.substring(command.err.indexOf("kind of work"), command.err.indexOf("\nshare:"));
        for (String kind :
                List.of("products NT", "attention", "norms", "activations", "loss", "optimizer", "everything else")) {
            assertTrue(kinds.contains("\n" + kind), () -> kind + " in " + kinds);
        }
        double sum = 0;
        double step = 0;
        for (String line : kinds.lines().skip(1).toList()) {
            assertTrue(line.length() <= 100, line);
            String[] words = line.substring(34).strip().split(" +", -1);
            if (line.startsWith("step")) {
                step = Double.parseDouble(words[0]);
            } else {
                sum += Double.parseDouble(words[0]);
            }
        }
        assertEquals(step, sum, 0.05 * 20);
    }
}
