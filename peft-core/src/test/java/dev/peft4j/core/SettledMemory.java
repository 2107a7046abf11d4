package dev.peft4j.core;

import dev.peft4j.core.tensor.Tensor;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Lets the garbage collector free what threads that have ended worked with, so that native bytes that a test counts are those of the test: before a
 * class, or before each of its tests.
 */
public class SettledMemory implements BeforeAllCallback {
    private static final int MOST = 50;
    private static final int PAUSE_MILLIS = 10;

    @Override
    public void beforeAll(ExtensionContext context) throws InterruptedException {
        settle();
    }

    private static void settle() throws InterruptedException {
        long last = -1;
        long now = Tensor.nativeBytes();
        for (int i = 0; i < MOST && now != last; i++) {
            System.gc();
            Thread.sleep(PAUSE_MILLIS);
            last = now;
            now = Tensor.nativeBytes();
        }
    }

    /** Before each test too: where tests start threads. */
    public static final class Each extends SettledMemory implements BeforeEachCallback {
        @Override
        public void beforeEach(ExtensionContext context) throws InterruptedException {
            settle();
        }
    }
}
