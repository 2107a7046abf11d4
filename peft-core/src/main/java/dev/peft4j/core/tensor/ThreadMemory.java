package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Native working memory that each thread has for itself; it grows to the most that was asked for and is freed with the thread. */
final class ThreadMemory {
    private final int first;
    private final ThreadLocal<Owner> local;

    /** @param first floats that a thread gets at least, so that those that work take nothing more while a run is in its steps */
    ThreadMemory(int first) {
        this.first = first;
        this.local = ThreadLocal.withInitial(Owner::new);
    }

    /** A row of at least so many floats, with whatever they hold. */
    Tensor get(int floats) {
        return local.get().holder.atLeast(Math.max(floats, first));
    }

    /** Frees that of this thread, which ends. */
    void free() {
        local.get().holder.run();
        local.remove();
    }

    /** What is forgotten when a thread ends. */
    private static final class Owner {
        final Holder holder = new Holder();

        Owner() {
            NativeBlock.CLEANER.register(this, holder);
        }
    }

    private static final class Holder implements Runnable {
        private @Nullable Tensor tensor;

        Tensor atLeast(int floats) {
            Tensor t = tensor;
            if (t == null || t.cols() < floats) {
                run();
                t = Tensor.allocate(DType.F32, 1, floats);
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
