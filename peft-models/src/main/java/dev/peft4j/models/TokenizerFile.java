package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a directory, read and checked before the library sees it: a value that the library does not expect ends the whole process.
 *
 * <p>The result gives the ids that transformers gives, which reads more files than {@code tokenizer.json} ({@link TokenizerClass}).
 *
 * @param json what the library gets
 * @param traits what has to be known while the tokenizer is used
 */
record TokenizerFile(String json, TokenizerTraits traits) {

    /**
     * Reads the tokenizer of a directory.
     *
     * @param vocabularySize of the model
     * @throws BadFileException if there is none, or a part of it is not what it should be
     */
    static TokenizerFile read(Path directory, int vocabularySize) throws IOException {
        Path path = directory.resolve("tokenizer.json");
        if (!Files.isRegularFile(path)) {
            throw new BadFileException(
                    path,
                    "a tokenizer was expected here and there is none. Save the tokenizer of the model in"
                            + " this directory (AutoTokenizer.from_pretrained(..).save_pretrained(dir)).");
        }
        JsonPart file = JsonPart.read(path);
        JsonPart config = JsonPart.readIfPresent(directory.resolve("config.json"));
        JsonPart settings = JsonPart.readIfPresent(directory.resolve("tokenizer_config.json"));
        TokenizerClass kind = TokenizerClass.of(directory, config, settings);
        refuse(settings);
        checkHead(file);
        SpecialTokens special = SpecialTokens.read(directory, settings, file);
        JsonPart none = new JsonPart(directory.resolve("tokenizer_config.json"), "", Map.of());
        TokenizerRecipe recipe = new TokenizerRecipe(kind, file, settings == null ? none : settings);
        recipe.name(special);
        padding(file, special);
        if (kind != TokenizerClass.FILE) { // the parts that the class does not use have to be good, too
            Parts.of(file, vocabularySize);
            PostProcessor.of(file.objectOrNull("post_processor"), vocabularySize);
        }
        Parts parts = Parts.of(recipe.parts(special), vocabularySize);
        AddedTokens added = added(file, parts.model, kind, special, recipe);
        PostProcessor postProcessor = recipe.postProcessor(special, added, vocabularySize);
        check(file, added, parts.normalizer);
        Map<String, Object> json = TokenizerParts.fields(
                "version",
                "1.0",
                "truncation",
                null,
                "padding",
                null,
                "added_tokens",
                json(file, added),
                "normalizer",
                parts.normalizer,
                "pre_tokenizer",
                parts.preTokenizer,
                "post_processor",
                postProcessor.json(),
                "decoder",
                parts.decoder,
                "model",
                parts.model.json());
        boolean cleansUp = settings != null && settings.flag("clean_up_tokenization_spaces", false);
        int end = end(directory, special, added, vocabularySize);
        return new TokenizerFile(
                JsonPart.print(json),
                parts.traits(
                        postProcessor,
                        added,
                        vocabularySize,
                        end,
                        mask(special, added, vocabularySize),
                        special.ids(added),
                        cleansUp));
    }

