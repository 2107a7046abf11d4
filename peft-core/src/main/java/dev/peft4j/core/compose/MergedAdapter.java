package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Adapters in the weights: copies of the base tensors that they change. It is an adapter itself, which puts the copies in the place of the base's
 * tensors, so a merged model runs like any other; to unmerge is to leave it out of the call, and the base has never changed a bit.
 */
public final class MergedAdapter implements Adapter {
    private final Map<String, Parameter> tensors = new LinkedHashMap<>();
    private final Lease lease = new Lease("a merged adapter");
    private final Map<String, Parameter> tied = new HashMap<>(); // heads that are equal to a merged embedding
    private final Map<String, Tensor> replaced = new HashMap<>(); // what adapters had in the place of base tensors
    private final ModelSites model;

    private MergedAdapter(ModelSites model) {
        this.model = model;
    }

    /**
     * Merges adapters in single precision; the caller closes the result.
     *
     * @param adapters in the order in which they act; those that change the input of a layer are merged first, as they act first
     * @throws BadInputException if one cannot be merged, two put a copy in the place of the same tensor, a layer has no bias to merge
     *     one into, or a merged weight is not finite
     */
    public static MergedAdapter of(ModelSites model, List<Adapter> adapters) {
        for (Adapter a : adapters) {
            a.requireFits(model);
            if (!a.isMergeable()) {
                throw new BadInputException(
                        "an adapter of the method " + a.config().peftType()
                                + " was to be merged; what it does is no change of weights. Keep it apart.");
            }
        }
        Conflicts.check(model, adapters);
        MergedAdapter merged = new MergedAdapter(model);
        Lease.Use held = Lease.all(model, adapters);
        try (held) {
            merged.copyReplaced(model, adapters);
            for (Site site : Attachment.withConvolutions(model)) {
                StoppedException.ifInterrupted("adapters were to be merged");
                merged.mergeWeight(model, adapters, site);
                merged.mergeBias(model, adapters, site);
            }
            for (EmbeddingSite site : model.embeddingSites()) {
                merged.mergeTable(model, adapters, site);
            }
            merged.tieAgain(model);
            merged.tensors.forEach((name, p) -> requireFinite(name, p.value()));
            return merged;
        } catch (RuntimeException | Error e) {
            merged.close();
            throw e;
        }
    }

    private static void requireFinite(String name, Tensor t) {
        if (!t.isFinite()) {
            throw new BadInputException(
                    "the merged tensor " + name
                            + " holds infinity or NaN. Nothing was merged; train the adapter again with a lower learning rate.");
        }
    }

    private void copyReplaced(ModelSites model, List<Adapter> adapters) {
        for (String name : model.usedNames()) {
            for (Adapter a : adapters) {
                Parameter p = a.replacement(name);
                if (p != null && !p.isLent()) { // full fine-tuning trains the base's own
                    replaced.put(name, p.value());
                    put(name, p.value().copy(p.value().dtype()), model.shape(model.storedName(name)));
                }
            }
        }
    }

    private void put(String name, Tensor tensor, int... shape) {
        Parameter p = new Parameter(name, tensor, shape);
        p.setTrainable(false);
        tensors.put(name, p);
    }

    /** The copy of a tensor to merge into, made of what is merged so far, or of what stands in its place without merging. */
    private Tensor copyOf(ModelSites model, String name) {
        Parameter made = tensors.get(name);
        if (made != null) {
            return made.value();
        }
        Tensor start = replaced.get(name);
        DType dtype = model.backend().dtype();
        Tensor copy = start == null ? model.usedWeight(name).copy(dtype) : start.copy(dtype);
        put(name, copy, model.shape(model.storedName(name)));
        return copy;
    }

    private void mergeWeight(ModelSites model, List<Adapter> adapters, Site site) {
        List<Adapter> acting = adapters.stream().filter(a -> a.actsAt(site)).toList();
        if (acting.isEmpty()) {
            return;
        }
        Tensor weight = copyOf(model, site.name() + ".weight");
        List<Adapter> first = new ArrayList<>(
                acting.stream().filter(a -> a.changesInput(site)).toList());
        Collections.reverse(first); // W R₂ R₁ x: the first to act is the last factor
        first.forEach(a -> a.mergeInto(site, weight));
        acting.stream().filter(a -> !a.changesInput(site)).forEach(a -> a.mergeInto(site, weight));
    }

