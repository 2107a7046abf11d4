package dev.peft4j.models.hub;

import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Whether the bytes on the disk are those that a blob is named after. */
final class BlobHash {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern GIT = Pattern.compile("[0-9a-f]{40}");
    private static final int PIECE = 1 << 18;

    private BlobHash() {}

    /**
     * Hashes a file. What is named by no hash, as some mirrors do, passes.
     *
     * @param what is asked, for who interrupts it
     */
    static boolean matches(FileChannel file, String blob, String what) throws IOException {
        if (SHA256.matcher(blob).matches()) {
            return blob.equals(hash(file, "SHA-256", "", what));
        }
        if (GIT.matcher(blob).matches()) { // git puts the kind and the length in front
            return blob.equals(hash(file, "SHA-1", "blob " + file.size() + "\0", what));
        }
        return true;
    }

    private static String hash(FileChannel file, String algorithm, String before, String what) throws IOException {
        MessageDigest digest = digest(algorithm);
        digest.update(before.getBytes(StandardCharsets.US_ASCII));
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        byte[] bytes = new byte[PIECE];
        long at = 0;
        for (int n = file.read(piece, at); n > 0; n = file.read(piece, at)) {
            StoppedException.ifInterrupted(what);
            piece.flip().get(bytes, 0, n);
            digest.update(bytes, 0, n);
            piece.clear();
            at += n;
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest digest(String algorithm) throws IOException {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IOException("this Java has no " + algorithm + ", which every Java has", e);
        }
    }
}
