package dev.peft4j.core.train;

import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which base tensors are trained when: the head alone, the last blocks, one after the other, all at rates that fall from block to block. It fits every family.
 *
 * <pre>
 *     Strategy strategy = Strategy.parse("head@1>full,decay=0.8");
 *     try (BaseTuning tuning = strategy.inPlace(model)) {
 *         new Trainer(model, tuning, config, listeners).withStrategy(strategy).train(records, heldOut);
 *     }
 * </pre>
 *
 * @param stages at least one, in their order; the last one lasts to the end of the run
 * @param isCached whether the base runs once for each record, and its head is trained on what it gave
 */
public record Strategy(List<Stage> stages, boolean isCached) {
    static final String CACHED = "cached-head";

    /** Checks the stages. */
    public Strategy {
        stages = List.copyOf(stages);
        if (stages.isEmpty()) {
            throw new BadInputException("a strategy without a stage was asked for. Give at least one, such as full.");
        }
        double share = 0;
        for (int i = 0; i < stages.size(); i++) {
            Stage.Length length = stages.get(i).length();
            if (i < stages.size() - 1 && length.unit() == Stage.Unit.REST) {
                throw new BadInputException(
                        "stage " + (i + 1) + " of " + stages.size() + ", " + stages.get(i)
                                + ", has no length; only the last stage lasts to the end. Give it one, such as @1 for an epoch.");
            }
            share += length.unit() == Stage.Unit.SHARE ? length.amount() : 0;
        }
        if (share > 1 + 1e-9) {
            throw new BadInputException("stages of " + Stage.number(Math.rint(share * 1e4) / 1e2)
                    + " % of the steps were asked for, which is more than all. Make some of them shorter.");
        }
        if (isCached
                && (stages.size() > 1
                        || !(stages.get(0).trained() instanceof TensorChoice.Head)
                        || stages.get(0).movesStatistics())) {
            throw new BadInputException("cached features were asked for with the stages "
                    + stages.stream().map(Stage::toString).collect(Collectors.joining(">"))
                    + "; they serve the head alone, as nothing in front of it may change. Train the head, or leave"
                    + " out the cache.");
        }
    }

    /** Stages in their order. */
    public static Strategy of(Stage... stages) {
        return new Strategy(List.of(stages), false);
    }

    /** The head alone, on features that the base computes once for each record, without dropout. */
    public static Strategy cachedHead() {
        return new Strategy(List.of(Stage.of(new TensorChoice.Head())), true);
    }

    /**
     * Reads a text: stages with {@code >}, each a choice, its length and options: {@code head@1>last:2@30%>full,decay=0.8}.
     *
     * <p>Choices are {@code full}, {@code head}, {@code last:N}, {@code norms}, {@code biases}, {@code pattern:REGEX} (between slashes if it has one of
     * {@code +@>,}), {@code gradual} or {@code gradual:EPOCHS} and {@code bn-stats}; several are joined with {@code +}. A length is {@code @EPOCHS} or {@code
     * @SHARE%}. Options are {@code rate=FACTOR}, {@code decay=FACTOR} and {@code statistics=batch} or {@code frozen}. {@code cached-head} stands alone.
     *
     * @throws BadInputException if it is none
     */
    public static Strategy parse(String text) {
        return StrategyText.parse(text);
    }

    /**
     * The tensors that some stage trains.
     *
     * @throws BadInputException if a stage trains nothing of this model
     */
    public Set<String> tensors(ModelSites model) {
        Set<String> all = new LinkedHashSet<>();
        for (Stage stage : stages) {
            all.addAll(stage.trained().tensors(model));
            if (stage.movesStatistics() && model.statistics().isEmpty()) {
                throw new BadInputException("the stage " + stage + " was asked for, in which statistics of a batch"
                        + " count; this " + model.modelType() + " model has no norms that take any. Leave that out.");
            }
        }
        return all;
    }

    /** Whether the last stage trains all tensors. */
    public boolean endsWithAll() {
        return stages.get(stages.size() - 1).trained() instanceof TensorChoice.All;
    }

    /** Whether running statistics move in a stage. */
    public boolean movesStatistics() {
        return stages.stream().anyMatch(Stage::movesStatistics);
    }

    /** What trains the tensors in place; the caller closes it. */
    public BaseTuning inPlace(ModelSites model) {
        return BaseTuning.inPlace(model, tensors(model), movesStatistics());
    }

    /** What trains copies of the tensors, so that the base stays as it is; the caller closes it. */
    public BaseTuning ofCopies(ModelSites model) {
        return BaseTuning.ofCopies(model, tensors(model), movesStatistics());
    }

    /** The text that {@link #parse} reads. */
    @Override
    public String toString() {
        String text = stages.stream().map(Stage::toString).collect(Collectors.joining(">"));
        return isCached ? CACHED + text.substring(text.startsWith("head") ? "head".length() : 0) : text;
    }
}
