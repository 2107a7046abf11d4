package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.io.AtomicFile;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Json;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads an adapter directory: config, method, tensors. */
final class AdapterReader {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterReader.class);
    private static final String HUB_TYPE = "BOTTLENECK"; // of adapters whose config is AdapterHub's
    private static final long SLACK =
            4; // a config may ask for this many times what the file holds before the names are compared
    private static final long SMALL = 1 << 16;

    private final Path directory;
    private final ModelSites model;
    private final TensorFiles files;
    private final Map<String, String> names; // in files, by the names that this library has

    private AdapterReader(Path directory, ModelSites model, TensorFiles files) {
        this.directory = directory;
        this.model = model;
        this.files = files;
        this.names = new SavedNames(model).of(files.tensors().keySet());
    }

    static AdapterInfo describe(Path directory) throws IOException {
        refusePickles(directory);
        Map<String, Object> json = config(directory);
        try (TensorFiles files = TensorFiles.open(directory, tensorFiles(json))) {
            return AdapterInfo.of(
                    type(directory.resolve(AdapterFiles.CONFIG), json), files.tensors(), files.metadata());
        }
    }

    private static Map<String, Object> config(Path directory) throws IOException {
        Path file = directory.resolve(AdapterFiles.CONFIG);
        return Json.read(Files.exists(file) ? file : AtomicFile.pending(file));
    }

    private static List<String> tensorFiles(Map<String, Object> json) {
        return isAdapterHub(json)
                ? List.of(AdapterFiles.HUB_TENSORS, AdapterFiles.HUB_HEAD)
                : List.of(AdapterFiles.TENSORS);
    }

    static Adapter read(Path directory, ModelSites model) throws IOException {
        refusePickles(directory);
        Path configFile = directory.resolve(AdapterFiles.CONFIG);
        Map<String, Object> json = config(directory);
        try (TensorFiles files = TensorFiles.open(directory, tensorFiles(json))) {
            json = ofTheSameSave(configFile, json, files);
            AdapterReader reader = new AdapterReader(directory, model, files);
            Adapter adapter = reader.create(configFile, type(configFile, json), json);
            try {
                reader.fill(adapter);
                requireSameSave(configFile, json, files);
                adapter.afterLoading();
                reader.warnOfUnmatched(adapter);
                return adapter;
            } catch (IOException | RuntimeException e) {
                adapter.close();
                throw e;
            }
        }
    }

    private static void refusePickles(Path directory) throws BadFileException {
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
    private static Map<String, Object> ofTheSameSave(Path configFile, Map<String, Object> json, TensorFiles files)
            throws IOException {
        String saved = files.metadata().get(SavedConfig.KEY);
        Path pending = AtomicFile.pending(configFile);
        if (!SavedConfig.differences(saved, json).isEmpty() && Files.isRegularFile(pending)) {
            Map<String, Object> other = Json.read(pending);
            if (SavedConfig.differences(saved, other).isEmpty()) {
                LOG.warn("{}: a save was cut off; its config is read from {}", configFile, pending);
                return other;
            }
        }
        return json;
    }

    private static void requireSameSave(Path configFile, Map<String, Object> json, TensorFiles files)
            throws IOException {
        List<String> differences = SavedConfig.differences(files.metadata().get(SavedConfig.KEY), json);
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

    private static String type(Path configFile, Map<String, Object> json) throws BadFileException {
        if (isAdapterHub(json)) {
            return HUB_TYPE;
        }
        if (json.get("peft_type") instanceof String type) {
            return type;
        }
        throw new BadFileException(
                configFile, "\"peft_type\" is missing, so this is no PEFT adapter. Check the directory.");
    }

    private Adapter create(Path configFile, String type, Map<String, Object> json) throws BadFileException {
        try {
            PeftMethod method = AdapterFiles.method(type);
            Map<String, List<Long>> shapes = new HashMap<>();
            names.forEach((name, inFile) ->
                    shapes.put(SavedNames.withoutPrefix(name), info(inFile).shape()));
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
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new BadFileException(configFile, String.valueOf(e.getMessage()), e);
        }
    }

    private TensorInfo info(String inFile) {
        return Objects.requireNonNull(files.tensors().get(inFile));
    }

    private void fill(Adapter adapter) throws IOException {
        Map<String, String> left = new HashMap<>(names);
        List<String> missing = new ArrayList<>();
        for (Parameter p : adapter.parameters()) {
            String inFile = left.remove(adapter.savedName(p));
            if (inFile == null) {
                missing.add(adapter.savedName(p));
            } else {
                read(inFile, p.value(), adapter.isTransposedInFile(p), p.shape());
            }
        }
        for (Map.Entry<String, Tensor> buffer : adapter.buffers().entrySet()) {
            String inFile = left.remove(buffer.getKey());
            if (inFile != null) {
                Tensor t = buffer.getValue();
                read(inFile, t, false, t.rows(), t.cols());
            }
        }
        for (Map.Entry<String, Adapter.SavedTwin> twin : adapter.alsoSaved().entrySet()) {
            String inFile = left.remove(AdapterFiles.PREFIX + twin.getKey());
            if (inFile != null) {
                compare(inFile, twin.getValue());
            }
        }
        List<String> unexpected = new ArrayList<>();
        for (String name : left.keySet().stream().sorted().toList()) {
            String inFile = Objects.requireNonNull(left.get(name));
            if (!takeBase(adapter, name, inFile)) {
                unexpected.add(inFile);
            }
        }
        if (!missing.isEmpty() || !unexpected.isEmpty()) {
            throw new BadFileException(
                    files.path(),
                    "the adapter and this " + model.modelType() + " model do not fit: "
                            + missing.size() + " tensors are missing in the file " + shorten(missing) + ", "
                            + unexpected.size() + " are not expected " + shorten(unexpected) + "."
                            + SavedNames.explanation(unexpected) + " Use the model that it was trained on.");
        }
    }

    /** A tensor that is in the file twice has to say the same in both places. */
    private void compare(String inFile, Adapter.SavedTwin twin) throws IOException {
        if (!files.holds(inFile, twin.tensor(), twin.transposed())) {
            boolean base = inFile.contains(SavedNames.ORIGINAL);
            if (base) {
                LOG.warn("{}: {} is not that of this base; it has no effect", directory, inFile);
                return;
            }
            throw new BadFileException(
                    files.path(),
                    "tensor " + inFile + " repeats one that is trained under another name, and differs from it."
                            + " The file is damaged; get it again.");
        }
    }

    /**
     * Takes a tensor of the base that is in the file: PEFT writes embeddings beside LoRA, heads, the base weight of a layer, the untrained twin of a
     * module. As PEFT does, what differs from the base takes its place.
     *
     * @return false if it is none
     */
    private boolean takeBase(Adapter adapter, String name, String inFile) throws IOException {
        String base = SavedNames.baseName(name);
        if (!model.usedNames().contains(base)) {
            return false;
        }
        boolean transposed = model.isTransposed(model.storedName(base));
        if (files.holds(inFile, model.usedTensor(base), transposed)) {
            return true;
        }
        if (name.contains(SavedNames.ORIGINAL)) {
            LOG.warn("{}: {} is not that of this base; it has no effect", directory, inFile);
            return true;
        }
        if (!(adapter instanceof LayeredAdapter layered)) {
            return false;
        }
        int[] shape = model.shape(model.storedName(base));
        requireShape(inFile, transposed, shape);
        Tensor to = layered.replaceBase(base);
        read(inFile, to, transposed, shape);
        LOG.warn("{}: {} takes the place of that of the base, from which it differs", directory, inFile);
        return true;
    }

    private void requireShape(String inFile, boolean transposed, int... shape) throws BadFileException {
        int[] inFileShape = transposed ? new int[] {shape[1], shape[0]} : shape;
        List<Long> wanted = Arrays.stream(inFileShape).mapToObj(n -> (long) n).toList();
        List<Long> found = info(inFile).shape();
        if (!found.equals(wanted)) {
            throw new BadFileException(
                    files.path(),
                    "tensor " + inFile + " has the shape " + found + " where this "
                            + model.modelType() + " model and adapter_config.json ask for " + wanted
                            + ". The adapter belongs to a model of other dimensions; use that model.");
        }
    }

    private void read(String inFile, Tensor to, boolean transposed, int... shape) throws IOException {
        requireShape(inFile, transposed, shape);
        files.load(inFile, to, transposed);
        if (!to.isFinite()) {
            throw new BadFileException(
                    files.path(),
                    "tensor " + inFile + " holds infinity or NaN. The adapter is damaged; train it again.");
        }
    }

    private void warnOfUnmatched(Adapter adapter) {
        List<String> unmatched = adapter.config().unmatched(model);
        if (!unmatched.isEmpty()) {
            LOG.warn("{}: nothing of this {} model is meant by {}", directory, model.modelType(), unmatched);
        }
    }

    private static List<String> shorten(List<String> names) {
        return names.size() <= 5 ? names : names.subList(0, 5);
    }
}
