package dev.peft4j.models;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Which files of a Hugging Face directory belong to a model beside its config and its weights: what is downloaded with it, and copied when it is merged. */
public final class ModelFiles {
    private static final List<String> NAMES = Stream.concat(
                    Stream.of(
                            "generation_config.json",
                            "tokenizer.json",
                            "tokenizer_config.json",
                            "special_tokens_map.json",
                            "added_tokens.json",
                            "vocab.txt",
                            "vocab.json",
                            "merges.txt",
                            "tokenizer.model",
                            "spiece.model",
                            "sentencepiece.bpe.model",
                            "chat_template.jinja",
                            "chat_template.json",
                            "preprocessor_config.json"),
                    SentenceFiles.NAMES.stream())
            .toList();

    private ModelFiles() {}

    /** The names that such files have in every directory, whether or not this one has them: of the tokenizer, of sentence-transformers, and of the preparation of images. */
    public static List<String> names() {
        return NAMES;
    }

    /**
     * These names, and those that files of the directory name: the {@code config.json} of a pooling. Each is a name, or that of a folder and of a file in it.
     *
     * @throws IOException if a file cannot be read
     */
    public static List<String> of(Path directory) throws IOException {
        List<String> names = new ArrayList<>(NAMES);
        String pooling = SentenceFiles.poolingConfig(directory);
        if (!names.contains(pooling)) {
            names.add(pooling);
        }
        return names;
    }
}
