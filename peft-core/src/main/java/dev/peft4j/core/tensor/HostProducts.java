package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BackendException;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products on memory of the host by a library beside OpenBLAS, one at a time on the calling thread: the engine of the host cuts its products into
 * parts for all cores and gives those parts. Found by the {@link java.util.ServiceLoader}, chosen by {@code -Dpeft4j.engine=NAME}.
 *
 * <p>Which products it computes follows from their dimensions and from the processor alone, so the same run gives the same bits. Safe for many threads.
 */
public interface HostProducts {
    /** What the elements of both operands are. */
    enum Format {
        /** Single precision, sums too. */
        F32,
        /** The upper half of single precision; sums are of single precision. */
        BF16,
        /** Whole numbers from -128 to 127; sums are whole numbers of 32 bits. */
        INT8
    }

    /**
     * One of the two matrices of a product.
     *
     * @param address of its first element
     * @param stride elements from the start of a row, as it lies in memory, to the start of the next one
     * @param isTransposed whether its rows and columns change places before it is multiplied
     */
    record Operand(long address, int stride, boolean isTransposed) {}

    /**
     * {@code c = alpha · op(a) op(b) + beta · c}; op(a) (M, K), op(b) (K, N), c (M, N).
     *
     * @param alpha 1 for whole numbers
     * @param beta 0 or 1
     * @param c address of the first element of the result
     * @param strideC elements from one of its rows to the next
     */
    record Product(
            Format format, int m, int n, int k, double alpha, Operand a, Operand b, double beta, long c, int strideC) {}

    /** Working memory of the calling thread. */
    @FunctionalInterface
    interface WorkingMemory {
        /** The address of so many bytes, which begin a cache line and last until the product is computed. */
        long address(long bytes);
    }

    /** For {@code -Dpeft4j.engine} and logs. */
    String name();

    /**
     * Loads the library.
     *
     * @return what it is, for logs: its version, and which instructions of the processor it uses
     * @throws BackendException if it is missing, is of another version, or has nothing for this processor
     */
    String load();

    /** Whether the processor has instructions for products of this format. */
    boolean has(Format format);

    /**
     * How much of a product of single precision it computes faster than OpenBLAS: so many of the rows M, or of the inner dimension K if a is transposed, from
     * the first one on; 0 for nothing.
     */
    int faster(boolean transposeA, boolean transposeB, int m, int n, int k);

    /** Its convolutions, or null if it has none that are faster than products of copied patches. */
    default @Nullable HostConvolutions convolutions() {
        return null;
    }

    /** Computes a product of a format that it {@link #has}. */
    void compute(Product product, WorkingMemory memory);
}
