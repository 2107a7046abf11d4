package dev.peft4j.models;

import java.util.Arrays;

/**
 * The text of a continuation while its tokens come: only what later tokens cannot change, so a character of several tokens comes with its last one. Not safe
 * for several threads.
 */
public final class TextStream {
    private static final char INCOMPLETE = '\uFFFD';
    private static final int LONGEST_CLEANED = 3; // " n'" may become a part of "n't"

    private final TextTokenizer tokenizer;
    private final String before; // the text of the prompt
    private final StringBuilder told = new StringBuilder();
    private int[] ids;
    private int count;

    /** The continuation of a prompt, whose text is not told. */
    public TextStream(TextTokenizer tokenizer, int[] prompt) {
        this.tokenizer = tokenizer;
        this.before = tokenizer.decode(prompt);
        this.ids = prompt.clone();
        this.count = prompt.length;
    }

    /** The new text that a token completes; empty if it ends within a character. */
    public String add(int token) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, 2 * count + 1);
        }
        ids[count++] = token;
        String text = continuation();
        return tell(text, stable(text));
    }

    /** What is left of the text when no token comes any more. */
    public String end() {
        String text = continuation();
        return tell(text, text.length());
    }

    /** All that was told. */
    public String text() {
        return told.toString();
    }

    /** Decoded with the prompt, since a tokenizer may leave out the space in front of a first word. */
    private String continuation() {
        String all = tokenizer.decode(Arrays.copyOf(ids, count));
        int same = 0;
        int most = Math.min(all.length(), before.length());
        while (same < most && all.charAt(same) == before.charAt(same)) {
            same++;
        }
        return all.substring(same);
    }

    private int stable(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == INCOMPLETE) {
            end--;
        }
        int space = text.lastIndexOf(' ', end - 1);
        boolean mayBeCleaned = tokenizer.cleansUp() && space >= 0 && end - space <= LONGEST_CLEANED;
        return mayBeCleaned ? space : end;
    }

    private String tell(String text, int end) {
        if (end <= told.length()) {
            return "";
        }
        String fresh = text.substring(told.length(), end);
        told.append(fresh);
        return fresh;
    }
}
