package dev.peft4j.core.train;

import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is trained in which step of a run, and at which share of the learning rate. It follows from the step alone. */
final class StagePlan {
    private static final double EPS = 1e-9; // of a step, for lengths that are no whole number of them

    private final List<Part> parts = new ArrayList<>();
    private final @Nullable BaseTuning tuning;
    private @Nullable Part now;
    private int batches; // of the part so far

    /**
     * Steps in which the same tensors are trained.
     *
     * @param number of the stage, from 1
     * @param count of stages
     * @param text of what is trained
     * @param from first step, from 0
     * @param groups of parameters by their factors of the learning rate
     * @param norms that take the statistics of the batch
     * @param renews whether running statistics become the mean of those of all batches
     */
    record Part(
            int number,
            int count,
            String text,
            int from,
            Map<Double, List<Parameter>> groups,
            Set<String> norms,
            boolean renews) {
        List<Parameter> trained() {
            return groups.values().stream().flatMap(List::stream).toList();
        }
    }

    private StagePlan(@Nullable BaseTuning tuning) {
        this.tuning = tuning;
    }

    /** All parameters in all steps. */
    static StagePlan of(List<Parameter> parameters) {
        StagePlan plan = new StagePlan(null);
        plan.parts.add(new Part(1, 1, "", 0, Map.of(1.0, parameters), Set.of(), false));
        return plan;
    }

    /**
     * The stages of a strategy.
     *
     * @param steps of the run
     * @param perEpoch steps of a pass over the records
     * @throws BadInputException if a stage trains nothing of the model, or has no step
     */
    static StagePlan of(Strategy strategy, ModelSites model, BaseTuning tuning, int steps, int perEpoch) {
        StagePlan plan = new StagePlan(tuning);
        List<Stage> stages = strategy.stages();
        double end = 0;
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            int from = rounded(end);
            end += switch (stage.length().unit()) {
                case EPOCHS -> stage.length().amount() * perEpoch;
                case SHARE -> stage.length().amount() * steps;
                case REST -> 0;
            };
            boolean last = i == stages.size() - 1;
            if (rounded(end) > steps || from >= steps) {
                throw new BadInputException("stage " + (i + 1) + " of " + stages.size() + ", " + stage
                        + ", was to end at step " + Math.max(rounded(end), from + 1) + ", and the run has " + steps
                        + " steps of " + perEpoch + " an epoch. Make stages shorter, or the run longer.");
            }
            int to = last ? steps : rounded(end);
            if (to <= from) {
                throw new BadInputException("stage " + (i + 1) + " of " + stages.size() + ", " + stage
                        + ", has no step: an epoch has " + perEpoch + ", the run " + steps
                        + ". Make it longer, or leave it out.");
            }
            plan.add(stage, i + 1, stages.size(), from, to, perEpoch, model);
        }
        return plan;
    }

    private static int rounded(double steps) {
        return (int) Math.min(Integer.MAX_VALUE, Math.ceil(steps - EPS));
    }

    private void add(Stage stage, int number, int count, int from, int to, int perEpoch, ModelSites model) {
        if (!(stage.trained() instanceof TensorChoice.Gradual gradual)) {
            parts.add(part(stage, stage.trained(), stage.trained().toString(), number, count, from, model));
            return;
        }
        List<TensorChoice> open = gradual.steps(model);
        for (int i = 0; i < open.size(); i++) {
            int begin = from + rounded(i * gradual.epochs() * perEpoch);
            int next = from + rounded((i + 1) * gradual.epochs() * perEpoch);
            boolean last = i == open.size() - 1;
            if (begin < to && (last || next > begin)) {
                parts.add(part(stage, open.get(i), gradual + ", " + open.get(i), number, count, begin, model));
            }
        }
    }

    private Part part(
            Stage stage, TensorChoice choice, String text, int number, int count, int from, ModelSites model) {
        BaseTuning t = Objects.requireNonNull(tuning);
        Parts places = new Parts(model);
        Map<Double, List<Parameter>> groups = new LinkedHashMap<>();
        Set<Integer> trained = new LinkedHashSet<>();
        for (String name : choice.tensors(model)) {
            double factor = stage.rate() * Math.pow(stage.decay(), places.distance(name));
            groups.computeIfAbsent(factor, f -> new ArrayList<>()).add(parameter(t, name));
            trained.add(places.part(name));
        }
        boolean renews = choice instanceof TensorChoice.Statistics;
        Set<String> norms = t.norms().stream()
                .filter(n -> renews || (stage.batchStatistics() && trained.contains(places.part(n + ".running_mean"))))
                .collect(Collectors.toUnmodifiableSet());
        return new Part(number, count, text, from, groups, norms, renews);
    }

    private static Parameter parameter(BaseTuning tuning, String name) {
        Parameter p = tuning.parameter(name);
        if (p == null) {
            throw new BadInputException("a strategy trains " + name + ", which is none of the "
                    + tuning.parameters().size()
                    + " base tensors that are to be trained. Make these of the strategy: inPlace or ofCopies.");
        }
        return p;
    }

    /** Whether there are stages to tell of. */
    boolean isStaged() {
        return tuning != null;
    }

    /** All parameters that are trained in some step. */
    List<Parameter> trained() {
        return parts.stream().flatMap(p -> p.trained().stream()).distinct().toList();
    }

    private Part at(int step) {
        Part found = parts.get(0);
        for (Part p : parts) {
            found = p.from <= step ? p : found;
        }
        return found;
    }

    /** Counts the batches of a step that was made before the run went on. */
    int skip(int step, int count) {
        batches = at(step).from == step ? count : batches + count;
        return count;
    }

    /**
     * Trains from now on what a step trains.
     *
     * @return the part of the step, or null if it is that of the step before
     */
    @Nullable
    Part enter(int step) {
        Part part = at(step);
        if (part.equals(now)) {
            return null;
        }
        now = part;
        BaseTuning t = tuning;
        if (t != null) {
            if (part.from == step) {
                batches = 0;
            }
            Set<Parameter> trained = new LinkedHashSet<>(part.trained());
            t.parameters().forEach(p -> p.setTrainable(trained.contains(p)));
            t.takeBatchStatistics(part.norms);
            t.setStatisticsMomentum(-1);
        }
        return part;
    }

    /** What is trained now. */
    Part now() {
        return Objects.requireNonNull(now, "a step is entered first");
    }

    /** Is told that a batch is read next. */
    void beforeBatch() {
        batches++;
        if (tuning != null && now().renews) {
            tuning.setStatisticsMomentum(1.0 / batches); // the mean of all, as PyTorch's momentum=None
        }
    }

    /** Leaves the parameters as they were before the run. */
    void leave() {
        BaseTuning t = tuning;
        if (t != null) {
            Set<Parameter> statistics = Set.copyOf(t.statistics());
            t.parameters().forEach(p -> p.setTrainable(!statistics.contains(p)));
            t.takeBatchStatistics(t.norms());
            t.setStatisticsMomentum(-1);
        }
    }
}
