package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps and evaluations of one run. */
final class Loop {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    private final Model model;
    private final List<Adapter> adapters;
    private final List<Adapter> trained;
    private final List<Parameter> parameters;
    private final StagePlan plan;
    private final TrainingConfig config;
    private final Objective objective;
    private final Listeners listeners;
    private final BooleanSupplier isStopped;
    private final RandomGenerator seeds;
    private final @Nullable Mixup mixup;

    Loop(
            Model model,
            List<Adapter> adapters,
            List<Adapter> trained,
            List<Parameter> parameters,
            StagePlan plan,
            TrainingConfig config,
            Objective objective,
            Listeners listeners,
            BooleanSupplier isStopped) {
        this.model = model;
        this.adapters = adapters;
        this.trained = trained;
        this.parameters = parameters;
        this.plan = plan;
        this.config = config;
        this.objective = objective;
        this.listeners = listeners;
        this.isStopped = isStopped;
        this.seeds = new SplittableRandom(config.seed() ^ 0x5DEECE66DL);
        this.mixup = Mixup.of(config);
    }

    /** Makes the steps that are left, and saves the state at the end. */
    void run(
            List<? extends Example> records,
            List<? extends Example> heldOut,
            int steps,
            Arena arena,
            Optimizer optimizer,
            Progress progress,
            Checkpointer checkpointer) {
        Batches batches = new Batches(records, config, Together.of(objective, records));
        for (int i = 0; i < progress.step; i++) { // what the steps before have drawn
            seeds(plan.skip(i, batches.skip()));
        }
        parameters.forEach(Parameter::zeroGrad);
        int warmup = config.warmupSteps(steps);
        boolean saved;
        try (Ahead ahead = new Ahead(batches, records)) {
            while (true) {
                saved = isEvaluationDue(progress);
                if (saved) {
                    evaluate(heldOut, progress);
                    checkpointer.save(progress.step);
                }
                if (progress.step >= steps || hasEnough(progress) || isStopped.getAsBoolean()) {
                    break;
                }
                checkpointer.saveIfDue(progress.step);
                enter(progress.step);
                double rate = config.learningRate() * config.schedule().factor(progress.step, warmup, steps);
                step(ahead, rate, arena, optimizer, progress);
            }
        }
        requireFinite();
        if (!saved) {
            checkpointer.save(progress.step);
        }
    }

    /** Trains what the next step trains, and tells of a stage that begins. */
    private void enter(int step) {
        StagePlan.Part part = plan.enter(step);
        if (part != null && plan.isStaged()) {
            long count = part.trained().stream().mapToLong(Parameter::size).sum();
            long all = model.weights().count();
            listeners.tell(l -> l.onStage(part.number(), part.count(), part.text(), count, all));
        }
    }

    /** The adapters that are not trained. */
    private List<Adapter> frozen() {
        return adapters.stream().filter(a -> !trained.contains(a)).toList();
    }

    private boolean hasEnough(Progress progress) {
        return config.patience() > 0 && progress.worse >= config.patience();
    }

    private boolean isEvaluationDue(Progress progress) {
        int every = config.evaluateEvery();
        return every > 0 && progress.step > 0 && progress.step % every == 0 && progress.now() == null;
    }

    /** Evaluates the parameters as they are, unless there are no records, or the run is stopped meanwhile. */
    private void evaluate(List<? extends Example> heldOut, Progress progress) {
        Evaluation e =
                heldOut.isEmpty() ? null : Evaluator.evaluate(model, adapters, frozen(), objective, heldOut, isStopped);
        if (e != null) {
            boolean best = progress.evaluated(e);
            listeners.tell(l -> l.onEvaluation(progress.step, e));
            if (best) {
                listeners.tell(l -> l.onBest(progress.step, e));
            }
        }
    }

    private void step(Ahead ahead, double rate, Arena arena, Optimizer optimizer, Progress progress) {
        long start = System.nanoTime();
        List<Batch> read = ahead.next();
        long[] dropout = seeds(read.size());
        List<Batch> batches = mixed(read, dropout);
        int scored = batches.stream()
                .mapToInt(b -> objective.scored(model, b, adapters))
                .sum();
        progress.step++;
        int now = progress.step;
        if (scored == 0 && !plan.now().renews()) {
            LOG.warn(
                    "step {} has no token to learn from: all its records end with their prompt. It changes nothing.",
                    now);
            return;
        }
        int shares = Math.max(1, scored); // statistics are renewed by records without a label too
        double loss = backward(batches, dropout, shares, arena) / shares + addPenalties(arena);
        List<Parameter> changed = plan.now().trained();
        double norm = norm(changed);
        plan.now().groups().forEach((factor, group) -> optimizer.step(model.backend(), group, rate * factor));
        trained.forEach(a -> a.afterStep(model.backend(), now));
        changed.forEach(Parameter::zeroGrad);
        int tokens = batches.stream().mapToInt(Batch::length).sum();
        long took = System.nanoTime() - start;
        progress.nanos += took;
        progress.tokens += tokens;
        listeners.tell(l -> l.onStep(now, loss, rate, norm, tokens, took / 1e9));
    }

