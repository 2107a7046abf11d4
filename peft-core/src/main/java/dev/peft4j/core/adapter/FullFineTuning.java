package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Trains every base tensor in place. The one exception to the rule that the base is never changed: there is no second copy of the
 * weights, so no other adapter may use the model meanwhile, and the result is the model itself. Weights that are stored in another form than that which is
 * computed with are trained as copies.
 */
public final class FullFineTuning implements Adapter {
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Parameter> byUse = new LinkedHashMap<>();
    private final Lease lease = new Lease("full fine-tuning");
    private final boolean batchStatistics;

    /** Takes all tensors of a model; running statistics of norms stay as they are. */
    public FullFineTuning(ModelSites model) {
        this(model, false);
    }

    /** The same, where norms of channels take the statistics of the batch, and running ones move with them. */
    public static FullFineTuning withBatchStatistics(ModelSites model) {
        return new FullFineTuning(model, true);
    }

    private FullFineTuning(ModelSites model, boolean batchStatistics) {
        this.batchStatistics = batchStatistics;
        try {
            model.tensorNames().forEach(name -> parameters.put(name, parameter(name, model)));
            model.statistics().forEach(name -> Objects.requireNonNull(parameters.get(name))
                    .setTrainable(false));
        } catch (RuntimeException | OutOfMemoryError e) {
            close();
            throw e;
        }
        for (String name : model.usedNames()) { // with the heads that are tied to one of them
            byUse.put(name, Objects.requireNonNull(parameters.get(model.storedName(name))));
        }
    }

    private static Parameter parameter(String name, ModelSites model) {
        FrozenWeight w = model.weight(name);
        return w instanceof DenseWeight dense
                ? Parameter.lent(name, dense.tensor(), model.shape(name))
                : new Parameter(name, w.copy(model.backend().dtype()), model.shape(name));
    }

    @Override
    public PeftConfig config() {
        return new Config();
    }

    @Override
    public List<Parameter> parameters() {
        return new ArrayList<>(parameters.values());
    }

    @Override
    public boolean takesBatchStatistics() {
        return batchStatistics;
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

    private record Config() implements PeftConfig {
        @Override
        public String peftType() {
            return "FULL";
        }

        @Override
        public long parameterCount(ModelSites model) {
            return model.tensorNames().stream().mapToLong(model::elements).sum();
        }

        @Override
        public Map<String, Object> toJson(ModelSites model) {
            throw new WrongUseException(
                    "an adapter was to be saved, and full fine-tuning has no file of one. Save the model.");
        }
    }
}
