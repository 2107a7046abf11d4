package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The chat template of a checkpoint, wherever it keeps it, in the order of transformers 5: {@code chat_template.jinja}, then {@code tokenizer_config.json}, which
 * has a text or a list of templates with names, then {@code chat_template.json}, which processors of images write.
 *
 * @param file it is in
 * @param source its text
 */
record TemplateFiles(Path file, String source) {
    private static final String FIELD = "chat_template";
    private static final String DEFAULT = "default";
    private static final long MAX_BYTES = 4 << 20;

    /**
     * Finds the template of a directory.
     *
     * @throws BadFileException if there is none, or its file is damaged
     */
    static TemplateFiles of(Path directory) throws IOException {
        Path jinja = directory.resolve("chat_template.jinja");
        if (Files.isRegularFile(jinja)) {
            return new TemplateFiles(jinja, text(jinja));
        }
        Path settings = directory.resolve("tokenizer_config.json");
        for (Path file : List.of(settings, directory.resolve("chat_template.json"))) {
            Object found = Files.isRegularFile(file) ? Json.read(file).get(FIELD) : null;
            if (found != null) {
                return new TemplateFiles(file, source(file, found));
            }
        }
        throw new BadFileException(
                directory,
                "the chat template of the model was expected in chat_template.jinja or tokenizer_config.json, and there is"
                        + " none: it may be a model that was not trained for conversations. Take one that was, or put the"
                        + " template that it shall learn into chat_template.jinja.");
    }

    private static String text(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new BadFileException(
                    file,
                    "a chat template of at most " + MAX_BYTES + " bytes was expected, it has " + Files.size(file)
                            + ". It is not the file it should be.");
        }
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new BadFileException(
                    file, "a chat template was expected, and it is not UTF-8. Get the file again.", e);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    file, "a chat template was to be read: " + Problems.of(e) + ". Check the file and its rights.", e);
        }
    }

    private static String source(Path file, Object found) throws BadFileException {
        if (found instanceof String source) {
            return source;
        }
        List<String> names = new ArrayList<>();
        if (found instanceof List<?> several) {
            for (Object one : several) {
                if (one instanceof Map<?, ?> template
                        && template.get("name") instanceof String name
                        && template.get("template") instanceof String source) {
                    if (name.equals(DEFAULT)) {
                        return source;
                    }
                    names.add(name);
                }
            }
        }
        throw new BadFileException(
                file,
                FIELD + " is to be a text, or a list of {name, template} of which one is named " + DEFAULT + ", and "
                        + (names.isEmpty() ? "it is neither" : "it has the names " + names)
                        + ". Put the one to use into chat_template.jinja beside it.");
    }
}
