package dev.peft4j;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.run.RunDirectory;
import dev.peft4j.run.TrainedAdapters;
import dev.peft4j.run.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From records to what is trained: adapters, or the tensors of a strategy. */
final class FineTuning {
    private static final Logger LOG = LoggerFactory.getLogger(FineTuned.class);
    private static final double HELD_OUT = 0.1;

    private final OpenModel owner;
    private final Source source;
    private final TrainingData data;
    private final Training training;

    /** Where what is trained comes from. */
    interface Source {
        /** Names of the adapters, or of the strategy. */
        List<String> names();

        /** Directories that are read. */
        List<Path> read();

        /** Adds them to a set. */
        void addTo(TrainedAdapters set, Model model, long seed) throws IOException;

        /** By which base tensors are trained, and a whole model is written; null if adapters are. */
        default @Nullable Strategy strategy() {
            return null;
        }
    }

    FineTuning(OpenModel owner, Source source, TrainingData data, Training training) {
        this.owner = owner;
        this.source = source;
        this.training = training;
        this.data = data.splitUnless(
                HELD_OUT, training.config().seed(), owner.info().task());
    }

    /** New adapters; one of them trains the head of a classifier. */
    static Source newAdapters(List<PeftConfig> configs) {
        if (configs.isEmpty()) {
            throw new BadInputException(
                    "adapters were to be trained, and no config was given. Give at least one, such as LoraConfig.of(8, 16).");
        }
        List<String> names = new ArrayList<>();
        for (PeftConfig config : configs) {
            String name = config.peftType().toLowerCase(Locale.ROOT);
            names.add(names.contains(name) ? name + (names.size() + 1) : name);
        }
        return new Source() {
            @Override
            public List<String> names() {
                return names;
            }

            @Override
            public List<Path> read() {
                return List.of();
            }

            @Override
            public void addTo(TrainedAdapters set, Model model, long seed) {
                for (int i = 0; i < configs.size(); i++) {
                    PeftConfig config = configs.get(i);
                    PeftConfig made = set.hasHead(model) ? config.withModulesToSave(List.of()) : config;
                    set.add(names.get(i), AdapterFiles.method(config.peftType()).create(made, model, seed + i));
                }
            }
        };
    }

    /** An adapter that was saved, to be trained on. */
    static Source saved(Path adapter) {
        return new Source() {
            @Override
            public List<String> names() {
                return List.of("adapter");
            }

            @Override
            public List<Path> read() {
                return List.of(adapter);
            }

            @Override
            public void addTo(TrainedAdapters set, Model model, long seed) throws IOException {
                set.add("adapter", AdapterFiles.load(adapter, model));
            }
        };
    }

    /** Copies of base tensors that are trained in stages. */
    static Source stages(Strategy strategy) {
        return new Source() {
            @Override
            public List<String> names() {
                return List.of(strategy.toString());
            }

            @Override
            public List<Path> read() {
                return List.of();
            }

            @Override
            public void addTo(TrainedAdapters set, Model model, long seed) {
                set.add("strategy", strategy.ofCopies(model));
            }

            @Override
            public Strategy strategy() {
                return strategy;
            }
        };
    }

    /** Does it; the caller closes what comes of it. */
    FineTuned run() throws IOException {
        ModelInfo info = owner.info();
        data.requireFit(info);
        info.requireTaskOf(owner.directory(), source.read());
        requireUse();
        NewHead head = info.newHead(training.newHead(), source.read());
        long seed = training.config().seed();
        Labels labels = data.labels(info, training.classes(), source.read());
        data.notes(info, labels).forEach(LOG::info);
        ProblemType problem = info.task().classifiesWhole() ? labels.problem() : null;
        Base base = owner.use(labels.outputs(), problem, head, seed);
        TrainedAdapters adapters = new TrainedAdapters(List.of());
        try {
            source.addTo(adapters, base.model(), seed);
            LOG.info("trains {} on {}: {}", source.names(), owner.directory(), data);
            Report report;
            try (RunDirectory directory = directory()) { // which loses nothing by a config that does not fit the model
                report = train(base, adapters, labels, directory);
            }
            return new FineTuned(owner, base, adapters, labels, source.strategy(), report);
        } catch (IOException | RuntimeException | Error e) {
            adapters.close();
            owner.release(base);
            throw e;
        }
    }

