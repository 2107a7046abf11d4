package dev.peft4j.tests;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.adapters.bottleneck.Scaling;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.adapters.tokens.TrainableTokensConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.site.Site;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;

/** Every method and option, as one line of the behaviour matrix. */
final class Methods {
    static final Path MODELS = Shared.root().resolve("peft-tests/src/test/resources/golden/models");
    static final List<String> FAMILIES =
            List.of("gpt2", "llama", "bert", "qwen3", "gemma3_text", "phi3", "modernbert_small", "deberta_c2p");
    static final Set<String> WITHOUT_BIASES =
            Set.of("llama", "mistral", "qwen3", "smollm3", "phi3", "gemma2", "gemma3_text");

    private static final Set<String> WITHOUT_KEYS_IN_FRONT = Set.of("modernbert_small", "deberta_c2p");

    private Methods() {}

    private static final BottleneckConfig.Init MAM = BottleneckConfig.Init.MAM_ADAPTER;

    /**
     * A method with its options.
     *
     * @param name for the report
     * @param config for a model
     * @param changesNothing whether a new adapter leaves the output as it is, bit by bit; else up to rounding
     */
    record Method(String name, Function<Model, PeftConfig> config, boolean changesNothing) {
        Adapter create(Model model, long seed) {
            PeftConfig c = config.apply(model);
            return AdapterFiles.method(c.peftType()).create(c, model, seed);
        }

        /** Whether rows in front of a sequence change it from the start. */
        boolean addsRows() {
            return name.startsWith("prompt") || name.startsWith("prefix") || name.startsWith("P-tuning");
        }

        /** Whether all that it does is a change of weights. */
        boolean isMergeable() {
            return !addsRows() && !name.startsWith("bottleneck");
        }

