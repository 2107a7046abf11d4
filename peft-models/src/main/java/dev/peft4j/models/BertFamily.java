package dev.peft4j.models;

import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/** BERT for the service loader. */
public final class BertFamily implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("bert.")
            .targets("LORA", "query", "value")
            .targets("IA3", "key", "value", "output.dense")
            .feedForward("output.dense")
            .head(TaskType.SEQ_CLS, "classifier", "BertForSequenceClassification")
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
    public Bert load(ModelSource source) throws IOException {
        return new Bert(source, TRAITS);
    }
}
