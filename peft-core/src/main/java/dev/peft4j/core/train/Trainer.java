package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.NonFiniteException;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.model.Conflicts;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The training loop: batches of shuffled records, packed without padding; gradients summed over the forward passes of a step, each
 * scored token with the same weight; clipping; AdamW; evaluation; early stopping. It knows nothing of methods.
 *
 * <p>The same seed gives the same bits on the same machine.
 */
public final class Trainer {
    private final Model model;
    private final List<Adapter> adapters;
    private final List<Adapter> trained; // those with a trainable parameter
    private final TrainingConfig config;
    private final List<TrainingListener> listeners;
    private final List<Parameter> parameters;
    private @Nullable Path stateFile;
    private boolean resumed;

    /**
     * A trainer of the parameters of an adapter that are trainable.
     *
     * @throws IllegalArgumentException if there are none
     */
    public Trainer(Model model, Adapter adapter, TrainingConfig config, List<? extends TrainingListener> listeners) {
        this(model, List.of(adapter), config, listeners);
    }

    /**
     * A trainer of adapters that are active together, in this order. Those that are frozen ({@link Adapter#freeze}) belong to what the others are
     * trained on and compared with.
     *
     * @throws IllegalArgumentException if none of their parameters is trainable, or two of them replace the same tensor or token
     */
    public Trainer(
            Model model, List<Adapter> adapters, TrainingConfig config, List<? extends TrainingListener> listeners) {
        this.model = model;
        this.adapters = List.copyOf(adapters);
        this.trained = adapters.stream().filter(a -> a.trainableCount() > 0).toList();
        this.config = config;
        this.listeners = List.copyOf(listeners);
        this.parameters = trained.stream()
                .flatMap(a -> a.parameters().stream())
                .filter(Parameter::isTrainable)
                .toList();
        if (parameters.isEmpty()) {
            int all = adapters.stream().mapToInt(a -> a.parameters().size()).sum();
            throw new IllegalArgumentException(
                    "an adapter was to be trained and none of its " + all + " parameters is trainable. Unfreeze some.");
        }
        Conflicts.check(model, adapters);
    }

    /** Keeps what a run needs to go on in a file, written at each evaluation and at the end. */
    public Trainer keepState(Path file) {
        stateFile = file;
        return this;
    }

    /**
     * Goes on with a run whose state is in a file, with the same settings and records, to the same bits as if it had not stopped. The count of
     * evaluations without improvement begins anew.
     */
    public Trainer resume(Path file) {
        stateFile = file;
        resumed = true;
        return this;
    }

    /**
     * Trains on labelled sequences.
     *
     * @param records to train on
     * @param heldOut to evaluate the base and the tuned model on; empty for no evaluation
     * @throws IllegalArgumentException if there are no records, or one is longer than the context
     * @throws UncheckedIOException if the state of the run cannot be written or read
     * @throws NonFiniteException if a value becomes infinite or not a number; the parameters are those before the step
     */
    public TrainingResult train(List<PackedBatch.Sequence> records, List<PackedBatch.Sequence> heldOut) {
        if (records.isEmpty()) {
            throw new IllegalArgumentException(
                    "records to train on were expected and there are none. Give a file with records.");
        }
        checkLengths(records);
        checkLengths(heldOut);
        int perStep = config.batchSize() * config.accumulation();
        int steps = config.steps() > 0
                ? config.steps()
                : (int) Math.max(1, Math.round(config.epochs() * Math.ceil((double) records.size() / perStep)));
        long all = model.weights().count()
                + adapters.stream()
                        .flatMap(a -> a.parameters().stream())
                        .filter(p -> !isBaseTensor(p))
                        .mapToLong(Parameter::size)
                        .sum();
        long trainable = trained.stream().mapToLong(Adapter::trainableCount).sum();
        listeners.forEach(l -> l.onStart(steps, trainable, all));
        trained.forEach(a -> a.beforeTraining(steps));
        List<Adapter> frozen =
                adapters.stream().filter(a -> !trained.contains(a)).toList();
        Evaluation base = heldOut.isEmpty() ? null : evaluate(0, frozen, heldOut);
        Run run = new Run(records, heldOut, steps);
        try (Arena arena = new Arena(model.backend().dtype());
                AdamW optimizer = new AdamW(config.weightDecay())) {
            Path file = stateFile;
            TrainerState state =
                    file == null ? null : new TrainerState(file, config, records.size(), steps, trained, optimizer);
            run.loop(arena, optimizer, state);
        }
        Evaluation tuned = run.finish();
        TrainingResult result =
                new TrainingResult(base, tuned, run.step, run.stoppedEarly, run.tokens, run.nanos / 1e9);
        listeners.forEach(l -> l.onEnd(result));
        return result;
    }

    /** Refuses what would not fit into the context in the middle of a run. */
    private void checkLengths(List<PackedBatch.Sequence> sequences) {
        int rows = adapters.stream().mapToInt(Adapter::rowsInFront).sum();
        int most = model.contextLength() - rows;
        for (int i = 0; i < sequences.size(); i++) {
            if (sequences.get(i).length() > most) {
                throw new IllegalArgumentException("record " + i + " has "
                        + sequences.get(i).length() + " tokens; the context of this model has "
                        + model.contextLength() + ", of which adapters take " + rows + ". Cut records to " + most
                        + " tokens.");
            }
        }
    }

    /** Whether a parameter trains a tensor of the base in place. */
    private boolean isBaseTensor(Parameter p) {
        return model.tensorNames().contains(p.name()) && model.tensor(p.name()) == p.value();
    }

