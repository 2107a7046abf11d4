package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BackendException;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * A library that is not Java: it is unpacked from the jar of its platform and loaded when it is first used.
 *
 * <p>Where that fails, Java throws the cause once, and {@link NoClassDefFoundError} without it from then on. Here the first failure
 * is kept, and each use says the same.
 */
public final class NativeLibrary {
    private static final List<String> PLATFORMS =
            List.of("linux-x86_64", "linux-arm64", "macosx-x86_64", "macosx-arm64", "windows-x86_64");

    private final String artifact;
    private final String folder;
    private final int megabytes;
    private final Runnable firstUse;
    private volatile boolean loaded;
    private @Nullable LinkageError failure;

    /**
     * A library that is not loaded yet.
     *
     * @param artifact Maven coordinates of the jar with natives, without classifier
     * @param folder of the natives in that jar, without the one of the platform
     * @param megabytes of the natives when they are unpacked
     * @param firstUse what loads them
     */
    public NativeLibrary(String artifact, String folder, int megabytes, Runnable firstUse) {
        this.artifact = artifact;
        this.folder = folder;
        this.megabytes = megabytes;
        this.firstUse = firstUse;
    }

    /**
     * Makes sure that the library is there.
     *
     * @throws BackendException if it is missing or cannot be loaded
     */
    public void load() {
        if (!loaded) {
            loadOnce();
        }
    }

    private synchronized void loadOnce() {
        if (failure == null && !loaded) {
            requirePrivateCache();
            failure = uninterrupted(firstUse);
            loaded = failure == null;
        }
        if (failure != null) {
            throw new BackendException(isOnClassPath(Loader.getPlatform()) ? unusable(failure) : missing(), failure);
        }
    }

    /** Runs something on a thread of its own: an interrupt of the caller's would end the reading of natives, and Java loads a class that failed once never again. */
    private static @Nullable LinkageError uninterrupted(Runnable work) {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread thread = new Thread(work, "peft4j-natives");
        thread.setUncaughtExceptionHandler((t, e) -> thrown.set(e));
        thread.start();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Throwable failure = thrown.get();
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e && !(e instanceof LinkageError)) {
            throw e;
        }
        return (LinkageError) failure;
    }

    /** Users without a home share the folder of temporary files with others, who could put a library there. */
    private void requirePrivateCache() {
        try {
            Path cache = Loader.getCacheDir().toPath().toAbsolutePath();
            Path temporary =
                    Path.of(System.getProperty("java.io.tmpdir", "/tmp")).toAbsolutePath();
            boolean named = System.getProperty("org.bytedeco.javacpp.cachedir") != null;
            for (Path p = cache;
                    !named && p != null && p.startsWith(temporary) && !p.equals(temporary);
                    p = p.getParent()) {
                NativeFolder.requirePrivate(p);
            }
        } catch (FileSystemException e) {
            throw new BackendException(
                    "natives of " + artifact + " were to be unpacked and loaded, and that is not safe: "
                            + e.getMessage()
                            + ". Remove the folder, or name one of your own with -Dorg.bytedeco.javacpp.cachedir=DIR.",
                    e);
        } catch (IOException e) {
            return; // there is no folder at all, which loading says better
        }
    }

    private boolean isOnClassPath(String platform) {
        return NativeLibrary.class.getResource("/" + folder + "/" + platform + "/") != null;
    }

    private String missing() {
        String platform = Loader.getPlatform();
        List<String> others = PLATFORMS.stream().filter(this::isOnClassPath).toList();
        return "natives of " + artifact + " for " + platform + " are needed, and the class path has "
                + (others.isEmpty() ? "none" : "those of " + String.join(", ", others)) + ". Add " + artifact
                + " with the classifier " + platform + ", or depend on dev.peft4j:peft4j-cpu and build with"
                + " -Djavacpp.platform=" + platform + ".";
    }

    private String unusable(Throwable error) {
        Throwable root = error;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return "natives of " + artifact + " for " + Loader.getPlatform() + " were found and cannot be loaded ("
                + root.getMessage() + "). They are unpacked into " + cache() + " and need " + megabytes
                + " MB where files can be written and run. Make room there, or name another folder with"
                + " -Dorg.bytedeco.javacpp.cachedir=DIR.";
    }

    private static String cache() {
        try {
            File folder = Loader.getCacheDir();
            return folder + " (" + (folder.getUsableSpace() >> 20) + " MB free)";
        } catch (IOException e) {
            return "~/.javacpp/cache or the folder of temporary files, and neither can be written";
        }
    }
}
