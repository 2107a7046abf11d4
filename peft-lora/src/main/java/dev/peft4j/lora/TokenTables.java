package dev.peft4j.lora;

import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.Site;
import dev.peft4j.core.adapter.TokenRows;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** {@code trainable_token_indices}: which tables have trained rows, and whether a head that is tied to the embedding follows, by PEFT's rules. */
final class TokenTables {
    private static final String SUFFIX = ".token_adapter.trainable_tokens_delta";

    private final ModelSites model;
    private final Map<Site, List<Integer>> tables = new LinkedHashMap<>();
    private final boolean headFollows;

    /**
     * The tables of a model that a config means.
     *
     * @throws IllegalArgumentException if a name means none, or tied tables are to have different tokens and to stay tied
     */
    TokenTables(LoraConfig config, ModelSites model) {
        this.model = model;
        config.trainableTokens().forEach((name, tokens) -> put(name, tokens));
        EmbeddingSite input = model.embeddingSites().get(0);
        List<Integer> own = tables.get(input);
        LinearSite head = model.linearSites().stream()
                .filter(l -> model.isTied(l) && tables.containsKey(l))
                .findFirst()
                .orElse(null);
        boolean alike = own == null || head == null || own.equals(tables.get(head));
        if (!alike && config.ensureWeightTying()) {
            throw new IllegalArgumentException("trainable_token_indices " + config.trainableTokens()
                    + " has other tokens for " + Objects.requireNonNull(head).name() + " than for " + input.name()
                    + ", and ensure_weight_tying wants them to stay one. Name the same tokens, or leave it out.");
        }
        if (own != null && head != null && alike) {
            tables.remove(head); // it follows
        }
        headFollows = alike;
    }

    private void put(String name, List<Integer> tokens) {
        List<Site> found = new ArrayList<>();
        if (name.isEmpty()) {
            found.add(model.embeddingSites().get(0));
        } else {
            model.embeddingSites().stream().filter(s -> s.name().endsWith(name)).forEach(found::add);
            model.linearSites().stream().filter(s -> s.name().endsWith(name)).forEach(found::add);
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("trainable_token_indices names the table \"" + name + "\"; this "
                    + model.modelType() + " model has "
                    + model.embeddingSites().stream().map(EmbeddingSite::name).toList()
                    + " and heads. Name one of them by the end of its name.");
        }
        found.forEach(s -> tables.put(s, tokens));
    }

    /** Names of the tables. */
    List<String> names() {
        return tables.keySet().stream().map(Site::name).toList();
    }

    /** Number of elements. */
    long count() {
        long sum = 0;
        for (Map.Entry<Site, List<Integer>> e : tables.entrySet()) {
            int width = e.getKey() instanceof EmbeddingSite s ? s.width() : ((LinearSite) e.getKey()).in();
            sum += (long) e.getValue().size() * width;
        }
        return sum;
    }

    /** New rows, copies of the base's. */
    List<TokenRows> rows() {
        List<TokenRows> all = new ArrayList<>();
        tables.forEach((site, tokens) ->
                all.add(new TokenRows(model, site, tokens, site.name() + SUFFIX, headFollows && isInput(site))));
        return all;
    }

    private boolean isInput(Site site) {
        return site.equals(model.embeddingSites().get(0));
    }
}