    /**
     * The checked parts.
     *
     * @param encoding what becomes of a text
     * @param decoding what becomes of tokens
     */
    private record Parts(
            @Nullable Map<String, Object> normalizer,
            @Nullable Map<String, Object> preTokenizer,
            @Nullable Map<String, Object> decoder,
            ModelPart model,
            TextGrowth encoding,
            TextGrowth decoding) {

        static Parts of(JsonPart file, int vocabularySize) throws BadFileException {
            TokenizerParts encoding = new TokenizerParts();
            Map<String, Object> normalizer = encoding.normalizer(file.objectOrNull("normalizer"));
            Map<String, Object> preTokenizer = encoding.preTokenizer(file.objectOrNull("pre_tokenizer"));
            TokenizerParts decoding = new TokenizerParts();
            Map<String, Object> decoder = decoding.decoder(file.objectOrNull("decoder"));
            boolean bytes =
                    TokenizerParts.has(normalizer, "ByteLevel") || TokenizerParts.has(preTokenizer, "ByteLevel");
            ModelPart model = ModelPart.of(file.object("model"), vocabularySize, bytes);
            if (encoding.growth().longestText() == 0 || decoding.growth().longestText() == 0) {
                throw file.bad("what its parts make of a text is too long, or takes more steps than the library does: "
                        + encoding.growth() + ". Use another tokenizer.");
            }
            return new Parts(normalizer, preTokenizer, decoder, model, encoding.growth(), decoding.growth());
        }

        TokenizerTraits traits(
                PostProcessor postProcessor,
                AddedTokens added,
                int vocabularySize,
                int end,
                int mask,
                Set<Integer> special,
                boolean cleansUp) {
            Map<Integer, String> foreign = new HashMap<>();
            int[] lengths = new int[vocabularySize];
            model.ids().forEach((token, id) -> lengths[id] = token.length());
            int longestAdded = 0;
            boolean spans = model.spansWords();
            for (AddedToken token : added.all()) {
                int id = added.id(token.content());
                if (id < vocabularySize) {
                    lengths[id] = token.content().length();
                } else {
                    foreign.put(id, token.content());
                }
                longestAdded = Math.max(longestAdded, token.content().length());
                spans |= ModelPart.spansWords(token.content());
            }
            boolean fallsBack = Boolean.TRUE.equals(model.json().get("byte_fallback"));
            return new TokenizerTraits(
                    model.kind(),
                    postProcessor,
                    foreign,
                    end,
                    mask,
                    special,
                    encoding.longestText(),
                    encoding.decomposes(),
                    encoding.growth() * (fallsBack ? 4 : 1),
                    decoding.longestText(),
                    decoding.growth(),
                    lengths,
                    model.longestToken(),
                    longestAdded,
                    model.longestWord(),
                    !spans && !encoding.joinsWords(),
                    cleansUp && model.kind() != ModelPart.Kind.BPE);
        }
    }

    /** Settings that change ids in a way that is not computed here. */
    private static void refuse(@Nullable JsonPart settings) throws BadFileException {
        if (settings == null) {
            return;
        }
        if (settings.flag("split_special_tokens", false)) {
            throw settings.bad("\"split_special_tokens\" is true, which is not supported: special tokens in a text are"
                    + " found as such. Set it to false.");
        }
        if (settings.flag("fix_mistral_regex", false)) {
            throw settings.bad("\"fix_mistral_regex\" is true, which is not supported. Save the tokenizer again.");
        }
        if (settings.has("fast_tokenizer_files")
                && settings.list("fast_tokenizer_files").stream().anyMatch(f -> !"tokenizer.json".equals(f))) {
            throw settings.bad("\"fast_tokenizer_files\" names other files than tokenizer.json, which are not read."
                    + " Save the tokenizer again.");
        }
    }

    private static void checkHead(JsonPart file) throws BadFileException {
        if (file.fields().containsKey("version") && !"1.0".equals(file.fields().get("version"))) {
            throw file.bad("version " + JsonPart.shown(file.fields().get("version"))
                    + " was found, \"1.0\" was expected. Save the tokenizer again.");
        }
        JsonPart truncation = file.objectOrNull("truncation");
        if (truncation != null) {
            truncation.whole("max_length", 0, Integer.MAX_VALUE);
            truncation.whole("stride", 0, Integer.MAX_VALUE);
            truncation.word("strategy", List.of("LongestFirst", "OnlyFirst", "OnlySecond"));
            if (truncation.has("direction")) {
                truncation.word("direction", List.of("Left", "Right"));
            }
        }
    }

    /** A token that the file pads with is a special token. */
    private static void padding(JsonPart file, SpecialTokens special) throws BadFileException {
        JsonPart padding = file.objectOrNull("padding");
        if (padding == null) {
            return;
        }
        if (padding.fields().get("strategy") instanceof String) {
            padding.word("strategy", List.of("BatchLongest"));
        } else {
            padding.object("strategy").whole("Fixed", 0, Integer.MAX_VALUE);
        }
        padding.word("direction", List.of("Left", "Right"));
        padding.whole("pad_id", 0, Integer.MAX_VALUE);
        padding.whole("pad_type_id", 0, Integer.MAX_VALUE);
        if (padding.has("pad_to_multiple_of")) {
            padding.whole("pad_to_multiple_of", 0, Integer.MAX_VALUE);
        }
        special.putIfUnnamed("pad_token", padding.text("pad_token"));
    }

