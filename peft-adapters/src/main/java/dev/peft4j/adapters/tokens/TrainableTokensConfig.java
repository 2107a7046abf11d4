package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.Site;
import dev.peft4j.core.adapter.TargetModules;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens have a row of a table of their own; a head that is tied to the input embedding follows it.
 *
 * @param tokens ids ({@code token_indices})
 * @param target the tables: embeddings, or heads without a bias; null for the input embedding
 * @param kept unknown fields of a file that was read, to be written again
 * @param read whether it was read from a file, where there may be no token
 */
public record TrainableTokensConfig(
        List<Integer> tokens, @Nullable TargetModules target, Map<String, Object> kept, boolean read)
        implements PeftConfig {
    static final String PEFT_TYPE = "TRAINABLE_TOKENS";

    /** Checks that there are some. */
    public TrainableTokensConfig {
        tokens = List.copyOf(tokens);
        kept = new LinkedHashMap<>(kept);
        if (tokens.isEmpty() && !read) {
            throw new IllegalArgumentException(
                    "token_indices [] was given; without a token there is nothing to train. Name at least one.");
        }
    }

    /** These tokens of the input embedding. */
    public static TrainableTokensConfig of(Integer... tokens) {
        return new TrainableTokensConfig(List.of(tokens), null, Map.of(), false);
    }

    static TrainableTokensConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.any("init_weights"); // of rows that are in the file
        Attachment tables = Attachment.read(f);
        return new TrainableTokensConfig(f.wholes("token_indices"), tables.target(), tables.kept(), true);
    }

    /** Whether a table is the input embedding. */
    boolean isInput(ModelSites model, Site site) {
        return site.equals(model.embeddingSites().get(0));
    }

    /** The tables. A head that is tied to a table among them is none of its own. */
    List<Site> sites(ModelSites model) {
        EmbeddingSite input = model.embeddingSites().get(0);
        if (target == null || target.isDefault()) {
            return List.of(input);
        }
        List<Site> chosen = target.selectWithEmbeddings(model, read);
        return chosen.stream()
                .filter(s -> !(chosen.contains(input) && s instanceof LinearSite l && model.isTied(l)))
                .toList();
    }

    @Override
    public List<String> unmatched(ModelSites model) {
        return target == null ? List.of() : Attachment.to(target).unmatched(model);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return sites(model).stream()
                .mapToLong(
                        s -> (long) tokens.size() * (s instanceof EmbeddingSite e ? e.width() : ((LinearSite) s).in()))
                .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = new TreeMap<>(kept);
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", PEFT_TYPE);
        json.put("task_type", model.taskModules().isEmpty() ? model.taskType().name() : null);
        json.put("inference_mode", true);
        json.put("init_weights", true);
        json.put("token_indices", tokens);
        List<Site> sites = sites(model);
        String name = sites.get(0).name();
        boolean input = sites.size() == 1 && isInput(model, sites.get(0));
        json.put(
                "target_modules",
                input
                        ? List.of(name.substring(name.lastIndexOf('.') + 1))
                        : sites.stream().map(Site::name).toList());
        return json;
    }
}
