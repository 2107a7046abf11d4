package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageInput;
import java.io.IOException;
import java.nio.file.Path;

/** What turns what people have into what a model reads: the tokenizer of a model of texts, or the preparation of images. */
public interface ModelInput extends AutoCloseable {
    /**
     * Opens what belongs to a model; the caller closes it.
     *
     * @throws dev.peft4j.core.error.BadFileException if there is none, or it is damaged
     */
    static ModelInput open(Path directory, Model model) throws IOException {
        return model.taskType() == TaskType.IMAGE_CLS
                ? ImageInput.read(directory)
                : TextTokenizer.open(directory, model.vocabularySize());
    }

    /**
     * The tokenizer.
     *
     * @param asked what needs it, as a message begins: {@code texts were to be classified}
     * @throws BadInputException if the model reads no texts
     */
    default TextTokenizer tokenizer(String asked) {
        if (this instanceof TextTokenizer texts) {
            return texts;
        }
        throw new BadInputException(asked + ", and this model reads images. Use a model of texts.");
    }

    /**
     * The same, where chance changes images that are trained on.
     *
     * @throws BadInputException if the model reads texts
     */
    default ModelInput with(Augmentation augmentation) {
        throw new BadInputException(augmentation + " was asked for, which is of images, and this model reads texts."
                + " Leave it out, or use a model of images.");
    }

    /** Frees what it holds. */
    @Override
    void close();
}
