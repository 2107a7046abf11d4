package dev.peft4j.models.hub;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** The clock by which requests are made again; tests have their own. */
interface Pause {
    /** Real time. */
    Pause REAL = new Pause() {
        @Override
        public void sleep(Duration time) throws InterruptedException {
            TimeUnit.MILLISECONDS.sleep(time.toMillis());
        }

        @Override
        public Instant now() {
            return Instant.now();
        }
    };

    void sleep(Duration time) throws InterruptedException;

    Instant now();
}
