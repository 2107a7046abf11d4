package dev.peft4j.cli;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.PeftFailure;
import dev.peft4j.core.format.Problems;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

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
            ImportCommand.class,
            InspectCommand.class,
            FeaturesCommand.class,
            BenchCommand.class,
            GrowthCommand.class,
            PretrainDemoCommand.class
        })
public final class Peft4j implements Runnable {
    @Spec
    CommandSpec spec = CommandSpec.create();

    /** Starts a command; exits with 0, 1 if it failed, or 2 if its options are wrong. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    private static final Set<String> COUNTS =
            Set.of("--steps", "--limit", "--eval-limit", "--save-steps", "--threads", "--rounds");

    /** Runs a command and returns its exit status. */
    static int run(String... args) {
        Output out = new Output(new FileOutputStream(FileDescriptor.out));
        CommandLine command = commandLine().setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        int status = command.execute(args);
        command.getOut().flush();
        if (status == 0 && out.lost()) {
            command.getErr()
                    .println("error: the output was to be written, and it could not be. Check where it goes to.");
            return 1;
        }
        return status;
    }

    /** The commands, with errors as one line. */
    static CommandLine commandLine() {
        CommandLine commands = new CommandLine(new Peft4j());
        commands.getSubcommands().values().forEach(c -> MethodOptions.addTo(c.getCommandSpec()));
        return commands.registerConverter(Place.class, Place::new)
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, args) -> wrongUse(e))
                .setExecutionStrategy(Peft4j::execute)
                .setExecutionExceptionHandler((e, cmd, result) -> report(e, cmd));
    }

    /** What was wrong with the words of a command, and what may have been meant. */
    private static int wrongUse(ParameterException e) {
        CommandLine command = e.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        String text = String.valueOf(e.getMessage());
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().get(0);
            boolean option = word.startsWith("-");
            Set<String> known = option
                    ? command.getCommandSpec().optionsMap().keySet()
                    : command.getSubcommands().keySet();
            text = known.isEmpty()
                    ? "\"" + word + "\" was given, and " + name + " takes no words without an option. Leave it out."
                    : "\"" + word + "\" was given, which is no " + (option ? "option" : "command") + " of " + name
                            + ". There are " + String.join(", ", new TreeSet<>(known)) + "."
                            + TargetModules.suggestion(word, known);
        } else if (e instanceof OverwrittenOptionException) {
            text += ". Leave one of them out.";
        } else if (e instanceof MissingParameterException) {
            text += ". Add what is missing.";
        } else if (e.getArgSpec() instanceof OptionSpec option && text.startsWith("Invalid value")) {
            text = String.join(" or ", option.names()) + " " + e.getValue() + " was given, where "
                    + kind(option.auxiliaryTypes()[0]) + " was expected. Correct it.";
        }
        PrintWriter err = command.getErr();
        err.println(command.getColorScheme().errorText("error: " + text));
        err.println("See " + name + " --help.");
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static String kind(Class<?> type) {
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == double.class || type == float.class) {
            return "a number";
        }
        if (type.isEnum()) {
            return "one of " + Arrays.toString(type.getEnumConstants());
        }
        if (type == int.class || type == Integer.class) {
            return "a whole number of at most " + Integer.MAX_VALUE;
        }
        return type == long.class ? "a whole number of at most " + Long.MAX_VALUE : "another value";
    }

    /** Without these options everything is taken; 0 would be the same as leaving them out, and was not meant so. */
    private static void requireCounts(ParseResult command) {
        ParseResult last = command;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        for (OptionSpec option : last.matchedOptions()) {
            if (COUNTS.contains(option.longestName()) && option.getValue() instanceof Integer n && n < 1) {
                throw new ParameterException(
                        last.commandSpec().commandLine(),
                        option.longestName() + " " + n
                                + " was given; it is at least 1. Leave it out, or give another.");
            }
        }
    }

    private static int execute(ParseResult command) {
        requireCounts(command);
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
        boolean expected = e instanceof PeftFailure
                || e instanceof IllegalArgumentException
                || e instanceof IOException
                || e instanceof UncheckedIOException
                || e.getCause() instanceof OutOfMemoryError;
        if (expected) {
            cmd.getErr().println(cmd.getColorScheme().errorText("error: " + text(e)));
            LoggerFactory.getLogger(Peft4j.class).debug("arguments {}", Arrays.asList(cmd.getCommandName()), e);
            return 1;
        }
        cmd.getErr().println(cmd.getColorScheme().errorText("this is a defect of peft4j, please report it:"));
        e.printStackTrace(cmd.getErr());
        return 1;
    }

    private static String text(Exception e) {
        return e instanceof FileSystemException file
                ? "a file was to be read or written: " + Problems.of(file) + ". Check the path and its rights."
                : String.valueOf(e.getMessage());
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command was expected. Start with: peft4j demo");
    }
}
