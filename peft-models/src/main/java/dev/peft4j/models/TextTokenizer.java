package dev.peft4j.models;

import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The tokenizer of a model directory, run by the Hugging Face library itself. Works offline, and safe for several threads.
 *
 * <p>Ids are those of {@code AutoTokenizer.from_pretrained(dir)} of transformers, which {@code tokenizer_config.json} and {@code config.json} change, too.
 * A text may have at most a million characters, unless only its first ids are asked for.
 */
public final class TextTokenizer implements ModelInput {
    private static final List<String> SPECIAL =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private final TokenizerTraits traits;
    private final FirstTokens first;
    private final NativeTokenizer tokenizer;
    private final int vocabularySize;

    private TextTokenizer(TokenizerTraits traits, NativeTokenizer tokenizer, int vocabularySize) {
        this.traits = traits;
        this.first = new FirstTokens(traits, tokenizer);
        this.tokenizer = tokenizer;
        this.vocabularySize = vocabularySize;
    }

    /**
     * Opens the tokenizer of a model; the caller closes it.
     *
     * @param vocabularySize of the model
     * @throws BadFileException if there is none, it is damaged, or it makes ids that the model does not have
     * @throws BackendException if the natives of the tokenizer cannot be unpacked
     */
    public static TextTokenizer open(Path directory, int vocabularySize) throws IOException {
        TokenizerFile file = TokenizerFile.read(directory, vocabularySize);
        try {
            return new TextTokenizer(file.traits(), NativeTokenizer.open(file.json()), vocabularySize);
        } catch (IllegalArgumentException e) {
            throw new BadFileException(
                    directory.resolve("tokenizer.json"),
                    "is not a tokenizer that can be read: " + e.getMessage() + ". Save the tokenizer again.",
                    e);
        }
    }

    /**
     * Token ids of a text.
     *
     * @param addSpecialTokens whether the tokens that the tokenizer puts around a text are added
     * @throws BadInputException if the text is too long for one call, is no Unicode, or has a token that the model does not know
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        int[] ids = known(first.all(text));
        return addSpecialTokens
                ? joined(
                        traits.postProcessor().before(),
                        ids,
                        traits.postProcessor().after())
                : ids;
    }

    /**
     * Token ids of a text, cut to a greatest length: what is cut is the text, the special tokens around it stay. The time does not depend on how long the text is.
     *
     * @throws BadInputException as {@link #encode(String, boolean)}, or if the special tokens alone are longer
     */
    public int[] encode(String text, boolean addSpecialTokens, int maxLength) {
        if (!addSpecialTokens) {
            return known(first.of(text, maxLength));
        }
        int[] ids = known(first.of(text, room(maxLength)));
        return joined(
                traits.postProcessor().before(), ids, traits.postProcessor().after());
    }

    /**
     * Token ids of a text with the characters that each stands for.
     *
     * @param ids without special tokens around the text
     * @param begins the first character of each, as {@link String#charAt(int)} counts
     * @param ends behind the last character of each; as much as its beginning for a token that stands for none
     */
    public record Located(int[] ids, int[] begins, int[] ends) {}

    /**
     * Token ids of a text and their places in it. Special tokens that are written in the text are found as such, and none is put around it. A character that is
     * several tokens belongs to each of them.
     *
     * @throws BadInputException as {@link #encode(String, boolean)}
     */
    public Located locate(String text) {
        int[][] located = first.located(text);
        int[] places = new int[text.codePointCount(0, text.length()) + 1]; // of characters of Unicode
        for (int at = 0, i = 0; i < places.length; i++) {
            places[i] = at;
            at += at < text.length() ? Character.charCount(text.codePointAt(at)) : 0;
        }
        for (int i = 0; i < located[0].length; i++) {
            located[1][i] = places[located[1][i]];
            located[2][i] = places[located[2][i]];
        }
        return new Located(known(located[0]), located[1], located[2]);
    }

