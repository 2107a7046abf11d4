package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.TokenRows;

/** Rows of the embedding; PEFT writes them a second time for a tied head. */
final class TrainableTokensAdapter extends LayeredAdapter {
    private static final String SUFFIX = ".trainable_tokens_delta";

    TrainableTokensAdapter(TrainableTokensConfig config, ModelSites model) {
        super(config, model);
        EmbeddingSite site = TrainableTokensConfig.site(model);
        TokenRows rows = new TokenRows(model, site, config.tokens(), site.name() + SUFFIX);
        add(rows);
        for (LinearSite head : model.linearSites()) {
            if (model.isTied(head)) {
                alsoSave(head.name() + SUFFIX, rows.parameter().value());
            }
        }
    }
}
