package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.io.AtomicFile;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Json;
import dev.peft4j.core.io.SafetensorsWriter;
import dev.peft4j.core.io.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Adapter directories of PEFT: {@code adapter_config.json} and {@code adapter_model.safetensors}. Reading is strict: every tensor of
 * the file has to be taken and every parameter filled.
 */
public final class AdapterFiles {
    private static final String CONFIG = "adapter_config.json";
    private static final String TENSORS = "adapter_model.safetensors";
    private static final String HUB_TYPE = "BOTTLENECK"; // of adapters whose config is AdapterHub's
    private static final String HUB_TENSORS = "adapter.safetensors";
    private static final String HUB_HEAD = "model_head.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final long SLACK =
            4; // a config may ask for this many times what the file holds before the names are compared
    private static final long SMALL = 1 << 16;
    private static final Set<String> OURS = Set.of(
            CONFIG,
            TENSORS,
            HUB_TENSORS,
            HUB_HEAD,
            "report.html",
            "log.jsonl",
            "README.md",
            "trainer_state.safetensors");

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
        Adapter saved = adapter.forSaving(model);
        try {
            Map<String, SafetensorsWriter> writers = new TreeMap<>();
            Map<String, Parameter> parameters = new TreeMap<>();
            saved.parameters().forEach(p -> parameters.put(saved.savedName(p), p));
            parameters.forEach((name, p) -> writers.computeIfAbsent(saved.tensorFile(p), f -> newWriter())
                    .add(name, p.value(), p.shape()));
            saved.alsoSaved().forEach((name, t) -> writers.computeIfAbsent(TENSORS, f -> newWriter())
                    .add(PREFIX + name, t, shape(t)));
            saved.buffers().forEach((name, t) -> writers.computeIfAbsent(TENSORS, f -> newWriter())
                    .add(name, t, t.rows(), t.cols()));
            for (Map.Entry<String, SafetensorsWriter> w : writers.entrySet()) {
                w.getValue().write(directory.resolve(w.getKey()));
            }
            AtomicFile.write(
                    directory.resolve(CONFIG), Json.print(saved.config().toJson(model)) + "\n");
        } finally {
            if (saved != adapter) {
                saved.close();
            }
        }
    }

    private static SafetensorsWriter newWriter() {
        return new SafetensorsWriter().metadata("format", "pt");
    }

    /** A matrix of one row is a vector in files. */
    private static int[] shape(Tensor t) {
        return t.rows() == 1 ? new int[] {t.cols()} : new int[] {t.rows(), t.cols()};
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
        String type = type(configFile, json);
        List<String> names = isAdapterHub(json) ? List.of(HUB_TENSORS, HUB_HEAD) : List.of(TENSORS);
        try (TensorFiles files = TensorFiles.open(directory, names)) {
            Adapter adapter = create(configFile, type, json, files, model);
            try {
                fill(adapter, files, model);
                adapter.afterLoading();
                return adapter;
            } catch (IOException | RuntimeException e) {
                adapter.close();
                throw e;
            }
        }
    }

    /** PEFT and AdapterHub call their configs the same: the content tells. */
    private static boolean isAdapterHub(Map<String, Object> json) {
        return json.get("peft_type") == null
                && json.get("config") instanceof Map<?, ?>
                && String.valueOf(json.get("version")).startsWith("adapters.");
    }

    private static String type(Path configFile, Map<String, Object> json) throws BadFileException {
        if (json.get("peft_type") instanceof String type) {
            return type;
        }
        if (isAdapterHub(json)) {
            return HUB_TYPE;
        }
        throw new BadFileException(
                configFile, "\"peft_type\" is missing, so this is no PEFT adapter. Check the directory.");
    }

    private static Adapter create(
            Path configFile, String type, Map<String, Object> json, TensorFiles files, ModelSites model)
            throws BadFileException {
        try {
            PeftMethod method = method(type);
            Map<String, List<Long>> shapes = new HashMap<>();
            names(files, model)
                    .forEach((name, inFile) ->
                            shapes.put(withoutPrefix(name), info(files, inFile).shape()));
            PeftConfig config = method.fit(method.read(json), model, shapes);
            long wanted = config.parameterCount(model);
            long found = files.tensors().values().stream()
                    .mapToLong(TensorInfo::elements)
                    .sum();
            if (wanted > SLACK * Math.max(found, SMALL)) {
                throw new BadFileException(
                        configFile,
                        "asks for " + wanted + " parameters on this " + model.modelType() + " model, and its tensors"
                                + " hold " + found + ". They do not belong together; get both files again.");
            }
            return method.create(config, model, 0);
        } catch (IllegalArgumentException e) {
            throw new BadFileException(configFile, String.valueOf(e.getMessage()), e);
        }
    }

    /** A name without what older versions of PEFT wrote into it: the name of the adapter, the wrapper of a whole module. */
    private static String canonical(String name) {
        String plain = name.replace(".modules_to_save.default.", ".").replace(".default.", ".");
        return plain.endsWith(".default") ? plain.substring(0, plain.length() - ".default".length()) : plain;
    }

    /**
     * Names as this library has them, and the names in the files: without what older versions wrote, and with the prefix of the base model, which an adapter that was
     * trained on the base model without a head does not have.
     */
    private static Map<String, String> names(TensorFiles files, ModelSites model) {
        String first = model.linearSites().get(0).name();
        String base = first.substring(0, first.indexOf('.') + 1); // "bert."
        boolean bare = files.tensors().keySet().stream()
                .noneMatch(n -> withoutPrefix(n).startsWith(base));
        Map<String, String> names = new TreeMap<>();
        for (String inFile : files.tensors().keySet()) {
            String name = canonical(inFile);
            String body = withoutPrefix(name);
            String before = name.substring(0, name.length() - body.length());
            names.put(bare && isInBase(base, body, model) ? before + base + body : name, inFile);
        }
        return names;
    }

    /** Whether the base model has a module where a name begins. */
    private static boolean isInBase(String base, String name, ModelSites model) {
        String module = base + name.substring(0, name.indexOf('.') + 1);
        return module.length() > base.length() && model.tensorNames().stream().anyMatch(n -> n.startsWith(module));
    }

    private static TensorInfo info(TensorFiles files, String name) {
        return Objects.requireNonNull(files.tensors().get(name));
    }

    private static String withoutPrefix(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
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

    private static void fill(Adapter adapter, TensorFiles files, ModelSites model) throws IOException {
        Map<String, String> left = names(files, model);
        List<String> missing = new ArrayList<>();
        for (Parameter p : adapter.parameters()) {
            String inFile = left.remove(adapter.savedName(p));
            if (inFile == null) {
                missing.add(adapter.savedName(p));
            } else {
                read(files, inFile, p.value(), p.shape(), model);
            }
        }
        for (Map.Entry<String, Tensor> buffer : adapter.buffers().entrySet()) {
            String inFile = left.remove(buffer.getKey());
            if (inFile != null) {
                Tensor t = buffer.getValue();
                read(files, inFile, t, new int[] {t.rows(), t.cols()}, model);
            }
        }
        adapter.alsoSaved().keySet().forEach(name -> left.remove(PREFIX + name));
        left.keySet().removeIf(AdapterFiles::repeatsBase);
        if (!missing.isEmpty() || !left.isEmpty()) {
            throw new BadFileException(
                    files.path(),
                    "the adapter and this " + model.modelType() + " model do not fit: "
                            + missing.size() + " tensors are missing in the file " + shorten(missing) + ", "
                            + left.size()
                            + " are not expected " + shorten(new ArrayList<>(left.values()))
                            + ". Use the model that it was trained on.");
        }
    }

    /** PEFT writes the base weight of an embedding and the untrained twin of a head beside what was trained. */
    private static boolean repeatsBase(String name) {
        return name.endsWith(".base_layer.weight") || name.contains(".original_module.");
    }

    private static void read(TensorFiles files, String name, Tensor to, int[] shape, ModelSites model)
            throws IOException {
        List<Long> wanted = Arrays.stream(shape).mapToObj(n -> (long) n).toList();
        TensorInfo info = files.tensors().get(name);
        List<Long> found = info == null ? List.of() : info.shape();
        if (!found.equals(wanted)) {
            throw new BadFileException(
                    files.path(),
                    "tensor " + name + " has the shape " + found + " where this "
                            + model.modelType() + " model and adapter_config.json ask for " + wanted
                            + ". The adapter belongs to a model of other dimensions; use that model.");
        }
        files.load(name, to);
        if (!to.isFinite()) {
            throw new BadFileException(
                    files.path(), "tensor " + name + " holds infinity or NaN. The adapter is damaged; train it again.");
        }
    }

    private static List<String> shorten(List<String> names) {
        return names.size() <= 5 ? names : names.subList(0, 5);
    }
}
