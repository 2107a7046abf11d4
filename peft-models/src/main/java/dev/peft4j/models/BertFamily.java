package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.List;

/** BERT for the service loader (Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>). */
public final class BertFamily implements ModelFamily {
    private static final String PREFIX = "bert.";
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "query", "value")
            .targets("IA3", "key", "value", "output.dense")
            .feedForward("output.dense")
            .head(TaskType.SEQ_CLS, "classifier", "BertForSequenceClassification")
            .head(TaskType.TOKEN_CLS, "classifier", "BertForTokenClassification")
            .head(TaskType.QUESTION_ANS, "qa_outputs", "BertForQuestionAnswering")
            .head(TaskType.MASKED_LM, "cls.predictions.decoder", "BertForMaskedLM")
            .head(TaskType.FEATURE_EXTRACTION, "", "BertModel")
            .adapters(".attention.output", ".output")
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("bert");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        EncoderForm form = new EncoderForm(
                source.config(), PREFIX, source.task(), EncoderForm.Fields.BERT, EncoderForm.Defaults.BERT);
        Encoder model = new PostNormEncoder(source, TRAITS, form, head(source, form));
        if (source.task() == TaskType.FEATURE_EXTRACTION) {
            model.setLayersElsewhere(List.of("pooler.dense")); // which changes no vector
        }
        return model;
    }

    private static EncoderHead head(ModelSource source, EncoderForm form) throws IOException {
        double dropout = source.config().probability("classifier_dropout", form.dropout());
        return switch (source.task()) {
            case SEQ_CLS -> EncoderHead.dense(0, "bert.pooler.dense", Activation.TANH, dropout);
            case MASKED_LM ->
                EncoderHead.ofHiddenTokens(
                        "cls.predictions.transform.dense",
                        form.activation(),
                        "cls.predictions.transform.LayerNorm",
                        form.eps(),
                        "cls.predictions.bias");
            case QUESTION_ANS -> EncoderHead.plain(0);
            default -> EncoderHead.plain(dropout);
        };
    }
}
