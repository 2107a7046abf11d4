package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.TokenRows;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;

/** Rows of embeddings; PEFT writes those of the input embedding a second time for a tied head. */
final class TrainableTokensAdapter extends LayeredAdapter {
    private static final String SUFFIX = ".trainable_tokens_delta";

    TrainableTokensAdapter(TrainableTokensConfig config, ModelSites model) {
        super(config, model);
        if (!config.otherFields().read()) {
            TokenRows.requireDistinct(config.tokens());
        }
        build(() -> config.sites(model).forEach(site -> add(config, site, model)));
    }

    private void add(TrainableTokensConfig config, Site site, ModelSites model) {
        TokenRows rows = new TokenRows(model, site, config.tokens(), site.name() + SUFFIX, config.isInput(model, site));
        add(rows);
        for (LinearSite head : model.linearSites()) {
            if (config.isInput(model, site) && model.isTied(head)) {
                alsoSave(head.name() + SUFFIX, rows.parameter());
            }
        }
    }
}
