package dev.peft4j.core.adapter;

import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code ensure_weight_tying}, by PEFT's rules: where the embedding or the head that is tied to it is trained, both are trained as one. It has an effect
 * only where one of them is named in a list by {@code embed_tokens} or {@code lm_head}.
 */
public final class WeightTying {
    /** PEFT looks for these, whatever a family calls its own. */
    private static final List<String> NAMES = List.of("embed_tokens", "lm_head");

    private final Attachment given;
    private final Optional<LinearSite> head; // none where nothing is to be tied

    /**
     * What is tied in a model.
     *
     * @param ensured whether it was asked for
     */
    public WeightTying(Attachment given, boolean ensured, ModelSites model) {
        this.given = given;
        this.head = ensured ? model.linearSites().stream().filter(model::isTied).findFirst() : Optional.empty();
    }

    /** What is attached once embedding and head are one: the embedding in the place of either. */
    public Attachment resolve(ModelSites model) {
        if (head.isEmpty()) {
            return given;
        }
        if (savesTable(model)) {
            WholeModules whole = given.whole(model);
            List<String> names = withoutHead(whole.endings(), model);
            return new Attachment(
                    given.target(), new WholeModules(names, whole.prefix(), whole.mayMiss()), given.otherFields());
        }
        if (targetsTable()) {
            TargetModules target = given.targetFor(model);
            return given.withTarget(target.withNames(withoutHead(target.names(), model)));
        }
        return given;
    }

    /** The head whose update is that of the embedding; none unless the embedding has one for both. */
    public Optional<LinearSite> sharedHead(ModelSites model) {
        return !savesTable(model) && targetsTable() ? head : Optional.empty();
    }

    /** Whether the head follows the trained copy of the embedding. */
    public boolean headFollows(ModelSites model) {
        return head.isPresent() && savesTable(model);
    }

    private boolean savesTable(ModelSites model) {
        return given.wholeModules(model).stream().anyMatch(WeightTying::isTable);
    }

    private boolean targetsTable() {
        TargetModules target = given.target();
        if (target == null) {
            return false;
        }
        return target.pattern().isEmpty()
                ? target.names().stream().anyMatch(WeightTying::isTable)
                : NAMES.stream().anyMatch(target::isMatched);
    }

    private static boolean isTable(String name) {
        return NAMES.contains(name.substring(name.lastIndexOf('.') + 1));
    }

    private List<String> withoutHead(List<String> names, ModelSites model) {
        EmbeddingSite table = model.embeddingSites().get(0);
        List<String> all = new ArrayList<>(names);
        if (!all.contains(table.name())) {
            all.add(table.name());
        }
        head.ifPresent(h -> all.removeIf(n -> new WholeModules(List.of(n), true).excludes(h.name())));
        return all;
    }
}
