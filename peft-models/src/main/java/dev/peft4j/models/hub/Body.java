package dev.peft4j.models.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of an answer, as they come. The streams of Java's client wait for ever for the next byte; this one wants {@link #LEAST} bytes, or the end, in each
 * span of the time limit.
 */
final class Body implements HttpResponse.BodySubscriber<Body>, AutoCloseable {
    private static final int LEAST = 4096;
    private static final int AHEAD = 16; // buffers of 16 KiB that may wait here

    /** A piece of the body, its end, or how it failed. */
    private record Signal(@Nullable ByteBuffer bytes, @Nullable Throwable failure) {}

    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final long limit; // nanoseconds
    private Flow.@Nullable Subscription subscription;
    private boolean closed;
    private long windowEnd;
    private long inWindow; // bytes

    Body(Duration limit) {
        this.limit = limit.toNanos();
    }

    @Override
    public CompletionStage<Body> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public synchronized void onSubscribe(Flow.Subscription s) {
        if (closed || subscription != null) {
            s.cancel();
            return;
        }
        subscription = s;
        s.request(AHEAD);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        for (int i = 0; i < buffers.size(); i++) {
            signals.add(new Signal(buffers.get(i), null));
        }
        if (buffers.isEmpty()) {
            more();
        }
    }

    @Override
    public void onError(Throwable failure) {
        signals.add(new Signal(null, failure));
    }

    @Override
    public void onComplete() {
        signals.add(new Signal(null, null));
    }

    private synchronized void more() {
        if (subscription != null) {
            subscription.request(1);
        }
    }

    /**
     * The next bytes, or null at the end.
     *
     * @throws HttpTimeoutException if too little comes
     * @throws IOException if the connection is cut
     */
    @Nullable
    ByteBuffer next() throws IOException, InterruptedException {
        long now = System.nanoTime();
        if (windowEnd == 0 || inWindow >= LEAST) {
            windowEnd = now + limit;
            inWindow = 0;
        }
        Signal signal = signals.poll(Math.max(0, windowEnd - now), TimeUnit.NANOSECONDS);
        if (signal == null) {
            throw new HttpTimeoutException(
                    "only " + inWindow + " bytes came in " + TimeUnit.NANOSECONDS.toSeconds(limit) + " s");
        }
        if (signal.failure() != null) {
            throw new IOException("the connection was cut", signal.failure());
        }
        ByteBuffer bytes = signal.bytes();
        if (bytes != null) {
            inWindow += bytes.remaining();
            more();
        }
        return bytes;
    }

    /**
     * All bytes, for a small answer.
     *
     * @param most of them
     * @param within a time, whatever the pace
     * @throws TooLongException if there are more
     */
    byte[] all(int most, Duration within) throws IOException, InterruptedException {
        long end = System.nanoTime() + within.toNanos();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (ByteBuffer b = next(); b != null; b = next()) {
            if (out.size() + b.remaining() > most) {
                throw new TooLongException("more than " + most + " bytes came");
            }
            if (System.nanoTime() > end) {
                throw new HttpTimeoutException("it had not ended after " + within.toSeconds() + " s");
            }
            byte[] piece = new byte[b.remaining()];
            b.get(piece);
            out.write(piece, 0, piece.length);
        }
        return out.toByteArray();
    }

    /** Ends the connection if the body has not ended. */
    @Override
    public synchronized void close() {
        closed = true;
        if (subscription != null) {
            subscription.cancel();
        }
    }

    /** There is more of it than anybody needs. */
    static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1L;

        TooLongException(String message) {
            super(message);
        }
    }
}
