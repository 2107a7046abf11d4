package dev.peft4j.models.hub;

/** Is told how far a download is; in the thread that asked for it. */
@FunctionalInterface
public interface DownloadProgress {
    /** Tells nobody. */
    static DownloadProgress none() {
        return (file, done, size) -> {};
    }

    /**
     * So much of a file is there. The first call for a file tells what an earlier, interrupted download has left; the last has {@code done} equal to {@code
     * size}. After a cut it may go back. Files that are in the cache are not told of.
     *
     * @param file its name in the repository
     * @param done bytes that are on the disk
     * @param size bytes in all
     */
    void at(String file, long done, long size);
}