    /**
     * The texts of the special tokens of a model directory, such as {@code bos_token}, by their names: those of its files, and where these say nothing those of
     * its class of tokenizer in transformers.
     *
     * @throws BadFileException if a file is damaged
     */
    public static Map<String, String> specialTokens(Path directory) throws IOException {
        JsonPart config = JsonPart.readIfPresent(directory.resolve("config.json"));
        JsonPart settings = JsonPart.readIfPresent(directory.resolve("tokenizer_config.json"));
        JsonPart none = new JsonPart(directory.resolve("tokenizer_config.json"), "", Map.of());
        SpecialTokens special = SpecialTokens.read(directory, settings, null);
        new TokenizerRecipe(TokenizerClass.of(directory, config, settings), none, settings == null ? none : settings)
                .name(special);
        Map<String, String> texts = new TreeMap<>();
        for (String name : SPECIAL) {
            AddedToken token = special.named(name);
            if (token != null) {
                texts.put(name, token.content());
            }
        }
        return texts;
    }

    /**
     * Token ids of a text, or of two.
     *
     * @param types segment of each
     * @param isCut whether tokens of a text were left out
     */
    public record Tokens(int[] ids, int[] types, boolean isCut) {}

    /** Which of two texts is cut where they are too long together. */
    public enum Cut {
        /** The longer one first, and then both. */
        LONGER,
        /** The first one. */
        FIRST,
        /** The second one. */
        SECOND
    }

    /**
     * Token ids of two texts with the tokens that the tokenizer puts around and between them.
     *
     * @param maxLength of all ids
     * @throws BadInputException as {@link #encode(String, boolean)}; if the text that is not cut is longer
     */
    public Tokens encodePair(String first, String second, Cut cut, int maxLength) {
        PairTemplate pair = traits.postProcessor().pair();
        int most = room(maxLength, pair.special());
        int[] a = known(this.first.of(first, most + 1));
        int[] b = known(this.first.of(second, most + 1));
        if (cut == Cut.LONGER
                && a.length > most
                && b.length > most) { // which one is longer decides who gets the odd token
            a = known(this.first.all(first));
            b = known(this.first.all(second));
        }
        int[] lengths =
                switch (cut) {
                    case LONGER -> PairTemplate.lengths(a.length, b.length, most);
                    case FIRST -> new int[] {Math.min(a.length, most - requireRoom(b.length, most)), b.length};
                    case SECOND -> new int[] {a.length, Math.min(b.length, most - requireRoom(a.length, most))};
                };
        boolean isCut = lengths[0] < a.length || lengths[1] < b.length;
        return pair.of(cut(a, lengths[0]), cut(b, lengths[1]), isCut);
    }

    /** What is not cut leaves room for at least one token of the other text. */
    private static int requireRoom(int length, int most) {
        if (length >= most) {
            throw new BadInputException("two texts were to be put together, of which one is not cut; it has " + length
                    + " tokens or more where " + (most - 1) + " fit. Shorten it, or raise the greatest length.");
        }
        return length;
    }

    /** Where the second of two texts begins among their ids, if the first has so many. */
    public int secondAt(int firstLength) {
        return traits.postProcessor().pair().secondAt(firstLength);
    }

    /** Ids of two texts with the tokens that the tokenizer puts around and between them. */
    public Tokens join(int[] first, int[] second) {
        return traits.postProcessor().pair().of(first, second, false);
    }

    /** How many tokens the tokenizer puts around and between two texts. */
    public int specialOfPairs() {
        return traits.postProcessor().pair().special();
    }

    /** Ids of a text with the tokens that the tokenizer puts around it. */
    public int[] around(int... ids) {
        return joined(
                traits.postProcessor().before(), ids, traits.postProcessor().after());
    }

    /** How many tokens the tokenizer puts in front of a text. */
    public int inFront() {
        return traits.postProcessor().before().length;
    }

    /** Token ids of a text to be continued: with the tokens that begin a text, without those that end it. */
    public int[] encodePrompt(String prompt) {
        return begin(known(first.all(prompt)));
    }

    /**
     * Token ids of a text to learn.
     *
     * @param ids at most as many as were asked for
     * @param promptLength how many of them are not learnt
     */
    public record Example(int[] ids, int promptLength) {}

