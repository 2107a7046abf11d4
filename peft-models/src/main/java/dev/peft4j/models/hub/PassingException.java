package dev.peft4j.models.hub;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What may not happen again if a request is made again: a cut connection, or a busy hub. */
final class PassingException extends IOException {
    private static final long serialVersionUID = 1L;

    private final HubException verdict;
    private final @Nullable Duration wait;
    private final boolean advanced;

    private PassingException(HubException verdict, @Nullable Duration wait, boolean advanced) {
        super(verdict.getMessage(), verdict);
        this.verdict = verdict;
        this.wait = wait;
        this.advanced = advanced;
    }

    static PassingException of(HubException verdict) {
        return new PassingException(verdict, null, false);
    }

    /** With the time that the hub wants to be left alone. */
    static PassingException after(@Nullable Duration wait, HubException verdict) {
        return new PassingException(verdict, wait, false);
    }

    /** The same, after a good part of a file has come. */
    PassingException advanced() {
        return new PassingException(verdict, wait, true);
    }

    /** What is said when it is not tried again. */
    HubException verdict() {
        return verdict;
    }

    @Nullable
    Duration waitingTime() {
        return wait;
    }

    /** Whether the attempt brought the download on, so that it is none of those that failed for nothing. */
    boolean hasAdvanced() {
        return advanced;
    }
}
