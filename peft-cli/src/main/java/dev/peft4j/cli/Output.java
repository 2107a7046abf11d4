package dev.peft4j.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Standard output that remembers what could not be written. A reader that went away ({@code peft4j inspect DIR | head})
 * has seen what it wanted; a full disk has lost what was asked for.
 */
final class Output extends FilterOutputStream {
    private boolean lost;

    Output(OutputStream to) {
        super(to);
    }

    /** Whether something was lost that somebody still waits for. */
    boolean lost() {
        return lost;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
        try {
            out.write(bytes, from, count);
        } catch (IOException e) {
            lost |= !isClosedPipe(e);
            throw e;
        }
    }

    private static boolean isClosedPipe(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("Broken pipe") || message.contains("pipe is being closed");
    }
}
