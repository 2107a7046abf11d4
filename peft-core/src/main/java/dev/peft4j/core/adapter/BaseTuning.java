package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Trains base tensors: all, or those of some names. In place it is the one exception to the rule that the base is never changed: there is no second copy of
 * the weights, so no other adapter may use the model meanwhile, and the result is the model itself. As copies it takes their memory once more, and the base
 * stays as it is. Weights that are stored in another form than that which is computed with are trained as copies in either case.
 */
public sealed class BaseTuning implements Adapter permits FullFineTuning {
    private static final String MEAN = ".running_mean";

    private final ModelSites model;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Parameter> byUse = new LinkedHashMap<>();
    private final Lease lease;
    private final Set<String> norms; // those that could take the statistics of the batch
    private volatile Set<String> ofBatch;
    private volatile double share = -1; // of the batch in running statistics; negative for that of the norm

    BaseTuning(ModelSites model, Collection<String> names, boolean inPlace, boolean batchStatistics) {
        this.model = model;
        this.lease = new Lease(isFull(model, names) ? "full fine-tuning" : "tuning of base tensors");
        requireTensors(model, names);
        Set<String> taken = new TreeSet<>(names);
        if (batchStatistics) {
            taken.addAll(model.statistics());
        }
        try {
            for (String name : model.tensorNames()) {
                if (taken.contains(name)) {
                    parameters.put(name, parameter(name, model, inPlace));
                }
            }
        } catch (RuntimeException | OutOfMemoryError e) {
            close();
            throw e;
        }
        rest(model.statistics());
        for (String name : model.usedNames()) { // with the heads that are tied to one of them
            Parameter p = parameters.get(model.storedName(name));
            if (p != null) {
                byUse.put(name, p);
            }
        }
        this.norms = batchStatistics
                ? model.statistics().stream()
                        .filter(n -> n.endsWith(MEAN))
                        .map(n -> n.substring(0, n.length() - MEAN.length()))
                        .collect(Collectors.toUnmodifiableSet())
                : Set.of();
        this.ofBatch = norms;
    }

    /**
     * Trains tensors of a model in place.
     *
     * @param names of tensors of the checkpoint
     * @param batchStatistics whether norms of channels take the statistics of the batch, with running ones that move
     * @throws BadInputException if the model does not have one of them
     */
    public static BaseTuning inPlace(ModelSites model, Collection<String> names, boolean batchStatistics) {
        return new BaseTuning(model, names, true, batchStatistics);
    }

    /** The same with copies, so that the base stays as it is. */
    public static BaseTuning ofCopies(ModelSites model, Collection<String> names, boolean batchStatistics) {
        return new BaseTuning(model, names, false, batchStatistics);
    }

    private static boolean isFull(ModelSites model, Collection<String> names) {
        return names.containsAll(model.tensorNames());
    }

    private static void requireTensors(ModelSites model, Collection<String> names) {
        for (String name : names) {
            if (!model.tensorNames().contains(name)) {
                throw new BadInputException("the base tensor " + name + " was to be trained; this " + model.modelType()
                        + " model has " + model.tensorNames().size() + " others."
                        + TargetModules.suggestion(name, model.tensorNames()) + " Name one of these.");
            }
        }
    }

    private static Parameter parameter(String name, ModelSites model, boolean inPlace) {
        FrozenWeight w = model.weight(name);
        return inPlace && w instanceof DenseWeight dense
                ? Parameter.lent(name, dense.tensor(), model.shape(name))
                : new Parameter(name, w.copy(model.backend().dtype()), model.shape(name));
    }

    private void rest(Collection<String> names) {
        names.forEach(name -> {
            Parameter p = parameters.get(name);
            if (p != null) {
                p.setTrainable(false);
            }
        });
    }

    /** The parameter of a base tensor, or null if it is none of those that are trained. */
    public @Nullable Parameter parameter(String name) {
        return parameters.get(name);
    }

    /** Norms of channels that can take the statistics of the batch, by the names of the modules; none if it was not made so. */
    public Set<String> norms() {
        return norms;
    }

    /** The running statistics that move, in a fixed order; none if it was not made so. */
    public List<Parameter> statistics() {
        return norms.isEmpty()
                ? List.of()
                : model.statistics().stream()
                        .map(n -> Objects.requireNonNull(parameters.get(n)))
                        .toList();
    }

    /**
     * Says which norms take the statistics of the batch from now on; the others have their running ones.
     *
     * @param chosen of {@link #norms}
     */
    public void takeBatchStatistics(Set<String> chosen) {
        ofBatch = Set.copyOf(chosen);
    }

    /** Sets the share of the batch in running statistics; a negative number stands for that of each norm. */
    public void setStatisticsMomentum(double newShare) {
        share = newShare;
    }

    @Override
    public PeftConfig config() {
        return new Config(isFull(model, parameters.keySet()) ? "FULL" : "BASE", List.copyOf(parameters.keySet()));
    }

    @Override
    public void requireFits(ModelSites other) {
        other.requireAlike(model, "tuning of base tensors");
    }

    @Override
    public List<Parameter> parameters() {
        return new ArrayList<>(parameters.values());
    }

    @Override
    public boolean takesBatchStatistics(String norm) {
        return ofBatch.contains(norm);
    }

    @Override
    public double statisticsMomentum(double usual) {
        return share < 0 ? usual : share;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        return byUse.get(tensorName);
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
        lease.close(() -> parameters.values().forEach(Parameter::close));
    }

    private record Config(String peftType, List<String> names) implements PeftConfig {
        @Override
        public long parameterCount(ModelSites model) {
            return names.stream().mapToLong(model::elements).sum();
        }

        @Override
        public Map<String, Object> toJson(ModelSites model) {
            throw new WrongUseException(
                    "an adapter was to be saved, and base tensors that are trained have no file of one. Save the model.");
        }
    }
}
