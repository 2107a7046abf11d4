package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.site.TransformerSites;
import java.util.ArrayList;
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
 * @param ofModel what a file says of its model: sizes, and the task
 * @param otherFields what a file had besides
 */
public record PromptSettings(
        int virtualTokens,
        @Nullable WholeModules modulesToSave,
        boolean flat,
        Map<String, Object> ofModel,
        OtherFields otherFields) {
    private static final String TASK = "task_type";
    private static final List<String> OF_MODEL = List.of("token_dim", "num_attention_heads", "num_layers", TASK);

    /** Checks the range. */
    public PromptSettings {
        ofModel = new LinkedHashMap<>(ofModel);
        if (virtualTokens < 1) {
            throw new BadInputException(
                    "num_virtual_tokens = " + virtualTokens + " was given; it is at least 1. 20 is usual.");
        }
    }

    /** So many virtual tokens, and the head of the task. */
    public static PromptSettings of(int virtualTokens) {
        return new PromptSettings(virtualTokens, null, false, Map.of(), OtherFields.NONE);
    }

    static PromptSettings read(ConfigFields f) {
        if (f.any("task_type") == null) {
            throw new BadInputException("\"task_type\" is missing, without which PEFT reads the rows of a prompt and"
                    + " never uses them. Write the task of the model into the file.");
        }
        Object submodules = f.any("num_transformer_submodules");
        boolean encoderToo = submodules == null && "SEQ_2_SEQ_LM".equals(f.any("task_type"));
        if (encoderToo || (submodules != null && f.whole("num_transformer_submodules", 1) != 1)) {
            throw new BadInputException(
                    "\"num_transformer_submodules\" and \"task_type\" are those of a model with an"
                            + " encoder and a decoder; those here have one of them. Use the model that the adapter was trained on.");
        }
        Map<String, Object> ofModel = new LinkedHashMap<>();
        for (String field : OF_MODEL) {
            Object value = f.any(field);
            if (value != null) {
                ofModel.put(field, value);
            }
        }
        WholeModules whole = WholeModules.read(f, "base_model.");
        for (String own : List.of("prompt_encoder", "prompt_encoder.default", "prompt_encoder.default.embedding")) {
            if (!whole.prefix().isEmpty() && whole.endings().stream().anyMatch(own::endsWith)) {
                throw ConfigFields.wrong("modules_to_save", whole.endings(), "a list of modules of the model");
            }
        }
        return new PromptSettings(f.whole("num_virtual_tokens", 0), whole, false, ofModel, f.others());
    }

    /**
     * Compares a size of a file with that of the model.
     *
     * @throws BadInputException if it is another one
     */
    void requireSize(String field, int size) {
        Object found = ofModel.getOrDefault(field, size);
        if (!found.equals(size)) {
            throw ConfigFields.wrong(field, found, "the " + size + " of this model");
        }
    }

    /**
     * Layers for which there are keys and values: those of the model, or more of a file.
     *
     * @throws BadInputException if there are fewer
     */
    int layersFor(TransformerSites model) {
        int own = layers(model);
        Object found = ofModel.getOrDefault("num_layers", own);
        if (!(found instanceof Integer n) || n < own) {
            throw ConfigFields.wrong("num_layers", found, "at least the " + own + " of this model");
        }
        return n;
    }

    PromptSettings withModulesToSave(List<String> modules) {
        return new PromptSettings(
                virtualTokens, new WholeModules(modules, otherFields.read()), flat, ofModel, otherFields);
    }

    PromptSettings asFlat() {
        return new PromptSettings(virtualTokens, modulesToSave, true, ofModel, otherFields);
    }

    /** The modules that are trained whole; in a file an entry may mean none. */
    WholeModules whole(TransformerSites model) {
        return modulesToSave == null ? new WholeModules(model.taskModules(), otherFields.read()) : modulesToSave;
    }

    /** Refuses more virtual tokens than a sequence may have, with room for one token. */
    void check(TransformerSites model) {
        if (virtualTokens >= model.contextLength()) {
            throw new BadInputException("num_virtual_tokens = " + virtualTokens + " was given; the context of this "
                    + model.modelType() + " model has " + model.contextLength()
                    + " tokens, which have to hold text too. Use fewer.");
        }
        if (model.embeddingSites().isEmpty() || model.blockSites().isEmpty()) {
            throw new BadInputException("virtual tokens were asked for, and this " + model.modelType()
                    + " model has no tokens. LoRA and the methods that act at layers fit it.");
        }
    }

    /** Refuses a text without tokens, or with tokens that the model does not have. */
    static void checkText(List<Integer> tokens, TransformerSites model) {
        if (tokens.isEmpty()) {
            throw new BadInputException(
                    "rows were to start from a text, and its tokens are missing. Encode the text with the tokenizer of the"
                            + " model and give its tokens.");
        }
        int vocabulary = model.embeddingSites().get(0).entries();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new BadInputException("a text with the token " + token + " was given; this "
                        + model.modelType() + " model has the tokens 0 to " + (vocabulary - 1)
                        + ". Use its own tokenizer.");
            }
        }
    }

    /**
     * Refuses tasks for which PEFT computes another output of a classifier behind a prefix than the model has.
     *
     * @throws BadInputException if a file has one of them
     */
    void requireClassifierOfSequences(TransformerSites model) {
        Object task = ofModel.getOrDefault(TASK, model.taskType().name());
        List<String> modules = whole(model).endings();
        String prefix = model.traits().prefix();
        String base = prefix.substring(0, Math.max(0, prefix.length() - 1));
        boolean asClassifier = modules.stream().anyMatch(m -> base.contains(m) || "dropout".contains(m));
        if (model.taskType() == TaskType.SEQ_CLS
                && otherFields.read()
                && (task.equals("TOKEN_CLS")
                        || task.equals("QUESTION_ANS")
                        || (task.equals("SEQ_CLS") && asClassifier))) {
            throw new BadInputException("\"task_type\" is " + task + " and \"modules_to_save\" is " + modules
                    + ", with which PEFT computes something else than this " + model.modelType()
                    + " model: it is a classifier of sequences. Use the model that the adapter was trained on.");
        }
    }

    /** See {@link dev.peft4j.core.adapter.PeftConfig#untrainable}, for rows in front of tokens that an embedding gives, or not. */
    List<String> untrainable(TransformerSites model, boolean behindTokens) {
        List<String> all = new ArrayList<>(whole(model).missing(model));
        String table = model.embeddingSites().get(0).name();
        if (behindTokens && otherFields.read() && whole(model).hasTensor(table + ".weight")) {
            all.add("modules_to_save " + table);
        }
        all.addAll(otherFields.untrainable());
        return all;
    }

    long wholeCount(TransformerSites model) {
        return whole(model).count(model);
    }

    /** Layers of the model: each has three sites. */
    static int layers(TransformerSites model) {
        return model.blockSites().size() / 3;
    }

    /** D: columns of the keys of a layer. */
    static int keyWidth(TransformerSites model) {
        return model.blockSites().get(0).width();
    }

    Map<String, Object> toJson(String type, TransformerSites model, int tokenDim, int heads) {
        Map<String, Object> json = new TreeMap<>(otherFields.unknown());
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", type);
        String task = Attachment.taskType(whole(model).endings(), model);
        Object used = task == null ? "FEATURE_EXTRACTION" : task; // without one PEFT would not use the rows
        json.put(TASK, ofModel.getOrDefault(TASK, used));
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
