package dev.peft4j.tests;

import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.adapters.bottleneck.BottleneckPlacement;
import dev.peft4j.adapters.bottleneck.ReductionFactor;
import dev.peft4j.adapters.bottleneck.Scaling;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.weight.WeightFormat;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptSettings;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole models with dropout in double precision on the ND4J engine: every trainable tensor against central differences of the loss. */
@ExtendWith(OneNd4jThread.class)
class FiniteDifferenceTest {
    private static final long SEED = FiniteDifferences.SEED;

    @TempDir
    Path dir;

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "gpt2,lora",
        "llama,lora",
        "bert,lora",
        "gpt2,lora_bias",
        "bert,rslora",
        "gpt2,sites",
        "llama,sites",
        "bert,sites",
        "gpt2,embeddings",
        "bert,embeddings",
        "gpt2,tokens",
        "llama,pissa",
        "bert,adalora",
        "llama,loha",
        "bert,loha",
        "gpt2,lokr",
        "llama,lokr_both",
        "bert,vera",
        "llama,oft",
        "gpt2,oft_exact",
        "bert,ia3",
        "gpt2,norms",
        "bert,pfeiffer",
        "gpt2,houlsby",
        "llama,parallel",
        "bert,bottleneck_learned",
        "llama,bottleneck_channel",
        "gpt2,bottleneck_sum",
        "bert,prompt",
        "llama,prefix",
        "gpt2,prefix_projection",
        "bert,ptuning_mlp",
        "llama,ptuning_lstm",
        "gpt2,full",
        "llama,full",
        "bert,full",
        "gemma2,full",
        "gemma3_text,full",
        "gemma3_text,embeddings",
        "mistral,lora",
        "qwen2,full",
        "qwen3,full",
        "qwen3,norms",
        "smollm3,full",
        "phi3,full",
        "phi3,prefix",
        "roberta_small,full",
        "electra_small,full",
        "distilbert_small,lora",
        "deberta_small,full",
        "deberta_small,lora",
        "deberta_c2p,full",
        "modernbert_small,full",
        "modernbert_small,lora",
        "bert_vectors,full",
        "bert_layers,full",
        "bert_mean_layers,full",
        "bert_mean_layers,lora",
        "bert_mean_layers,prompt",
        "parallel,lora",
        "parallel,sites",
        "parallel,embeddings",
        "parallel,ia3",
        "parallel,norms",
        "parallel,houlsby",
        "parallel,parallel",
        "parallel,prompt",
        "parallel,prefix",
        "parallel,full"
    })
    void gradients_equal_central_differences(String family, String method) throws IOException {
        check(family, method, WeightFormat.full());
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @CsvSource({
        "bytes,gpt2,lora",
        "bytes,llama,pissa",
        "bytes,bert,sites",
        "bytes,llama,embeddings",
        "bytes,gpt2,prefix",
        "bytes,bert,full",
        "bf16,llama,lora",
        "bf16,gpt2,oft_exact",
        "bf16,bert,full"
    })
    void gradients_through_weights_of_another_form(String form, String family, String method) throws IOException {
        check(family, method, form.equals("bytes") ? ByteWeight::keep : WeightFormat.bf16());
    }

    private void check(String family, String method, WeightFormat format) throws IOException {
        Path directory =
                withDropout(family.equals("parallel") ? ParallelFamilyTest.MODEL : Methods.MODELS.resolve(family));
        SplittableRandom random = new SplittableRandom(SEED);
        LoadOptions options = LoadOptions.on(Backend.nd4j(DType.F64)).withFormat(format);
        TaskType task = TaskBatches.task(family, ModelInfo.read(directory).task());
        try (Model model = Models.load(directory, options.withTask(task));
                Arena arena = new Arena(DType.F64);
                Adapter adapter = adapter(model, method)) {
            new FiniteDifferences(model, adapter, batch(model), arena, random).check();
        }
    }

    /** A copy of a model whose config asks for dropout everywhere. */
    private Path withDropout(Path model) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>(Json.read(model.resolve("config.json")));
        for (String key : List.of(
                "embd_pdrop",
                "resid_pdrop",
                "attn_pdrop",
                "attention_dropout",
                "hidden_dropout_prob",
                "dropout",
                "attention_probs_dropout_prob")) {
            config.computeIfPresent(key, (k, v) -> 0.2);
        }
        Files.writeString(dir.resolve("config.json"), Json.print(config));
        Files.copy(model.resolve("model.safetensors"), dir.resolve("model.safetensors"));
        return dir;
    }

    private static Adapter adapter(Model model, String method) {
        Attachment wide = Attachment.to(TargetModules.allLinearLayers());
        PeftConfig config =
                switch (method) {
                    case "embeddings" -> embeddings(model);
                    case "tokens" -> LoraConfig.of(2, 4).withTrainableTokens(List.of(5, 8, 30, 12));
                    case "pissa" -> LoraConfig.of(2, 4).withInit(LoraInit.of(LoraInit.Kind.PISSA));
                    case "adalora" ->
                        new AdaLoraConfig(RankSchedule.of(3, 2), 5, 0.25, 0.5, Map.of(), Attachment.DEFAULT);
                    case "loha" -> new LoHaConfig(2, 4, 0.25, 0.1, true, false, Map.of(), Map.of(), wide);
                    case "lokr" -> LoKrConfig.of(2, 4, wide);
                    case "lokr_both" ->
                        new LoKrConfig(
                                1,
                                2,
                                0.25,
                                0,
                                true,
                                LoKrConfig.Init.SECOND_ZERO,
                                true,
                                4,
                                false,
                                Map.of(),
                                Map.of(),
                                wide);
                    case "vera" -> new VeraConfig(5, 7, true, 0.1, 0.25, true, wide);
                    case "ia3" -> Ia3Config.DEFAULT;
                    case "norms" -> NormTuningConfig.ALL;
                    case "pfeiffer" -> BottleneckConfig.pfeiffer(8);
                    case "houlsby" -> BottleneckConfig.houlsby(8);
                    case "parallel" -> BottleneckConfig.parallel(8, 2.5);
                    case "bottleneck_learned" ->
                        bottleneck(
                                BottleneckPlacement.Residual.INPUT,
                                Scaling.Kind.LEARNED,
                                BottleneckConfig.Norm.AFTER_RESIDUAL);
                    case "bottleneck_channel" ->
                        bottleneck(
                                BottleneckPlacement.Residual.OUTPUT,
                                Scaling.Kind.CHANNEL,
                                BottleneckConfig.Norm.BEFORE_RESIDUAL);
                    case "bottleneck_sum" ->
                        bottleneck(BottleneckPlacement.Residual.SUM, Scaling.Kind.FIXED, BottleneckConfig.Norm.NONE);
                    case "prompt" -> PromptTuningConfig.of(2);
                    case "prefix" -> PrefixTuningConfig.of(2);
                    case "prefix_projection" -> PrefixTuningConfig.of(2).withProjection(3);
                    case "ptuning_mlp" ->
                        PTuningConfig.of(2, PTuningConfig.Encoder.MLP).withHidden(3);
                    case "ptuning_lstm" ->
                        new PTuningConfig(PromptSettings.of(3), PTuningConfig.Encoder.LSTM, 3, 2, 0.2);
                    case "oft" -> OftConfig.of(4, wide);
                    case "oft_exact" -> OftConfig.of(4, wide).withExactCayley().withBlockShare();
                    default -> null;
                };
        if (config != null) {
            return AdapterFiles.method(config.peftType()).create(config, model, SEED);
        }
        return switch (method) {
            case "full" -> new FullFineTuning(model);
            case "sites" -> new SitesAdapter(model, true, true, true);
            default -> lora(model, method);
        };
    }

    private static BottleneckConfig bottleneck(
            BottleneckPlacement.Residual residual, Scaling.Kind scaling, BottleneckConfig.Norm norm) {
        return new BottleneckConfig(
                new BottleneckPlacement(true, true, false, true, residual, List.of()),
                new ReductionFactor(16.0, Map.of(0, 8.0)),
                Activation.LEAKY_RELU,
                new Scaling(scaling, 1.5),
                0.25,
                norm,
                BottleneckConfig.Init.HOULSBY,
                "task",
                null);
    }

    private static LoraConfig embeddings(Model model) {
        List<String> names = new ArrayList<>();
        model.embeddingSites().forEach(s -> names.add(s.name()));
        names.add(model.linearSites().get(0).name());
        return LoraConfig.of(2, 4).withTarget(TargetModules.of(names));
    }

    private static Adapter lora(Model model, String variant) {
        LoraConfig config =
                LoraConfig.of(3, 5).withTarget(TargetModules.allLinearLayers()).withDropout(0.25);
        config = switch (variant) {
            case "lora_bias" -> config.withBias(LoraConfig.Bias.ALL, true);
            case "rslora" -> config.withRsLora().withPatterns(Map.of("query", 2), Map.of("dense", 3.0));
            default -> config;
        };
        return new LoraMethod().create(config, model, SEED);
    }

    private static PackedBatch batch(Model model) {
        return TaskBatches.of(model, new int[][] {{5, 9, 2, 7, 30}, {11}, {8, 8, 1}, {4, 12}});
    }
}
