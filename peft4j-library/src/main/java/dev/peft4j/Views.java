package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.chat.ChatTemplate;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a model does of its task, with some adapters. */
final class Views {
    private Views() {}

    /**
     * What a view is made of.
     *
     * @param base of the adapters
     * @param calls of each pass
     * @param labels what it predicts; of a task that has none they mean nothing
     * @param rowsInFront places of the context that adapters take
     * @param onClose what closing the view does
     */
    record Parts(Base base, Function<Pass, Call> calls, Labels labels, int rowsInFront, Runnable onClose) {
        TextClassifier classifier() {
            return new TextClassifier(base, calls, labels, rowsInFront, onClose);
        }

        ImageClassifier imageClassifier() {
            return new ImageClassifier(base, calls, labels, onClose);
        }

        TokenTagger tagger() {
            return new TokenTagger(base, calls, labels, rowsInFront, onClose);
        }

        QuestionAnswerer answerer() {
            return new QuestionAnswerer(base, calls, rowsInFront, onClose);
        }

        TextEncoder encoder() {
            return new TextEncoder(base, calls, rowsInFront, onClose);
        }
    }

    /**
     * Opens a model for a view of it, which closes the model with itself.
     *
     * @param task null for that of the checkpoint
     * @param adapter null for none
     */
    static Parts open(Path base, @Nullable TaskType task, TaskType wanted, @Nullable Path adapter) throws IOException {
        List<Path> adapters = adapter == null ? List.of() : List.of(adapter);
        Base.requireModel(base);
        ModelInfo.read(base, wanted, adapters); // says what an adapter of another task is
        OpenModel model = OpenModel.openFor(base, task, adapters);
        try {
            if (adapter != null) {
                model.load("adapter", adapter);
            }
            return model.parts(wanted, model::close, adapter == null ? List.of() : List.of("adapter"));
        } catch (IOException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** The directory of an adapter that has a name, or null for none. */
    static @Nullable Path path(@Nullable String adapter) throws IOException {
        return adapter == null ? null : HubPath.of(adapter);
    }

    /** Texts by some adapters of a model. */
    static TextGeneration texts(OpenModel model, List<String> names) {
        return (prompt, config, onText) -> {
            require(model.info(), TaskType.CAUSAL_LM);
            try (Chosen c = model.choose(names)) {
                return new CallGeneration(c.base().model(), c.base().tokenizer(), c.calls())
                        .generateWhile(prompt, config, onText);
            } catch (IOException e) { // the base of a language model was read when it was opened
                throw new UncheckedIOException(e.getMessage(), e);
            }
        };
    }

    /** Answers by the chat template of a model. */
    static ChatGeneration chat(OpenModel model, List<String> names) throws IOException {
        return new ChatGeneration(ChatTemplate.open(model.directory()), use -> {
            try (Chosen c = model.choose(names)) {
                return use.apply(new CallGeneration(c.base().model(), c.base().tokenizer(), c.calls()));
            } catch (IOException e) { // the base of a language model was read when it was opened
                throw new UncheckedIOException(e.getMessage(), e);
            }
        });
    }

    /**
     * Makes sure that a model is for a task.
     *
     * @throws BadInputException if it is for another
     */
    static void require(ModelInfo info, TaskType wanted) {
        if (info.task() != wanted) {
            throw new BadInputException(switch (wanted) {
                        case CAUSAL_LM -> "text was to be generated";
                        case SEQ_CLS -> "texts were to be classified";
                        case TOKEN_CLS -> "words were to be tagged";
                        case QUESTION_ANS -> "questions were to be answered";
                        case FEATURE_EXTRACTION -> "texts were to be turned into vectors";
                        case MASKED_LM -> "hidden tokens were to be predicted";
                        case IMAGE_CLS -> "images were to be classified";
                    }
                    + ", and this " + info.modelType() + " model "
                    + switch (info.task()) {
                        case CAUSAL_LM -> "predicts tokens. Open an encoder, or generate.";
                        case SEQ_CLS -> "classifies. Open a language model, or classify.";
                        case IMAGE_CLS -> "reads images. Open a model of texts, or classify images.";
                        default -> "is open for " + info.task() + ". Open it for " + wanted + ".";
                    });
        }
    }
}
