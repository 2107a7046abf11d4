package dev.peft4j.cli;

import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a command of this program in a process of its own, with the same Java and its options. */
final class NewProcess {
    private NewProcess() {}

    /**
     * What the command prints; its errors go where ours go.
     *
     * @throws BackendException if it fails
     */
    static String run(List<String> words) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Peft4j.class.getName()));
        command.addAll(words);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Thread ending = new Thread(process::destroy); // it does not outlive this one
        Runtime.getRuntime().addShutdownHook(ending);
        try {
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            if (status != 0) {
                throw new BackendException("peft4j " + String.join(" ", words) + " was run in a process of its own,"
                        + " and it ended with status " + status + ". Run it by hand to see why.");
            }
            return printed;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException("a size was being measured");
        } finally {
            process.destroy();
            forget(ending);
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // this process is ending, and the hook runs
        }
    }
}
