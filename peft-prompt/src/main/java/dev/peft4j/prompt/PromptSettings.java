package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What all methods of this package have.
 *
 * @param virtualTokens P ({@code num_virtual_tokens}), from 1
 * @param modulesToSave modules that are trained whole; null for those that the task needs
 * @param flat whether the rows themselves are trained where the method has a network for them: an adapter that was read from a file of PEFT
 * @param kept unknown fields of a file that was read, to be written again
 * @param read whether it was read from a file, whose names may match nothing
 */
public record PromptSettings(
        int virtualTokens, @Nullable List<String> modulesToSave, boolean flat, Map<String, Object> kept, boolean read) {

    /** Checks the range. */
    public PromptSettings {
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        kept = new LinkedHashMap<>(kept);
        if (virtualTokens < 1) {
            throw new IllegalArgumentException(
                    "num_virtual_tokens = " + virtualTokens + " was given; it is at least 1. 20 is usual.");
        }
    }

    /** So many virtual tokens, and the head of the task. */
    public static PromptSettings of(int virtualTokens) {
        return new PromptSettings(virtualTokens, null, false, Map.of(), false);
    }

    static PromptSettings read(ConfigFields f) {
        for (String derived : List.of("token_dim", "num_attention_heads", "num_layers", "num_transformer_submodules")) {
            f.any(derived); // follow from the model
        }
        List<String> whole = Attachment.wholeModules(f);
        return new PromptSettings(f.whole("num_virtual_tokens", 0), whole, false, f.kept(), true);
    }

    PromptSettings withModulesToSave(List<String> modules) {
        return new PromptSettings(virtualTokens, modules, flat, kept, read);
    }

    PromptSettings asFlat() {
        return new PromptSettings(virtualTokens, modulesToSave, true, kept, read);
    }

    /** The modules that are trained whole; in a file an entry may mean none. */
    WholeModules whole(ModelSites model) {
        return new WholeModules(modulesToSave == null ? model.taskModules() : modulesToSave, read);
    }

    /** Refuses more virtual tokens than a sequence may have, with room for one token. */
    void check(ModelSites model) {
        if (virtualTokens >= model.contextLength()) {
            throw new IllegalArgumentException(
                    "num_virtual_tokens = " + virtualTokens + " was given; the context of this "
                            + model.modelType() + " model has " + model.contextLength()
                            + " tokens, which have to hold text too. Use fewer.");
        }
        if (model.embeddingSites().isEmpty() || model.blockSites().isEmpty()) {
            throw new IllegalArgumentException("virtual tokens were asked for, and this " + model.modelType()
                    + " model has no tokens. LoRA and the methods that act at layers fit it.");
        }
    }

    /** Refuses a text without tokens, or with tokens that the model does not have. */
    static void checkText(List<Integer> tokens, ModelSites model) {
        if (tokens.isEmpty()) {
            throw new IllegalArgumentException(
                    "rows were to start from a text, and its tokens are missing. Encode the text with the tokenizer of the"
                            + " model and give its tokens.");
        }
        int vocabulary = model.embeddingSites().get(0).entries();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new IllegalArgumentException("a text with the token " + token + " was given; this "
                        + model.modelType() + " model has the tokens 0 to " + (vocabulary - 1)
                        + ". Use its own tokenizer.");
            }
        }
    }

    List<String> unmatched(ModelSites model) {
        return new Attachment(TargetModules.allLinearLayers(), modulesToSave, Map.of(), read).unmatched(model);
    }

    long wholeCount(ModelSites model) {
        return whole(model).count(model);
    }

    /** Layers of the model: each has three sites. */
    static int layers(ModelSites model) {
        return model.blockSites().size() / 3;
    }

    /** D: columns of the keys of a layer. */
    static int keyWidth(ModelSites model) {
        return model.blockSites().get(0).width();
    }

    Map<String, Object> toJson(String type, ModelSites model, int tokenDim, int heads) {
        Map<String, Object> json = new TreeMap<>(kept);
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", type);
        json.put("task_type", model.taskType().name());
        json.put("inference_mode", true);
        json.put("num_virtual_tokens", virtualTokens);
        json.put("token_dim", tokenDim);
        json.put("num_attention_heads", heads);
        json.put("num_layers", layers(model));
        json.put("num_transformer_submodules", 1);
        json.put("modules_to_save", Attachment.savedModules(whole(model).endings(), model));
        return json;
    }
}