    private Evaluation evaluate(int step, List<Adapter> adapters, List<PackedBatch.Sequence> heldOut) {
        Evaluation e = Evaluator.evaluate(model, adapters, heldOut);
        listeners.forEach(l -> l.onEvaluation(step, e));
        return e;
    }

    /** The state of one run. */
    private final class Run {
        private final List<PackedBatch.Sequence> heldOut;
        private final int steps;
        private final Batches batches;
        private final RandomGenerator seeds = new SplittableRandom(config.seed() ^ 0x5DEECE66DL);
        private int step;
        private long tokens;
        private long nanos;
        private boolean stoppedEarly;
        private @Nullable Evaluation last;
        private int lastStep = -1;
        private @Nullable Evaluation best;
        private final List<float[]> bestValues = new ArrayList<>();
        private int worse;

        Run(List<PackedBatch.Sequence> records, List<PackedBatch.Sequence> heldOut, int steps) {
            this.heldOut = heldOut;
            this.steps = steps;
            this.batches = new Batches(records, config.batchSize(), config.groupByLength(), config.seed());
        }

        void loop(Arena arena, AdamW optimizer, @Nullable TrainerState state) {
            if (state != null && resumed) {
                skipTo(load(state));
            }
            int warmup = (int) Math.round(steps * config.warmup());
            while (step < steps && !stoppedEarly) {
                long start = System.nanoTime();
                double rate = config.learningRate() * config.schedule().factor(step, warmup, steps);
                StepResult r = step(arena);
                optimizer.step(model.backend(), parameters, rate);
                step++;
                int now = step;
                trained.forEach(a -> a.afterStep(model.backend(), now));
                parameters.forEach(Parameter::zeroGrad);
                long took = System.nanoTime() - start;
                nanos += took;
                tokens += r.tokens;
                listeners.forEach(l -> l.onStep(now, r.loss, rate, r.norm, r.tokens, took / 1e9));
                if (config.evaluateEvery() > 0 && step % config.evaluateEvery() == 0 && !heldOut.isEmpty()) {
                    check(evaluate(step, adapters, heldOut));
                    save(state);
                }
            }
            save(state);
        }

        private int load(TrainerState state) {
            try {
                return state.load();
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }

        private void save(@Nullable TrainerState state) {
            try {
                if (state != null) {
                    state.save(step);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }

        /** Draws what the steps before have drawn. */
        private void skipTo(int start) {
            for (; step < start; step++) {
                for (int i = 0; i < config.accumulation(); i++) {
                    batches.next();
                    seeds.nextLong();
                }
            }
        }

        private StepResult step(Arena arena) {
            List<PackedBatch> parts = new ArrayList<>();
            int scored = 0;
            int count = 0;
            for (int i = 0; i < config.accumulation(); i++) {
                PackedBatch batch = batches.next();
                parts.add(batch);
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    scored += model.scored(Call.of(pass, adapters), batch);
                }
                count += batch.tokens();
            }
            if (scored == 0) {
                throw new IllegalArgumentException(
                        "a batch has no token to learn from: all its records end with their prompt."
                                + " Give records with a completion.");
            }
            double loss = 0;
            for (PackedBatch batch : parts) {
                long seed = seeds.nextLong();
                try (Pass pass = Pass.training(model.backend(), arena, seed)) {
                    double sum = model.loss(Call.of(pass, adapters), batch, 1.0 / scored)
                            .sum();
                    if (!Double.isFinite(sum)) {
                        throw trace(arena, batch, seed);
                    }
                    pass.backward();
                    loss += sum;
                }
            }
            double penalty = 0;
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                for (Adapter a : trained) {
                    penalty += a.addPenalty(pass);
                }
            }
            double norm = config.maxGradNorm() > 0
                    ? Gradients.clip(model.backend(), parameters, config.maxGradNorm())
                    : Gradients.norm(model.backend(), parameters);
            if (!Double.isFinite(norm)) {
                throw new NonFiniteException(parameters.stream()
                        .filter(p -> !p.grad().isFinite())
                        .map(p -> "the gradient of " + p.name())
                        .findFirst()
                        .orElse("the gradient norm"));
            }
            return new StepResult(loss / scored + penalty, norm, count);
        }

        /** Runs the same forward pass again and finds the first layer that makes a value which is not finite. */
        private NonFiniteException trace(Arena arena, PackedBatch batch, long seed) {
            for (Parameter p : parameters) {
                if (!p.value().isFinite()) {
                    return new NonFiniteException(p.name());
                }
            }
            try (Pass pass = Pass.tracing(model.backend(), arena, seed)) {
                model.loss(Call.of(pass, adapters), batch, 1);
            } catch (NonFiniteException e) {
                return e;
            }
            return new NonFiniteException("the loss");
        }

        private void check(Evaluation e) {
            last = e;
            lastStep = step;
            if (config.patience() == 0) {
                return;
            }
            if (best == null || e.loss() < best.loss()) {
                best = e;
                worse = 0;
                bestValues.clear();
                parameters.forEach(p -> bestValues.add(p.value().toFloats()));
            } else if (++worse >= config.patience()) {
                stoppedEarly = true;
            }
        }

        /** Puts the best parameters back if the run kept them, and evaluates what it ends with. */
        @Nullable
        Evaluation finish() {
            if (heldOut.isEmpty()) {
                return null;
            }
            Evaluation end = lastStep == step && last != null ? last : evaluate(step, adapters, heldOut);
            if (best != null && best.loss() < end.loss()) {
                for (int i = 0; i < bestValues.size(); i++) {
                    parameters.get(i).value().set(bestValues.get(i));
                }
                return best;
            }
            return end;
        }
    }

    private record StepResult(double loss, double norm, int tokens) {}
}
