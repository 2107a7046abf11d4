package dev.peft4j.prompt;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.tensor.TorchRandom;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Prompt tuning: P trained rows (P, C) in front of the embedded tokens.
 *
 * <p>Lester et al. 2021, <a href="https://arxiv.org/abs/2104.08691">paper</a>, section 2. Choose it where an adapter has to be as small as possible;
 * with few steps it is weaker than the others. Cost: P · C parameters, P more tokens in every sequence.
 *
 * @param settings what all methods of this package have
 * @param init how the rows start
 * @param text that the rows were made of ({@code prompt_tuning_init_text}), for the file
 * @param tokens of the text: row i starts as the embedding of token {@code i mod n}
 */
public record PromptTuningConfig(PromptSettings settings, Init init, String text, List<Integer> tokens)
        implements PromptLearning {
    static final String PEFT_TYPE = "PROMPT_TUNING";

    /** How the rows start. */
    public enum Init {
        /** N(0, 1). */
        RANDOM,
        /** Embeddings of random tokens. */
        SAMPLE_VOCAB,
        /** Embeddings of the tokens of a text, repeated. */
        TEXT
    }

    /** Copies the list. */
    public PromptTuningConfig {
        tokens = List.copyOf(tokens);
    }

    /** So many random rows. */
    public static PromptTuningConfig of(int virtualTokens) {
        return new PromptTuningConfig(PromptSettings.of(virtualTokens), Init.RANDOM, "", List.of());
    }

    /** Starting at random tokens. */
    public PromptTuningConfig withVocabulary() {
        return new PromptTuningConfig(settings, Init.SAMPLE_VOCAB, "", List.of());
    }

    /** Starting at a text; its tokens come from the tokenizer of the model. */
    public PromptTuningConfig withText(String newText, List<Integer> itsTokens) {
        return new PromptTuningConfig(settings, Init.TEXT, newText, itsTokens);
    }

    static PromptTuningConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        boolean fromText = Init.TEXT.name().equals(f.any("prompt_tuning_init"));
        Object text = f.any("prompt_tuning_init_text");
        if (fromText && (text == null || !f.truth("tokenizer_name_or_path", false))) {
            throw new BadInputException("prompt_tuning_init is TEXT, and prompt_tuning_init_text or"
                    + " tokenizer_name_or_path is missing. Add them, or write RANDOM: the rows are in the file.");
        }
        if (!fromText && f.truth("tokenizer_kwargs", false)) {
            throw new BadInputException(
                    "tokenizer_kwargs was given without prompt_tuning_init = TEXT, which alone reads a text. Remove it.");
        }
        f.ignore("tokenizer_name_or_path", "tokenizer_kwargs");
        Object name = f.training("prompt_tuning_init", v -> Arrays.stream(Init.values())
                .anyMatch(i -> i.name().equals(v)));
        Init init = name == null ? Init.RANDOM : Init.valueOf(name.toString());
        return new PromptTuningConfig(PromptSettings.read(f), init, text instanceof String t ? t : "", List.of());
    }

    PromptTuningConfig asFlat() {
        return new PromptTuningConfig(settings.asFlat(), init, text, tokens);
    }

    /** First values (P, C). */
    Tensor rows(TransformerSites model, TorchRandom random) {
        settings.check(model);
        settings.requireSize("token_dim", model.width());
        if (init == Init.TEXT && !settings.flat()) {
            PromptSettings.checkText(tokens, model);
        }
        Tensor rows = Tensor.allocate(model.backend().dtype(), settings.virtualTokens(), model.width());
        random.normal(rows); // PEFT draws them whatever they start as
        if (init == Init.RANDOM || settings.flat()) {
            return rows;
        }
        FrozenWeight table = model.weight(model.embeddingSites().get(0).name() + ".weight");
        for (int i = 0; i < rows.rows(); i++) {
            int token = init == Init.TEXT ? tokens.get(i % tokens.size()) : random.below(table.out());
            table.decode(token, rows.rows(i, 1));
        }
        model.backend().kernels().scale(model.embeddingFactor(), rows);
        return rows;
    }

    @Override
    public void requireFits(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PromptLearning.super.requireFits(model);
        if (init == Init.TEXT) {
            PromptSettings.checkText(tokens, model);
        }
    }

    @Override
    public PromptTuningConfig withModulesToSave(List<String> modules) {
        return new PromptTuningConfig(settings.withModulesToSave(modules), init, text, tokens);
    }

    @Override
    public OtherFields otherFields() {
        return settings.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return settings.untrainable(model, true);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return (long) settings.virtualTokens() * model.width() + settings.wholeCount(model);
    }

    @Override
    public Map<String, Object> toJson(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        Map<String, Object> json = settings.toJson(PEFT_TYPE, model, model.width(), model.attentionHeads());
        // the rows are in the file; to make them again from the text, PEFT would ask for a tokenizer
        json.put("prompt_tuning_init", "RANDOM");
        json.put("prompt_tuning_init_text", null);
        json.put("tokenizer_name_or_path", null);
        return json;
    }
}
