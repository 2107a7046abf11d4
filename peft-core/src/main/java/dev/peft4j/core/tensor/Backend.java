package dev.peft4j.core.tensor;

import java.util.List;
import java.util.ServiceLoader;
import org.nd4j.linalg.factory.Nd4jBackend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pair of engines in use and the number format that it computes in.
 *
 * @param name for logs and reports
 * @param dtype number format of activations, gradients and parameters
 * @param matrices products
 * @param kernels everything else
 */
public record Backend(String name, DType dtype, MatrixEngine matrices, Kernels kernels) {
    private static final String CPU_BACKEND = "org.nd4j.linalg.cpu.nativecpu.CpuBackend";

    /**
     * The backend that fits what is on the class path: the host engine where ND4J's backend is {@code nd4j-native}, else the ND4J
     * engine in single precision. {@code -Dpeft4j.backend=host|nd4j} forces one.
     *
     * @throws IllegalStateException if no ND4J backend is on the class path
     */
    public static Backend auto() {
        return Default.INSTANCE;
    }

    /** Strided OpenBLAS and row kernels on two or more cores; single precision. */
    public static Backend host() {
        return Host.INSTANCE;
    }

    /** ND4J operations in the given number format, on whatever backend ND4J has. */
    public static Backend nd4j(DType dtype) {
        return new Backend("nd4j", dtype, new Nd4jMatrixEngine(), new Nd4jKernels());
    }

    private static Backend host(int threads) {
        Workers workers = new Workers(threads);
        return new Backend(
                "host, " + threads + " threads", DType.F32, new HostMatrixEngine(workers), new HostKernels(workers));
    }

    private static Backend choose() {
        List<String> found = ServiceLoader.load(Nd4jBackend.class).stream()
                .map(provider -> provider.type().getName())
                .toList();
        String forced = System.getProperty("peft4j.backend", "");
        Backend chosen;
        if (forced.equals("host") || (forced.isEmpty() && found.contains(CPU_BACKEND))) {
            chosen = host();
        } else if (forced.equals("nd4j") || (forced.isEmpty() && !found.isEmpty())) {
            chosen = nd4j(DType.F32);
        } else if (!forced.isEmpty()) {
            throw new IllegalStateException(
                    "-Dpeft4j.backend=" + forced + " was asked for; there are host and nd4j. Use one of them.");
        } else {
            throw new IllegalStateException(
                    "no ND4J backend is on the class path, and peft4j needs its BLAS. Add"
                            + " org.nd4j:nd4j-native (CPU) or org.nd4j:nd4j-cuda-11.6 (GPU) with the classifier of your platform.");
        }
        Logger log = LoggerFactory.getLogger(Backend.class);
        log.info("backend {} (ND4J: {})", chosen.name(), found);
        return chosen;
    }

    private static final class Host {
        static final Backend INSTANCE =
                host(Integer.getInteger("peft4j.threads", Runtime.getRuntime().availableProcessors()));
    }

    private static final class Default {
        static final Backend INSTANCE = choose();
    }
}
