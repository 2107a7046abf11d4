package dev.peft4j.core.tensor;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BackendException;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an application hears that cannot compute: in processes of their own, since Java loads a class once. */
class BackendFailureTest {
    private static final String NATIVES = "-" + Loader.getPlatform() + "\\.jar";

    @TempDir
    Path dir;

    /** Uses a part of the library twice and prints what came of it. */
    static final class Probe {
        private Probe() {}

        public static void main(String[] args) {
            Runnable use =
                    switch (args[0]) {
                        case "auto" -> Backend::auto;
                        case "host" -> Backend::host;
                        case "nd4j" -> () -> Backend.nd4j(DType.F64);
                        case "both" -> BackendFailureTest::both;
                        case "memory" -> () -> new Arena(DType.F32).allocate(2, 2);
                        case "svd" -> () -> Decompositions.svd(new double[] {1, 2, 3, 4}, 2, 2);
                        default -> throw new IllegalArgumentException(args[0]);
                    };
            for (int i = 0; i < 2; i++) {
                try {
                    use.run();
                    System.out.println("works");
                } catch (Throwable e) {
                    System.out.println(e.getClass().getName() + ": " + e.getMessage());
                }
            }
        }
    }

    /** ND4J takes all cores for OpenBLAS when it is loaded, which would change the last bits of the host's products. */
    private static void both() {
        Backend own = Backend.host(2);
        Backend.nd4j(DType.F64);
        assertEquals(1, blas_get_num_threads());
        Backend.nd4j(DType.F32);
        assertEquals(1, blas_get_num_threads());
        own.close();
        assertTrue(blas_get_num_threads() > 1 || Runtime.getRuntime().availableProcessors() == 1);
    }

    /** What the probe says both times, in a process with some options, the test's folder and without the jars of a pattern. */
    private String probe(String use, String without, String... options) throws Exception {
        Pattern left = Pattern.compile(without);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.add("-cp");
        Stream<String> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> without.isEmpty() || !left.matcher(entry).find());
        command.add(Stream.concat(Stream.of(dir.toString()), jars).collect(Collectors.joining(File.pathSeparator)));
        command.add(Probe.class.getName());
        command.add(use);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> said;
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            said = out.lines()
                    .filter(line ->
                            line.startsWith("works") || line.contains("Exception: ") || line.contains("Error: "))
                    .toList();
        }
        assertEquals(0, process.waitFor());
        assertEquals(2, said.size(), said::toString);
        assertEquals(
                said.get(0).replaceAll("\\d+ MB free", ""), said.get(1).replaceAll("\\d+ MB free", ""), "each time");
        return said.get(0);
    }

    private static void fails(String said, String... parts) {
        assertTrue(said.startsWith(BackendException.class.getName() + ": "), said);
        for (String part : parts) {
            assertTrue(said.contains(part), () -> "expected \"" + part + "\" in: " + said);
        }
    }

    @Test
    void the_probe_works_where_nothing_is_missing() throws Exception {
        for (String use : List.of("auto", "memory", "svd")) {
            assertEquals("works", probe(use, ""), use);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "nd4j"})
    void a_missing_nd4j_backend_is_named(String use) throws Exception {
        fails(probe(use, "nd4j-native-1"), "an ND4J backend is needed", "there is none", "dev.peft4j:peft4j-cpu");
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "host", "nd4j", "svd"})
    void missing_natives_of_openblas_are_named(String use) throws Exception {
        fails(
                probe(use, "openblas-.*" + NATIVES),
                "natives of org.bytedeco:openblas for " + Loader.getPlatform(),
                "the class path has none",
                "Add org.bytedeco:openblas with the classifier " + Loader.getPlatform());
    }

    @Test
    void missing_natives_of_nd4j_are_named() throws Exception {
        fails(probe("nd4j", "nd4j-native-1.*" + NATIVES), "natives of org.nd4j:nd4j-native", "has none", "Add");
        assertEquals("works", probe("auto", "nd4j-native-1.*" + NATIVES), "the host engine does without them");
    }

    @Test
    void missing_natives_of_javacpp_are_named_when_memory_is_wanted() throws Exception {
        fails(probe("memory", "(javacpp|openblas)-.*" + NATIVES), "natives of org.bytedeco:javacpp", "has none", "Add");
    }

    @Test
    void natives_of_another_platform_are_named() throws Exception {
        fails(
                probe("host", "", "-Dorg.bytedeco.javacpp.platform=linux-riscv64"),
                "natives of org.bytedeco:openblas for linux-riscv64",
                "has those of " + Loader.getPlatform(),
                "-Djavacpp.platform=linux-riscv64");
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "nd4j", "memory", "svd"})
    void natives_that_cannot_be_unpacked_are_no_missing_ones(String use) throws Exception {
        String nowhere = Files.createFile(dir.resolve("file")) + "/below";
        fails(
                probe(
                        use,
                        "",
                        "-Duser.home=" + nowhere,
                        "-Djava.io.tmpdir=" + nowhere,
                        "-Dorg.bytedeco.javacpp.cachedir=" + nowhere),
                "cannot be loaded",
                "neither can be written",
                "-Dorg.bytedeco.javacpp.cachedir=");
    }

    @Test
    void natives_that_the_machine_cannot_run_are_no_missing_ones() throws Exception {
        Path jar = dir.resolve("org/bytedeco/openblas/" + Loader.getPlatform());
        Files.createDirectories(jar);
        Files.writeString(jar.resolve(System.mapLibraryName("jniopenblas_nolapack")), "of another processor");
        fails(probe("host", "openblas-.*" + NATIVES), "cannot be loaded", "jniopenblas_nolapack", " MB free)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "0", "1025", "two", "", "1e3", "99999999999"})
    void a_wrong_number_of_threads_is_told(String threads) throws Exception {
        fails(
                probe("auto", "", "-Dpeft4j.threads=" + threads),
                "-Dpeft4j.threads=" + threads + " was asked for",
                "from 1 to 1024",
                "Leave it out");
    }

    @Test
    void loading_nd4j_leaves_the_threads_of_the_host_alone() throws Exception {
        assertEquals("works", probe("both", ""));
    }

    @Test
    void a_wrong_backend_is_told() throws Exception {
        fails(probe("auto", "", "-Dpeft4j.backend=cuda"), "-Dpeft4j.backend=cuda", "host and nd4j", "Use one");
    }
}
