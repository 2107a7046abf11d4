package dev.peft4j.models;

import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a family makes the head of a task: the layers in front of the output layer by their names in the checkpoint. The output layer is named by
 * {@link FamilyTraits#head}. What a checkpoint does not have is new.
 *
 * @param dropoutBefore the dense layer
 * @param dense its name, or null for none
 * @param isDenseBiased whether it has a bias
 * @param activation behind it
 * @param norm the name of the norm behind it, or null for none
 * @param isNormBiased whether it has a bias
 * @param eps of the norm
 * @param dropoutBehind all of them
 * @param bias name of the bias of the output layer, if that is not its own
 * @param narrow columns of the output layer; 0 for C
 * @param pooling of sequences
 */
record EncoderHead(
        double dropoutBefore,
        @Nullable String dense,
        boolean isDenseBiased,
        Activation activation,
        @Nullable String norm,
        boolean isNormBiased,
        double eps,
        double dropoutBehind,
        @Nullable String bias,
        int narrow,
        Pooling pooling) {
    private static final int ENDS = 2; // outputs of a head of spans

    /** The output layer alone, behind a dropout. */
    static EncoderHead plain(double dropout) {
        return new EncoderHead(0, null, true, Activation.TANH, null, true, 0, dropout, null, 0, Pooling.FIRST);
    }

    /** With a dense layer in front of the output layer. */
    static EncoderHead dense(double dropoutBefore, String dense, Activation activation, double dropoutBehind) {
        return new EncoderHead(
                dropoutBefore, dense, true, activation, null, true, 0, dropoutBehind, null, 0, Pooling.FIRST);
    }

    /**
     * Of a model that predicts hidden tokens.
     *
     * @param bias name of the bias of the output layer
     */
    static EncoderHead ofHiddenTokens(String dense, Activation activation, String norm, double eps, String bias) {
        return new EncoderHead(0, dense, true, activation, norm, true, eps, 0, bias, 0, Pooling.FIRST);
    }

    /** The same with an output layer of fewer columns. */
    EncoderHead withColumns(int columns) {
        return new EncoderHead(
                dropoutBefore,
                dense,
                isDenseBiased,
                activation,
                norm,
                isNormBiased,
                eps,
                dropoutBehind,
                bias,
                columns,
                pooling);
    }

    /** Reads the mean of the tokens, with the output layer alone. */
    private EncoderHead ofMean() {
        return new EncoderHead(0, null, true, activation, null, true, eps, dropoutBehind, bias, narrow, Pooling.MEAN);
    }

    /** Reads the head, and gives it to the model. */
    void read(Encoder model, ModelSource source) throws IOException {
        TaskType task = source.task();
        if (source.head().isMean() && pooling != Pooling.MEAN) {
            ofMean().read(model, source);
            return;
        }
        if (task == TaskType.FEATURE_EXTRACTION) {
            model.setHead(
                    new VectorHead(
                            model.dimensions().width(),
                            SentenceFiles.read(source.config().directory())),
                    List.of());
            return;
        }
        ModelConfig config = source.config();
        FamilyTraits.Head named = Objects.requireNonNull(model.traits().head(task));
        int between = narrow == 0 ? model.dimensions().width() : narrow;
        Linear first = dense == null
                ? null
                : model.newIfMissing(dense, model.dimensions().width(), between, isDenseBiased, false);
        LayerNorm second = norm == null ? null : model.newNormIfMissing(norm, between, eps, isNormBiased);
        int outputs = outputs(source, named.module());
        LinearSite output = new LinearSite(named.module(), between, outputs, true);
        List<Linear> classifier = task == TaskType.MASKED_LM
                ? List.of(tied(model, config, output))
                : model.reader.classifier(output, true, source);
        HeadLayers layers = new HeadLayers(dropoutBefore, first, activation, second, dropoutBehind, classifier);
        switch (task) {
            case SEQ_CLS ->
                model.setHead(
                        SequenceHead.of(layers, config.problemType(outputs), pooling, source.head()),
                        modules(model, named));
            case TOKEN_CLS -> model.setHead(new TokenHead(layers, task), modules(model, named));
            case QUESTION_ANS -> model.setHead(new SpanHead(layers), modules(model, named));
            default ->
                model.setHead(new TokenHead(layers, task), model.newModules()); // new ones would be lost with the run
        }
    }

    private static int outputs(ModelSource source, String module) throws IOException {
        ModelConfig config = source.config();
        return switch (source.task()) {
            case MASKED_LM -> source.config().size("vocab_size");
            case QUESTION_ANS -> {
                long found = source.weights().rowsInCheckpoint(module + ".weight");
                if (found != 0
                        && found != ENDS
                        && config.architectures().stream().anyMatch(a -> a.endsWith("ForQuestionAnswering"))) {
                    throw config.bad("a model that answers questions was asked for, and its head " + module + " has "
                            + found + " outputs where there are 2, for the first and the last token. Use another"
                            + " checkpoint.");
                }
                yield ENDS;
            }
            default -> config.outputs(source.outputs());
        };
    }

    private Linear tied(Encoder model, ModelConfig config, LinearSite site) throws IOException {
        Embedding tokens = model.tokens();
        return model.output(
                site,
                tokens,
                config.flag("tie_word_embeddings", true),
                Objects.requireNonNullElse(bias, site.name() + ".bias"));
    }

    /** The module of the output layer is trained whole, and with it layers in front that are new: else their values would be lost with the run. */
    private List<String> modules(Encoder model, FamilyTraits.Head named) {
        List<String> modules = new ArrayList<>();
        int dot = named.module().indexOf('.');
        modules.add(dot < 0 ? named.module() : named.module().substring(0, dot));
        for (String made : new LinkedHashSet<>(model.newModules())) {
            if (!made.equals(modules.get(0)) && !made.startsWith(modules.get(0) + ".")) {
                modules.add(made);
            }
        }
        return modules;
    }
}
