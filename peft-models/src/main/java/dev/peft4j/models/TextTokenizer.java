package dev.peft4j.models;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tokenizer of a model directory: {@code tokenizer.json}, run by the Hugging Face library itself. Works offline. */
public final class TextTokenizer implements AutoCloseable {
    static {
        // DJL counts its uses over the network and may download natives unless it is told not to
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("ai.djl.offline", "true");
    }

    private final HuggingFaceTokenizer tokenizer;
    private final @Nullable String end;

    private TextTokenizer(HuggingFaceTokenizer tokenizer, @Nullable String end) {
        this.tokenizer = tokenizer;
        this.end = end;
    }

    /**
     * Opens the tokenizer of a model; the caller closes it.
     *
     * @param vocabularySize of the model
     * @throws BadFileException if there is none, it is damaged, or it makes ids that the model does not have
     * @throws IOException if the natives of the tokenizer cannot be unpacked
     */
    public static TextTokenizer open(Path directory, int vocabularySize) throws IOException {
        Path file = directory.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "a tokenizer was expected here and there is none. Save the tokenizer of the model in"
                            + " this directory (AutoTokenizer.from_pretrained(..).save_pretrained(dir)).");
        }
        checkVocabulary(file, vocabularySize);
        HuggingFaceTokenizer tokenizer;
        try {
            tokenizer = HuggingFaceTokenizer.builder()
                    .optTokenizerPath(file)
                    .optTruncation(false)
                    .optPadding(false)
                    .build();
        } catch (EngineException e) {
            throw new IOException(
                    "the natives of ai.djl.huggingface:tokenizers cannot be unpacked or loaded (" + e.getMessage()
                            + "). They need 20 MB in ~/.djl.ai or in the folder of temporary files; make room there, or name"
                            + " another folder with -DDJL_CACHE_DIR=DIR.",
                    e);
        } catch (RuntimeException e) {
            throw new BadFileException(
                    file, "is not a tokenizer that can be read: " + e.getMessage() + ". Save the tokenizer again.", e);
        }
        return new TextTokenizer(tokenizer, endToken(directory));
    }

    private static void checkVocabulary(Path file, int size) throws IOException {
        Map<String, Object> json = Json.read(file);
        int largest = -1;
        if (json.get("model") instanceof Map<?, ?> model && model.get("vocab") instanceof Map<?, ?> vocabulary) {
            for (Object id : vocabulary.values()) {
                largest = Math.max(largest, id instanceof Number n ? n.intValue() : -1);
            }
        }
        if (json.get("added_tokens") instanceof Iterable<?> added) {
            for (Object token : added) {
                if (token instanceof Map<?, ?> m && m.get("id") instanceof Number n) {
                    largest = Math.max(largest, n.intValue());
                }
            }
        }
        if (largest >= size) {
            throw new BadFileException(
                    file,
                    "the tokenizer makes ids up to " + largest + ", the model has " + size
                            + " (vocab_size). They do not belong together; use the tokenizer of this model.");
        }
    }

    private static @Nullable String endToken(Path directory) throws IOException {
        Path file = directory.resolve("tokenizer_config.json");
        if (!Files.isRegularFile(file)) {
            return null;
        }
        Object token = Json.read(file).get("eos_token");
        return token instanceof Map<?, ?> m ? String.valueOf(m.get("content")) : token instanceof String s ? s : null;
    }

    /** Token ids of a text. */
    public int[] encode(String text, boolean addSpecialTokens) {
        Encoding encoding = tokenizer.encode(text, addSpecialTokens, false);
        return toInts(encoding.getIds());
    }

    /** The text of token ids, without special tokens. */
    public String decode(int... ids) {
        long[] longs = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            longs[i] = ids[i];
        }
        return tokenizer.decode(longs, true);
    }

    /** The id of the token that ends a text, or -1 if the tokenizer has none. */
    public int endToken() {
        if (end == null) {
            return -1;
        }
        int[] ids = encode(end, false);
        return ids.length == 1 ? ids[0] : -1;
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
        tokenizer.close();
    }
}
