package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The cases of the benchmark on tiny checkpoints: their names, what they print, and what is refused. */
class BenchCommandTest {
    /** What {@code peft_bench.py --list} prints, but for torch.compile. */
    private static final List<String> REFERENCE = List.of(
            "gpt2_lora_4x128",
            "gpt2_lora_2x256",
            "gpt2_full_4x128",
            "llama135m_lora_4x128",
            "llama135m_qlora_4x128",
            "minilm_lora_sst2",
            "minilm_full_sst2",
            "gpt2_decode64",
            "bert_forward_f32",
            "bert_forward_int8",
            "gpt2_lora_4x128_bf16",
            "gpt2_lora_2x256_bf16",
            "llama135m_lora_4x128_bf16",
            "llama135m_qlora_4x128_bf16",
            "minilm_lora_sst2_bf16",
            "gpt2_decode64_bf16",
            "bert_forward_bf16");

    /** What {@code long-sequences.py --list} prints. */
    private static final List<String> LONGER = List.of(
            "gpt2_lora_1x1024",
            "gpt2_lora_1x4096",
            "gpt2_lora_1x1024_bf16",
            "gpt2_lora_1x4096_bf16",
            "gpt2_full_4x128_bf16");

    private static final Set<String> REFUSED =
            Set.of("llama135m_qlora_4x128", "llama135m_qlora_4x128_bf16", "bert_forward_int8");

    private static final Set<String> SHARED_KEYS = Set.of(
            "case", "steps", "median_step_ms", "min_step_ms", "tok_s", "threads", "peak_rss_mb", "loadavg", "torch");

    @TempDir
    static Path checkpoints;

    private final CommandFixture command = new CommandFixture();

    @BeforeAll
    static void write() throws IOException {
        BenchModels.write(checkpoints);
    }

    static List<String> names() {
        return Stream.concat(REFERENCE.stream(), LONGER.stream()).toList();
    }

    static List<String> measured() {
        return names().stream().filter(n -> !REFUSED.contains(n)).toList();
    }

    private Map<String, Object> bench(Object... arguments) throws IOException {
        List<Object> words = new ArrayList<>(List.of("bench"));
        words.addAll(List.of(arguments));
        words.addAll(List.of("--checkpoints", checkpoints, "--steps", 1));
        return Json.parse(command.works(words.toArray()));
    }

    @Test
    void the_cases_are_those_of_the_reference_and_those_of_long_sequences() {
        assertEquals(
                new TreeSet<>(names()),
                new TreeSet<>(BenchCases.ALL.stream().map(BenchCase::name).toList()));
        assertEquals(names().size(), BenchCases.ALL.size());
        assertTrue(BenchCases.names().containsAll(ServingBench.CASES));
        assertTrue(BenchCases.names().containsAll(ImageBench.CASES));
    }

    @ParameterizedTest
    @MethodSource("measured")
    void a_case_prints_the_keys_of_the_reference(String name) throws IOException {
        Map<String, Object> result = bench(name);
        Set<String> expected = new TreeSet<>(SHARED_KEYS);
        expected.addAll(
                name.contains("decode")
                        ? Set.of("generate_tok_s", "first_ids")
                        : name.contains("forward") ? Set.of("mean_abs_hidden") : Set.of("trainable", "loss_eval"));
        assertEquals(expected, new TreeSet<>(result.keySet()));
        assertEquals(name, result.get("case"));
        assertEquals(1, result.get("steps"));
        for (String key : List.of("median_step_ms", "min_step_ms", "tok_s")) {
            assertTrue(result.get(key) instanceof Number n && n.doubleValue() > 0, () -> key + " of " + result);
        }
    }

    @ParameterizedTest
    @FieldSource("dev.peft4j.cli.ImageBench#CASES")
    void a_case_of_images_prints_the_keys_of_its_reference(String name) throws IOException {
        Map<String, Object> result = bench(name);
        Set<String> expected = new TreeSet<>(SHARED_KEYS);
        expected.remove("tok_s");
        expected.addAll(Set.of("images_s", "trainable", "loss_eval"));
        assertEquals(expected, new TreeSet<>(result.keySet()));
        assertEquals(name, result.get("case"));
        assertEquals(!name.contains("forward"), number(result, "trainable") > 0);
        int images = name.startsWith("resnet20") ? 64 : 8;
        assertEquals(images, number(result, "images_s") * number(result, "median_step_ms") / 1000, images * 0.05);
        assertEquals(Math.log(10), number(result, "loss_eval"), 1.5);
    }

