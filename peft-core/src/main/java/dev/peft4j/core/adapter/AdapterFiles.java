package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Adapter directories of PEFT: {@code adapter_config.json} and {@code adapter_model.safetensors}. Reading is strict: every tensor of
 * the file has to be taken and every parameter filled.
 */
public final class AdapterFiles {
    static final String CONFIG = "adapter_config.json";
    static final String TENSORS = "adapter_model.safetensors";
    static final String HUB_TENSORS = "adapter.safetensors";
    static final String HUB_HEAD = "model_head.safetensors";
    static final List<String> ALL_TENSORS = List.of(TENSORS, HUB_TENSORS, HUB_HEAD);
    static final String PREFIX = "base_model.model.";

    private AdapterFiles() {}

    /**
     * Makes sure that an adapter can be written to a directory: it is missing, empty, or holds an adapter.
     *
     * @throws dev.peft4j.core.error.BadFileException if it is a file or holds other files
     */
    public static void checkOutput(Path directory) throws IOException {
        OutputDirectory.check(directory);
    }

    /** Whether a directory holds an adapter, or parts of one. */
    public static boolean isAdapter(Path directory) {
        return Files.exists(directory.resolve(CONFIG))
                || ALL_TENSORS.stream().anyMatch(name -> Files.exists(directory.resolve(name)));
    }

    /**
     * Writes an adapter. Tensors and config are one commit: whenever the process is killed, the directory holds the adapter before or the new one.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds other files
     * @throws dev.peft4j.core.error.NonFiniteException if a parameter holds infinity or NaN; nothing is written then
     */
    public static void save(Path directory, ModelSites model, Adapter adapter) throws IOException {
        save(directory, model, adapter, Map.of());
    }

    /**
     * The same with notes in the metadata of the tensors, which other readers leave alone.
     *
     * @param notes names and texts, such as the names of the classes
     */
    public static void save(Path directory, ModelSites model, Adapter adapter, Map<String, String> notes)
            throws IOException {
        checkOutput(directory);
        Lease.Use held = Lease.all(model, List.of(adapter));
        try (held) {
            AdapterWriter.write(directory, model, adapter, notes);
        }
    }

    /**
     * Reads an adapter and attaches it to nothing yet; the caller closes it.
     *
     * @throws dev.peft4j.core.error.BadFileException if it is damaged, of an unknown method, or for another model
     */
    public static Adapter load(Path directory, ModelSites model) throws IOException {
        Lease.Use held = model.hold();
        try (held) {
            return AdapterReader.read(directory, model);
        }
    }

    /**
     * What an adapter says of itself, from the headers of its files.
     *
     * @throws dev.peft4j.core.error.BadFileException if one is missing or damaged
     */
    public static AdapterInfo describe(Path directory) throws IOException {
        return AdapterReader.describe(directory);
    }

    /**
     * The method of a {@code peft_type} on the class path.
     *
     * @throws BadInputException if there is none
     */
    public static PeftMethod method(String type) {
        List<PeftMethod> all = Offered.of(PeftMethod.class);
        return all.stream()
                .filter(m -> m.peftType().equals(type))
                .findFirst()
                .orElseThrow(() -> new BadInputException("peft_type " + type
                        + " was asked for; the class path has "
                        + all.stream().map(PeftMethod::peftType).sorted().collect(Collectors.joining(", "))
                        + ". Add the module of the method."));
    }
}
