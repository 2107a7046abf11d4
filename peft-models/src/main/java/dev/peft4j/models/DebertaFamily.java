package dev.peft4j.models;

import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * DeBERTa-v2 and -v3: BERT whose attention reads distances of tokens ({@link RelativePositions}).
 *
 * <p>He et al. 2021, <a href="https://arxiv.org/abs/2006.03654">paper</a>; He et al. 2023, <a href="https://arxiv.org/abs/2111.09543">paper</a>.
 */
public final class DebertaFamily implements ModelFamily {
    private static final String PREFIX = "deberta.";
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "query_proj", "value_proj")
            .targets("IA3", "key_proj", "value_proj", "output.dense")
            .feedForward("output.dense")
            .head(TaskType.SEQ_CLS, "classifier", "DebertaV2ForSequenceClassification")
            .head(TaskType.TOKEN_CLS, "classifier", "DebertaV2ForTokenClassification")
            .head(TaskType.QUESTION_ANS, "qa_outputs", "DebertaV2ForQuestionAnswering")
            .head(TaskType.MASKED_LM, "cls.predictions.decoder", "DebertaV2ForMaskedLM")
            .head(TaskType.FEATURE_EXTRACTION, "", "DebertaV2Model")
            .adapters(".attention.output", ".output")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("deberta-v2");
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
                EncoderHead.dense(
                        config.probability("pooler_dropout", 0),
                        "pooler.dense",
                        config.activation("pooler_hidden_act", "gelu"),
                        config.probability("cls_dropout", form.dropout()));
            case MASKED_LM ->
                EncoderHead.ofHiddenTokens(
                                "cls.predictions.transform.dense",
                                form.activation(),
                                "cls.predictions.transform.LayerNorm",
                                form.eps(),
                                "cls.predictions.bias")
                        .withColumns(form.embeddingWidth());
            case QUESTION_ANS -> EncoderHead.plain(0);
            default -> EncoderHead.plain(form.dropout());
        };
    }

    private static final class Form extends EncoderForm {
        private static final Defaults DEFAULTS = new Defaults(128100, 512, 1536, 6144, 24, 24);
        private static final Names NAMES = new Names(
                "encoder.layer.",
                "attention.self.query_proj",
                "attention.self.key_proj",
                "attention.self.value_proj",
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm");
        private static final String TO_PLACES = "c2p";
        private static final String FROM_PLACES = "p2c";

        private final List<String> kinds; // of scores that read distances

        Form(ModelSource source) throws IOException {
            super(source.config(), PREFIX, source.task(), Fields.BERT, DEFAULTS);
            ModelConfig config = source.config();
            config.require("conv_kernel_size", 0);
            config.require("pooler_hidden_size", width());
            config.require("attention_head_size", width() / heads());
            config.require("legacy", true);
            kinds = kinds(config);
            if (isRelative()) {
                config.require("share_att_key", true);
                if (!config.has("share_att_key")) {
                    throw config.bad("\"share_att_key\" is missing, so that distances have layers of their own, which"
                            + " is not supported. Use DeBERTa-v3, or another checkpoint.");
                }
            }
        }

        private static List<String> kinds(ModelConfig config) throws IOException {
            Object v = config.fields().get("pos_att_type");
            List<String> kinds = new ArrayList<>();
            if (v instanceof String text) { // transformers 4 splits it so
                Arrays.stream(text.toLowerCase(Locale.ROOT).split("\\|"))
                        .map(String::strip)
                        .forEach(kinds::add);
            } else if (v instanceof List<?> list) {
                list.forEach(k -> kinds.add(String.valueOf(k)));
            } else if (v != null) {
                kinds.add(String.valueOf(v));
            }
            if (!List.of(TO_PLACES, FROM_PLACES).containsAll(kinds)) {
                throw config.bad("\"pos_att_type\" is " + v + "; there are " + TO_PLACES + " and " + FROM_PLACES
                        + ". Use another checkpoint.");
            }
            return kinds;
        }

        private boolean isRelative() throws IOException {
            return config().flag("relative_attention", false);
        }

        @Override
        double eps() throws IOException {
            return config().number("layer_norm_eps", 1e-7);
        }

        @Override
        int embeddingWidth() throws IOException {
            return config().size("embedding_size", width());
        }

        @Override
        String projection() {
            return "embeddings.embed_proj";
        }

        @Override
        boolean isProjectedBehindNorm() {
            return false;
        }

        @Override
        int segments() throws IOException {
            return (int) config().number("type_vocab_size", 0);
        }

        @Override
        boolean hasPositions() throws IOException {
            return config().flag("position_biased_input", true);
        }

        @Override
        Names names() {
            return NAMES;
        }

        @Override
        double scale() {
            return 1 / Math.sqrt((double) width() / heads() * (1 + kinds.size()));
        }

        @Override
        @Nullable
        RelativePositions relativePositions(PostNormEncoder model) throws IOException {
            if (!isRelative()) {
                return null;
            }
            double given = config().number("max_relative_positions", -1);
            int farthest = given < 1 ? positionRows() : (int) given;
            int buckets = Math.max(0, (int) config().number("position_buckets", -1));
            int span = buckets > 0 ? buckets : farthest;
            if (buckets == 1 || (buckets > 0 && farthest - 1 <= buckets / 2)) {
                throw config().bad("\"position_buckets\" is " + buckets + " for distances of up to " + farthest
                        + "; it is even, and less than twice of them. Correct config.json.");
            }
            String table = prefix() + "encoder.rel_embeddings";
            EmbeddingSite site = new EmbeddingSite(table, 2 * span, width());
            Embedding places = new Embedding(site, model.weights().matrix(table + ".weight", 2 * span, width()));
            String norms = config().text("norm_rel_ebd", "none").toLowerCase(Locale.ROOT);
            LayerNorm norm = Arrays.asList(norms.split("\\s*\\|\\s*")).contains("layer_norm")
                    ? model.layerNorm(prefix() + "encoder.LayerNorm", width(), eps())
                    : null;
            return new RelativePositions(
                    places,
                    norm,
                    new RelativePositions.Rule(span, buckets, farthest),
                    kinds.contains(TO_PLACES),
                    kinds.contains(FROM_PLACES),
                    heads(),
                    scale(),
                    dropout());
        }
    }
}
