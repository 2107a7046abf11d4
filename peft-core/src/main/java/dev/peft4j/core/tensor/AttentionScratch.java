package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Working memory of a thread for attention: two tiles of scores, and a row of sums that grows with the longest sequence. It is freed with the thread. */
final class AttentionScratch {
    private static final ThreadLocal<AttentionScratch> LOCAL = ThreadLocal.withInitial(AttentionScratch::new);

    /** Of each query of a block: the greatest score so far, the sum of what follows from the scores, and by what the sum of before was multiplied. */
    final float[] max = new float[AttentionBlock.QUERIES];

    final float[] sum = new float[AttentionBlock.QUERIES];
    final float[] factor = new float[AttentionBlock.QUERIES];

    private final Memory memory = new Memory();

    private AttentionScratch() {
        NativeBlock.CLEANER.register(this, memory);
    }

    /** That of this thread. */
    static AttentionScratch get() {
        return LOCAL.get();
    }

    /** The scores of a tile, which become its weights. */
    Tensor scores() {
        return memory.scores;
    }

    /** The derivatives of a tile. */
    Tensor gradients() {
        return memory.gradients;
    }

    /** A row of at least so many elements. */
    Tensor sums(int elements) {
        return memory.sums(elements);
    }

    /** Frees that of this thread, which ends. */
    static void free() {
        LOCAL.get().memory.run();
        LOCAL.remove();
    }

    private static final class Memory implements Runnable {
        final Tensor scores = Tensor.allocate(DType.F32, 1, AttentionBlock.TILE);
        final Tensor gradients = Tensor.allocate(DType.F32, 1, AttentionBlock.TILE);
        private @Nullable Tensor sums;

        Tensor sums(int elements) {
            Tensor t = sums;
            if (t == null || t.cols() < elements) {
                close(t);
                t = Tensor.allocate(DType.F32, 1, Integer.highestOneBit(Math.max(1 << 14, elements - 1)) * 2);
                sums = t;
            }
            return t;
        }

        private static void close(@Nullable Tensor t) {
            if (t != null) {
                t.close();
            }
        }

        @Override
        public void run() {
            scores.close();
            gradients.close();
            close(sums);
        }
    }
}
