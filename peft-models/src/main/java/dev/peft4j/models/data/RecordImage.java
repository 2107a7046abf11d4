package dev.peft4j.models.data;

import dev.peft4j.core.data.Example;
import dev.peft4j.models.ModelInput;
import java.io.IOException;

/** The image of a record. */
public interface RecordImage {
    /**
     * What a model reads of it, made when a batch needs it.
     *
     * @param labels what labels mean
     * @param input of the model
     * @throws dev.peft4j.core.error.BadInputException if its label means nothing, or the model reads texts
     */
    Example example(Labels labels, ModelInput input);

    /**
     * Makes sure that it has the size of another one when both are prepared.
     *
     * @throws dev.peft4j.core.error.BadInputException if not
     */
    void requireSizeOf(RecordImage other, ModelInput input);

    /**
     * A small image for a page, as a PNG file.
     *
     * @param side of the square that it lies in, in pixels; smaller images stay as they are
     * @throws IOException if it cannot be read any more
     */
    byte[] thumbnail(int side) throws IOException;
}