    @Test
    void the_profile_of_images_shows_their_kernels() throws IOException {
        bench("resnet20_full_64x32", "--profile");
        for (String operation : List.of("patches and pools", "columnNormBackward", "columnMoments")) {
            assertTrue(command.err.contains("\n" + operation), () -> operation + " in " + command.err);
        }
        command.fails("reads images", "bench", "vit_b16_lora_8x224", "--lengths", "x", "--checkpoints", checkpoints);
    }

    @Test
    void long_sequences_have_as_many_tokens_as_their_name_says() throws IOException {
        Map<String, Object> result = bench("gpt2_lora_1x4096");
        double seconds = number(result, "median_step_ms") / 1000;
        assertEquals(4096, number(result, "tok_s") * seconds, 4096 * 0.05);
    }

    @Test
    void full_cases_train_every_weight_and_others_a_few() throws IOException {
        int lora = 8 * (8 + 24); // A (8, 8) and B (24, 8) of the one c_attn
        assertEquals(lora, bench("gpt2_lora_4x128").get("trainable"));
        assertEquals(lora, bench("gpt2_lora_4x128_bf16").get("trainable"));
        int all = 90 * 8 + 1024 * 8 + 2 * 16 + (8 * 24 + 24) + (8 * 8 + 8) + (8 * 32 + 32) + (32 * 8 + 8) + 16;
        assertEquals(all, bench("gpt2_full_4x128").get("trainable"));
        assertEquals(all, bench("gpt2_full_4x128_bf16").get("trainable"));
    }

    @Test
    void a_bf16_case_keeps_the_base_in_bfloat16_unless_it_is_trained() throws IOException {
        double single = number(bench("gpt2_lora_4x128"), "loss_eval");
        double half = number(bench("gpt2_lora_4x128_bf16"), "loss_eval");
        assertNotEquals(single, half);
        assertEquals(single, half, 1e-3);
        double hidden = number(bench("bert_forward_f32"), "mean_abs_hidden");
        double rounded = number(bench("bert_forward_bf16"), "mean_abs_hidden");
        assertNotEquals(hidden, rounded);
        assertEquals(hidden, rounded, 1e-2);
        for (BenchCase c : BenchCases.ALL) {
            if (c.name().contains("_full_")) {
                assertTrue(c.isSupported() && c.work() == BenchCase.Work.FULL, c.name());
            }
        }
    }

    @Test
    void kinds_of_weights_that_are_missing_are_named() {
        for (String name : REFUSED) {
            String kind = name.contains("int8") ? "8 bits (int8)" : "4 bits (NF4 with double quantization)";
            command.fails("--steps 0 was given", "bench", name, "--checkpoints", checkpoints, "--steps", 0);
            command.fails("whose base weights are in " + kind, "bench", name, "--checkpoints", checkpoints);
            assertTrue(
                    command.err.contains("in single precision and in bfloat16") && command.err.contains("Measure "),
                    command.err);
        }
        command.fails("Measure bert_forward_f32", "bench", "bert_forward_int8", "--checkpoints", checkpoints);
        command.fails("Measure llama135m_lora_4x128", "bench", "llama135m_qlora_4x128", "--checkpoints", checkpoints);
        command.fails("Did you mean gpt2_lora_4x128?", "bench", "gpt2_lora_4x129", "--checkpoints", checkpoints);
    }

    @Test
    void both_sst2_cases_take_lengths_and_no_other_does() throws IOException {
        Path lengths = checkpoints.resolve("lengths.txt");
        Files.writeString(lengths, "5\n9\n".repeat(40));
        for (String name : List.of("minilm_lora_sst2", "minilm_full_sst2", "minilm_lora_sst2_bf16")) {
            Map<String, Object> result = bench(name, "--lengths", lengths);
            double tokens = number(result, "tok_s") * number(result, "median_step_ms") / 1000;
            assertEquals(32 * 7, tokens, 32 * 7 * 0.1, result.toString());
        }
        command.fails("one length", "bench", "gpt2_decode64", "--lengths", lengths, "--checkpoints", checkpoints);
        command.fails("by turns", "bench", "gpt2_batch32", "--profile", "--checkpoints", checkpoints);
    }

    private static double number(Map<String, Object> result, String key) {
        return result.get(key) instanceof Number n ? n.doubleValue() : Double.NaN;
    }
}
