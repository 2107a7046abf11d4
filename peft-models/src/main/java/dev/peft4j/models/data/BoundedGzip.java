package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Unpacks gzip up to a size that fits the packed one; more is no data but an attack on memory. */
public final class BoundedGzip extends FilterInputStream {
    private static final long RATIO = 100; // text packs to a fifth or a tenth
    private static final long ALWAYS = 64 << 20;

    private final Path file;
    private long left;

    /**
     * Begins to unpack.
     *
     * @param file for messages
     * @param packedBytes how many bytes the packed file has
     * @throws IOException if the file is not packed
     */
    public BoundedGzip(Path file, InputStream packed, long packedBytes) throws IOException {
        super(new GZIPInputStream(packed, 1 << 16));
        this.file = file;
        left = Math.max(ALWAYS, RATIO * packedBytes);
    }

    private int count(int n) throws IOException {
        left -= Math.max(0, n);
        if (left < 0) {
            throw new BadFileException(
                    file, "unpacks to more than " + RATIO + " times its size. Unpack it yourself if you trust it.");
        }
        return n;
    }

    @Override
    public int read() throws IOException {
        int b = super.read();
        count(b < 0 ? 0 : 1);
        return b;
    }

    @Override
    public int read(byte[] to, int at, int n) throws IOException {
        return count(super.read(to, at, n));
    }
}
