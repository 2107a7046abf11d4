package dev.peft4j.core.tensor;

import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/** Native working memory of a thread for the weights of one head; it grows to the longest sequence and is freed with the thread. */
final class AttentionScratch {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final ThreadLocal<AttentionScratch> LOCAL = ThreadLocal.withInitial(AttentionScratch::new);

    private final Holder holder = new Holder();

    private AttentionScratch() {
        CLEANER.register(this, holder);
    }

    /** A row of at least {@code elements}. */
    static Tensor get(int elements) {
        return LOCAL.get().holder.atLeast(elements);
    }

    private static final class Holder implements Runnable {
        private @Nullable Tensor tensor;

        Tensor atLeast(int elements) {
            Tensor t = tensor;
            if (t == null || t.cols() < elements) {
                run();
                t = Tensor.allocate(DType.F32, 1, Math.max(elements, 1 << 14));
                tensor = t;
            }
            return t;
        }

        @Override
        public void run() {
            if (tensor != null) {
                tensor.close();
            }
        }
    }
}
