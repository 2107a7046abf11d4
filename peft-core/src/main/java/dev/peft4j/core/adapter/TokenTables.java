package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * {@code trainable_token_indices}: which tables have trained rows beside another method, and whether a head that is tied to the embedding follows, by PEFT's
 * rules.
 */
public final class TokenTables {
    private static final String FIELD = "trainable_token_indices";

    private final ModelSites model;
    private final Map<Site, List<Integer>> tables = new LinkedHashMap<>();
    private final boolean headFollows;

    /**
     * The tables of a model that are meant.
     *
     * @param trained tokens by the ends of the names of tables, "" for the input embedding
     * @param ensured whether tied tables have to stay tied
     * @throws BadInputException if a name means none, or tied tables are to have different tokens and to stay tied
     */
    public TokenTables(Map<String, List<Integer>> trained, boolean ensured, ModelSites model) {
        this.model = model;
        boolean alike = true;
        if (trained.isEmpty()) {
            headFollows = false;
            return;
        }
        EmbeddingSite input = model.tokens(FIELD);
        List<Integer> first = null; // of tables that are tied
        for (Map.Entry<String, List<Integer>> entry : trained.entrySet()) {
            List<Site> found = named(entry.getKey(), model);
            for (Site s : found) {
                tables.putIfAbsent(s, entry.getValue());
            }
            if (found.contains(input) || found.stream().anyMatch(this::isTiedHead)) {
                alike &= first == null || first.equals(entry.getValue());
                first = first == null ? entry.getValue() : first;
            }
        }
        if (!alike && ensured && model.linearSites().stream().anyMatch(this::isTiedHead)) {
            throw new BadInputException(FIELD + " " + trained + " has other tokens for a head than for "
                    + input.name() + ", to which it is tied, and ensure_weight_tying wants them to stay one. Name the"
                    + " same tokens, or leave it out.");
        }
        headFollows = alike && tables.containsKey(input);
        if (headFollows) {
            tables.keySet().removeIf(this::isTiedHead);
        }
    }

    private boolean isTiedHead(Site site) {
        return site instanceof LinearSite l && model.isTied(l);
    }

    private static List<Site> named(String name, ModelSites model) {
        if (name.isEmpty()) {
            return List.of(model.tokens(FIELD));
        }
        List<Site> found = TargetModules.allSites(model).stream()
                .filter(s -> !(s instanceof NormSite) && s.name().endsWith(name))
                .toList();
        if (found.isEmpty()) {
            throw new BadInputException(FIELD + " names the table \"" + name + "\"; this "
                    + model.modelType() + " model has "
                    + model.embeddingSites().stream().map(EmbeddingSite::name).toList()
                    + " and heads. Name one of them by the end of its name.");
        }
        return found;
    }

    /**
     * Reads the field: a list is of the input embedding.
     *
     * @throws BadInputException if there is something else than whole numbers
     */
    public static Map<String, List<Integer>> read(ConfigFields fields) {
        Object value = fields.any(FIELD);
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof Map<?, ?> map)) {
            return Map.of("", tokens(FIELD, value));
        }
        Map<String, List<Integer>> all = new LinkedHashMap<>();
        map.forEach((table, tokens) -> {
            if (String.valueOf(table).isEmpty()) {
                throw ConfigFields.wrong(FIELD, value, "the name of a table");
            }
            all.put(String.valueOf(table), tokens(FIELD, tokens));
        });
        return all;
    }

    /**
     * A list of token ids.
     *
     * @param field for the message
     * @throws BadInputException if it is none
     */
    public static List<Integer> tokens(String field, @Nullable Object value) {
        List<Integer> all = new ArrayList<>();
        for (Object token : value instanceof List<?> list ? list : List.of("none")) {
            if (!(token instanceof Integer t)) {
                throw ConfigFields.wrong(field, value, "a list of token ids");
            }
            all.add(t);
        }
        if (all.isEmpty()) {
            throw ConfigFields.wrong(field, value, "at least one token id");
        }
        return all;
    }

    /** The value of the field. */
    public static Object toJson(Map<String, List<Integer>> trained, ModelSites model) {
        List<Integer> ofInput = trained.get("");
        if (ofInput != null && trained.size() == 1) {
            return ofInput;
        }
        String input = model.tokens(FIELD).name();
        Map<List<Site>, List<String>> names = new LinkedHashMap<>(); // for the same tables, of which the first counts
        trained.keySet().forEach(name -> names.computeIfAbsent(named(name, model), found -> new ArrayList<>())
                .add(name));
        Map<String, List<Integer>> all = new TreeMap<>(); // as files are sorted
        for (List<String> alike : names.values()) {
            List<String> sorted =
                    alike.stream().map(n -> n.isEmpty() ? input : n).sorted().toList();
            for (int i = 0; i < sorted.size(); i++) {
                all.put(sorted.get(i), Objects.requireNonNull(trained.get(alike.get(i))));
            }
        }
        return all;
    }

    /** The tables. */
    List<Site> sites() {
        return new ArrayList<>(tables.keySet());
    }

    /** Number of elements. */
    public long count() {
        long sum = 0;
        for (Map.Entry<Site, List<Integer>> e : tables.entrySet()) {
            int width = e.getKey() instanceof EmbeddingSite s ? s.width() : ((LinearSite) e.getKey()).in();
            sum += (long) e.getValue().size() * width;
        }
        return sum;
    }

    /** New rows of a table, copies of the base's. */
    TokenRows rows(Site site) {
        boolean follows = headFollows && site.equals(model.tokens(FIELD));
        List<Integer> tokens = Objects.requireNonNull(tables.get(site));
        return new TokenRows(model, site, tokens, site.name() + TokenRows.SAVED_BESIDE, follows);
    }
}