    private static AddedTokens added(
            JsonPart file, ModelPart model, TokenizerClass kind, SpecialTokens special, TokenizerRecipe recipe)
            throws BadFileException {
        AddedTokens added = new AddedTokens(model);
        List<AddedToken> inFile = new ArrayList<>();
        for (int i = 0; i < SpecialTokens.count(file); i++) {
            JsonPart element = file.element("added_tokens", i);
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
                element.flag(flag);
            }
            inFile.add(AddedToken.of(element));
        }
        if (kind == TokenizerClass.FILE) {
            added.add(inFile);
        }
        added.add(special.toAdd(added));
        added.add(recipe.addedAgain(special));
        return added;
    }

    private static List<Object> json(JsonPart file, AddedTokens added) throws BadFileException {
        try {
            return added.json();
        } catch (IllegalArgumentException e) {
            throw file.bad("added_tokens: " + e.getMessage() + ". Save the tokenizer again.");
        }
    }

    /** The library searches for the normalised texts of added tokens, and ends the process on some. */
    private static void check(JsonPart file, AddedTokens added, @Nullable Map<String, Object> normalizer)
            throws IOException {
        List<AddedToken> tokens = added.all();
        boolean eatsBehind = tokens.stream().anyMatch(AddedToken::rstrip);
        Map<String, String> texts = normalizer == null ? Map.of() : normalized(tokens, normalizer);
        Set<String> normalized = new HashSet<>();
        for (AddedToken token : tokens) {
            String text = texts.getOrDefault(token.content(), token.content());
            if (text.isEmpty() || (token.isNormalized() && !normalized.add(text))) {
                throw file.bad(
                        "added_tokens: " + JsonPart.shown(token.content()) + " becomes " + JsonPart.shown(text)
                                + " by the normalizer, which is nothing or what another token becomes. Set normalized to false.");
            }
            if (eatsBehind && token.lstrip() && text.isBlank()) {
                throw file.bad(
                        "added_tokens: " + JsonPart.shown(token.content()) + " is white space and takes more of it"
                                + " (lstrip), as other tokens do (rstrip). Set one of them to false.");
            }
        }
    }

    /** What the library's normaliser makes of tokens: asked of a tokenizer whose tokens are bytes. */
    private static Map<String, String> normalized(List<AddedToken> tokens, Map<String, Object> normalizer)
            throws IOException {
        List<String> contents = tokens.stream()
                .filter(AddedToken::isNormalized)
                .map(AddedToken::content)
                .toList();
        if (contents.isEmpty()) {
            return Map.of();
        }
        Map<String, Object> bytes = TokenizerParts.fields();
        for (int b = 0; b < 256; b++) {
            bytes.put(String.format("<0x%02X>", b), b);
        }
        Map<String, Object> model =
                TokenizerParts.fields("type", "BPE", "byte_fallback", true, "vocab", bytes, "merges", List.of());
        Map<String, Object> json = TokenizerParts.fields(
                "version", "1.0", "added_tokens", List.of(), "normalizer", normalizer, "model", model);
        Map<String, String> texts = new HashMap<>();
        try (NativeTokenizer tokenizer = NativeTokenizer.open(JsonPart.print(json))) {
            for (String content : contents) {
                int[] ids = tokenizer.encode(content, 1 << 20);
                byte[] utf8 = new byte[ids.length];
                for (int i = 0; i < ids.length; i++) {
                    utf8[i] = (byte) ids[i];
                }
                texts.put(content, new String(utf8, StandardCharsets.UTF_8));
            }
        }
        return texts;
    }

    /** The id of the token that stands for a hidden one, or -1. */
    private static int mask(SpecialTokens special, AddedTokens added, int vocabularySize) {
        AddedToken named = special.named("mask_token");
        int id = named == null ? -1 : added.id(named.content());
        for (String usual : List.of("[MASK]", "<mask>")) {
            id = id < 0 ? added.id(usual) : id;
        }
        return id < vocabularySize ? id : -1;
    }

    /** The id of the token that ends a text: that of the tokenizer, or the first that the model's files name. */
    private static int end(Path directory, SpecialTokens special, AddedTokens added, int vocabularySize)
            throws IOException {
        AddedToken end = special.named("eos_token");
        int id = end == null ? -1 : added.id(end.content());
        if (id >= vocabularySize && special.isGiven("eos_token")) {
            throw new BadFileException(
                    directory.resolve("tokenizer_config.json"),
                    "eos_token has the id " + id + ", the model has " + vocabularySize
                            + " (vocab_size). They do not belong together; use the tokenizer of this model.");
        }
        if (id >= 0 && id < vocabularySize) {
            return id;
        }
        return EndTokens.ofModel(directory, vocabularySize).stream().findFirst().orElse(-1);
    }
}