    /**
     * Token ids of a prompt and its completion: with the tokens that begin a text once, and the token that ends it once, at the end.
     *
     * @param prompt may be empty; the tokens that begin a text belong to it unless it is
     * @param maxLength more ids are cut off
     */
    public Example encodeExample(String prompt, String completion, int maxLength) {
        int[] start = prompt.isEmpty() ? new int[0] : cut(begin(known(first.of(prompt, maxLength))), maxLength);
        int[] text = known(first.of(completion, maxLength - start.length));
        int[] ids = prompt.isEmpty() ? begin(text) : joined(start, text);
        return new Example(cut(end(ids), maxLength), start.length);
    }

    /**
     * Cuts ids of a text with the special tokens around it, which stay.
     *
     * @throws BadInputException if the special tokens alone are longer
     */
    public int[] shorten(int[] ids, int maxLength) {
        int[] after = traits.postProcessor().after();
        room(maxLength);
        return ids.length <= maxLength ? ids : joined(Arrays.copyOf(ids, maxLength - after.length), after);
    }

    /** Tokens of a text between its special tokens. */
    private int room(int maxLength) {
        return room(
                maxLength,
                traits.postProcessor().before().length + traits.postProcessor().after().length);
    }

    private static int room(int maxLength, int special) {
        if (maxLength < special) {
            throw new BadInputException("a text of at most " + maxLength
                    + " tokens was asked for, and this tokenizer puts " + special
                    + " special ones around it. Raise the greatest length.");
        }
        return maxLength - special;
    }

    /** With the tokens that begin a text, if it does not begin with them. */
    private int[] begin(int[] ids) {
        int[] before = traits.postProcessor().before();
        boolean there = ids.length >= before.length && Arrays.mismatch(before, Arrays.copyOf(ids, before.length)) < 0;
        return there ? ids : joined(before, ids);
    }

    /** With the tokens that end a text, of which the end token comes last and once. */
    private int[] end(int[] ids) {
        int[] after = Arrays.stream(traits.postProcessor().after())
                .filter(id -> id != traits.end())
                .toArray();
        boolean there = traits.end() < 0 || (ids.length > 0 && ids[ids.length - 1] == traits.end());
        return there && after.length == 0
                ? ids
                : joined(ids, after, traits.end() < 0 ? new int[0] : new int[] {traits.end()});
    }

    private static int[] cut(int[] ids, int length) {
        return ids.length <= length ? ids : Arrays.copyOf(ids, length);
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    /** Refuses ids that the model has no embedding for. */
    private int[] known(int[] ids) {
        for (int id : ids) {
            if (id >= vocabularySize) {
                throw new BadInputException("the text holds the token "
                        + JsonPart.shown(traits.foreign().get(id)) + ", whose id " + id + " is not below the "
                        + vocabularySize + " of the model (vocab_size). Take it out of the text.");
            }
        }
        return ids;
    }

    /** The text of token ids, without special tokens. */
    public String decode(int... ids) {
        String text = first.decode(ids);
        return traits.cleansUp() ? TokenizerTraits.cleanUp(text) : text;
    }

    /** Whether the text of ids loses some of its spaces, by what comes behind them. */
    boolean cleansUp() {
        return traits.cleansUp();
    }

    /** The id of the token that ends a text to learn, or -1 if neither the tokenizer nor its model has one. */
    public int endToken() {
        return traits.end();
    }

    /**
     * The id of the token that stands for a hidden one.
     *
     * @throws BadInputException if the tokenizer has none
     */
    public int maskToken() {
        if (traits.mask() < 0) {
            throw new BadInputException("tokens were to be hidden, and this tokenizer has no token that stands for them"
                    + " (mask_token). Use the tokenizer of an encoder.");
        }
        return traits.mask();
    }

    /** Whether a token stands for no text: one that begins, ends, hides or separates, or stands for what is not known. */
    public boolean isSpecial(int id) {
        return traits.special().contains(id);
    }

    /** Number of token ids V of the model. */
    public int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
