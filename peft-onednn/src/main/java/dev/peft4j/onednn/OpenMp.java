package dev.peft4j.onednn;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import dev.peft4j.core.error.BackendException;
import java.io.File;
import java.io.IOException;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * The number of threads that OpenMP takes for what the calling thread computes. Products are cut for our own threads, and more of OpenMP's beside them would
 * take the cores away; whatever {@code OMP_NUM_THREADS} says.
 */
final class OpenMp {
    private static final List<String> NAMES =
            List.of("libgomp.so.1", "libiomp5.dylib", "libomp.dylib", "libiomp5md.dll");
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

        /** It lies beside oneDNN, whose own library was loaded from there. */
        private static String path() throws IOException {
            File folder = Loader.cacheResource(
                            "/org/bytedeco/dnnl/" + Loader.getPlatform() + "/" + System.mapLibraryName("jnidnnl"))
                    .getParentFile();
            for (String name : NAMES) {
                File file = new File(folder, name);
                if (file.isFile()) {
                    return file.getPath();
                }
            }
            return OF_WINDOWS;
        }

        static native int omp_get_max_threads();

        static native void omp_set_num_threads(int threads);
    }
}
