package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetParameters;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** LoRA for the service loader. */
public final class LoraMethod implements PeftMethod {
    private static final MethodOption TOKENS = MethodOption.wholeList(
            "--trainable-tokens", "IDS", "tokens whose rows of the embedding are trained beside LoRA, with commas");

    @Override
    public String peftType() {
        return LoraConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        return List.of(
                named("lora", lora -> lora),
                named("rslora", LoraConfig::withRsLora),
                named("dora", LoraConfig::withDora),
                named("pissa", lora -> lora.withInit(LoraInit.of(LoraInit.Kind.PISSA))),
                named("olora", lora -> lora.withInit(LoraInit.of(LoraInit.Kind.OLORA))));
    }

    private static NamedMethod named(String name, UnaryOperator<LoraConfig> variant) {
        List<MethodOption> options =
                List.of(RankOptions.R, RankOptions.ALPHA, RankOptions.DROPOUT, MethodOption.TARGET_MODULES, TOKENS);
        return new NamedMethod(name, 1e-3, options, (values, model) -> {
            LoraConfig lora = new LoraConfig(
                    RankOptions.rank(values, model),
                    values.number(RankOptions.ALPHA),
                    values.number(RankOptions.DROPOUT),
                    values.targetModules());
            return variant.apply(lora.withTrainableTokens(values.wholeList(TOKENS)));
        });
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return LoraJson.read(json);
    }

    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        LoraConfig lora = PeftMethod.require(LoraConfig.class, config);
        TargetParameters.check(lora.otherFields(), model);
        Map<String, Integer> ranks = NamePattern.fromFile(
                lora.sites(model),
                s -> shapes.get(s.name() + (s instanceof EmbeddingSite ? ".lora_embedding_A" : ".lora_A.weight")),
                lora.rankPattern(),
                lora.r());
        return lora.toBuilder().rankPattern(ranks).build();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new LoraAdapter(PeftMethod.require(LoraConfig.class, config), model, seed);
    }
}
