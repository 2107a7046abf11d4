package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rows in front of sequences, and the modules that the task trains whole. */
final class PromptAdapter extends LayeredAdapter {
    private static final String TOKENS = "word_embeddings";

    private final PromptLearning config;
    private final RowSource source;
    private final boolean outside; // whether a file has a copy of the embedding for that second name
    private final boolean prefix; // keys and values of each layer, instead of embedded tokens

    PromptAdapter(PromptLearning config, TransformerSites model, RowSource source, boolean prefix) {
        super(config, model);
        this.config = config;
        this.source = source;
        this.prefix = prefix;
        WholeModules whole = config.settings().whole(model);
        this.outside = whole.mayMiss()
                && !whole.prefix().isEmpty()
                && whole.endings().stream().anyMatch(TOKENS::endsWith);
        if (!prefix && !whole.mayMiss() && whole.hasTensor(table())) {
            throw new BadInputException("modules_to_save " + whole.endings() + " names the embedding; behind a prompt,"
                    + " PEFT looks tokens up in the untrained one. Train prefix tuning or LoRA.");
        }
        build(() -> {
            trainModules(whole);
            if (outside && prefix) {
                trainUnread(table(), TOKENS + ".weight");
            } else if (outside) {
                train(table(), TOKENS + ".weight");
            }
        });
    }

    private String table() {
        return model().embeddingSites().get(0).name() + ".weight";
    }

    /** PEFT looks the tokens behind a prompt up in the untrained embedding, which it has a second time as {@code word_embeddings}. */
    @Override
    protected boolean readsCopy(String tensor) {
        return prefix || !tensor.equals(table());
    }

    @Override
    protected Map<String, String> otherBaseNames() {
        return Map.of(TOKENS + (outside ? ".original_module.weight" : ".weight"), table());
    }

    @Override
    protected Map<String, Parameter> coveredNames() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        for (Parameter p : parameters()) {
            if (p.name().equals(RowTable.NAME)) {
                all.put("prompt_encoder.default.embedding.weight", p);
            } else if (p.name().startsWith(TOKENS)) {
                all.put(TOKENS + ".modules_to_save.default.weight", p);
            }
        }
        return all;
    }

    private Node rows(Pass pass) {
        return pass.once(this, () -> source.rows(pass));
    }

    @Override
    public @Nullable Node inputRows(Call call, int width) {
        return prefix ? null : rows(call.pass());
    }

    @Override
    public int inputRowCount() {
        return prefix ? 0 : config.settings().virtualTokens();
    }

    /** Columns of a layer: its keys at {@code 2 l D}, its values behind them. */
    @Override
    public @Nullable KeysAndValues keysAndValues(Call call, BlockSite site) {
        if (!prefix) {
            return null;
        }
        Node all = rows(call.pass());
        int at = 2 * site.layer() * site.width();
        return new KeysAndValues(
                Products.columns(call.pass(), all, at, site.width()),
                Products.columns(call.pass(), all, at + site.width(), site.width()));
    }

    @Override
    public int keyRowCount() {
        return prefix ? config.settings().virtualTokens() : 0;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(source.parameters());
        all.addAll(super.parameters());
        return all;
    }

    /** PEFT writes heads with one level less than other methods. */
    @Override
    public String prefix() {
        return "base_model.";
    }

    /** The rows have no prefix. */
    @Override
    public String savedName(Parameter parameter) {
        String name = parameter.name();
        boolean bare = name.equals(RowTable.NAME) || name.startsWith("encoder.") || name.startsWith(TOKENS);
        return bare ? name : super.savedName(parameter);
    }

    /** Only the rows, where a network makes them: that is all that PEFT's file can hold. */
    @Override
    public Adapter forSaving(ModelSites model) {
        if (source instanceof RowTable) {
            return this;
        }
        Tensor values;
        try (Arena arena = new Arena(model.backend().dtype());
                Pass pass = Pass.inference(model.backend(), arena)) {
            values = source.rows(pass).value().copy(model.backend().dtype());
        }
        PromptAdapter flat = new PromptAdapter(
                config, TransformerSites.require(model, config.peftType()), new RowTable(values), prefix);
        for (Parameter p : super.parameters()) {
            for (Parameter q : flat.parameters()) {
                if (q.name().equals(p.name())) {
                    q.value().copyFrom(p.value());
                }
            }
        }
        return flat;
    }
}