        /** Why a family cannot have it, or nothing. */
        String impossible(String family) {
            if (name.startsWith("prefix") && WITHOUT_KEYS_IN_FRONT.contains(family)) {
                return family + " takes no keys in front";
            }
            return name.equals("BitFit") && WITHOUT_BIASES.contains(family) ? family + " has no biases" : "";
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Method> all() {
        LoraConfig plain = LoraConfig.of(4, 8);
        LoraConfig wide = plain.withTarget(TargetModules.allLinearLayers());
        List<Method> all = new ArrayList<>();
        all.add(new Method("LoRA", m -> plain, true));
        all.add(new Method("LoRA all-linear", m -> wide, true));
        all.add(new Method("LoRA rsLoRA", m -> wide.withRsLora(), true));
        all.add(new Method("LoRA patterns", m -> patterns(plain, m), true));
        all.add(new Method("LoRA bias all", m -> wide.withBias(LoraConfig.Bias.ALL, false), true));
        all.add(new Method("LoRA lora_bias", m -> plain.withBias(LoraConfig.Bias.LORA_ONLY, true), true));
        all.add(new Method("LoRA embeddings", m -> embeddings(plain, m), true));
        all.add(new Method("LoRA tokens", m -> plain.withTrainableTokens(List.of(5, 7, 11)), false));
        all.add(new Method("LoRA modules_to_save", m -> plain.withModulesToSave(modules(m)), true));
        all.add(new Method("LoRA gaussian", m -> plain.withInit(LoraInit.of(LoraInit.Kind.GAUSSIAN)), true));
        all.add(new Method("LoRA orthogonal", m -> plain.withInit(LoraInit.of(LoraInit.Kind.ORTHOGONAL)), false));
        all.add(new Method("DoRA", m -> wide.withDora(), false));
        all.add(new Method("DoRA embeddings", m -> embeddings(plain.withDora(), m), false));
        all.add(new Method("PiSSA", m -> plain.withInit(LoraInit.of(LoraInit.Kind.PISSA)), false));
        all.add(new Method("PiSSA 4 iterations", m -> plain.withInit(new LoraInit(LoraInit.Kind.PISSA, 4)), false));
        all.add(new Method("OLoRA", m -> plain.withInit(LoraInit.of(LoraInit.Kind.OLORA)), false));
        all.add(new Method("AdaLoRA", m -> AdaLoraConfig.of(RankSchedule.of(4, 2), 8, Attachment.DEFAULT), true));
        all.add(new Method("LoHa", m -> LoHaConfig.of(3, 6, Attachment.DEFAULT), true));
        all.add(new Method("LoKr", m -> LoKrConfig.of(2, 4, Attachment.DEFAULT), true));
        all.add(new Method("VeRA", m -> VeraConfig.of(6, Attachment.DEFAULT), true));
        all.add(new Method("OFT", m -> OftConfig.of(4, Attachment.DEFAULT), false));
        all.add(new Method(
                "OFT exact, shared",
                m -> OftConfig.of(4, Attachment.DEFAULT).withExactCayley().withBlockShare(),
                false));
        all.add(new Method("IA3", m -> Ia3Config.DEFAULT, true));
        all.add(new Method("norm tuning", m -> NormTuningConfig.ALL, true));
        all.add(new Method("trainable tokens", m -> TrainableTokensConfig.of(5, 7, 11), false));
        all.add(new Method("BitFit", m -> BitFitConfig.ALL, true));
        all.add(new Method(
                "bottleneck, Houlsby", m -> BottleneckConfig.houlsby(4).withInit(MAM), true));
        all.add(new Method(
                "bottleneck, Pfeiffer", m -> BottleneckConfig.pfeiffer(4).withInit(MAM), true));
        all.add(new Method(
                "bottleneck, trained scaling, norm",
                m -> BottleneckConfig.houlsby(4)
                        .withInit(MAM)
                        .withScaling(new Scaling(Scaling.Kind.CHANNEL, 1))
                        .withNorm(BottleneckConfig.Norm.BEFORE_RESIDUAL),
                true));
        all.add(new Method("bottleneck, parallel", m -> BottleneckConfig.parallel(4, 2.5), true));
        all.add(new Method("prompt tuning", m -> PromptTuningConfig.of(3), false));
        all.add(new Method("prefix tuning", m -> PrefixTuningConfig.of(3), false));
        all.add(new Method(
                "prefix tuning, projection", m -> PrefixTuningConfig.of(3).withProjection(6), false));
        all.add(new Method(
                "P-tuning, MLP",
                m -> PTuningConfig.of(3, PTuningConfig.Encoder.MLP).withHidden(8),
                false));
        all.add(new Method(
                "P-tuning, LSTM",
                m -> PTuningConfig.of(3, PTuningConfig.Encoder.LSTM).withHidden(5),
                false));
        return all;
    }

    private static LoraConfig patterns(LoraConfig plain, Model model) {
        String site = plain.attachment().sitesOfAllKinds(model).get(0).name();
        return plain.withPatterns(Map.of(site, 2), Map.of(site, 5.0));
    }

    private static LoraConfig embeddings(LoraConfig plain, Model model) {
        List<String> names =
                new ArrayList<>(List.of(model.tokens("LoRA of embeddings").name()));
        plain.attachment().sites(model).forEach(s -> names.add(s.name()));
        return plain.withTarget(TargetModules.of(names));
    }

    /** A norm, or the layer in front of the classifier, or the first layer of all, and what the task needs. */
    private static List<String> modules(Model model) {
        List<String> all = new ArrayList<>(model.taskModules());
        List<NormSite> norms = model.normSites();
        String pooler = "bert.pooler";
        boolean pools = model.tensorNames().contains(pooler + ".dense.weight");
        if (pools) {
            all.add(pooler);
        } else {
            Site site = norms.isEmpty() ? model.linearSites().get(0) : norms.get(norms.size() - 1);
            all.add(site.name());
        }
        return all;
    }

    /** Gives every parameter values that have an effect. */
    static void randomise(Adapter adapter, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (Parameter p : adapter.parameters()) {
            String n = p.name();
            if (n.endsWith(".running_var")) { // of no meaning below 0
                continue;
            }
            boolean own =
                    n.contains("lora_") || n.contains("oft_") || n.contains(".adapters.") || n.contains("encoder.");
            boolean copy = (!own && (n.endsWith(".weight") || n.endsWith(".bias")))
                    || n.contains("magnitude")
                    || n.contains("ia3_l")
                    || n.contains("trainable_tokens");
            double deviation = n.contains("oft_") ? 0.1 : n.contains("embedding") ? 0.3 : 0.2;
            for (int r = 0; r < p.value().rows(); r++) {
                for (int c = 0; c < p.value().cols(); c++) {
                    double g = random.nextGaussian();
                    double old = p.value().get(r, c);
                    p.value().set(r, c, copy ? old * (1 + 0.15 * g) + 0.02 * g : deviation * g);
                }
            }
        }
    }
}
