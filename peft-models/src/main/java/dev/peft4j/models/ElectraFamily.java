package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.List;

/**
 * ELECTRA, the discriminator and the generator: BERT whose embeddings may be narrower than its layers.
 *
 * <p>Clark et al. 2020, <a href="https://arxiv.org/abs/2003.10555">paper</a>, section 3.
 */
public final class ElectraFamily implements ModelFamily {
    private static final String PREFIX = "electra.";
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "query", "value")
            .targets("IA3", "key", "value", "output.dense")
            .feedForward("output.dense")
            .head(TaskType.SEQ_CLS, "classifier.out_proj", "ElectraForSequenceClassification")
            .head(TaskType.TOKEN_CLS, "classifier", "ElectraForTokenClassification")
            .head(TaskType.QUESTION_ANS, "qa_outputs", "ElectraForQuestionAnswering")
            .head(TaskType.MASKED_LM, "generator_lm_head", "ElectraForMaskedLM")
            .head(TaskType.FEATURE_EXTRACTION, "", "ElectraModel")
            .adapters(".attention.output", ".output")
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("electra");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        Form form = new Form(source);
        return new PostNormEncoder(source, TRAITS, form, head(source, form));
    }

    private static EncoderHead head(ModelSource source, Form form) throws IOException {
        double dropout = source.config().probability("classifier_dropout", form.dropout());
        return switch (source.task()) {
            case SEQ_CLS -> EncoderHead.dense(dropout, "classifier.dense", Activation.GELU, dropout);
            case MASKED_LM ->
                EncoderHead.ofHiddenTokens(
                                "generator_predictions.dense",
                                Activation.GELU,
                                "generator_predictions.LayerNorm",
                                form.eps(),
                                "generator_lm_head.bias")
                        .withColumns(form.embeddingWidth());
            case QUESTION_ANS -> EncoderHead.plain(0);
            default -> EncoderHead.plain(dropout);
        };
    }

    private static final class Form extends EncoderForm {
        private static final Defaults DEFAULTS = new Defaults(30522, 512, 256, 1024, 12, 4);

        Form(ModelSource source) throws IOException {
            super(source.config(), PREFIX, source.task(), Fields.BERT, DEFAULTS);
        }

        @Override
        int embeddingWidth() throws IOException {
            return config().size("embedding_size", 128);
        }

        @Override
        String projection() {
            return "embeddings_project";
        }
    }
}
