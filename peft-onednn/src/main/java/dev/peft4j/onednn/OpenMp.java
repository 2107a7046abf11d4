package dev.peft4j.onednn;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import dev.peft4j.core.error.BackendException;
import java.io.IOException;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * The number of threads that OpenMP takes for what the calling thread computes. Products are cut for our own threads, and more of OpenMP's beside them would
 * take the cores away; whatever {@code OMP_NUM_THREADS} says.
 */
final class OpenMp {
    private static final String OF_WINDOWS = "vcomp140";

    private OpenMp() {}

    /**
     * Finds the library that oneDNN has loaded.
     *
     * @throws BackendException if there is none
     */
    static void require() {
        if (Functions.FAILURE != null) {
            throw new BackendException(
                    "the number of threads of oneDNN was to be set, and its OpenMP cannot be called ("
                            + Functions.FAILURE + "). Set -Dpeft4j.engine=openblas.");
        }
    }

    /** Threads for this thread's products. */
    static int threads() {
        return Functions.omp_get_max_threads();
    }

    /** Sets them, for this thread only. */
    static void setThreads(int threads) {
        Functions.omp_set_num_threads(threads);
    }

    /** The functions of the library, under their names there. */
    private static final class Functions {
        static final @Nullable String FAILURE = register();

        private Functions() {}

        private static @Nullable String register() {
            try {
                Native.register(Functions.class, NativeLibrary.getInstance(path()));
                omp_get_max_threads();
                return null;
            } catch (IOException | LinkageError e) {
                return String.valueOf(e.getMessage());
            }
        }

        /**
         * Where the functions are looked for: in what oneDNN's own library was loaded with, which is not the file beside it if another one of that name, such as
         * ND4J's, was loaded before. Windows does not look there.
         */
        private static String path() throws IOException {
            String platform = Loader.getPlatform();
            return platform.startsWith("windows")
                    ? OF_WINDOWS
                    : Loader.cacheResource("/org/bytedeco/dnnl/" + platform + "/" + System.mapLibraryName("jnidnnl"))
                            .getPath();
        }

        static native int omp_get_max_threads();

        static native void omp_set_num_threads(int threads);
    }
}
