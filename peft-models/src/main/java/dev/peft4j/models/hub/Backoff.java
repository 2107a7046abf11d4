package dev.peft4j.models.hub;

import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes a request again when what failed may pass: after 1, 2, 4, 8 and 16 seconds, or after what the hub asks for.
 *
 * @param pause the clock
 * @param repetitions how often, after attempts that brought nothing
 */
record Backoff(Pause pause, int repetitions) {
    static final int USUAL = 5;
    private static final Duration MOST = Duration.ofMinutes(5); // the window of the hub's limits
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");
    private static final Pattern WINDOW =
            Pattern.compile("\"[^\"]{0,100}\"\\s{0,9};\\s{0,9}r=0;\\s{0,9}t=([0-9]{1,9})");

    /** One try. */
    interface Attempt<T> {
        /** Does it; a {@link PassingException} has it done again. */
        T make() throws IOException;
    }

    /**
     * Does it until it succeeds.
     *
     * @param what is asked, for who interrupts it
     * @throws HubException what the last attempt met
     */
    <T> T run(String what, Attempt<T> attempt) throws IOException {
        int failed = 0;
        while (true) {
            StoppedException.ifInterrupted(what);
            try {
                return attempt.make();
            } catch (PassingException e) {
                failed = e.hasAdvanced() ? 1 : failed + 1;
                Duration asked = e.waitingTime();
                if (failed > repetitions || (asked != null && asked.compareTo(MOST) > 0)) {
                    throw e.verdict();
                }
                sleep(what, asked != null ? asked : Duration.ofSeconds(1L << (failed - 1)));
            }
        }
    }

    private void sleep(String what, Duration time) {
        try {
            pause.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(what);
        }
    }

    /**
     * How long a hub wants to be left alone, or null if it does not say.
     *
     * @param after header Retry-After: seconds, or a date
     * @param window header RateLimit of the hub, {@code "api";r=0;t=55}
     */
    @Nullable
    Duration asked(Optional<String> after, Optional<String> window) {
        if (after.isPresent()) {
            String text = after.get().strip();
            if (SECONDS.matcher(text).matches()) {
                return Duration.ofSeconds(Long.parseLong(text));
            }
            try {
                Instant until = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
                Duration wait = Duration.between(pause.now(), until);
                return wait.isNegative() ? Duration.ZERO : wait;
            } catch (DateTimeParseException e) {
                return null;
            }
        }
        Matcher found = WINDOW.matcher(window.orElse(""));
        return found.find() ? Duration.ofSeconds(Long.parseLong(found.group(1)) + 1) : null; // it rounds down
    }
}
