package dev.peft4j.cli;

import static dev.peft4j.cli.BenchCase.Work.DECODE;
import static dev.peft4j.cli.BenchCase.Work.FORWARD;
import static dev.peft4j.cli.BenchCase.Work.FULL;
import static dev.peft4j.cli.BenchCase.Work.LORA;
import static dev.peft4j.cli.BenchCase.Work.LORA_EVERYWHERE;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The cases that there are: those of the reference benchmark under its names, and some of long sequences. */
final class BenchCases {
    private static final int SST2_BATCH = 32;

    /** Those that exist in bfloat16 too. */
    private static final List<BenchCase> BOTH = List.of(
            BenchCase.of("gpt2_lora_4x128", LORA, 4, 128),
            BenchCase.of("gpt2_lora_2x256", LORA, 2, 256),
            BenchCase.of("gpt2_lora_1x1024", LORA, 1, 1024),
            BenchCase.of("gpt2_lora_1x4096", LORA, 1, 4096).at("gpt2_4096"),
            BenchCase.of("gpt2_full_4x128", FULL, 4, 128),
            BenchCase.of("llama135m_lora_4x128", LORA_EVERYWHERE, 4, 128),
            BenchCase.of("llama135m_qlora_4x128", LORA_EVERYWHERE, 4, 128).on(BenchCase.Base.NF4),
            BenchCase.of("minilm_lora_sst2", LORA, SST2_BATCH, 0),
            BenchCase.of("gpt2_decode64", DECODE, 1, 64));

    private static final List<BenchCase> ALONE = List.of(
            BenchCase.of("minilm_full_sst2", FULL, SST2_BATCH, 0),
            BenchCase.of("bert_forward_f32", FORWARD, 8, 128).at("bert_base"),
            BenchCase.of("bert_forward_bf16", FORWARD, 8, 128).at("bert_base").on(BenchCase.Base.BF16),
            BenchCase.of("bert_forward_int8", FORWARD, 8, 128).at("bert_base").on(BenchCase.Base.INT8));

    static final List<BenchCase> ALL = Stream.of(
                    BOTH.stream(), ALONE.stream(), BOTH.stream().map(BenchCase::inBf16))
            .flatMap(cases -> cases)
            .toList();

    private BenchCases() {}

    /** Names of all cases, those of {@link ImageBench} and {@link ServingBench} included. */
    static List<String> names() {
        List<String> all = new ArrayList<>();
        ALL.forEach(c -> all.add(c.name()));
        all.addAll(ImageBench.CASES);
        all.addAll(ServingBench.CASES);
        return all;
    }

    /**
     * The case of a name.
     *
     * @throws BadInputException if there is none, or its kind of weights is missing
     */
    static BenchCase named(String name) {
        BenchCase found = ALL.stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("the case " + name + " was asked for; there are "
                        + String.join(", ", names()) + "." + TargetModules.suggestion(name, names())
                        + " Name one of these."));
        if (!found.isSupported()) {
            throw new BadInputException("the case " + name + " was asked for, whose base weights are "
                    + found.base().text() + "; weights can be kept " + BenchCase.Base.F32.text() + " and "
                    + BenchCase.Base.BF16.text() + " so far. Measure " + closest(found) + " instead.");
        }
        return found;
    }

    private static String closest(BenchCase missing) {
        return ALL.stream()
                .filter(c ->
                        c.isSupported() && c.checkpoint().equals(missing.checkpoint()) && c.work() == missing.work())
                .findFirst()
                .orElseThrow()
                .name();
    }
}
