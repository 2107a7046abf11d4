package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.io.AtomicFile;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Json;
import dev.peft4j.core.io.SafetensorsFile;
import dev.peft4j.core.io.SafetensorsWriter;
import dev.peft4j.core.io.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Adapter directories of PEFT: {@code adapter_config.json} and {@code adapter_model.safetensors}. Reading is strict: every tensor of
 * the file has to be taken and every parameter filled.
 */
public final class AdapterFiles {
    private static final String CONFIG = "adapter_config.json";
    private static final String TENSORS = "adapter_model.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final long SLACK =
            4; // a config may ask for this many times what the file holds before the names are compared
    private static final long SMALL = 1 << 16;
    private static final Set<String> OURS = Set.of(CONFIG, TENSORS, "report.html", "log.jsonl", "README.md");

    private AdapterFiles() {}

    /**
     * Makes sure that an adapter can be written to a directory: it is missing, empty, or holds an adapter.
     *
     * @throws BadFileException if it is a file or holds other files
     */
    public static void checkOutput(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        if (!Files.isDirectory(directory)) {
            throw new BadFileException(
                    directory, "an output directory was asked for and this is a file. Choose another name.");
        }
        try (Stream<Path> content = Files.list(directory)) {
            List<String> others = content.map(p -> String.valueOf(p.getFileName()))
                    .filter(n -> !OURS.contains(n))
                    .sorted()
                    .toList();
            if (!others.isEmpty()) {
                throw new BadFileException(
                        directory,
                        "an adapter was to be written here, and the directory holds other files ("
                                + String.join(", ", others.subList(0, Math.min(3, others.size())))
                                + (others.size() > 3 ? ", ..." : "")
                                + "). Choose an empty directory.");
            }
        }
    }

    /** Writes an adapter. The tensors come first, so that a directory with a config is complete. */
    public static void save(Path directory, Adapter adapter, ModelSites model) throws IOException {
        checkOutput(directory);
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        Map<String, Parameter> parameters = new TreeMap<>();
        adapter.parameters().forEach(p -> parameters.put(p.name(), p));
        parameters.forEach((name, p) -> writer.add(PREFIX + name, p.value(), p.shape()));
        adapter.alsoSaved().forEach((name, t) -> writer.add(PREFIX + name, t, Math.toIntExact(t.size())));
        writer.write(directory.resolve(TENSORS));
        AtomicFile.write(directory.resolve(CONFIG), Json.print(adapter.config().toJson(model)) + "\n");
    }

    /**
     * Reads an adapter and attaches it to nothing yet; the caller closes it.
     *
     * @throws BadFileException if it is damaged, of an unknown method, or for another model
     */
    public static Adapter load(Path directory, ModelSites model) throws IOException {
        if (!Files.exists(directory.resolve(TENSORS)) && Files.exists(directory.resolve("adapter_model.bin"))) {
            throw new BadFileException(
                    directory,
                    "the adapter is a pickle file (adapter_model.bin), which can run code when it is"
                            + " read, so it is refused. Convert it once in Python: PeftModel.from_pretrained(base,"
                            + " dir).save_pretrained(dir, safe_serialization=True)");
        }
        Path configFile = directory.resolve(CONFIG);
        Map<String, Object> json = Json.read(configFile);
        if (!(json.get("peft_type") instanceof String type)) {
            throw new BadFileException(
                    configFile, "\"peft_type\" is missing, so this is no PEFT adapter. Check the directory.");
        }
        try (SafetensorsFile file = SafetensorsFile.open(directory.resolve(TENSORS))) {
            Adapter adapter = create(configFile, type, json, file, model);
            try {
                fill(adapter, file, model);
                return adapter;
            } catch (IOException | RuntimeException e) {
                adapter.close();
                throw e;
            }
        }
    }

    private static Adapter create(
            Path configFile, String type, Map<String, Object> json, SafetensorsFile file, ModelSites model)
            throws BadFileException {
        try {
            PeftMethod method = method(type);
            PeftConfig config = method.read(json);
            long wanted = config.parameterCount(model);
            long found = file.tensors().values().stream()
                    .mapToLong(TensorInfo::elements)
                    .sum();
            if (wanted > SLACK * Math.max(found, SMALL)) {
                throw new BadFileException(
                        configFile,
                        "asks for " + wanted + " parameters on this " + model.modelType() + " model, and " + TENSORS
                                + " holds " + found + ". They do not belong together; get both files again.");
            }
            return method.create(config, model, 0);
        } catch (IllegalArgumentException e) {
            throw new BadFileException(configFile, String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * The method of a {@code peft_type} on the class path.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static PeftMethod method(String type) {
        List<PeftMethod> all = ServiceLoader.load(PeftMethod.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
        return all.stream()
                .filter(m -> m.peftType().equals(type))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("peft_type " + type
                        + " was asked for; the class path has "
                        + all.stream().map(PeftMethod::peftType).sorted().collect(Collectors.joining(", "))
                        + ". Add the module of the method."));
    }

    private static void fill(Adapter adapter, SafetensorsFile file, ModelSites model) throws IOException {
        Set<String> left = new TreeSet<>(file.tensors().keySet());
        List<String> missing = new ArrayList<>();
        for (Parameter p : adapter.parameters()) {
            String name = PREFIX + p.name();
            TensorInfo info = file.tensors().get(name);
            if (info == null) {
                missing.add(name);
                continue;
            }
            left.remove(name);
            if (!info.shape()
                    .equals(Arrays.stream(p.shape()).mapToObj(n -> (long) n).toList())) {
                throw new BadFileException(
                        file.path(),
                        "tensor " + name + " has the shape " + info.shape() + " where this "
                                + model.modelType() + " model and adapter_config.json ask for "
                                + Arrays.toString(p.shape())
                                + ". The adapter belongs to a model of other dimensions; use that model.");
            }
            try (Tensor t = file.load(name, p.value().dtype())) {
                if (!t.isFinite()) {
                    throw new BadFileException(
                            file.path(),
                            "tensor " + name + " holds infinity or NaN. The adapter is damaged; train it again.");
                }
                p.value().copyFrom(t);
            }
        }
        adapter.alsoSaved().keySet().forEach(name -> left.remove(PREFIX + name));
        if (!missing.isEmpty() || !left.isEmpty()) {
            throw new BadFileException(
                    file.path(),
                    "the adapter and this " + model.modelType() + " model do not fit: "
                            + missing.size() + " tensors are missing in the file " + shorten(missing) + ", "
                            + left.size()
                            + " are not expected " + shorten(new ArrayList<>(left))
                            + ". Use the model that it was trained on.");
        }
    }

    private static List<String> shorten(List<String> names) {
        return names.size() <= 5 ? names : names.subList(0, 5);
    }
}
