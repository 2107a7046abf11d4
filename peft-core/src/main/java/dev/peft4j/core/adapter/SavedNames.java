package dev.peft4j.core.adapter;

import dev.peft4j.core.site.ModelSites;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Names of tensors in the files of adapters, as this library has them and as PEFT, older versions of it and of transformers, and AdapterHub write them.
 */
final class SavedNames {
    private static final String ORIGINAL = ".original_module.";
    private static final String COPY = ".modules_to_save.";
    private static final String BASE_LAYER = ".base_layer.";
    private static final String SHORT_PREFIX = "base_model."; // of heads beside prompts
    private static final String HEADS = "heads.";

    private final ModelSites model;
    private final String base; // what the names of the model begin with and those of its base alone do not

    SavedNames(ModelSites model) {
        this.model = model;
        this.base = model.traits().prefix();
    }

    /**
     * Names as this library has them by those in files: of modules as they are called today, and with the prefix of the base model, which an adapter that was trained on the base model without a head
     * does not have.
     *
     * @param mayBeHeadless whether the adapter can be one of those
     */
    Map<String, String> of(Collection<String> inFiles, boolean mayBeHeadless) {
        boolean bare = mayBeHeadless
                && inFiles.stream().noneMatch(n -> withoutPrefix(n).startsWith(base));
        Map<String, String> names = new LinkedHashMap<>();
        for (String inFile : inFiles) {
            String name = model.traits().olderNames().ours(inFile);
            String body = withoutPrefix(name);
            String before = name.substring(0, name.length() - body.length());
            names.put(inFile, bare && isInBase(body) ? before + base + body : name);
        }
        return names;
    }

    /** Whether the modules of the tensors of a file are called as they were before. */
    boolean areOlder(Collection<String> inFiles) {
        return model.traits().olderNames().areIn(inFiles);
    }

    /** A name without the name of the adapter, the wrapper of a whole module, and the parameter of a magnitude, which older versions of PEFT wrote into it. */
    static String canonical(String name) {
        String plain = name.replace(".modules_to_save.default.", ".").replace(".default.", ".");
        return withoutEnd(withoutEnd(plain, ".default"), ".weight", ".lora_magnitude_vector");
    }

    private static String withoutEnd(String name, String end) {
        return withoutEnd(name, end, "");
    }

    private static String withoutEnd(String name, String end, String behind) {
        return name.endsWith(behind + end) ? name.substring(0, name.length() - end.length()) : name;
    }

    /** Whether the base model has a module where a name begins. */
    private boolean isInBase(String name) {
        String module = base + name.substring(0, name.indexOf('.') + 1);
        return module.length() > base.length() && model.tensorNames().stream().anyMatch(n -> n.startsWith(module));
    }

    static String withoutPrefix(String name) {
        return name.startsWith(AdapterFiles.PREFIX) ? name.substring(AdapterFiles.PREFIX.length()) : name;
    }

    /** The tensor of the base that a name means, if it means one. */
    static String baseName(String name) {
        String body = withoutPrefix(canonical(name));
        String plain = body.startsWith(SHORT_PREFIX) ? body.substring(SHORT_PREFIX.length()) : body;
        return plain.replace(BASE_LAYER, ".").replace(ORIGINAL, ".").replace(COPY, ".");
    }

    /** What kind of tensors these are, where that is known; empty else. */
    static String explanation(List<String> unexpected) {
        return unexpected.stream().anyMatch(n -> n.startsWith(HEADS))
                ? " " + HEADS + "* is a flexible head of AdapterHub (of the ...AdapterModel classes), which is not"
                        + " supported: train with a ...ForSequenceClassification class, or remove model_head.safetensors."
                : "";
    }
}
