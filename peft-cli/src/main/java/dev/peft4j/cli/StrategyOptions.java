package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.Strategy;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which base tensors are trained when, in the place of a method. */
final class StrategyOptions {
    private static final String STRATEGY = "--strategy";

    @Option(
            names = STRATEGY,
            paramLabel = "STAGES",
            description =
                    "trains tensors of the base instead of a method, and writes the whole model: full, head, last:N, norms, biases,"
                            + " pattern:REGEX, gradual or gradual:EPOCHS, bn-stats, cached-head; joined with +; stages with > and a"
                            + " length, @EPOCHS or @SHARE%%; options of a stage: ,rate=FACTOR ,decay=FACTOR ,statistics=batch. Such"
                            + " as \"head@1>full,decay=0.8\"")
    @Nullable
    String text;

    @Option(
            names = "--feature-cache",
            paramLabel = "DIR",
            description = "keeps the features of --strategy cached-head here, and takes them from here another time")
    @Nullable
    Path cache;

    /** The strategy; null if none was given. */
    @Nullable
    Strategy strategy() {
        String given = text;
        return given == null ? null : Strategy.parse(given);
    }

    /** Refuses what does not go together, before anything is read. */
    void check(Given given) {
        Strategy strategy = strategy();
        given.refuse("--method", strategy != null, STRATEGY + ", which trains the base instead");
        if (cache != null && Files.exists(cache) && !Files.isDirectory(cache)) {
            throw new BadInputException("--feature-cache " + cache
                    + " was given, which is a file; it is a directory, or" + " becomes one. Name another place.");
        }
        if (cache != null && (strategy == null || !strategy.isCached())) {
            throw new BadInputException("--feature-cache was given with "
                    + (strategy == null ? "--method" : STRATEGY + " " + strategy)
                    + ", which computes the base in each step. Leave it out, or use " + STRATEGY + " cached-head.");
        }
    }
}
