package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.List;

/**
 * RoBERTa: BERT whose positions begin behind the number of the padding token, and whose heads have a layer of their own in place of a pooler.
 *
 * <p>Liu et al. 2019, <a href="https://arxiv.org/abs/1907.11692">paper</a>.
 */
public class RobertaFamily implements ModelFamily {
    private static final String PREFIX = "roberta.";

    private final String modelType;
    private final FamilyTraits traits;

    /** For the service loader. */
    public RobertaFamily() {
        this("roberta", "Roberta");
    }

    /**
     * A family of the same model.
     *
     * @param className of transformers, in front of {@code Model}
     */
    RobertaFamily(String modelType, String className) {
        this.modelType = modelType;
        this.traits = traits(className);
    }

    private static FamilyTraits traits(String className) {
        return FamilyTraits.builder(PREFIX)
                .targets("LORA", "query", "value")
                .targets("IA3", "key", "value", "output.dense")
                .feedForward("output.dense")
                .head(TaskType.SEQ_CLS, "classifier.out_proj", className + "ForSequenceClassification")
                .head(TaskType.TOKEN_CLS, "classifier", className + "ForTokenClassification")
                .head(TaskType.QUESTION_ANS, "qa_outputs", className + "ForQuestionAnswering")
                .head(TaskType.MASKED_LM, "lm_head.decoder", className + "ForMaskedLM")
                .head(TaskType.FEATURE_EXTRACTION, "", className + "Model")
                .adapters(".attention.output", ".output")
                .build();
    }

    @Override
    public final List<String> modelTypes() {
        return List.of(modelType);
    }

    @Override
    public final FamilyTraits traits() {
        return traits;
    }

    @Override
    public final Model load(ModelSource source) throws IOException {
        Form form = new Form(source);
        Encoder model = new PostNormEncoder(source, traits, form, head(source, form));
        if (source.task() == TaskType.FEATURE_EXTRACTION) {
            model.setLayersElsewhere(List.of("pooler.dense")); // which changes no vector
        }
        return model;
    }

    private static EncoderHead head(ModelSource source, Form form) throws IOException {
        double dropout = source.config().probability("classifier_dropout", form.dropout());
        return switch (source.task()) {
            case SEQ_CLS -> EncoderHead.dense(dropout, "classifier.dense", Activation.TANH, dropout);
            case MASKED_LM ->
                EncoderHead.ofHiddenTokens(
                        "lm_head.dense", Activation.GELU, "lm_head.layer_norm", form.eps(), "lm_head.bias");
            case QUESTION_ANS -> EncoderHead.plain(0);
            default -> EncoderHead.plain(dropout);
        };
    }

    private static final class Form extends EncoderForm {
        private static final Defaults DEFAULTS = new Defaults(50265, 512, 768, 3072, 12, 12);

        Form(ModelSource source) throws IOException {
            super(source.config(), PREFIX, source.task(), Fields.BERT, DEFAULTS);
        }

        @Override
        int uncounted() throws IOException {
            double padding = config().number("pad_token_id", 1);
            if (padding < 0 || padding >= positionRows() - 1 || padding != (int) padding) {
                throw config().bad("\"pad_token_id\" is " + padding + ", behind which positions begin; there are "
                        + positionRows() + " (max_position_embeddings). Correct config.json.");
            }
            return (int) padding;
        }

        @Override
        int padding() throws IOException {
            return uncounted();
        }

        @Override
        int firstPosition() throws IOException {
            return uncounted() + 1;
        }

        @Override
        int context() throws IOException {
            return positionRows() - firstPosition();
        }
    }
}
