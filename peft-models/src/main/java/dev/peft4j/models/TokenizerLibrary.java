package dev.peft4j.models;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.Platform;
import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.tensor.NativeFolder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The natives of the Hugging Face tokenizer library. They are unpacked once, into the folder that DJL uses ({@code ENGINE_CACHE_DIR}, {@code DJL_CACHE_DIR},
 * or {@code .djl.ai} in the home of the user), which has to be private to the user; without a home, into a folder of this process alone. DJL itself would share
 * a folder of temporary files with all users, and would have to be told by a property of the process not to download.
 */
final class TokenizerLibrary {
    private static final List<String> WINDOWS = List.of(
            "libwinpthread-1.dll", "libgcc_s_seh-1.dll", "libstdc++-6.dll"); // in the order in which they are loaded
    private static boolean loaded;

    private TokenizerLibrary() {}

    /**
     * Makes sure that the library is there.
     *
     * @throws BackendException if it cannot be unpacked or loaded
     */
    static synchronized void load() {
        if (loaded) {
            return;
        }
        Thread thread = Thread.currentThread();
        ClassLoader context = thread.getContextClassLoader();
        boolean interrupted = Thread.interrupted(); // it would end the reading of the natives
        try {
            // DJL looks for its files where the thread does, and one of a common pool need not know the application
            thread.setContextClassLoader(TokenizersLibrary.class.getClassLoader());
            if (TokenizersLibrary.class.getClassLoader() == TokenizerLibrary.class.getClassLoader()) {
                loadFrom(Platform.detectPlatform("tokenizers"));
            } else {
                LibUtils.checkStatus(); // natives belong to the class loader that loads them, which only DJL can be
            }
        } catch (IOException | EngineException | LinkageError e) {
            throw new BackendException(
                    "the natives of ai.djl.huggingface:tokenizers cannot be unpacked or loaded (" + e.getMessage()
                            + "). They need 20 MB in ~/.djl.ai, or without a home in the folder of temporary files; make room there, or name"
                            + " another folder with -DDJL_CACHE_DIR=DIR.",
                    e);
        } finally {
            thread.setContextClassLoader(context);
            if (interrupted) {
                thread.interrupt();
            }
        }
        loaded = true;
    }

    private static void loadFrom(Platform platform) throws IOException {
        String classifier = platform.getClassifier();
        Path folder = folder(platform.getVersion() + "-cpu-" + classifier);
        List<String> files = new ArrayList<>(platform.getOsPrefix().equals("win") ? WINDOWS : List.of());
        files.add(System.mapLibraryName("tokenizers"));
        for (String file : files) {
            System.load(unpack("/native/lib/" + classifier + "/cpu/" + file, folder.resolve(file))
                    .toString());
        }
    }

    private static Path folder(String version) throws IOException {
        String named = setting("ENGINE_CACHE_DIR");
        named = named == null ? setting("DJL_CACHE_DIR") : named;
        if (named != null) {
            return Files.createDirectories(Path.of(named, "tokenizers", version))
                    .toAbsolutePath();
        }
        Path home = Path.of(System.getProperty("user.home", "?"));
        if (Files.isDirectory(home) && Files.isWritable(home)) {
            Path cache = home.resolve(".djl.ai");
            cache = NativeFolder.open(
                    Files.exists(cache) ? cache.toRealPath() : cache); // the user may have put it elsewhere
            Path tokenizers = NativeFolder.open(cache.resolve("tokenizers"));
            return NativeFolder.open(tokenizers.resolve(version)).toAbsolutePath();
        }
        Path own = Files.createTempDirectory("peft4j-tokenizers"); // that nobody else can enter
        own.toFile().deleteOnExit();
        own.resolve(System.mapLibraryName("tokenizers")).toFile().deleteOnExit();
        return own.toAbsolutePath();
    }

    private static @Nullable String setting(String name) {
        String value = System.getenv(name);
        value = value == null || value.isEmpty() ? System.getProperty(name) : value;
        return value == null || value.isEmpty() ? null : value;
    }

    /** The file, unpacked unless it is there; a file that is there is complete. */
    private static Path unpack(String resource, Path file) throws IOException {
        URL url = TokenizersLibrary.class.getResource(resource);
        if (url == null) {
            throw new IOException("there are none for this platform, " + resource + " was looked for");
        }
        URLConnection connection = url.openConnection();
        if (Files.isRegularFile(file) && Files.size(file) == connection.getContentLengthLong()) {
            return file;
        }
        Path part = Files.createTempFile(file.getParent(), ".unpacked", null);
        try (InputStream in = connection.getInputStream()) {
            Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
        return file;
    }
}
