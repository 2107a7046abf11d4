package dev.peft4j.cli;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which method, and its options. */
final class MethodOptions {
    static final String FULL = "full";
    private static final String TEXT = "text:";
    private static final int MOST_ROWS = 1 << 24; // more than any context
    private static final List<String> PROMPTS = List.of("prompt", "prefix", "ptuning");
    private static final List<String> PRODUCTS = List.of("lora", "rslora", "dora", "pissa", "olora", "adalora", "loha");
    private static final List<String> BOTTLENECKS = List.of("houlsby", "pfeiffer", "parallel");
    static final List<String> METHODS = List.of(
            "lora",
            "rslora",
            "dora",
            "pissa",
            "olora",
            "adalora",
            "loha",
            "lokr",
            "vera",
            "oft",
            "ia3",
            "bitfit",
            "ln",
            "houlsby",
            "pfeiffer",
            "parallel",
            "prompt",
            "prefix",
            "ptuning");

    /** Options that are not for all methods, by the methods that have them. */
    private static final Map<String, Set<String>> OPTIONS = options();

    private static final Set<String> ALL_OPTIONS =
            OPTIONS.values().stream().flatMap(Set::stream).collect(Collectors.toCollection(TreeSet::new));

    private static Map<String, Set<String>> options() {
        Set<String> lora = Set.of("--r", "--lora-alpha", "--lora-dropout", "--target-modules", "--trainable-tokens");
        Set<String> product = Set.of("--r", "--lora-alpha", "--target-modules");
        Set<String> targets = Set.of("--target-modules");
        Set<String> bottleneck = Set.of("--reduction-factor");
        Map<String, Set<String>> all = new TreeMap<>();
        List.of("lora", "rslora", "dora", "pissa", "olora").forEach(name -> all.put(name, lora));
        all.put("adalora", Set.of("--r", "--lora-alpha", "--lora-dropout", "--target-modules"));
        List.of("loha", "lokr").forEach(name -> all.put(name, product));
        all.put("vera", Set.of("--r", "--lora-dropout", "--target-modules"));
        all.put("oft", Set.of("--r", "--target-modules"));
        List.of("ia3", "bitfit", "ln").forEach(name -> all.put(name, targets));
        BOTTLENECKS.forEach(name -> all.put(name, bottleneck));
        all.put("prompt", Set.of("--virtual-tokens", "--prompt-init"));
        all.put("prefix", Set.of("--virtual-tokens", "--prompt-init", "--projection"));
        all.put("ptuning", Set.of("--virtual-tokens", "--projection"));
        return all;
    }

    @Option(
            names = "--method",
            paramLabel = "NAME",
            description =
                    "lora, rslora, dora, pissa, olora, adalora, loha, lokr, vera, oft, ia3, bitfit, ln, houlsby, pfeiffer, parallel, prompt, prefix, ptuning, or full: all weights; NAME+NAME trains several together (default: ${DEFAULT-VALUE})")
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

    @Option(
            names = "--virtual-tokens",
            paramLabel = "N",
            description = "rows in front of a sequence, for prompt, prefix and ptuning (default: ${DEFAULT-VALUE})")
    int virtualTokens = 20;

    @Option(
            names = "--prompt-init",
            paramLabel = "KIND",
            description =
                    "random, vocabulary, or text:SOME TEXT for prompt; random, zero, or text:SOME TEXT for prefix (default: ${DEFAULT-VALUE})")
    String promptInit = "random";

    @Option(
            names = "--projection",
            paramLabel = "N",
            description =
                    "inner size of a network that makes the rows of prefix and ptuning; 0 for none or its default")
    int projection;

    @Option(
            names = "--reduction-factor",
            paramLabel = "F",
            description = "hidden size over bottleneck, for houlsby, pfeiffer, parallel (default: ${DEFAULT-VALUE})")
    double reductionFactor = 16;

    boolean isFull() {
        return method.equals(FULL);
    }

    /** The methods that are trained together. */
    List<String> names() {
        return Arrays.asList(method.split("\\+", -1));
    }

    /** Places of the context that the methods take in front of each sequence. */
    int rowsInFront() {
        long rows = names().stream().filter(PROMPTS::contains).count() * virtualTokens;
        return (int) Math.min(rows, MOST_ROWS);
    }

    /** Refuses a method that there is not, and options that none of some methods has, before anything is read. */
    void check(Given given, List<String> methods) {
        Set<String> used = new TreeSet<>();
        for (String several : methods) {
            method = several;
            checkNames();
            names().forEach(name -> used.addAll(OPTIONS.getOrDefault(name, Set.of())));
        }
        for (String option : ALL_OPTIONS) {
            given.refuse(
                    option,
                    !used.contains(option),
                    (methods.size() == 1 ? "--method " : "--methods ") + String.join(",", methods)
                            + ", which has no such setting");
        }
    }

