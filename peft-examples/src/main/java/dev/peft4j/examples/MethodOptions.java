package dev.peft4j.examples;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which method, and its options. */
final class MethodOptions {
    static final String FULL = "full";
    static final List<String> METHODS =
            List.of("lora", "rslora", "dora", "pissa", "olora", "adalora", "loha", "lokr", "vera", "oft");

    @Option(
            names = "--method",
            paramLabel = "NAME",
            description =
                    "lora, rslora, dora, pissa, olora, adalora, loha, lokr, vera, oft, or full: all weights (default: ${DEFAULT-VALUE})")
    String method = "lora";

    @Option(
            names = "--r",
            paramLabel = "R",
            description = "rank; for oft the size of a block (default: ${DEFAULT-VALUE})")
    int r = 8;

    @Option(
            names = "--lora-alpha",
            paramLabel = "A",
            description = "the update is scaled by A / R (default: ${DEFAULT-VALUE})")
    double alpha = 16;

    @Option(
            names = "--lora-dropout",
            paramLabel = "P",
            description = "dropout in front of the adapter (default: ${DEFAULT-VALUE})")
    double dropout;

    @Option(
            names = "--target-modules",
            paramLabel = "NAMES",
            description =
                    "layer names with commas, all-linear, or regex:PATTERN (default: those of PEFT for the architecture)")
    String target = "";

    @Option(
            names = "--trainable-tokens",
            split = ",",
            paramLabel = "IDS",
            description = "tokens whose rows of the embedding are trained beside LoRA")
    List<Integer> tokens = List.of();

    boolean isFull() {
        return method.equals(FULL);
    }

    /**
     * The config.
     *
     * @throws IllegalArgumentException if there is no such method, or an option that it does not have was given
     */
    PeftConfig config() {
        Attachment layers = Attachment.to(targetModules());
        LoraConfig lora = new LoraConfig(r, alpha, dropout, targetModules()).withTrainableTokens(tokens);
        if (!tokens.isEmpty()
                && !List.of("lora", "rslora", "dora", "pissa", "olora").contains(method)) {
            throw new IllegalArgumentException(
                    "--trainable-tokens was given with --method " + method + ", which has none. Use lora.");
        }
        return switch (method) {
            case "lora" -> lora;
            case "rslora" -> lora.withRsLora();
            case "dora" -> lora.withDora();
            case "pissa" -> lora.withInit(LoraInit.of(LoraInit.Kind.PISSA));
            case "olora" -> lora.withInit(LoraInit.of(LoraInit.Kind.OLORA));
            case "adalora" ->
                new AdaLoraConfig(RankSchedule.of((3 * r + 1) / 2, r), alpha, dropout, 0.5, Map.of(), layers);
            case "loha" -> LoHaConfig.of(r, alpha, layers);
            case "lokr" -> LoKrConfig.of(r, alpha, layers);
            case "vera" -> new VeraConfig(r, 0, true, 0.1, dropout, true, layers);
            case "oft" -> OftConfig.of(r, layers);
            default ->
                throw new IllegalArgumentException("--method " + method + " was given; there are "
                        + String.join(", ", METHODS) + " and full. Use one of these.");
        };
    }

    private @Nullable TargetModules targetModules() {
        if (target.isEmpty()) {
            return null;
        }
        if (target.startsWith("regex:")) {
            return TargetModules.matching(target.substring("regex:".length()));
        }
        return target.equals("all-linear")
                ? TargetModules.allLinearLayers()
                : TargetModules.of(Arrays.asList(target.split(",", -1)));
    }

    /** For the report. */
    Map<String, String> settings() {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("method", method);
        if (!isFull()) {
            s.put("r, alpha, dropout", r + ", " + alpha + ", " + dropout);
            s.put("target modules", target.isEmpty() ? "default of the architecture" : target);
        }
        return s;
    }
}
