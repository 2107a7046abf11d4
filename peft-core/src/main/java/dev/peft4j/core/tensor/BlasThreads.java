package dev.peft4j.core.tensor;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

/**
 * The one setting of the whole process that the host engine changes: OpenBLAS computes on the calling thread only, for its own threads would spin beside
 * the {@link Workers}. The number of before comes back when the last host backend is closed; the shared one never is.
 */
final class BlasThreads {
    private static int users;
    private static int before;

    private BlasThreads() {}

    /** To be called when a host backend begins. */
    static synchronized void one() {
        if (users++ == 0) {
            before = blas_get_num_threads();
        }
        blas_set_num_threads(1);
    }

    /** To be called when another user of OpenBLAS has begun, such as ND4J, which takes all cores for it. */
    static synchronized void again() {
        int now = blas_get_num_threads();
        if (users > 0 && now != 1) { // not set by us
            before = now;
            blas_set_num_threads(1);
        }
    }

    /** To be called when it ends. */
    static synchronized void giveBack() {
        if (--users == 0) {
            blas_set_num_threads(before);
        }
    }
}
