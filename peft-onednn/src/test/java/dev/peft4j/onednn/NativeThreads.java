package dev.peft4j.onednn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Threads of this process that Java does not know, as Linux names them: those that OpenMP makes are called as the thread that they are made for. */
final class NativeThreads {
    private static final Path TASKS = Path.of("/proc/self/task");

    private NativeThreads() {}

    static boolean canBeCounted() {
        return Files.isDirectory(TASKS);
    }

    /** How many have a name. */
    static long named(String name) {
        try (Stream<Path> tasks = Files.list(TASKS)) {
            return tasks.filter(t -> name(t).equals(name)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String name(Path task) {
        try {
            return Files.readString(task.resolve("comm")).strip();
        } catch (IOException e) { // one that has ended
            return "";
        }
    }
}
