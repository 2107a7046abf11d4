package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.compose.Conflicts;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The training loop: batches of shuffled records, packed without padding; gradients summed over the forward passes of a step, each
 * scored token with the same weight; clipping; AdamW; evaluation; early stopping; checkpoints. It knows nothing of methods.
 *
 * <p>The same seed gives the same bits on the same machine. A run ends before its time, and keeps its state, when {@link #stop} is called or the thread is
 * interrupted.
 */
public final class Trainer {
    private final Model model;
    private final List<Adapter> adapters;
    private final List<Adapter> trained; // those with a trainable parameter
    private final TrainingConfig config;
    private final Listeners listeners;
    private final List<Parameter> parameters;
    private @Nullable Checkpoints checkpoints;
    private boolean resumed;
    private Objective objective = HeadObjective.DEFAULT;
    private @Nullable Strategy strategy;
    private @Nullable Path features;
    private volatile boolean stopped;

    /**
     * A trainer of the parameters of an adapter that are trainable.
     *
     * @throws BadInputException if there are none, or its config names modules that the model does not have
     */
    public Trainer(Model model, Adapter adapter, TrainingConfig config, List<? extends TrainingListener> listeners) {
        this(model, List.of(adapter), config, listeners);
    }

    /**
     * A trainer of adapters that are active together, in this order. Those that are frozen ({@link Adapter#freeze}) belong to what the others are
     * trained on and compared with.
     *
     * @throws BadInputException if none of their parameters is trainable, two of them replace the same tensor or token, or the config of one that
     *     is trained names modules that the model does not have
     */
    public Trainer(
            Model model, List<Adapter> adapters, TrainingConfig config, List<? extends TrainingListener> listeners) {
        this.model = model;
        this.adapters = List.copyOf(adapters);
        this.trained = adapters.stream()
                .filter(a -> !TrainerState.changing(a).isEmpty())
                .toList();
        this.config = config;
        this.listeners = new Listeners(List.copyOf(listeners));
        this.parameters = trained.stream()
                .flatMap(a -> a.parameters().stream())
                .filter(Parameter::isTrainable)
                .toList();
        if (trained.isEmpty()) {
            int all = adapters.stream().mapToInt(a -> a.parameters().size()).sum();
            throw new BadInputException(
                    "an adapter was to be trained and none of its " + all + " parameters is trainable. Unfreeze some.");
        }
        for (Adapter a : trained) {
            List<String> untrainable = a.config().untrainable(model);
            if (!untrainable.isEmpty()) {
                throw new BadInputException("an adapter was to be trained whose config names "
                        + String.join(", ", untrainable) + "; this " + model.modelType()
                        + " model has no such modules, or training can make no use of such a value. Correct or remove the"
                        + " fields: what a file that is read may hold is probably a mistake here.");
            }
        }
        Conflicts.check(model, adapters);
        adapters.forEach(a -> a.requireFits(model));
        for (int i = 0; i < adapters.size(); i++) {
            if (adapters.subList(0, i).contains(adapters.get(i))) {
                throw new BadInputException(
                        "an adapter was given twice to be trained, which would act twice. Give each adapter once.");
            }
        }
    }

    /**
     * Trains with another loss than that of the model's head: a function of logits and targets. Held-out records are evaluated by the head's own, so that runs can be
     * compared.
     *
     * @param name says which it is: a run that goes on has to have the same
     */
    public Trainer withLoss(String name, LossFunction function) {
        return withObjective(new HeadObjective(name, function));
    }

    /** Trains with another objective than the loss of the model's head, by which held-out records are evaluated too. */
    public Trainer withObjective(Objective other) {
        if (other.needsReference() && parameters.stream().anyMatch(Parameter::isLent)) {
            throw new BadInputException(
                    other.name() + " was asked for, which compares with the model as it was before,"
                            + " and the weights of the model themselves are trained. Train an adapter, or by another objective.");
        }
        Together.of(other).requireBatch(config.batchSize());
        objective = other;
        return this;
    }

    /**
     * Trains in stages. What is trained is one {@link BaseTuning}, made by {@link Strategy#inPlace} or {@link Strategy#ofCopies}; no other adapter is.
     *
     * @throws BadInputException if another adapter is trained, or the strategy has no meaning for this model
     */
    public Trainer withStrategy(Strategy other) {
        if (trained.size() != 1 || !(trained.get(0) instanceof BaseTuning tuning)) {
            throw new BadInputException("the strategy " + other + " was asked for, which trains base tensors, and "
                    + trained.size() + " adapters are trained, of "
                    + trained.stream().map(a -> a.config().peftType()).toList()
                    + ". Train what Strategy.inPlace or Strategy.ofCopies makes alone.");
        }
        if (other.movesStatistics() && tuning.norms().isEmpty()) {
            throw new BadInputException("the strategy " + other + " was asked for, in which running statistics move,"
                    + " and those of what is trained do not. Make it by Strategy.inPlace or Strategy.ofCopies.");
        }
        other.tensors(model); // says what is wrong with it
        if (other.isCached()) {
            CachedHead.requireFeaturesOfBase(adapters, tuning, other.tensors(model));
        }
        strategy = other;
        return this;
    }

    /**
     * Keeps the features of a strategy that caches them in a directory, and takes them from there another time.
     *
     * @param directory may hold those of the same base and records; others are refused
     */
    public Trainer keepFeatures(Path directory) {
        features = directory;
        return this;
    }

    private StagePlan plan(int steps, int perEpoch) {
        Strategy s = strategy;
        if (s != null && trained.get(0) instanceof BaseTuning tuning) {
            return StagePlan.of(s, model, tuning, steps, perEpoch);
        }
        if (parameters.isEmpty()) {
            throw new BadInputException("an adapter was to be trained that has running statistics alone. Train it by a"
                    + " strategy, such as bn-stats.");
        }
        return StagePlan.of(parameters);
    }

    /** Keeps what a run needs to go on in a file, every half minute. */
    public Trainer keepState(Path file) {
        return keepState(Checkpoints.in(file));
    }

    /** Keeps what a run needs to go on. */
    public Trainer keepState(Checkpoints where) {
        checkpoints = where;
        resumed = false;
        return this;
    }

    /**
     * Goes on with a run whose state is in a file, with the same settings, records and base, to the same bits as if it had not stopped.
     */
    public Trainer resume(Path file) {
        return resume(Checkpoints.in(file));
    }

    /** The same, with checkpoints of another rhythm. */
    public Trainer resume(Checkpoints where) {
        checkpoints = where;
        resumed = true;
        return this;
    }

    /** Ends the run after the step it is in, or before its first one; callable from any thread. {@link #train} then saves the state and returns. */
    public void stop() {
        stopped = true;
    }

    private boolean isStopped() {
        return stopped || Thread.currentThread().isInterrupted();
    }

    /**
     * Trains on labelled sequences.
     *
     * @param records to train on
     * @param heldOut to evaluate the base and the tuned model on; empty for no evaluation
     * @throws BadInputException if there are no records, one is longer than the context, none has a token to learn from, a pair would be compared with no other
     *     one, or the run to go on with is another one
     * @throws WrongUseException if the model or an adapter is closed, or another run trains the same parameters at the moment
     * @throws UncheckedIOException if the state of the run cannot be written or read
     * @throws NonFiniteException if a value becomes infinite or not a number; the parameters are the best ones, if the run keeps these, else those before
     *     the step, but for running statistics that batches of the step have moved, or norms in front of the one that went wrong. A state on the disk
     *     stays as it is
     */
    public TrainingResult train(List<? extends Example> records, List<? extends Example> heldOut) {
        Mixup.requireUse(config, objective, strategy, records);
        Lease.Use held = Lease.all(model, adapters);
        try (held) {
            Claims claims = new Claims(changing());
            try (claims) {
                Strategy s = strategy;
                if (s == null || !s.isCached()) {
                    return run(model, List.copyOf(records), List.copyOf(heldOut));
                }
                CachedHead cached = new CachedHead(model, s.tensors(model), features);
                return run(cached.model(), cached.of(records, "train"), cached.of(heldOut, "held-out"));
            }
        }
    }

    private List<Parameter> changing() {
        return trained.stream().flatMap(a -> TrainerState.changing(a).stream()).toList();
    }

    /** @param read what records are given to: the model, or what it has behind features that were computed before */
    private TrainingResult run(Model read, List<? extends Example> records, List<? extends Example> heldOut) {
        if (records.isEmpty()) {
            throw new BadInputException(
                    "records to train on were expected and there are none. Give a file with records.");
        }
        Together together = Together.of(objective, records);
        together.requireRecords(records.size());
        together.requireBatch(config.batchSize());
        checkLengths(read, records);
        checkLengths(read, heldOut);
        PairEvaluator.requireOthers(heldOut);
        int counted = together.counted(records.size(), config.batchSize());
        int steps = config.stepsFor(counted);
        StagePlan plan = plan(steps, config.stepsPerEpoch(counted));
        Progress progress = new Progress(changing(), config.patience() > 0);
        try (progress;
                Arena arena = new Arena(model.backend().dtype());
                Optimizer optimizer = config.optimizer().create(model, config.weightDecay(), config.decay())) {
            requireScored(read, records);
            trained.forEach(a -> a.beforeTraining(steps));
            Checkpointer checkpointer = checkpointer(records, heldOut, progress, optimizer, steps);
            if (resumed) {
                checkpointer.load();
            }
            announce(plan, steps, progress.step);
            checkpointer.save(progress.step);
            if (progress.base() == null && !heldOut.isEmpty()) {
                evaluateBase(read, progress, heldOut);
            }
            Loop loop =
                    new Loop(read, adapters, trained, parameters, plan, config, objective, listeners, this::isStopped);
            try {
                loop.run(records, heldOut, steps, arena, optimizer, progress, checkpointer);
            } catch (NonFiniteException e) {
                progress.restoreBest(null);
                throw e;
            } finally {
                plan.leave();
                parameters.forEach(Parameter::zeroGrad);
            }
            TrainingResult result = loop.finish(heldOut, steps, progress);
            listeners.tell(l -> l.onEnd(result));
            return result;
        }
    }

    private void announce(StagePlan plan, int steps, int from) {
        long all = model.weights().count()
                + adapters.stream()
                        .filter(a ->
                                !(a instanceof BaseTuning)) // whose tensors stand in the place of those of the base
                        .flatMap(a -> a.parameters().stream())
                        .mapToLong(Parameter::size)
                        .sum();
        long trainable = plan.trained().stream().mapToLong(Parameter::size).sum();
        if (!model.newModules().isEmpty()) {
            listeners.tell(l -> l.onNewModules(List.copyOf(model.newModules())));
        }
        listeners.tell(l -> l.onStart(steps, trainable, all));
        if (resumed) {
            listeners.tell(l -> l.onResume(from));
        }
    }

    /** Before training, without the adapters that are trained. */
    private void evaluateBase(Model read, Progress progress, List<? extends Example> heldOut) {
        List<Adapter> frozen =
                adapters.stream().filter(a -> !trained.contains(a)).toList();
        Evaluation base = Evaluator.evaluate(read, frozen, frozen, objective, heldOut, this::isStopped);
        if (base != null) {
            progress.setBase(base);
            listeners.tell(l -> l.onEvaluation(0, base));
        }
    }

    private Checkpointer checkpointer(
            List<? extends Example> records,
            List<? extends Example> heldOut,
            Progress progress,
            Optimizer optimizer,
            int steps) {
        Checkpoints where = checkpoints;
        if (where == null) {
            return new Checkpointer(null, null);
        }
        try {
            return new Checkpointer(
                    where,
                    new TrainerState(
                            where.file(),
                            new RunIdentity(model, adapters, trained, config, objective, strategy)
                                    .of(records, heldOut, steps),
                            trained,
                            progress,
                            optimizer,
                            steps));
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /** Refuses what would not fit into the context in the middle of a run. */
    private void checkLengths(Model read, List<? extends Example> records) {
        int rows = adapters.stream().mapToInt(Adapter::rowsInFront).sum();
        for (int i = 0; i < records.size(); i++) {
            read.requireFits("record " + i, records.get(i), rows);
        }
    }

    /** Refuses records of which none has anything to learn from. */
    private void requireScored(Model read, List<? extends Example> records) {
        if (records.stream().noneMatch(r -> objective.scored(read, Batch.of(List.of(r)), adapters) > 0)) {
            throw new BadInputException(records.size() + " records were given to train on, and none has a"
                    + " token to learn from: all end with their prompt. Give records with a completion.");
        }
    }
}
