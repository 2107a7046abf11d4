package dev.peft4j.models;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.lang.ref.Reference;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A tokenizer of the Hugging Face library. Nothing but ids, their places and decoded texts comes back from it, which takes a twentieth of the memory of a whole
 * encoding. The library ends the process where it fails, so whoever calls checks what goes in. Safe for several threads.
 */
final class NativeTokenizer implements AutoCloseable {
    private static final int LOCATED = 5; // a place takes as much room as four ids more

    private final ReadWriteLock lock = new ReentrantReadWriteLock(); // who closes waits for who encodes
    private long handle; // 0 when closed

    private NativeTokenizer(long handle) {
        this.handle = handle;
    }

    /**
     * Makes a tokenizer from JSON; the caller closes it.
     *
     * @throws BadInputException with the error of the library, if it does not take the JSON
     * @throws BackendException if its natives cannot be unpacked or loaded
     */
    static NativeTokenizer open(String json) {
        TokenizerLibrary.load();
        try {
            return new NativeTokenizer(TokenizersLibrary.LIB.createTokenizerFromString(json));
        } catch (RuntimeException e) {
            throw new BadInputException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Ids of a text, without special tokens around it.
     *
     * @param most ids that the text may have
     */
    int[] encode(String text, long most) {
        reserve("a text of " + text.length() + " characters", most);
        lock.readLock().lock();
        try {
            long encoding = TokenizersLibrary.LIB.encode(open(), text, false);
            try {
                return toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
            } finally {
                TokenizersLibrary.LIB.deleteEncoding(encoding);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Ids of a text with the characters that each was made of, without special tokens around it.
     *
     * @param most ids that the text may have
     * @return ids, first characters, and characters behind the last ones, as Unicode counts
     */
    int[][] locate(String text, long most) {
        reserve("a text of " + text.length() + " characters", LOCATED * most);
        lock.readLock().lock();
        try {
            long encoding = TokenizersLibrary.LIB.encode(open(), text, false);
            try {
                int[] ids = toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
                CharSpan[] spans = TokenizersLibrary.LIB.getTokenCharSpans(encoding);
                int[][] located = {ids, new int[ids.length], new int[ids.length]};
                for (int i = 0; i < ids.length; i++) {
                    located[1][i] = spans[i] == null ? 0 : spans[i].getStart();
                    located[2][i] = spans[i] == null ? 0 : spans[i].getEnd();
                }
                return located;
            } finally {
                TokenizersLibrary.LIB.deleteEncoding(encoding);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * The text of ids, without special tokens.
     *
     * @param most characters that the text may have
     */
    String decode(int[] ids, long most) {
        reserve(ids.length + " ids", most);
        long[] longs = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            longs[i] = ids[i];
        }
        lock.readLock().lock();
        try {
            return TokenizersLibrary.LIB.decode(open(), longs, true);
        } finally {
            lock.readLock().unlock();
        }
    }

    private long open() {
        if (handle == 0) {
            throw new WrongUseException("the tokenizer was closed and cannot be used any more. Open it again.");
        }
        return handle;
    }

    /** The library ends the process if the heap has no room for what it gives back. */
    private static void reserve(String what, long most) {
        try {
            long[] room = new long[Math.toIntExact(most)];
            try {
                room[0] = most;
            } finally {
                Reference.reachabilityFence(room); // or the compiler leaves it out
            }
        } catch (OutOfMemoryError e) {
            throw new BadInputException(
                    what + " was given, which may take " + (most >> 17) + " MB of the heap, and "
                            + (Runtime.getRuntime().maxMemory() >> 20)
                            + " MB are all there are (-Xmx). Cut the text, or give the process more memory.",
                    e);
        }
    }

    private static int[] toInts(long[] ids) {
        int[] out = new int[ids.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = Math.toIntExact(ids[i]);
        }
        return out;
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != 0) {
                TokenizersLibrary.LIB.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
