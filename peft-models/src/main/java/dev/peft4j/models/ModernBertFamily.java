package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/** ModernBERT for the service loader (Warner et al. 2024, <a href="https://arxiv.org/abs/2412.13663">paper</a>). */
public final class ModernBertFamily implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder(ModernBert.PREFIX)
            .targets("LORA", "Wqkv")
            .targets("IA3", "Wqkv", "mlp.Wo")
            .feedForward("mlp.Wo")
            .head(TaskType.SEQ_CLS, "classifier", "ModernBertForSequenceClassification")
            .head(TaskType.TOKEN_CLS, "classifier", "ModernBertForTokenClassification")
            .head(TaskType.QUESTION_ANS, "classifier", "ModernBertForQuestionAnswering")
            .head(TaskType.MASKED_LM, "decoder", "ModernBertForMaskedLM")
            .head(TaskType.FEATURE_EXTRACTION, "", "ModernBertModel")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("modernbert");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new ModernBert(source, TRAITS);
    }
}
