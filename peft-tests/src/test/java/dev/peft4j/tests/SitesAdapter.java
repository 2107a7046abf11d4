package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Acts at the sites of a block and of the input: rows in front of the tokens, keys and values in front of each layer, a shift behind sub-layers. */
final class SitesAdapter implements Adapter {
    static final int ROWS = 2;
    private final ModelSites model;
    private final boolean inputs;
    private final boolean keys;
    private final boolean subLayers;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final SplittableRandom random = new SplittableRandom(5);

    SitesAdapter(ModelSites model, boolean inputs, boolean keys, boolean subLayers) {
        this.model = model;
        this.inputs = inputs;
        this.keys = keys;
        this.subLayers = subLayers;
    }

    private Node parameter(Call call, String name, int rows, int cols) {
        Parameter p = parameters.computeIfAbsent(name, n -> {
            Tensor t = Tensor.allocate(model.backend().dtype(), rows, cols);
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < cols; c++) {
                    t.set(r, c, random.nextGaussian(0, 0.5));
                }
            }
            return new Parameter(n, t, rows, cols);
        });
        return call.pass().node(p);
    }

    @Override
    public @Nullable Node inputRows(Call call, int width) {
        return inputs ? parameter(call, "input", ROWS, width) : null;
    }

    @Override
    public @Nullable KeysAndValues keysAndValues(Call call, BlockSite site) {
        return keys
                ? new KeysAndValues(
                        parameter(call, site.name() + ".keys", ROWS, site.width()),
                        parameter(call, site.name() + ".values", ROWS, site.width()))
                : null;
    }

    @Override
    public Node subLayer(Call call, BlockSite site, Node y, Node residual, Norm norm) {
        if (!subLayers) {
            return y;
        }
        Pass pass = call.pass();
        Node shift = parameter(call, site.name() + "." + site.kind(), 1, site.width());
        Tensor rows = pass.allocate(y.value().rows(), y.value().cols());
        pass.backend().kernels().fillRows(shift.value(), rows);
        pass.backend().kernels().add(y.value(), rows, y.value());
        if (pass.needsGrad(shift)) {
            pass.record(y, () -> pass.backend().kernels().addColumnSums(y.grad(), shift.grad()));
        }
        return y;
    }

    @Override
    public int inputRowCount() {
        return inputs ? ROWS : 0;
    }

    @Override
    public int keyRowCount() {
        return keys ? ROWS : 0;
    }

    @Override
    public PeftConfig config() {
        throw new UnsupportedOperationException("this adapter has no file");
    }

    @Override
    public List<Parameter> parameters() {
        return new ArrayList<>(parameters.values());
    }

    @Override
    public void close() {
        parameters.values().forEach(Parameter::close);
    }
}
