package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Native working memory of a thread for the weights of one head; it grows to the longest sequence and is freed with the thread. */
final class AttentionScratch {
    private static final ThreadLocal<AttentionScratch> LOCAL = ThreadLocal.withInitial(AttentionScratch::new);

    private final Holder holder = new Holder();

    private AttentionScratch() {
        NativeBlock.CLEANER.register(this, holder);
    }

    /** A row of at least {@code elements}. */
    static Tensor get(int elements) {
        return LOCAL.get().holder.atLeast(elements);
    }

    /** Frees that of this thread, which ends. */
    static void free() {
        LOCAL.get().holder.run();
        LOCAL.remove();
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
                tensor = null;
            }
        }
    }
}
