package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;

/**
 * The ids of a text, or the first of them, which takes no more of the text than it has to: a beginning of the text is encoded, and a longer one if that
 * gives too few.
 *
 * <p>The ids of a beginning are those of the whole text up to a place that depends on the model. A place between two words that no token spans is one for
 * BPE and Unigram. Elsewhere a BPE model can only change its last tokens, since each step to the left takes a merge of a higher rank; WordPiece changes its
 * last word, which is one token when it is long; and the best path of a Unigram model goes through one of the last places before the cut, so if the paths
 * to all of these begin alike, all others do.
 */
final class FirstTokens {
    private static final int CHARACTERS_PER_TOKEN = 8; // more than most texts have
    private static final int SHORTEST = 256;
    private static final int LONGER = 4;
    private static final int MARGIN = 64;

    private final TokenizerTraits traits;
    private final NativeTokenizer tokenizer;

    FirstTokens(TokenizerTraits traits, NativeTokenizer tokenizer) {
        this.traits = traits;
        this.tokenizer = tokenizer;
    }

    /**
     * All ids of a text.
     *
     * @throws BadInputException if it is too long, or has half of a surrogate pair
     */
    int[] all(String text) {
        return encode(text);
    }

    /**
     * The first ids of a text.
     *
     * @throws BadInputException if the longest beginning that one call takes has fewer
     */
    int[] of(String text, int most) {
        if (most <= 0) {
            return new int[0];
        }
        long size = Math.max(SHORTEST, (long) most * CHARACTERS_PER_TOKEN);
        while (size < text.length() && size <= traits.longestText()) {
            int[] ids = beginning(text, (int) size, most);
            if (ids.length >= most) {
                return Arrays.copyOf(ids, most);
            }
            size = size == traits.longestText() ? size + 1 : Math.min(size * LONGER, traits.longestText());
        }
        if (text.length() > traits.longestText()) {
            throw new BadInputException("the first " + most + " tokens of a text of " + text.length()
                    + " characters were asked for, and its first " + traits.longestText()
                    + " characters do not settle them. Cut the text, or put spaces into it.");
        }
        int[] ids = encode(text);
        return ids.length <= most ? ids : Arrays.copyOf(ids, most);
    }

    /** Ids of a beginning, if its first ones are those of the whole text; otherwise none. */
    private int[] beginning(String text, int size, int most) {
        int space = traits.cutsAtSpaces() ? space(text, size) : -1;
        if (space > 0) {
            return encode(text.substring(0, space));
        }
        int[] ids = encode(text.substring(0, whole(text, size)));
        return switch (traits.kind()) {
            case BPE -> settled(ids, most, MARGIN + traits.longestAdded());
            case WORD_PIECE, WORD_LEVEL -> settled(ids, most, traits.longestWord() + traits.longestAdded() + 2);
            case UNIGRAM -> ids.length >= most && pathsAgree(text, size, ids, most) ? ids : new int[0];
        };
    }

    private static int[] settled(int[] ids, int most, int margin) {
        return ids.length >= (long) most + margin ? ids : new int[0];
    }

    private boolean pathsAgree(String text, int size, int[] ids, int most) {
        int window = Math.max(traits.longestToken(), traits.longestAdded());
        for (int end = size - 1; end >= Math.max(1, size - window); end--) {
            if (end == whole(text, end)) {
                int[] other = encode(text.substring(0, end));
                if (other.length < most || !Arrays.equals(ids, 0, most, other, 0, most)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The last place before this one where a word ends and a space and another word follow; not in the first half. */
    private static int space(String text, int size) {
        for (int i = Math.min(size, text.length() - 2); i > size / 2; i--) {
            if (text.charAt(i) == ' '
                    && Character.isLetterOrDigit(text.codePointBefore(i))
                    && Character.isLetterOrDigit(text.codePointAt(i + 1))) {
                return i;
            }
        }
        return -1;
    }

    /** A place that is not inside a surrogate pair. */
    private static int whole(String text, int at) {
        return at < text.length() && Character.isLowSurrogate(text.charAt(at)) && at > 0 ? at - 1 : at;
    }

    /** All ids of a text with their places, as {@link NativeTokenizer#locate}. */
    int[][] located(String text) {
        long most = most(text);
        try {
            return tokenizer.locate(text, most);
        } catch (RuntimeException e) {
            throw failed("the text cannot be encoded", e);
        }
    }

    private int[] encode(String text) {
        long most = most(text);
        try {
            return tokenizer.encode(text, most);
        } catch (RuntimeException e) {
            throw failed("the text cannot be encoded", e);
        }
    }

    /** Most ids of a text, which is one that can be encoded in one call. */
    private long most(String text) {
        boolean asIs = text.length() > traits.longestText() || !traits.decomposes();
        int length = asIs ? text.length() : TextGrowth.decomposed(text);
        if (length > traits.longestText()) {
            throw new BadInputException("a text of " + length + " characters"
                    + (length > text.length() ? " in normal form NFKD" : "") + " was given, one call takes "
                    + traits.longestText() + ". Cut it, or ask for its first tokens.");
        }
        if (!JsonPart.isWhole(text)) {
            throw new BadInputException("a text with half of a surrogate pair was given, which is no character."
                    + " Take it out, or read the text with its right encoding.");
        }
        return (long) (traits.growth() * length) + 1;
    }

    private static RuntimeException failed(String what, RuntimeException e) {
        boolean ours = e instanceof IllegalArgumentException || e instanceof IllegalStateException;
        return ours
                ? e
                : new BadInputException(
                        what + " by this tokenizer: " + e.getMessage() + ". Use the tokenizer of the model.", e);
    }

    /** The text of ids, without special tokens. */
    String decode(int... ids) {
        long characters = 0;
        for (int id : ids) {
            characters += id >= 0 && id < traits.lengths().length ? traits.lengths()[id] + 1 : 0;
        }
        if (characters > traits.longestDecoded()) {
            throw new BadInputException(
                    ids.length + " ids of " + characters + " characters were given; one call decodes "
                            + traits.longestDecoded() + ". Decode them in parts.");
        }
        try {
            return tokenizer.decode(ids, (long) (characters * traits.decodedGrowth()) + 1);
        } catch (RuntimeException e) {
            throw failed("the ids cannot be decoded", e);
        }
    }
}
