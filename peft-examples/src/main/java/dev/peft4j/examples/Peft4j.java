package dev.peft4j.examples;

import dev.peft4j.core.tensor.BackendException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.Spec;

/** The command line: fine-tunes Hugging Face models on the JVM. */
@Command(
        name = "peft4j",
        version = "peft4j 0.1.0",
        mixinStandardHelpOptions = true,
        description = "Fine-tunes Hugging Face models on the JVM.",
        footer = {
            "",
            "Examples:",
            "  peft4j demo                                   fine-tune a small model that comes with the project",
            "  peft4j train --model DIR --data train.jsonl --out adapter",
            "  peft4j generate --model DIR --adapter adapter --prompt \"Once upon a time\"",
            "  peft4j COMMAND --help                         options and examples of a command"
        },
        subcommands = {
            DemoCommand.class,
            TrainCommand.class,
            EvalCommand.class,
            GenerateCommand.class,
            CompareCommand.class,
            MergeCommand.class,
            CombineCommand.class,
            ConvertCommand.class,
            InspectCommand.class,
            BenchCommand.class,
            PretrainDemoCommand.class
        })
public final class Peft4j implements Runnable {
    @Spec
    CommandSpec spec = CommandSpec.create();

    /** Starts a command; exits with 0, 1 if it failed, or 2 if its options are wrong. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs a command and returns its exit status. */
    static int run(String... args) {
        return commandLine().execute(args);
    }

    /** The commands, with errors as one line. */
    static CommandLine commandLine() {
        return new CommandLine(new Peft4j())
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(Peft4j::execute)
                .setExecutionExceptionHandler((e, cmd, result) -> report(e, cmd));
    }

    private static int execute(ParseResult command) {
        try {
            return new RunLast().execute(command);
        } catch (OutOfMemoryError e) {
            throw new ExecutionException(command.commandSpec().commandLine(), outOfMemory(e), e);
        }
    }

    private static String outOfMemory(OutOfMemoryError e) {
        return "memory ran out (" + e.getMessage() + "); the Java heap may take "
                + (Runtime.getRuntime().maxMemory() >> 20) + " MiB, and tensors what the machine has beside it."
                + " Use a smaller batch, shorter records or a smaller model; PEFT4J_JAVA_OPTS=-Xmx4g gives more heap.";
    }

    private static int report(Exception e, CommandLine cmd) {
        boolean expected = e instanceof IllegalArgumentException
                || e instanceof IOException
                || e instanceof UncheckedIOException
                || e instanceof ArithmeticException
                || e instanceof BackendException
                || e.getCause() instanceof OutOfMemoryError;
        if (expected) {
            cmd.getErr().println(cmd.getColorScheme().errorText("error: " + e.getMessage()));
            LoggerFactory.getLogger(Peft4j.class).debug("arguments {}", Arrays.asList(cmd.getCommandName()), e);
            return 1;
        }
        cmd.getErr().println(cmd.getColorScheme().errorText("this is a defect of peft4j, please report it:"));
        e.printStackTrace(cmd.getErr());
        return 1;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command was expected. Start with: peft4j demo");
    }
}