    /** What a step trains on; one that only renews statistics reads the images as they are evaluated. */
    private List<Batch> mixed(List<Batch> read, long[] seeds) {
        Mixup by = mixup;
        return by == null || plan.now().renews()
                ? read
                : IntStream.range(0, seeds.length)
                        .mapToObj(i -> by.mixed(read.get(i), seeds[i]))
                        .toList();
    }

    /** One number for each of so many batches. */
    private long[] seeds(int count) {
        long[] drawn = new long[count];
        Arrays.setAll(drawn, i -> seeds.nextLong());
        return drawn;
    }

    /** Adds the gradients of all batches, and returns the sum of their losses. */
    private double backward(List<Batch> batches, long[] dropout, int scored, Arena arena) {
        double loss = 0;
        for (int i = 0; i < batches.size(); i++) {
            plan.beforeBatch();
            try {
                loss += backward(batches.get(i), dropout[i], scored, arena);
            } catch (NonFiniteException e) {
                throw trace(arena, batches.get(i), dropout[i], e);
            }
        }
        return loss;
    }

    /**
     * Adds the gradients of a batch.
     *
     * @throws NonFiniteException if its loss is not finite, or statistics that would move are not; nothing is added then
     */
    private double backward(Batch batch, long dropout, int scored, Arena arena) {
        Objective.Prepared prepared = objective.prepare(model, batch, adapters, frozen(), arena);
        try (Pass pass = Pass.training(model.backend(), arena, dropout)) {
            double sum = prepared.loss(Call.of(pass, adapters), 1.0 / scored).sum();
            if (!Double.isFinite(sum)) {
                throw new NonFiniteException("the loss");
            }
            pass.backward();
            return sum;
        }
    }

    private double addPenalties(Arena arena) {
        double penalty = 0;
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            for (Adapter a : trained) {
                penalty += a.addPenalty(pass);
            }
        }
        return penalty;
    }

    /** The norm of the gradients before they are clipped. */
    private double norm(List<Parameter> changed) {
        double norm = config.maxGradNorm() > 0
                ? Gradients.clip(model.backend(), changed, config.maxGradNorm())
                : Gradients.norm(model.backend(), changed);
        if (!Double.isFinite(norm)) {
            throw new NonFiniteException(changed.stream()
                    .filter(p -> !p.grad().isFinite())
                    .map(p -> "the gradient of " + p.name())
                    .findFirst()
                    .orElse("the gradient norm"));
        }
        return norm;
    }

    private void requireFinite() {
        for (Parameter p : parameters) {
            if (!p.value().isFinite()) {
                throw new NonFiniteException(p.name());
            }
        }
    }

    /** Runs the same forward pass again and finds the first layer that makes a value which is not finite; if all do well, what was found before. */
    private NonFiniteException trace(Arena arena, Batch batch, long seed, NonFiniteException found) {
        try {
            requireFinite();
        } catch (NonFiniteException e) {
            return e;
        }
        Objective.Prepared prepared = objective.prepare(model, batch, adapters, frozen(), arena);
        try (Pass pass = Pass.tracing(model.backend(), arena, seed)) {
            prepared.loss(Call.of(pass, adapters), 1);
        } catch (NonFiniteException e) {
            return e;
        }
        return found;
    }

    /** What the run came to; puts the best parameters back if it kept them, or evaluates what it ends with. */
    TrainingResult finish(List<? extends Example> heldOut, int steps, Progress progress) {
        boolean early = hasEnough(progress);
        boolean interrupted = progress.step < steps && !early;
        if (!interrupted && progress.now() == null) {
            evaluate(heldOut, progress);
            interrupted = !heldOut.isEmpty() && progress.now() == null;
        }
        Evaluation end = progress.restoreBest(progress.now()) ? progress.best() : progress.now();
        return new TrainingResult(
                progress.base(),
                end,
                progress.step,
                early,
                interrupted,
                progress.tokens,
                model.taskType().unit(),
                progress.nanos / 1e9);
    }
}
