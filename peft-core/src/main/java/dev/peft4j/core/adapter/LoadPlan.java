package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tensor of a file goes where, by the names that PEFT loads: those of its files and those of its modules in memory. It ignores all others, such as
 * the plain name of a weight where a layer is wrapped, or a name without its prefix.
 */
final class LoadPlan {
    private static final String ADAPTER = ".default"; // the name that PEFT gives an adapter in memory
    private static final String MAGNITUDE = ".lora_magnitude_vector";
    private static final String BATCHES =
            ".num_batches_tracked"; // on which nothing depends where norms have a momentum

    /** Where a tensor goes. */
    sealed interface Slot permits Into, Base, Covered {}

    /**
     * Memory of the adapter.
     *
     * @param name of what it is
     * @param tensor the memory
     * @param shape in memory
     * @param transposed whether rows and columns are exchanged in files
     * @param required whether a file has to have it
     */
    record Into(String name, Tensor tensor, List<Integer> shape, boolean transposed, boolean required)
            implements Slot {}

    /** The base tensor that is used under a name. */
    record Base(String name) implements Slot {}

    /**
     * PEFT reads it and puts another tensor of the file over it.
     *
     * @param by a tensor of the same shape, or null where the shape does not matter
     */
    record Covered(@Nullable Into by) implements Slot {}

    private final String prefix;
    private final boolean dropsPrefix; // the longer one, where PEFT has no module of such a name in memory
    private final Map<String, Slot> slots = new HashMap<>(); // by names in files
    private final List<Into> filled = new ArrayList<>();
    private final List<String> elsewhere;

    LoadPlan(Adapter adapter, ModelSites model) {
        prefix = adapter.prefix();
        elsewhere = model.layersElsewhere();
        dropsPrefix = !prefix.isEmpty()
                && !prefix.equals(AdapterFiles.PREFIX)
                && model.usedNames().stream().noneMatch(n -> (prefix + n).startsWith(AdapterFiles.PREFIX));
        LayeredAdapter layered = adapter instanceof LayeredAdapter l ? l : null;
        Set<String> usedNames = model.usedNames();
        for (String used : usedNames) {
            slots.put(prefix + (layered == null ? used : layered.baseName(used)), new Base(used));
        }
        for (Parameter p : adapter.parameters()) {
            String name = adapter.savedName(p);
            boolean required = layered == null || !layered.isOptional(p);
            List<Integer> shape = Arrays.stream(p.shape()).boxed().toList();
            Into slot = new Into(name, p.value(), shape, adapter.isTransposedInFile(p), required);
            filled.add(slot);
            slots.put(name, slot);
            if (required && !usedNames.contains(p.name())) {
                nameInMemory(slot, layered);
            }
        }
        adapter.buffers().forEach((name, t) -> {
            boolean needed = adapter.requiresBuffer(name);
            Into slot = new Into(name, t, List.of(t.rows(), t.cols()), false, needed);
            filled.add(slot);
            slots.put(name, slot);
            slots.put(name + ADAPTER, slot);
        });
        adapter.alsoSaved().forEach((name, twin) -> addTwin(name, twin, usedNames, layered));
        if (layered != null) {
            layered.otherBaseNames().forEach((name, used) -> slots.put(name, new Base(used)));
            layered.coveredNames()
                    .forEach((name, p) -> slots.put(
                            name, new Covered(slots.get(adapter.savedName(p)) instanceof Into slot ? slot : null)));
            layered.wrappers().forEach((module, wrapper) -> cover(layered, module, wrapper, model));
        }
    }

    /** PEFT's name for it in memory, which has the name of the adapter in it. */
    private void nameInMemory(Into slot, @Nullable LayeredAdapter layered) {
        String name = slot.name;
        if (name.endsWith(MAGNITUDE)) {
            slots.put(name + ".weight", slot);
            slots.put(name + ADAPTER + ".weight", slot);
            return;
        }
        String module =
                layered == null ? "" : layered.layerOf(name.substring(Math.min(prefix.length(), name.length())));
        if (!module.isEmpty()) { // behind the part of the layer
            int from = prefix.length() + module.length() + 1;
            int end = name.indexOf('.', from);
            int part = end < 0 ? name.length() : end;
            slots.put(name.substring(0, part) + ADAPTER + name.substring(part), slot);
        }
    }

    /** The same memory under another name: a head that shares it with an embedding, behind which it is read. */
    private void addTwin(String name, Adapter.SavedTwin twin, Set<String> usedNames, @Nullable LayeredAdapter layered) {
        String inFile = prefix + name;
        boolean isRead = !name.contains(".modules_to_save."); // which PEFT writes for a bias, and ignores
        if (isRead && !(slots.get(inFile) instanceof Base)) {
            boolean whole = usedNames.contains(name);
            Into slot = new Into(inFile, twin.tensor(), twin.shape(), twin.transposed(), whole);
            filled.add(slot);
            slots.put(inFile, slot);
            if (!whole) {
                nameInMemory(slot, layered);
            }
        }
    }

    /** Names in memory of what PEFT reads by its name in files, which has to be there. */
    private void cover(LayeredAdapter adapter, String module, Wrapper wrapper, ModelSites model) {
        if (wrapper == Wrapper.WHOLE) {
            for (String tensor : new Modules(model).tensors(module)) {
                String rest = tensor.substring(module.length());
                slots.put(prefix + module + ".modules_to_save" + ADAPTER + rest, new Covered(null));
            }
        }
        if (wrapper == Wrapper.TOKENS) {
            slots.put(prefix + module + ".original_module.weight", new Covered(null)); // which PEFT drops
            String name = prefix + module + TokenRows.SAVED_BESIDE;
            Into rows = slots.get(name) instanceof Into into ? into : null;
            if (rows != null) {
                slots.put(name + ADAPTER, new Covered(null));
            } else { // a head that follows an embedding
                adapter.rowsAt(module).ifPresent(shared -> {
                    Parameter p = shared.parameter();
                    List<Integer> shape = Arrays.stream(p.shape()).boxed().toList();
                    Into slot = new Into(name, p.value(), shape, false, false);
                    filled.add(slot);
                    slots.put(name + ADAPTER, slot);
                });
            }
        }
    }

    /** Where a tensor of a file goes; null if PEFT ignores it. */
    @Nullable
    Slot slot(String inFile) {
        if (dropsPrefix && inFile.startsWith(AdapterFiles.PREFIX)) {
            String rest = inFile.substring(AdapterFiles.PREFIX.length());
            Slot slot = slots.get(rest);
            return slot instanceof Base || rest.indexOf('.') < 0 ? slot : null;
        }
        return slots.get(inFile);
    }

    /** Whether a tensor is of a layer that PEFT adapts and that changes nothing, or counts the batches that a norm has seen. */
    boolean isElsewhere(String inFile) {
        return inFile.endsWith(BATCHES)
                || elsewhere.stream().anyMatch(layer -> inFile.startsWith(prefix + layer + "."));
    }

    /** What is filled, in its order. */
    List<Into> filled() {
        return filled;
    }
}