    /** Refuses settings that would have no effect. */
    private void requireUse() {
        Training.Output out = training.output();
        if (out.directory() == null && (out.resumes() || out.overwrites())) {
            throw new BadInputException("a run was to " + (out.resumes() ? "resume" : "overwrite")
                    + ", and there is no directory that it writes to. Name one with outputDir.");
        }
        Strategy strategy = source.strategy();
        if (out.features() != null && (strategy == null || !strategy.isCached())) {
            throw new BadInputException("a cache of features was named, " + out.features() + ", and "
                    + (strategy == null ? "adapters are" : "the strategy " + strategy + " is")
                    + " trained, which computes the base in each step. Leave it out, or use Strategy.cachedHead().");
        }
    }

    private @Nullable RunDirectory directory() throws IOException {
        Training.Output out = training.output();
        Path directory = out.directory();
        if (directory == null) {
            return null;
        }
        if (source.strategy() != null) {
            Path reports = Path.of(directory + "-report");
            RunDirectory.requireApart(List.of(directory, reports), List.of(owner.directory()));
            return RunDirectory.besideModel(directory, out.overwrites(), out.resumes());
        }
        List<Path> written = new ArrayList<>(TrainedAdapters.directories(directory, source.names()));
        written.add(directory);
        List<Path> read = new ArrayList<>(source.read());
        read.add(owner.directory());
        RunDirectory.requireApart(written, read);
        return RunDirectory.forAdapters(
                directory, TrainedAdapters.directories(directory, source.names()), out.overwrites(), out.resumes());
    }

    private Report train(Base base, TrainedAdapters adapters, Labels labels, @Nullable RunDirectory directory)
            throws IOException {
        int inFront = adapters.rowsInFront();
        RecordEncoder.Encoded train = encode(base, labels, inFront, false);
        List<Example> heldOut = data.size(true) == 0
                ? List.of()
                : encode(base, labels, inFront, true).examples();
        RunLog log = new RunLog();
        List<TrainingListener> listeners = new ArrayList<>(List.of(log));
        listeners.addAll(training.listeners());
        TrainingRun run = new TrainingRun(base.model(), adapters, training.config(), listeners);
        Objective objective = data.objective();
        if (objective != null) {
            run.by(objective);
        }
        Strategy strategy = source.strategy();
        if (strategy != null) {
            run.by(strategy, training.output().features());
        }
        run.scoring(
                RecordEncoder.forModel(base.model(), base.input(), labels, inFront, training.maxLength()),
                data.scored());
        if (directory != null) {
            Training.Output out = training.output();
            HtmlReport page = new HtmlReport(
                    "peft4j: " + String.join(", ", source.names()) + " on "
                            + owner.directory().getFileName(),
                    settings());
            run.in(
                    directory,
                    out.steps(),
                    out.time(),
                    page,
                    Classes.notes(labels, base.model().head().fields()));
        }
        Runnable stop = run::stop;
        training.cancellations().forEach(c -> c.onCancel(stop));
        try {
            TrainingResult result = run.train(train.examples(), heldOut);
            return log.report(
                    result, train.examples().size(), heldOut.size(), train.cut(), train.dropped(), run.scores());
        } finally {
            training.cancellations().forEach(c -> c.forget(stop));
        }
    }

    private RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, boolean heldOut)
            throws IOException {
        RecordEncoder.Encoded encoded = data.encode(base, labels, rowsInFront, training.maxLength(), heldOut);
        if (encoded.cut() + encoded.dropped() > 0) {
            LOG.info(
                    "{} of {} {} were too long and were cut; {} had nothing left to score and were left out",
                    encoded.cut(),
                    data.size(heldOut),
                    heldOut ? "held-out records" : "records",
                    encoded.dropped());
        }
        return encoded;
    }

    private Map<String, String> settings() {
        TrainingConfig c = training.config();
        Map<String, String> s = new LinkedHashMap<>();
        s.put("model", owner.directory().toString());
        s.put("records", data.toString());
        s.put(source.strategy() == null ? "method" : "strategy", String.join(", ", source.names()));
        s.put("batch", c.batchSize() + " records x " + c.accumulation());
        s.put("learning rate", c.learningRate() + ", " + c.schedule() + ", warm-up " + c.warmup());
        Double mixup = c.mixup();
        if (mixup != null) {
            s.put("mixup", String.valueOf(mixup));
        }
        s.put("optimizer", c.optimizer() + ", weight decay " + c.weightDecay() + ", clipping " + c.maxGradNorm());
        s.put("seed", String.valueOf(c.seed()));
        return s;
    }
}
