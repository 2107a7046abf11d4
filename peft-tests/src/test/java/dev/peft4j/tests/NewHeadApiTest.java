package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.NewHead;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** New heads by the short API: adapters of several forms on one base, and whole models. */
class NewHeadApiTest {
    private static final String[] LABELS = {"good", "bad", "fine", "poor"};
    private static final List<String> TEXTS = List.of("the film was good", "the film was bad", "the film was poor");

    @TempDir
    Path dir;

    private static Training training(NewHead head) {
        return Training.steps(30).learningRate(2e-2).classes(LABELS.length).newHead(head);
    }

    private static Dataset data() {
        return Dataset.of(TinyModels.labelled(80, LABELS));
    }

    private static void assertNear(List<Prediction> expected, List<Prediction> found) {
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i).label(), found.get(i).label());
            for (String label : LABELS) {
                assertEquals(
                        expected.get(i).scores().get(label),
                        found.get(i).scores().get(label),
                        1e-5);
            }
        }
    }

    @Test
    void adapters_of_several_forms_are_used_on_one_base() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        List<NewHead> forms = List.of(
                NewHead.ofLayers(6, 5), NewHead.ofMean(), NewHead.ofLayers(6).withMean());
        try (TextModel model = TextModel.open(base)) {
            for (int i = 0; i < forms.size(); i++) {
                Path saved = dir.resolve("adapter" + i);
                List<Prediction> said;
                try (FineTuned tuned = model.fineTune(LoraConfig.of(2, 4), data(), training(forms.get(i)))) {
                    said = tuned.classifier().classify(TEXTS);
                    tuned.save(saved);
                    tuned.saveMerged(dir.resolve("merged" + i));
                }
                model.load("a" + i, saved);
                assertNear(said, model.classifier("a" + i).classify(TEXTS));
                try (TextClassifier c = TextClassifier.open(base, saved)) {
                    assertNear(said, c.classify(TEXTS));
                }
                try (TextClassifier c = TextClassifier.open(dir.resolve("merged" + i))) {
                    assertNear(said, c.classify(TEXTS));
                }
            }
            String message = assertThrows(BadInputException.class, () -> model.classifier("a0", "a1"))
                    .getMessage();
            assertTrue(message.contains("or other layers"), message);
            assertEquals(3, model.classifier().classify(TEXTS.get(0)).scores().size()); // of the checkpoint
        }
    }

    @Test
    void a_strategy_trains_a_new_head() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        Training training = training(NewHead.ofLayers(6).withMean()).featureCache(dir.resolve("cache"));
        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(Strategy.cachedHead(), data(), training)) {
            List<Prediction> said = tuned.classifier().classify(TEXTS);
            tuned.saveMerged(dir.resolve("merged"));
            try (TextClassifier c = TextClassifier.open(dir.resolve("merged"))) {
                assertNear(said, c.classify(TEXTS));
            }
            Dataset three = Dataset.of(TinyModels.labelled(30, "a", "b", "c"));
            Training other = Training.steps(2).newHead(NewHead.ofLayers(6));
            String message = assertThrows(
                            BadInputException.class, () -> model.fineTune(LoraConfig.of(2, 4), three, other))
                    .getMessage();
            assertTrue(message.contains("has a head of its own"), message);
        }
    }
}
