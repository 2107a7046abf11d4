package dev.peft4j.parquet;

import io.airlift.compress.Decompressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.snappy.SnappyDecompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** How pages are packed, by the numbers of the format. */
final class Codec {
    private static final String[] NAMES = {
        "none", "Snappy", "gzip", "LZO", "Brotli", "LZ4 of Hadoop", "Zstandard", "LZ4"
    };

    private Codec() {}

    /**
     * Unpacks bytes.
     *
     * @param unpacked how many there are to be, for which the caller has found a place in memory
     */
    static byte[] unpack(int codec, byte[] packed, int unpacked) throws ParquetProblem {
        return switch (codec) {
            case 0 -> {
                if (packed.length != unpacked) {
                    throw ParquetProblem.damaged("a page has " + packed.length + " bytes and is to have " + unpacked);
                }
                yield packed;
            }
            case 1 -> unpack(new SnappyDecompressor(), packed, unpacked);
            case 2 -> ungzip(packed, unpacked);
            case 6 -> unpack(new ZstdDecompressor(), packed, unpacked);
            case 7 -> unpack(new Lz4Decompressor(), packed, unpacked);
            default ->
                throw ParquetProblem.unknown("pages are packed with "
                        + (codec >= 0 && codec < NAMES.length ? NAMES[codec] : "the unknown codec " + codec));
        };
    }

    private static byte[] unpack(Decompressor decompressor, byte[] packed, int unpacked) throws ParquetProblem {
        byte[] out = new byte[unpacked];
        int n;
        try {
            n = unpacked == 0 && packed.length == 0
                    ? 0
                    : decompressor.decompress(packed, 0, packed.length, out, 0, unpacked);
        } catch (RuntimeException e) { // it says so in several types
            throw ParquetProblem.damaged("a page cannot be unpacked (" + e.getMessage() + ")", e);
        }
        return whole(out, n);
    }

    private static byte[] ungzip(byte[] packed, int unpacked) throws ParquetProblem {
        byte[] out = new byte[unpacked];
        if (unpacked == 0 && packed.length == 0) {
            return out;
        }
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
            int n = in.readNBytes(out, 0, unpacked);
            return whole(out, in.read() < 0 ? n : unpacked + 1);
        } catch (ParquetProblem e) {
            throw e;
        } catch (IOException e) {
            throw ParquetProblem.damaged("a page cannot be unpacked (" + e.getMessage() + ")", e);
        }
    }

    private static byte[] whole(byte[] out, int n) throws ParquetProblem {
        if (n != out.length) {
            throw ParquetProblem.damaged("a page unpacks to " + (n > out.length ? "more than " + out.length : n)
                    + " bytes and is to have " + out.length);
        }
        return out;
    }
}
