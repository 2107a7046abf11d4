package dev.peft4j.run;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.RunLock;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The directory of a run while it belongs to it: nothing else writes there, and nothing of value that is there is lost unasked. */
public final class RunDirectory implements AutoCloseable {
    /** The file of what a run needs to go on. */
    public static final String STATE = "trainer_state.safetensors";
    /** The file of steps and evaluations. */
    public static final String LOG = "log.jsonl";
    /** The page of results. */
    public static final String REPORT = "report.html";

    private final Path target;
    private final Path directory;
    private final RunLock lock;
    private boolean resumes;

    private RunDirectory(Path target, Path directory, RunLock lock) {
        this.target = target;
        this.directory = directory;
        this.lock = lock;
    }

    /**
     * Takes the directories that adapters are written to.
     *
     * @param out of the run
     * @param adapters in it, or itself
     * @param overwrite whether what is there may be replaced
     * @throws BadFileException if they hold what must not be lost, or another run has them
     */
    public static RunDirectory forAdapters(Path out, List<Path> adapters, boolean overwrite, boolean resume)
            throws IOException {
        for (Path adapter : adapters) {
            AdapterFiles.checkOutput(adapter);
        }
        RunLock lock = RunLock.take(out);
        try {
            for (Path adapter : adapters) {
                if (!overwrite && !resume) {
                    requireNoAdapter(adapter);
                }
            }
            RunDirectory run = new RunDirectory(out, out, lock);
            run.begin(overwrite, resume);
            return run;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** What is done while a directory is taken. */
    public interface Work {
        /** Does it. */
        void run() throws IOException;
    }

    /** Takes the directory in which adapters are written at once, without a run that could go on, and does so. */
    @SuppressWarnings("try") // the lock is only there to be held
    public static void whileTaken(Path out, List<Path> adapters, boolean overwrite, Work work) throws IOException {
        for (Path adapter : adapters) {
            AdapterFiles.checkOutput(adapter);
        }
        try (RunLock lock = RunLock.take(out)) {
            for (Path adapter : adapters) {
                if (!overwrite) {
                    requireNoAdapter(adapter);
                }
            }
            work.run();
        }
    }

    /** Takes the directory beside a model that all weights are trained of; the model is written when it is complete. */
    public static RunDirectory besideModel(Path out, boolean overwrite, boolean resume) throws IOException {
        Path reports = Path.of(out + "-report");
        if (resume && Files.exists(out.resolve("config.json"))) {
            throw new BadFileException(
                    out,
                    "a run was to go on, and the model that it ends with is here. It has ended; for another run choose another"
                            + " directory.");
        }
        MergedModel.checkOutput(out);
        AdapterFiles.checkOutput(reports);
        RunLock lock = RunLock.take(reports);
        try {
            RunDirectory run = new RunDirectory(out, reports, lock);
            run.begin(overwrite, resume);
            return run;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Makes sure that no adapter is in a directory that one is to be written to. */
    private static void requireNoAdapter(Path directory) throws BadFileException {
        if (AdapterFiles.isAdapter(directory)) {
            throw new BadFileException(
                    directory,
                    "an adapter was to be written here, and there is one. Choose another directory, or give --overwrite (in Java overwrite())"
                            + " to replace it.");
        }
    }

    private void begin(boolean overwrite, boolean resume) throws IOException {
        boolean state = Files.exists(state());
        resumes = resume && state;
        if (resume && !state && !lock.wasLeft()) {
            throw new BadFileException(
                    directory,
                    "a run was to go on, and there is nothing to resume from: no " + STATE
                            + " is here. Check the directory, or do not resume to begin a new run.");
        }
        if (!resume && state && !overwrite) {
            throw new BadFileException(
                    directory,
                    "a run was to begin here, and there is the state of another one. Give --resume (in Java resume()) to go on with it,"
                            + " --overwrite (in Java overwrite()) to begin anew, or another directory.");
        }
        if (!resume) {
            Files.deleteIfExists(state());
        }
    }

    /** Whether a run goes on; one that was killed before it had saved anything begins again. */
    public boolean resumes() {
        return resumes;
    }

    /** Where what is trained is written: the directory of the run, unless that is beside a model. */
    public Path target() {
        return target;
    }

    /** Whether it is beside a model of which all weights are trained. */
    public boolean isBesideModel() {
        return !target.equals(directory);
    }

    /** The file of what a run needs to go on. */
    public Path state() {
        return directory.resolve(STATE);
    }

    /** The file of steps and evaluations. */
    public Path log() {
        return directory.resolve(LOG);
    }

    /** The page of results. */
    public Path report() {
        return directory.resolve(REPORT);
    }

    /**
     * Makes sure that what is written is not what is read.
     *
     * @param written files or directories
     * @param read files or directories
     */
    public static void requireApart(List<Path> written, List<Path> read) throws IOException {
        for (Path w : written) {
            for (Path r : read) {
                if (Files.exists(w) && Files.exists(r) && Files.isSameFile(w, r)) {
                    throw new BadFileException(
                            w,
                            "is to be read and to be written, which would destroy it. Choose another directory for what is written.");
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