    private void checkNames() {
        for (String name : names()) {
            if (!METHODS.contains(name) && !isFull()) {
                throw new IllegalArgumentException("--method " + name + " was given; there are "
                        + String.join(", ", METHODS) + " and full." + TargetModules.suggestion(name, METHODS)
                        + " Use one of these" + (name.equals(FULL) ? "; full trains everything alone." : "."));
            }
        }
        if (Set.copyOf(names()).size() < names().size()) {
            throw new IllegalArgumentException(
                    "--method " + method + " was given, which names a method twice. Train two of a kind one after the"
                            + " other, the second with --on.");
        }
    }

    /**
     * A new adapter.
     *
     * @param head whether it trains the head of a classifier
     */
    Adapter create(String name, Model model, TextTokenizer tokenizer, long seed, boolean head) {
        if (PRODUCTS.contains(name)) {
            checkRank(model);
        }
        PeftConfig config = config(name, tokenizer);
        return AdapterFiles.method(config.peftType())
                .create(head ? config : config.withModulesToSave(List.of()), model, seed);
    }

    /** Refuses a rank that no layer of a model has. */
    private void checkRank(Model model) {
        int most = model.linearSites().stream()
                .mapToInt(s -> Math.min(s.in(), s.out()))
                .max()
                .orElse(r);
        if (r > most) {
            throw new IllegalArgumentException("--r " + r + " was given; the layers of this " + model.modelType()
                    + " model have at most the rank " + most + ". Use a smaller one; 8 is usual.");
        }
    }

    /**
     * The config.
     *
     * @throws IllegalArgumentException if there is no such method, or an option that it does not have was given
     */
    private PeftConfig config(String name, TextTokenizer tokenizer) {
        Attachment layers = Attachment.to(targetModules());
        LoraConfig lora = new LoraConfig(r, alpha, dropout, targetModules()).withTrainableTokens(tokens);
        return switch (name) {
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
            case "ia3" -> new Ia3Config(null, true, layers);
            case "bitfit" -> new BitFitConfig(layers);
            case "ln" -> new NormTuningConfig(layers);
            case "houlsby" -> BottleneckConfig.houlsby(reductionFactor);
            case "pfeiffer" -> BottleneckConfig.pfeiffer(reductionFactor);
            case "parallel" -> BottleneckConfig.parallel(reductionFactor, 4);
            case "prompt" -> prompt(tokenizer);
            case "prefix" -> prefix(tokenizer);
            case "ptuning" ->
                PTuningConfig.of(virtualTokens, PTuningConfig.Encoder.MLP).withHidden(projection);
            default -> throw new IllegalStateException(name);
        };
    }

    private PromptTuningConfig prompt(TextTokenizer tokenizer) {
        PromptTuningConfig prompt = PromptTuningConfig.of(virtualTokens);
        if (promptInit.startsWith(TEXT)) {
            return prompt.withText(promptInit.substring(TEXT.length()), textTokens(tokenizer));
        }
        return switch (promptInit) {
            case "random" -> prompt;
            case "vocabulary" -> prompt.withVocabulary();
            default ->
                throw new IllegalArgumentException(
                        "--prompt-init " + promptInit
                                + " was given with --method prompt; there are random, vocabulary and text:SOME TEXT. Use one of these.");
        };
    }

    /** With special tokens, as PEFT. */
    private List<Integer> textTokens(TextTokenizer tokenizer) {
        String text = promptInit.substring(TEXT.length());
        return Arrays.stream(tokenizer.encode(text, true)).boxed().toList();
    }

    private PrefixTuningConfig prefix(TextTokenizer tokenizer) {
        PrefixTuningConfig prefix = PrefixTuningConfig.of(virtualTokens);
        if (promptInit.equals("zero")) {
            prefix = prefix.withZeros();
        } else if (promptInit.startsWith(TEXT)) {
            prefix = prefix.withText(textTokens(tokenizer));
        } else if (!promptInit.equals("random")) {
            throw new IllegalArgumentException("--prompt-init " + promptInit
                    + " was given with --method prefix; there are random, zero and text:SOME TEXT. Use one of these.");
        }
        return projection > 0 ? prefix.withProjection(projection) : prefix;
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

    /** For the report: the settings that the methods have. */
    Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("--r", String.valueOf(r));
        all.put("--lora-alpha", String.valueOf(alpha));
        all.put("--lora-dropout", String.valueOf(dropout));
        all.put("--target-modules", target.isEmpty() ? "default of the architecture" : target);
        all.put("--trainable-tokens", tokens.isEmpty() ? "none" : tokens.toString());
        all.put("--virtual-tokens", String.valueOf(virtualTokens));
        all.put("--prompt-init", promptInit);
        all.put("--projection", projection == 0 ? "default" : String.valueOf(projection));
        all.put("--reduction-factor", String.valueOf(reductionFactor));
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("method", method);
        all.forEach((option, value) -> {
            if (names().stream().anyMatch(n -> OPTIONS.getOrDefault(n, Set.of()).contains(option))) {
                settings.put(option.substring(2).replace('-', ' '), value);
            }
        });
        return settings;
    }
}
