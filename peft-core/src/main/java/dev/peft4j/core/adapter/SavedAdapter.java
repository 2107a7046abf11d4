package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The files of an adapter directory: which of them belong to each other, and of what kind they are. */
final class SavedAdapter {
    static final String HUB_TYPE = "BOTTLENECK"; // of adapters whose config is AdapterHub's
    private static final Logger LOG = LoggerFactory.getLogger(SavedAdapter.class);

    private SavedAdapter() {}

    static Map<String, Object> config(Path directory) throws IOException {
        Path file = directory.resolve(AdapterFiles.CONFIG);
        Path pending = AtomicFile.pending(file);
        return Json.read(Files.exists(pending) && !Files.exists(file) ? pending : file);
    }

    static List<String> tensorFiles(Map<String, Object> json) {
        return isAdapterHub(json)
                ? List.of(AdapterFiles.HUB_TENSORS, AdapterFiles.HUB_HEAD)
                : List.of(AdapterFiles.TENSORS);
    }

    static void refusePickles(Path directory) throws BadFileException {
        Map<String, String> twins = Map.of(
                "adapter_model.bin", AdapterFiles.TENSORS,
                "pytorch_adapter.bin", AdapterFiles.HUB_TENSORS);
        for (Map.Entry<String, String> twin : twins.entrySet()) {
            if (Files.exists(directory.resolve(twin.getKey())) && !Files.exists(directory.resolve(twin.getValue()))) {
                boolean peft = twin.getValue().equals(AdapterFiles.TENSORS);
                throw new BadFileException(
                        directory,
                        "the adapter is a pickle file (" + twin.getKey() + "), which can run code when it is"
                                + " read, so it is refused. Convert it once in Python: "
                                + (peft
                                        ? "PeftModel.from_pretrained(base, dir).save_pretrained(dir, safe_serialization=True)"
                                        : "model.load_adapter(dir) and model.save_adapter(dir, name,"
                                                + " use_safetensors=True) of AdapterHub's library"));
            }
        }
    }

    /** The config that was written with the tensors, if a process that was killed between the two renames has left it under its temporary name. */
    static Map<String, Object> ofTheSameSave(Path configFile, Map<String, Object> json, TensorFiles files)
            throws IOException {
        String saved = files.metadata().get(SavedConfig.KEY);
        Path pending = AtomicFile.pending(configFile);
        if (!SavedConfig.differences(configFile, saved, json).isEmpty() && Files.isRegularFile(pending)) {
            Map<String, Object> other = Json.read(pending);
            if (SavedConfig.differences(configFile, saved, other).isEmpty()) {
                LOG.warn("{}: a save was cut off; its config is read from {}", configFile, pending);
                return other;
            }
        }
        return json;
    }

    static void requireSameSave(Path configFile, Map<String, Object> json, TensorFiles files) throws IOException {
        List<String> differences =
                SavedConfig.differences(configFile, files.metadata().get(SavedConfig.KEY), json);
        if (!differences.isEmpty()) {
            throw new BadFileException(
                    configFile,
                    "the tensors beside it were saved with another config, with which they mean something else: "
                            + String.join("; ", differences) + ". Get both files of one save; to change the config on"
                            + " purpose, save the adapter again with the new one.");
        }
    }

    /** PEFT and AdapterHub call their configs the same: the content tells. */
    private static boolean isAdapterHub(Map<String, Object> json) {
        return json.get("peft_type") == null
                && json.get("config") instanceof Map<?, ?>
                && (String.valueOf(json.get("version")).startsWith("adapters.") || json.containsKey("model_class"));
    }

    static String type(Path configFile, Map<String, Object> json) throws BadFileException {
        if (isAdapterHub(json)) {
            return HUB_TYPE;
        }
        if (json.get("peft_type") instanceof String type) {
            return type;
        }
        throw new BadFileException(
                configFile, "\"peft_type\" is missing, so this is no PEFT adapter. Check the directory.");
    }
}
