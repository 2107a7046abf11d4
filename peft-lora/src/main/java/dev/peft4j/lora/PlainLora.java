package dev.peft4j.lora;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/** Adapters that start with directions of the base, written so that they mean the same on the base as it is. */
final class PlainLora {
    private PlainLora() {}

    /** A new adapter; ranks double, and alphas are such that the factor s of each layer stays. */
    static LoraAdapter of(LoraAdapter adapter, LoraConfig config, ModelSites model) {
        Map<String, Integer> ranks = new LinkedHashMap<>();
        Map<String, Double> alphas = new LinkedHashMap<>();
        double factor = config.rsLora() ? Math.sqrt(2) : 2;
        for (Site site : config.sites(model)) {
            boolean doubled = site instanceof LinearSite;
            ranks.put(site.name(), config.rank(site) * (doubled ? 2 : 1));
            alphas.put(site.name(), config.alpha(site) * (doubled ? factor : 1));
        }
        LoraConfig plain = config.toBuilder()
                .init(LoraInit.DEFAULT)
                .r(2 * config.r())
                .alpha(factor * config.alpha())
                .rankPattern(ranks)
                .alphaPattern(alphas)
                .build();
        LoraAdapter result = new LoraAdapter(plain, model, 0);
        Map<String, Tensor> values = new LinkedHashMap<>();
        adapter.parameters().forEach(p -> values.put(p.name(), p.value()));
        for (Parameter p : result.parameters()) {
            Tensor from = values.get(p.name());
            if (from != null && from.size() == p.size()) {
                p.value().copyFrom(from);
            }
        }
        for (LinearSite site : model.linearSites()) {
            if (adapter.layer(site) instanceof ResidualLora from && result.layer(site) instanceof LoraLayer to) {
                int r = from.a.value().rows();
                to.a.value().rows(0, r).copyFrom(from.a.value());
                to.a.value().rows(r, r).copyFrom(from.startA());
                to.b.value().columns(0, r).copyFrom(from.b.value());
                Tensor lost = to.b.value().columns(r, r);
                lost.fill(0);
                model.backend().kernels().addScaled(-1, from.startB(), lost);
            }
        }
        return result;
    }
}
