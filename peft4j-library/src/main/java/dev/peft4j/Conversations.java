package dev.peft4j;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.chat.Chat;
import dev.peft4j.models.chat.ChatEncoder;
import dev.peft4j.models.chat.ChatReader;
import dev.peft4j.models.chat.ChatTemplate;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Conversations to train on, and some that are held out. They are rendered by the chat template of the checkpoint, and what the assistant says is learnt. Immutable. If
 * nothing was held out when training begins, a tenth is.
 */
public final class Conversations extends TrainingData {
    private final Sides<Chat> sides;

    private Conversations(Sides<Chat> sides) {
        this.sides = sides;
    }

    /**
     * Reads {@code .jsonl} (and {@code .gz}, {@code .parquet}) with {@code messages}, ShareGPT's {@code conversations}, or Alpaca's {@code instruction}, {@code input} and {@code output}.
     *
     * @throws dev.peft4j.core.error.BadFileException with the line, if a record is damaged or of another form
     * @throws dev.peft4j.core.error.BadInputException with the line, if roles are out of order or an answer is empty
     */
    public static Conversations read(Path file) throws IOException {
        return of(ChatReader.read(file));
    }

    /** Conversations that an application has. */
    public static Conversations of(List<Chat> chats) {
        return new Conversations(Sides.of(chats));
    }

    /** Holds out a share, drawn with a seed: from 0 up to but not including 1. */
    public Conversations split(double share, long seed) {
        return new Conversations(sides.split(Chat::messages, share, seed));
    }

    /** Holds out the conversations of another one. */
    public Conversations heldOut(Conversations other) {
        return new Conversations(sides.heldOut(other.sides));
    }

    @Override
    Conversations splitUnless(double share, long seed, TaskType task) {
        return sides.isSplit() ? this : split(share, seed);
    }

    @Override
    int size(boolean heldOut) {
        return sides.side(heldOut).size();
    }

    @Override
    RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, int maxLength, boolean heldOut)
            throws IOException {
        ChatTemplate template = ChatTemplate.open(base.model().directory());
        return ChatEncoder.forModel(base.model(), template, base.tokenizer(), rowsInFront, maxLength)
                .encode(sides.side(heldOut));
    }
}