    private void mergeBias(ModelSites model, List<Adapter> adapters, Site site) {
        String name = site.name() + ".bias";
        boolean changed = false;
        for (Adapter a : adapters) {
            if (changed && a.scalesChanges(site)) {
                throw new BadInputException("an adapter of the method "
                        + a.config().peftType() + " at " + site.name()
                        + " scales what another one in front of it adds to the bias, which merging cannot do. Merge it"
                        + " first in the order, or keep the adapters apart.");
            }
            changed |= a.changesBias(site);
            if (a.changesBias(site)) {
                if (!model.tensorNames().contains(name)) {
                    if (a.needsBias(site)) {
                        throw new BadInputException("the adapter gives " + site.name()
                                + " a bias, and the base model has none to merge it into. Keep the adapter apart.");
                    }
                    continue;
                }
                a.mergeIntoBias(site, copyOf(model, name));
            }
        }
    }

    private void mergeTable(ModelSites model, List<Adapter> adapters, EmbeddingSite site) {
        String name = site.name() + ".weight";
        for (Adapter a : adapters) {
            if (a.actsAt(site)) {
                a.mergeInto(site, copyOf(model, name));
            }
        }
    }

    /** A head that was tied to the embedding and is not equal to it any more becomes a tensor of its own; else it shares the embedding's. */
    private void tieAgain(ModelSites model) {
        for (LinearSite site : model.linearSites()) {
            if (!model.isTied(site)) {
                continue;
            }
            String own = site.name() + ".weight";
            String table = model.weightName(site);
            if (!tensors.containsKey(own) && !tensors.containsKey(table)) {
                continue;
            }
            Tensor headValue = copyOf(model, own);
            Parameter merged = tensors.get(table);
            FrozenWeight tableValue = merged == null ? model.weight(table) : new DenseWeight(merged.value());
            if (equal(headValue, tableValue)) {
                Objects.requireNonNull(tensors.remove(own)).close();
                if (merged != null) {
                    tied.put(own, merged);
                }
            }
        }
    }

    private static boolean equal(Tensor head, FrozenWeight table) {
        try (Tensor row = Tensor.allocate(head.dtype(), 1, head.cols())) {
            for (int r = 0; r < head.rows(); r++) {
                table.decode(r, row);
                if (!Arrays.equals(head.rows(r, 1).toFloats(), row.toFloats())) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Compares with the adapters attached, on a batch. */
    public MergeReport report(Model model, List<Adapter> adapters, Batch probe) {
        float[] base = logits(model, List.of(), probe);
        float[] attached = logits(model, adapters, probe);
        float[] merged = logits(model, List.of(this), probe);
        double largest = 0;
        double effect = 0;
        double difference = 0;
        double change = 0;
        for (int i = 0; i < attached.length; i++) {
            double d = (double) merged[i] - attached[i];
            double e = (double) attached[i] - base[i];
            largest = Math.max(largest, Math.abs(d));
            effect = Math.max(effect, Math.abs(e));
            difference += d * d;
            change += e * e;
        }
        return new MergeReport(largest, change == 0 ? 0 : Math.sqrt(difference / change), effect, tensors.size());
    }

    private static float[] logits(Model model, List<Adapter> adapters, Batch batch) {
        try (Arena arena = new Arena(model.backend().dtype());
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), batch).value().toFloats();
        }
    }

    /** The tensors that are not those of the base, by name. */
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        tensors.forEach((name, p) -> all.put(name, p.value()));
        return all;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        Parameter own = tensors.get(tensorName);
        return own == null ? tied.get(tensorName) : own;
    }

    @Override
    public List<Parameter> parameters() {
        return new ArrayList<>(tensors.values());
    }

    @Override
    public PeftConfig config() {
        return new Config();
    }

    @Override
    public void requireFits(ModelSites other) {
        other.requireAlike(model, "a merged adapter");
    }

    @Override
    public Lease.Use hold() {
        return lease.hold();
    }

    @Override
    public void use(Pass pass) {
        pass.use(lease);
    }

    @Override
    public boolean isClosed() {
        return lease.isClosed();
    }

    @Override
    public void close() {
        lease.close(() -> tensors.values().forEach(Parameter::close));
    }

    private record Config() implements PeftConfig {
        @Override
        public String peftType() {
            return "MERGED";
        }

        @Override
        public long parameterCount(ModelSites model) {
            throw new WrongUseException(
                    "the number of parameters of a config was asked for, and merged weights are made of adapters. Ask the adapter.");
        }

        @Override
        public Map<String, Object> toJson(ModelSites model) {
            throw new WrongUseException(
                    "an adapter was to be saved, and merged weights have no file of one. Save the merged model.");
        }
    }
}
