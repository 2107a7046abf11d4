package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the files of the library sentence-transformers say of the vectors of a model: {@code modules.json}, the {@code config.json} of its pooling, and
 * {@code sentence_bert_config.json}. A directory without them has the mean of the hidden states, of length 1.
 *
 * @param pooling how a sequence becomes one row
 * @param isNormalised whether vectors have the length 1
 * @param longest most tokens that a text is cut to
 */
record SentenceFiles(Pooling pooling, boolean isNormalised, int longest) {
    private static final Logger LOG = LoggerFactory.getLogger(SentenceFiles.class);
    private static final String MODULES = "modules.json";
    private static final String POOLING = "1_Pooling"; // where it is unless modules.json says so
    private static final String CONFIG = "config.json";
    private static final List<String> SETTINGS = Stream.of(
                    "bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta")
            .map(family -> "sentence_" + family + "_config.json") // older ones have the name of the family
            .toList();
    /** Names of all these files, with that of the pooling where {@code modules.json} names no other. */
    static final List<String> NAMES = Stream.concat(Stream.of(MODULES, POOLING + "/" + CONFIG), SETTINGS.stream())
            .toList();

    private static final String TOKENIZER = "tokenizer_config.json";
    private static final String MODE = "pooling_mode";
    private static final Map<String, Pooling> MODES =
            Map.of("mean", Pooling.MEAN, "mean_tokens", Pooling.MEAN, "cls", Pooling.FIRST, "cls_token", Pooling.FIRST);
    private static final Pattern FOLDER = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}");

    /**
     * Reads them.
     *
     * @throws BadFileException if one is damaged, or asks for what is not computed here
     */
    static SentenceFiles read(Path directory) throws IOException {
        boolean normalised = true;
        String folder = POOLING;
        Path file = directory.resolve(MODULES);
        if (Files.exists(file)) {
            List<JsonPart> modules = JsonPart.readList(file);
            List<String> kinds = new ArrayList<>();
            for (JsonPart module : modules) {
                kinds.add(kind(module.text("type")));
            }
            normalised = kinds.equals(List.of("Transformer", "Pooling", "Normalize"));
            if (!normalised && !kinds.equals(List.of("Transformer", "Pooling"))) {
                throw new BadFileException(
                        file,
                        "names the modules " + kinds
                                + "; vectors are made by [Transformer, Pooling, Normalize], or without"
                                + " the last one. Use a checkpoint of these alone.");
            }
            if (!modules.get(0).text("path").isEmpty()) {
                throw modules.get(0)
                        .bad(
                                "the Transformer is in the folder "
                                        + JsonPart.shown(modules.get(0).text("path"))
                                        + ", and it is read from the directory itself. Move its files there, and empty the path.");
            }
            folder = modules.get(1).text("path");
            if (!FOLDER.matcher(folder).matches()) {
                throw modules.get(1)
                        .bad("the folder " + JsonPart.shown(folder)
                                + " was given for Pooling, which is no name of one in"
                                + " this directory. Correct the path, such as " + POOLING + ".");
            }
            if (!Files.exists(directory.resolve(folder).resolve(CONFIG))) {
                throw new BadFileException(
                        directory.resolve(folder).resolve(CONFIG),
                        "is not there, and " + MODULES + " says that it says how vectors are made. Get the file.");
            }
        }
        JsonPart config = JsonPart.readIfPresent(directory.resolve(folder).resolve(CONFIG));
        Pooling pooling = config == null ? Pooling.MEAN : pooling(config);
        if (!Files.exists(file)) {
            LOG.warn(
                    "{}: has no {}, so vectors are {}, of length 1. If the checkpoint is one of sentence-transformers, get"
                            + " the file; it may ask for others",
                    directory,
                    MODULES,
                    pooling == Pooling.MEAN ? "the mean of the hidden states" : "the hidden states of first tokens");
        }
        return new SentenceFiles(pooling, normalised, longest(directory));
    }

    /**
     * The name of the file that says how a sequence becomes one row: in the folder that {@code modules.json} names, or in the usual one if that names none or what
     * is no name of a folder here, which {@link #read} refuses.
     */
    static String poolingConfig(Path directory) throws IOException {
        Path file = directory.resolve(MODULES);
        String folder = POOLING;
        try {
            for (JsonPart module : Files.isRegularFile(file) ? JsonPart.readList(file) : List.<JsonPart>of()) {
                if (kind(module.text("type")).equals("Pooling")) {
                    folder = module.text("path");
                }
            }
        } catch (BadFileException e) {
            LOG.debug("{}: names no pooling: {}", directory, e.getMessage());
        }
        return (FOLDER.matcher(folder).matches() ? folder : POOLING) + "/" + CONFIG;
    }

    /** The class of a module, without the package that it is in. */
    private static String kind(String type) {
        return type.substring(type.lastIndexOf('.') + 1);
    }

    /** A mode by its name, or by the one of the flags that is set; the mean where nothing is said. */
    private static Pooling pooling(JsonPart config) throws IOException {
        List<String> asked = new ArrayList<>();
        boolean told = false;
        for (String name : config.names()) {
            if (name.equals(MODE) && config.has(name)) {
                told = true;
                asked.add(config.text(name));
            } else if (name.startsWith(MODE + "_")) {
                told = true;
                if (config.flag(name, false)) {
                    asked.add(name.substring(MODE.length() + 1));
                }
            }
        }
        Pooling found = told ? (asked.size() == 1 ? MODES.get(asked.get(0)) : null) : Pooling.MEAN;
        if (found == null) {
            throw config.bad(
                    "the pooling " + asked
                            + " was asked for; there are mean_tokens and cls_token, and only one of them. Use another checkpoint.");
        }
        return found;
    }

    private static int longest(Path directory) throws IOException {
        for (String name : SETTINGS) {
            JsonPart settings = JsonPart.readIfPresent(directory.resolve(name));
            if (settings != null) {
                if (settings.flag("do_lower_case", false) && !lowers(directory)) {
                    throw settings.bad(
                            "\"do_lower_case\" is true, and " + TOKENIZER + " does not say so, by which texts"
                                    + " are written in lower case. Set both to true if the tokenizer does so, or this one to false.");
                }
                return settings.has("max_seq_length")
                        ? settings.whole("max_seq_length", 1, Integer.MAX_VALUE)
                        : Integer.MAX_VALUE;
            }
        }
        return Integer.MAX_VALUE;
    }

    private static boolean lowers(Path directory) throws IOException {
        JsonPart tokenizer = JsonPart.readIfPresent(directory.resolve(TOKENIZER));
        return tokenizer != null && tokenizer.flag("do_lower_case", false);
    }
}
