package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.List;

/**
 * DistilBERT: BERT without segments and pooler, and with names of its own.
 *
 * <p>Sanh et al. 2019, <a href="https://arxiv.org/abs/1910.01108">paper</a>, section 3.
 */
public final class DistilBertFamily implements ModelFamily {
    private static final String PREFIX = "distilbert.";
    private static final double EPS = 1e-12;
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "q_lin", "v_lin")
            .targets("IA3", "k_lin", "v_lin", "ffn.lin2")
            .feedForward("ffn.lin2")
            .head(TaskType.SEQ_CLS, "classifier", "DistilBertForSequenceClassification")
            .head(TaskType.TOKEN_CLS, "classifier", "DistilBertForTokenClassification")
            .head(TaskType.QUESTION_ANS, "qa_outputs", "DistilBertForQuestionAnswering")
            .head(TaskType.MASKED_LM, "vocab_projector", "DistilBertForMaskedLM")
            .head(TaskType.FEATURE_EXTRACTION, "", "DistilBertModel")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("distilbert");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        Form form = new Form(source);
        return new PostNormEncoder(source, TRAITS, form, head(source.config(), source.task(), form));
    }

    private static EncoderHead head(ModelConfig config, TaskType task, Form form) throws IOException {
        return switch (task) {
            case SEQ_CLS ->
                EncoderHead.dense(0, "pre_classifier", Activation.RELU, config.probability("seq_classif_dropout", 0.2));
            case MASKED_LM ->
                EncoderHead.ofHiddenTokens(
                        "vocab_transform", form.activation(), "vocab_layer_norm", EPS, "vocab_projector.bias");
            case QUESTION_ANS -> EncoderHead.plain(config.probability("qa_dropout", 0.1));
            default -> EncoderHead.plain(form.dropout());
        };
    }

    private static final class Form extends EncoderForm {
        private static final Fields FIELDS =
                new Fields("dim", "hidden_dim", "n_layers", "n_heads", "dropout", "attention_dropout", "activation");
        private static final Defaults DEFAULTS = new Defaults(30522, 512, 768, 3072, 6, 12);
        private static final Names NAMES = new Names(
                "transformer.layer.",
                "attention.q_lin",
                "attention.k_lin",
                "attention.v_lin",
                "attention.out_lin",
                "sa_layer_norm",
                "ffn.lin1",
                "ffn.lin2",
                "output_layer_norm");

        Form(ModelSource source) throws IOException {
            super(source.config(), PREFIX, source.task(), FIELDS, DEFAULTS);
        }

        @Override
        double attentionOutputDropout() {
            return 0;
        }

        @Override
        double eps() {
            return EPS;
        }

        @Override
        int segments() {
            return 0;
        }

        @Override
        Names names() {
            return NAMES;
        }
    }
}
