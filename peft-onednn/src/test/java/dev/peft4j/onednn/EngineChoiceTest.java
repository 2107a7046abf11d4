package dev.peft4j.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which engine computes, what is said of it, and what comes of a machine or an environment that it does not like; in processes of their own. */
class EngineChoiceTest {
    private static final String NATIVES = "dnnl-.*-" + Loader.getPlatform() + "\\.jar";

    @TempDir
    Path dir;

    /** Opens the backend and prints its name and a hash of products of all kinds that training has. */
    static final class Probe {
        private static final String CALLER = "omp-caller";

        private Probe() {}

        public static void main(String[] args) throws Exception {
            if (Boolean.getBoolean("probe.nd4j")) {
                Backend.nd4j(DType.F64);
                AtomicLong threads = new AtomicLong();
                Thread counted = new Thread(
                        () -> {
                            large(Backend.host(1));
                            threads.set(NativeThreads.named(CALLER));
                        },
                        CALLER);
                counted.start();
                counted.join();
                System.out.println("native threads: " + threads);
            }
            try {
                Backend backend = Backend.auto();
                System.out.println("backend: " + backend.name() + ", bf16 "
                        + (backend.matrices().bf16() != null));
                System.out.println("bits: " + products(backend));
            } catch (RuntimeException e) {
                System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
            }
        }

        /** A product that is worth several threads. */
        private static void large(Backend backend) {
            Random random = new Random(2);
            try (Tensor x = random(random, 2048, 768);
                    Tensor a = random(random, 32, 768);
                    Tensor h = random(random, 2048, 32)) {
                backend.matrices().gemm(false, true, 1, x, a, 0, h);
            }
        }

        private static int products(Backend backend) {
            Random random = new Random(1);
            try (Tensor x = random(random, 300, 96);
                    Tensor a = random(random, 8, 96);
                    Tensor w = random(random, 200, 96);
                    Tensor h = random(random, 300, 8);
                    Tensor y = random(random, 300, 200);
                    Tensor da = random(random, 8, 96);
                    Tensor few = random(random, 4, 200)) {
                backend.matrices().gemm(false, true, 1, x, a, 0, h);
                backend.matrices().gemm(false, true, 1, x, w, 1, y);
                backend.matrices().gemm(true, false, 2, h, x, 1, da);
                backend.matrices().gemm(false, true, 1, x.rows(0, 4), w, 0, few);
                return Arrays.hashCode(new int[] {
                    Arrays.hashCode(h.toFloats()),
                    Arrays.hashCode(y.toFloats()),
                    Arrays.hashCode(da.toFloats()),
                    Arrays.hashCode(few.toFloats())
                });
            }
        }

        private static Tensor random(Random random, int rows, int cols) {
            float[] values = new float[rows * cols];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return Tensor.of(DType.F32, rows, cols, values);
        }
    }

    /** What the probe and the log say. */
    private String probe(String without, Map<String, String> environment, String... options) throws Exception {
        Pattern left = Pattern.compile(without);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.add("-cp");
        Stream<String> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> without.isEmpty() || !left.matcher(entry).find());
        command.add(Stream.concat(Stream.of(dir.toString()), jars).collect(Collectors.joining(File.pathSeparator)));
        command.add(Probe.class.getName());
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String said;
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            said = out.lines().collect(Collectors.joining("\n"));
        }
        process.waitFor();
        return said;
    }

    private static void says(String said, String... parts) {
        for (String part : parts) {
            assertTrue(said.contains(part), part + " is not in:\n" + said);
        }
    }

    private static String bits(String said) {
        return said.lines()
                .filter(line -> line.startsWith("bits: "))
                .findFirst()
                .orElse(said);
    }

    @Test
    void it_is_used_where_it_is_on_the_class_path() throws Exception {
        says(probe("", Map.of()), "backend: host, ", "openblas and oneDNN 3.");
    }

    @Test
    void engines_are_forced_and_those_that_are_not_there_are_told() throws Exception {
        says(probe("", Map.of(), "-Dpeft4j.engine=openblas"), "openblas, bf16 false");
        says(probe("", Map.of(), "-Dpeft4j.engine=onednn"), "openblas and oneDNN 3.");
        says(probe("", Map.of(), "-Dpeft4j.engine=nd4j"), "backend: nd4j");
        says(
                probe("", Map.of(), "-Dpeft4j.engine=mkl"),
                "BackendException: -Dpeft4j.engine=mkl was asked for; there are openblas, onednn and nd4j. Use one of them");
        says(
                probe("peft-onednn.(target.)?classes|peft-onednn-[^/]*\\.jar", Map.of(), "-Dpeft4j.engine=onednn"),
                "BackendException: -Dpeft4j.engine=onednn was asked for; there are openblas and nd4j.",
                "dev.peft4j:peft-onednn");
    }

    @Test
    void without_its_library_openblas_computes_and_one_line_says_so() throws Exception {
        String said = probe(NATIVES, Map.of());
        says(
                said,
                "products are computed by OpenBLAS alone",
                "natives of org.bytedeco:dnnl",
                "openblas, bf16 false",
                "bits: ");
        assertEquals(
                1,
                said.lines().filter(line -> line.contains("by OpenBLAS alone")).count(),
                said);
        says(probe(NATIVES, Map.of(), "-Dpeft4j.engine=onednn"), "BackendException: natives of org.bytedeco:dnnl");
    }

    @Test
    void a_library_that_cannot_be_loaded_is_no_end() throws Exception {
        Path jar = dir.resolve("org/bytedeco/dnnl/" + Loader.getPlatform());
        Files.createDirectories(jar);
        Files.writeString(jar.resolve(System.mapLibraryName("jnidnnl")), "of another processor");
        says(
                probe(NATIVES, Map.of()),
                "products are computed by OpenBLAS alone",
                "cannot be loaded",
                "openblas, bf16 false");
    }

    @Test
    void without_instructions_openblas_computes() throws Exception {
        says(
                probe("", Map.of("ONEDNN_MAX_CPU_ISA", "SSE41")),
                "products are computed by OpenBLAS alone",
                "has no AVX2",
                "openblas, bf16 false");
        says(probe("", Map.of("ONEDNN_MAX_CPU_ISA", "AVX2")), "(AVX2), bf16 false");
    }

    @Test
    void another_openmp_that_was_loaded_before_is_the_one_that_is_told() throws Exception {
        assumeTrue(NativeThreads.canBeCounted(), "native threads are counted on Linux");
        String said = probe("", Map.of("OMP_NUM_THREADS", "3"), "-Dprobe.nd4j=true", "-Dpeft4j.engine=onednn");
        says(said, "native threads: 1\n", "bits: ");
        assertEquals(bits(probe("", Map.of())), bits(said));
    }

    @Test
    void threads_of_openmp_and_ours_change_no_bit() throws Exception {
        String plain = bits(probe("", Map.of()));
        says(plain, "bits: ");
        assertEquals(plain, bits(probe("", Map.of())));
        assertEquals(plain, bits(probe("", Map.of("OMP_NUM_THREADS", "7"))));
        assertEquals(plain, bits(probe("", Map.of("OMP_NUM_THREADS", "1"), "-Dpeft4j.threads=1")));
        assertEquals(plain, bits(probe("", Map.of("OMP_THREAD_LIMIT", "2"), "-Dpeft4j.threads=5")));
    }
}
