package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.TokenTables;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens have a row of a table of their own; a head that is tied to the input embedding follows it.
 *
 * @param tokens ids ({@code token_indices})
 * @param target the tables: embeddings, or heads without a bias; null for the input embedding
 * @param otherFields what a file had besides
 */
public record TrainableTokensConfig(List<Integer> tokens, @Nullable TargetModules target, OtherFields otherFields)
        implements PeftConfig {
    static final String PEFT_TYPE = "TRAINABLE_TOKENS";

    /** Checks that there are some. */
    public TrainableTokensConfig {
        tokens = List.copyOf(tokens);
        if (tokens.isEmpty()) {
            throw new BadInputException(
                    "token_indices [] was given; without a token there is nothing to train. Name at least one.");
        }
    }

    /** These tokens of the input embedding. */
    public static TrainableTokensConfig of(Integer... tokens) {
        return new TrainableTokensConfig(List.of(tokens), null, OtherFields.NONE);
    }

    static TrainableTokensConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.ignore("init_weights"); // of rows that are in the file
        if ("TOKEN_CLS".equals(f.any("task_type")) || "QUESTION_ANS".equals(f.any("task_type"))) {
            throw new BadInputException("\"task_type\" is " + f.any("task_type")
                    + ", for which PEFT trains a head too, and this method trains none. Use LoRA with"
                    + " trainable_token_indices.");
        }
        List<Integer> tokens =
                f.has("token_indices") ? TokenTables.tokens("token_indices", f.any("token_indices")) : List.of();
        Attachment tables = Attachment.readTargets(f, EnumSet.noneOf(Attachment.Choice.class));
        return new TrainableTokensConfig(tokens, tables.target(), tables.otherFields());
    }

    /** Whether a table is the input embedding. */
    boolean isInput(ModelSites model, Site site) {
        return site.equals(model.tokens("TRAINABLE_TOKENS"));
    }

    /** The tables. A head that is tied to a table among them is none of its own. */
    List<Site> sites(ModelSites model) {
        EmbeddingSite input = model.tokens("TRAINABLE_TOKENS");
        if (target == null || target.isDefault()) {
            return List.of(input);
        }
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        Attachment attachment = new Attachment(target, new WholeModules(List.of(), true), otherFields);
        List<Site> chosen = attachment.choose(all, target, model);
        boolean both =
                chosen.contains(input) && chosen.stream().anyMatch(s -> s instanceof LinearSite l && model.isTied(l));
        if (both && otherFields.read()) {
            throw new BadInputException(
                    "target_modules names " + input.name()
                            + " and a head that is tied to it, which PEFT cannot compute. Name the embedding: the head follows.");
        }
        return chosen.stream()
                .filter(s -> !(chosen.contains(input) && s instanceof LinearSite l && model.isTied(l)))
                .toList();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return target == null
                ? otherFields.untrainable()
                : new Attachment(target, null, otherFields).untrainable(model);
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
        Map<String, Object> json = new TreeMap<>(otherFields.unknown());
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", PEFT_TYPE);
        json.put(
                "task_type",
                model.taskModules().isEmpty() ? model.taskType().peftName().orElse(null) : null);
        json.put("inference_mode", true);
        json.put("init_weights", true);
        json.put("token_indices", tokens);
        json.put("target_modules", targetNames(sites(model), model));
        return json;
    }

    private Object targetNames(List<Site> sites, ModelSites model) {
        if (sites.isEmpty()) {
            return Attachment.NOTHING;
        }
        String name = sites.get(0).name();
        boolean input = sites.size() == 1 && isInput(model, sites.get(0));
        return input
                ? List.of(name.substring(name.lastIndexOf('.') + 1))
                : sites.stream().map(Site::name).toList();
    }
}
