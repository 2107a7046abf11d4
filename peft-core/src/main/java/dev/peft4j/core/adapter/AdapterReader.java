package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.io.IOException;
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
    private static final List<String> TASKS =
            List.of("SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION");
    private static final List<String> GENERATING = List.of("CAUSAL_LM", "SEQ_2_SEQ_LM");
    private static final long SLACK =
            4; // a config may ask for this many times what the file holds before the names are compared
    private static final long SMALL = 1 << 16;

    private final Path directory;
    private final ModelSites model;
    private final TensorFiles files;
    private final Map<String, String> names; // of tensors as this model has them, by those in the files
    private final boolean isOlder; // whether modules have the names that they had before

    private AdapterReader(Path directory, ModelSites model, TensorFiles files, Map<String, Object> json) {
        this.directory = directory;
        this.model = model;
        this.files = files;
        SavedNames saved = new SavedNames(model);
        this.names = saved.of(files.tensors().keySet(), mayBeHeadless(json));
        this.isOlder = saved.areOlder(files.tensors().keySet());
    }

    /** A model without a head has no task of a head. */
    private static boolean mayBeHeadless(Map<String, Object> json) {
        Object task = json.get("task_type");
        boolean noTask = task == null || task.equals("FEATURE_EXTRACTION");
        return noTask && !json.containsKey("num_virtual_tokens"); // whose heads have another prefix
    }

    static AdapterInfo describe(Path directory) throws IOException {
        SavedAdapter.refusePickles(directory);
        Map<String, Object> json = SavedAdapter.config(directory);
        try (TensorFiles files = TensorFiles.open(directory, SavedAdapter.tensorFiles(json))) {
            String type = SavedAdapter.type(directory.resolve(AdapterFiles.CONFIG), json);
            Object task = type.equals(SavedAdapter.HUB_TYPE) ? null : json.get("task_type");
            return AdapterInfo.of(type, task, files.tensors(), files.metadata());
        }
    }

    static Adapter read(Path directory, ModelSites model) throws IOException {
        SavedAdapter.refusePickles(directory);
        Path configFile = directory.resolve(AdapterFiles.CONFIG);
        Map<String, Object> json = SavedAdapter.config(directory);
        try (TensorFiles files = TensorFiles.open(directory, SavedAdapter.tensorFiles(json))) {
            json = SavedAdapter.ofTheSameSave(configFile, json, files);
            Adapter adapter = new AdapterReader(directory, model, files, json).read(configFile, json);
            try {
                SavedAdapter.requireSameSave(configFile, json, files);
                return adapter;
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                adapter.close();
                throw e;
            }
        }
    }

    private Adapter read(Path configFile, Map<String, Object> json) throws IOException {
        try {
            Adapter adapter = create(configFile, SavedAdapter.type(configFile, json), json);
            try {
                fill(adapter);
                adapter.afterLoading();
                warnOfUntrainable(adapter);
                return adapter;
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                adapter.close();
                throw e;
            }
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new BadFileException(configFile, String.valueOf(e.getMessage()), e);
        }
    }

    /** A task is one of PEFT's, or none; those that generate need a model that does. */
    private void requireTask(Map<String, Object> json) {
        Object task = json.get("task_type");
        if (task != null && !TASKS.contains(task)) {
            throw ConfigFields.wrong("task_type", task, "one of " + TASKS + ", or none,");
        }
        if (GENERATING.contains(String.valueOf(task)) && model.taskType() != TaskType.CAUSAL_LM) {
            throw new BadInputException("\"task_type\" is \"" + task + "\", and this " + model.modelType()
                    + " model generates no text. Use the model that the adapter was trained on.");
        }
    }

    private Adapter create(Path configFile, String type, Map<String, Object> json) throws BadFileException {
        if (!type.equals(SavedAdapter.HUB_TYPE)) {
            requireTask(json);
        }
        PeftMethod method = AdapterFiles.method(type);
        Map<String, List<Long>> shapes = new HashMap<>();
        String prefix = type.equals(SavedAdapter.HUB_TYPE) ? "" : AdapterFiles.PREFIX;
        names.forEach((inFile, name) -> {
            if (name.startsWith(prefix) || name.indexOf('.') < 0) {
                shapes.put(
                        SavedNames.canonical(SavedNames.withoutPrefix(name)),
                        info(inFile).shape());
            }
        });
        PeftConfig config = method.fit(method.read(isOlder ? OlderConfig.of(json, model) : json), model, shapes);
        long wanted = config.parameterCount(model);
        long found = files.tensors().values().stream()
                .mapToLong(TensorInfo::elements)
                .sum();
        if (wanted > SLACK * Math.max(found, SMALL)) {
            throw new BadFileException(
                    configFile,
                    "asks for " + wanted + " parameters on this " + model.modelType() + " model, and its tensors hold "
                            + found + ". They do not belong together; get both files again.");
        }
        return method.create(config, model, 0);
    }

    private TensorInfo info(String inFile) {
        return Objects.requireNonNull(files.tensors().get(inFile));
    }

    private void fill(Adapter adapter) throws IOException {
        LoadPlan plan = new LoadPlan(adapter, model);
        Map<LoadPlan.Slot, String> chosen = new HashMap<>();
        List<String> ignored = new ArrayList<>(); // by PEFT
        for (Map.Entry<String, String> tensor : names.entrySet()) {
            LoadPlan.Slot slot = plan.slot(tensor.getValue());
            if (slot != null) {
                chosen.put(slot, tensor.getKey()); // of two names for one tensor the later one counts, as in PEFT
            } else if (info(tensor.getKey()).elements() > 0 && !plan.isElsewhere(tensor.getValue())) {
                ignored.add(tensor.getKey());
            }
        }
        List<String> missing = new ArrayList<>();
        for (LoadPlan.Into slot : plan.filled()) {
            if (slot.required() && !chosen.containsKey(slot)) {
                missing.add(slot.name());
            }
        }
        if (!missing.isEmpty()) {
            refuse(missing, ignored);
        }
        for (LoadPlan.Slot slot : chosen.keySet()) {
            if (slot instanceof LoadPlan.Covered covered && covered.by() != null) {
                requireShape(Objects.requireNonNull(chosen.get(slot)), covered.by());
            }
        }
        for (LoadPlan.Into slot : plan.filled()) {
            String inFile = chosen.get(slot);
            if (inFile != null) {
                requireShape(inFile, slot);
                read(inFile, slot.tensor(), slot.transposed());
            }
        }
        for (String used : model.usedNames()) {
            String inFile = chosen.get(new LoadPlan.Base(used));
            if (inFile != null) {
                takeBase(adapter, used, inFile);
            }
        }
        List<String> unexpected = new ArrayList<>();
        for (String inFile : ignored) {
            if (!repeats(adapter, Objects.requireNonNull(names.get(inFile)), inFile)) {
                unexpected.add(inFile);
            }
        }
        refuse(List.of(), unexpected);
    }

    private void refuse(List<String> missing, List<String> unexpected) throws BadFileException {
        if (!missing.isEmpty() || !unexpected.isEmpty()) {
            throw new BadFileException(
                    files.path(),
                    "the adapter and this " + model.modelType() + " model do not fit: "
                            + missing.size() + " tensors are missing in the file " + shorten(missing) + ", "
                            + unexpected.size() + " are not expected " + shorten(unexpected) + "."
                            + SavedNames.explanation(unexpected) + " Use the model that it was trained on.");
        }
    }

    /** Whether a tensor that PEFT would ignore has only what the model or the adapter has anyway, so that nothing is lost without it. */
    private boolean repeats(Adapter adapter, String name, String inFile) throws IOException {
        String base = SavedNames.baseName(name);
        if (!model.usedNames().contains(base)) {
            return false;
        }
        boolean transposed = model.isTransposed(model.storedName(base));
        Parameter copy = adapter.replacement(base);
        return holds(inFile, model.usedWeight(base), transposed)
                || (copy != null && files.holds(inFile, copy.value(), transposed));
    }

    /** As PEFT does, a tensor of the base that is in the file and differs from it takes its place: embeddings beside LoRA, heads, biases. */
    private void takeBase(Adapter adapter, String used, String inFile) throws IOException {
        String stored = model.storedName(used);
        boolean transposed = model.isTransposed(stored);
        requireShape(inFile, transposed, model.shape(stored));
        FrozenWeight now = adapter instanceof LayeredAdapter layered ? layered.untrained(used) : model.usedWeight(used);
        if (holds(inFile, now, transposed)) {
            return;
        }
        if (!(adapter instanceof LayeredAdapter layered)) {
            refuse(List.of(), List.of(inFile));
            return;
        }
        Tensor to = layered.replaceBase(used);
        if (to == null) {
            LOG.warn("{}: {} is not that of this base; it has no effect", directory, inFile);
            return;
        }
        read(inFile, to, transposed);
        LOG.warn("{}: {} takes the place of that of the base, from which it differs", directory, inFile);
    }

    private boolean holds(String inFile, FrozenWeight weight, boolean transposed) throws IOException {
        if (weight instanceof DenseWeight dense) {
            return files.holds(inFile, dense.tensor(), transposed);
        }
        try (Tensor values = weight.copy(model.backend().dtype())) {
            return files.holds(inFile, values, transposed);
        }
    }

    private void requireShape(String inFile, LoadPlan.Into slot) throws BadFileException {
        requireShape(
                inFile,
                slot.transposed(),
                slot.shape().stream().mapToInt(Integer::intValue).toArray());
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

    private void read(String inFile, Tensor to, boolean transposed) throws IOException {
        files.load(inFile, to, transposed);
        if (!to.isFinite()) {
            throw new BadFileException(
                    files.path(),
                    "tensor " + inFile + " holds infinity or NaN. The adapter is damaged; train it again.");
        }
    }

    private void warnOfUntrainable(Adapter adapter) {
        List<String> untrainable = adapter.config().untrainable(model);
        if (!untrainable.isEmpty()) {
            LOG.warn(
                    "{}: it cannot be trained on this {} model before {} is corrected",
                    directory,
                    model.modelType(),
                    untrainable);
        }
    }

    private static List<String> shorten(List<String> names) {
        return names.size() <= 5 ? names : names.subList(0, 5);
    }
}
