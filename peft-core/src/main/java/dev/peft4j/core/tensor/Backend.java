package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.config.ND4JClassLoading;
import org.nd4j.linalg.factory.Nd4jBackend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pair of engines in use, the number format that they compute in, and the threads that they work with.
 *
 * <p>{@link #auto}, {@link #host()} and {@link #nd4j} stay open as long as the process lives. A backend with threads of its own ({@link #host(int)}) is
 * closed by whoever made it, when no model uses it any more; using it then is an {@link WrongUseException}. Any number of backends with any numbers of
 * threads work beside each other, and give the same bits.
 */
public final class Backend implements AutoCloseable {
    private static final String CPU_BACKEND = "org.nd4j.linalg.cpu.nativecpu.CpuBackend";
    private static final int MAX_THREADS = 1024;
    private static final OnFirstUse HOST = new OnFirstUse(() -> host(threads(), false));
    private static final OnFirstUse AUTO = new OnFirstUse(Backend::choose);

    private final String name;
    private final DType dtype;
    private final MatrixEngine matrices;
    private final Kernels kernels;
    private final Guard guard = new Guard();
    private final @Nullable Workers workers; // that end with it

    /**
     * A pair of engines of one's own, which has nothing to close.
     *
     * @param name for logs and reports
     * @param dtype number format of activations, gradients and parameters
     * @param matrices products
     * @param kernels everything else
     */
    public Backend(String name, DType dtype, MatrixEngine matrices, Kernels kernels) {
        this(name, dtype, matrices, kernels, null);
    }

    private Backend(String name, DType dtype, MatrixEngine matrices, Kernels kernels, @Nullable Workers workers) {
        this.name = name;
        this.dtype = dtype;
        this.matrices = new GuardedMatrices(matrices, guard);
        this.kernels = new GuardedKernels(kernels, guard);
        this.workers = workers;
    }

    /**
     * The backend that fits what is on the class path: the host engine where ND4J's backend is {@code nd4j-native}, else the ND4J
     * engine in single precision. {@code -Dpeft4j.backend=host|nd4j} forces one. Products of the host are computed by OpenBLAS and by another
     * library that is on the class path and has something for this processor; {@code -Dpeft4j.engine=openblas|onednn|nd4j} forces one.
     *
     * @throws BackendException if no ND4J backend is on the class path, its natives cannot be loaded, or a setting is wrong
     */
    public static Backend auto() {
        return AUTO.get();
    }

    /**
     * Products by OpenBLAS and the library beside it, and row kernels, on all cores, or on {@code -Dpeft4j.threads=N}; single precision.
     *
     * @throws BackendException if the natives of OpenBLAS cannot be loaded, or the number of threads is wrong
     */
    public static Backend host() {
        return HOST.get();
    }

    /**
     * ND4J operations in the given number format, on whatever backend ND4J has.
     *
     * @throws BackendException if no ND4J backend is on the class path, or its natives cannot be loaded
     */
    public static Backend nd4j(DType dtype) {
        List<String> found = nd4jBackends();
        if (found.isEmpty()) {
            throw noBackend();
        }
        if (found.contains(CPU_BACKEND)) {
            HostMatrixEngine.OPENBLAS.load();
        }
        Nd4jMatrixEngine.ND4J.load();
        if (found.contains(CPU_BACKEND)) {
            BlasThreads.again();
        }
        return new Backend("nd4j", dtype, new Nd4jMatrixEngine(), new Nd4jKernels());
    }

    /**
     * Strided OpenBLAS and row kernels on threads of its own; single precision. The caller closes it.
     *
     * @param threads that work on one operation: the calling one, and {@code threads - 1} that belong to the backend
     * @throws BackendException if the natives of OpenBLAS cannot be loaded
     * @throws BadInputException if there is less than one thread, or more than 1024
     */
    public static Backend host(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new BadInputException("a backend with " + threads + " threads was asked for; there are 1 to "
                    + MAX_THREADS + ". Give the number of processor cores to use.");
        }
        return host(threads, true);
    }

    private static Backend host(int threads, boolean own) {
        HostMatrixEngine.OPENBLAS.load();
        HostLibraries.Chosen library = HostLibraries.choose();
        Workers workers = new Workers(threads);
        return new Backend(
                "host, " + workers.threads() + " threads, " + library.description(),
                DType.F32,
                new HostMatrixEngine(workers, library.products()),
                new HostKernels(workers, library.products()),
                own ? workers : null);
    }

    /** For logs and reports. */
    public String name() {
        return name;
    }

    /** Number format of activations, gradients and parameters. */
    public DType dtype() {
        return dtype;
    }

    /** Products. */
    public MatrixEngine matrices() {
        return matrices;
    }

    /** Everything else. */
    public Kernels kernels() {
        return kernels;
    }

    /** Ends its threads, if it has some of its own; operations that have begun end as they should, and others are refused from now on. */
    @Override
    public void close() {
        if (workers != null && guard.close()) {
            workers.close();
            BlasThreads.giveBack();
        }
    }

    @Override
    public String toString() {
        return name + ", " + dtype;
    }

    private static int threads() {
        int processors = Runtime.getRuntime().availableProcessors();
        String asked = System.getProperty("peft4j.threads", String.valueOf(processors));
        try {
            int threads = Integer.parseInt(asked.strip());
            if (threads >= 1 && threads <= MAX_THREADS) {
                return threads;
            }
        } catch (NumberFormatException e) {
            throw wrongThreads(asked, processors, e);
        }
        throw wrongThreads(asked, processors, null);
    }

    private static BackendException wrongThreads(String asked, int processors, @Nullable Exception cause) {
        return new BackendException(
                "-Dpeft4j.threads=" + asked + " was asked for, and a whole number from 1 to " + MAX_THREADS
                        + " was expected. Leave it out to use all " + processors + " processors of this machine.",
                cause);
    }

    private static Backend choose() {
        List<String> found = nd4jBackends();
        String forced = System.getProperty("peft4j.backend", "");
        if (forced.isEmpty() && HostLibraries.asked().equals(HostLibraries.ND4J)) {
            forced = HostLibraries.ND4J;
        }
        Backend chosen;
        if (forced.equals("host") || (forced.isEmpty() && found.contains(CPU_BACKEND))) {
            chosen = host();
        } else if (forced.equals("nd4j") || (forced.isEmpty() && !found.isEmpty())) {
            chosen = nd4j(DType.F32);
        } else if (!forced.isEmpty()) {
            throw new BackendException(
                    "-Dpeft4j.backend=" + forced + " was asked for; there are host and nd4j. Use one of them.");
        } else {
            throw noBackend();
        }
        Logger log = LoggerFactory.getLogger(Backend.class);
        log.info("backend {} (ND4J: {})", chosen.name(), found);
        return chosen;
    }

    private static List<String> nd4jBackends() {
        List<String> found = names(ServiceLoader.load(Nd4jBackend.class));
        if (found.isEmpty()) { // to a thread of a common pool, in an application of a single jar
            ClassLoader own = Backend.class.getClassLoader();
            found = names(ServiceLoader.load(Nd4jBackend.class, own));
            ND4JClassLoading.setNd4jClassloader(own);
        }
        return found;
    }

    private static List<String> names(ServiceLoader<Nd4jBackend> backends) {
        return backends.stream().map(provider -> provider.type().getName()).toList();
    }

    private static BackendException noBackend() {
        return new BackendException(
                "an ND4J backend is needed for its BLAS, and there is none on the class path. Depend on"
                        + " dev.peft4j:peft4j-cpu, or add org.nd4j:nd4j-native (CPU) or org.nd4j:nd4j-cuda-11.6 (GPU) with the"
                        + " classifier of your platform.");
    }

    /** A backend that all callers share. A failure is not kept: the next caller tries again, and hears the same. */
    private static final class OnFirstUse {
        private final Supplier<Backend> make;
        private @Nullable Backend made;

        OnFirstUse(Supplier<Backend> make) {
            this.make = make;
        }

        synchronized Backend get() {
            Backend backend = made;
            if (backend == null) {
                backend = make.get();
                made = backend;
            }
            return backend;
        }
    }
}
