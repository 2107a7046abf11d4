package dev.peft4j.cli;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.RunLock;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.model.MergedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The directory of a run while it belongs to it: nothing else writes there, and nothing of value that is there is lost unasked. */
final class RunDirectory implements AutoCloseable {
    static final String STATE = "trainer_state.safetensors";
    static final String LOG = "log.jsonl";
    static final String REPORT = "report.html";

    private final Path directory;
    private final RunLock lock;
    private boolean resumes;

    private RunDirectory(Path directory, RunLock lock) {
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
    static RunDirectory forAdapters(Path out, List<Path> adapters, boolean overwrite, boolean resume)
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
            RunDirectory run = new RunDirectory(out, lock);
            run.begin(overwrite, resume);
            return run;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** What is done while a directory is taken. */
    interface Work {
        void run() throws IOException;
    }

    /** Takes the directory in which adapters are written at once, without a run that could go on, and does so. */
    @SuppressWarnings("try") // the lock is only there to be held
    static void whileTaken(Path out, List<Path> adapters, boolean overwrite, Work work) throws IOException {
        for (Path adapter : adapters) {
            AdapterFiles.checkOutput(adapter);
            if (!overwrite) {
                requireNoAdapter(adapter);
            }
        }
        try (RunLock lock = RunLock.take(out)) {
            work.run();
        }
    }

    /** Takes the directory beside a model that all weights are trained of; the model is written when it is complete. */
    static RunDirectory besideModel(Path out, boolean overwrite, boolean resume) throws IOException {
        MergedModel.checkOutput(out);
        Path reports = Path.of(out + "-report");
        AdapterFiles.checkOutput(reports);
        RunLock lock = RunLock.take(reports);
        try {
            RunDirectory run = new RunDirectory(reports, lock);
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
                    "an adapter was to be written here, and there is one. Choose another directory, or give --overwrite to"
                            + " replace it.");
        }
    }

    private void begin(boolean overwrite, boolean resume) throws IOException {
        boolean state = Files.exists(state());
        resumes = resume && state;
        if (resume && !state && !lock.wasLeft()) {
            throw new BadFileException(
                    directory,
                    "a run was to go on (--resume), and there is nothing to resume from: no " + STATE
                            + " is here. Check --out, or leave out --resume to begin a new run.");
        }
        if (!resume && state && !overwrite) {
            throw new BadFileException(
                    directory,
                    "a run was to begin here, and there is the state of another one. Give --resume to go on with it,"
                            + " --overwrite to begin anew, or another directory.");
        }
        if (!resume) {
            Files.deleteIfExists(state());
        }
    }

    /** Whether a run goes on; one that was killed before it had saved anything begins again. */
    boolean resumes() {
        return resumes;
    }

    Path path() {
        return directory;
    }

    Path state() {
        return directory.resolve(STATE);
    }

    Path log() {
        return directory.resolve(LOG);
    }

    Path report() {
        return directory.resolve(REPORT);
    }

    /**
     * Makes sure that what is written is not what is read.
     *
     * @param written files or directories
     * @param read files or directories
     */
    static void requireApart(List<Path> written, List<Path> read) throws IOException {
        for (Path w : written) {
            for (Path r : read) {
                if (Files.exists(w) && Files.exists(r) && Files.isSameFile(w, r)) {
                    throw new BadFileException(
                            w, "is to be read and to be written, which would destroy it. Choose another --out.");
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
