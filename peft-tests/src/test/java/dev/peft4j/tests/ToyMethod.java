package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The smallest method: {@code y = x Wᵀ + b} with a new trained b at the chosen layers. docs/ADDING_A_METHOD.md walks through it. */
public final class ToyMethod implements PeftMethod {
    private static final MethodOption ENDING =
            MethodOption.text("--toy-layers", "NAME", "narrow", "ending of the names of the layers that get a bias");

    /** What it attaches: one ending of layer names. */
    record Config(String target) implements PeftConfig {
        @Override
        public String peftType() {
            return "TOY";
        }

        @Override
        public long parameterCount(ModelSites model) {
            return TargetModules.of(target).select(model).stream()
                    .mapToLong(LinearSite::out)
                    .sum();
        }

        @Override
        public Map<String, Object> toJson(ModelSites model) {
            return Map.of("peft_type", "TOY", "target", target);
        }
    }

    /** The math. Shapes: b (1, O), y (T, O). */
    static final class ToyAdapter implements Adapter {
        private final Config config;
        private final Map<String, Parameter> biases = new LinkedHashMap<>();

        ToyAdapter(Config config, ModelSites model) {
            this.config = config;
            for (LinearSite s : TargetModules.of(config.target).select(model)) {
                Tensor b = Tensor.zeros(model.backend().dtype(), 1, s.out());
                biases.put(s.name(), new Parameter(s.name() + ".toy_bias", b, s.out()));
            }
        }

        @Override
        public PeftConfig config() {
            return config;
        }

        @Override
        public List<Parameter> parameters() {
            return new ArrayList<>(biases.values());
        }

        @Override
        public void linear(Call call, LinearSite site, Node x, Node y) {
            Parameter p = biases.get(site.name());
            if (p == null) {
                return;
            }
            Pass pass = call.pass();
            Node b = pass.node(p);
            Tensor rows = pass.allocate(y.value().rows(), y.value().cols());
            pass.backend().kernels().fillRows(p.value(), rows);
            pass.backend().kernels().add(y.value(), rows, y.value()); // y += b
            if (pass.needsGrad(b)) {
                pass.record(y, () -> pass.backend().kernels().addColumnSums(y.grad(), b.grad())); // db = Σ dy
            }
        }

        @Override
        public void close() {
            biases.values().forEach(Parameter::close);
        }
    }

    @Override
    public String peftType() {
        return "TOY";
    }

    @Override
    public List<NamedMethod> named() {
        return List.of(
                new NamedMethod("toy", 5e-2, List.of(ENDING), (values, model) -> new Config(values.text(ENDING))));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return new Config(String.valueOf(json.get("target")));
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new ToyAdapter((Config) config, model);
    }
}
