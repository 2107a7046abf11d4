package dev.peft4j.run;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.models.TextStream;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.Bleu;
import dev.peft4j.models.metrics.RougeL;
import dev.peft4j.models.metrics.WorstFirst;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Texts that a language model generates of prompts. All texts that records have behind a prompt are references of it.
 *
 * @param encoder of the task
 */
record TextScorer(Model model, List<Adapter> adapters, RecordEncoder encoder) {
    private static final int TOGETHER = 8; // prompts that share passes

    TaskScores score(List<TextRecord> records, int first, int maxNewTokens) {
        if (!(model instanceof CausalModel causal) || model.taskType() != TaskType.CAUSAL_LM) {
            throw new BadInputException("texts were to be generated for scores, and this " + model.modelType()
                    + " model is open for " + model.taskType() + ". Leave that out, or open a language model.");
        }
        if (first < 1) {
            throw new BadInputException("texts were to be generated for the prompts of the first " + first
                    + " records; that takes at least 1. Give a number such as 100.");
        }
        int room = model.contextLength()
                - adapters.stream().mapToInt(Adapter::rowsInFront).sum();
        Map<String, List<String>> references = new LinkedHashMap<>();
        List<int[]> ids = new ArrayList<>();
        for (TextRecord r : records.subList(0, Math.min(first, records.size()))) {
            if (!r.prompt().isEmpty() && !references.containsKey(r.prompt())) {
                int[] prompt = encoder.tokenizer().encodePrompt(r.prompt());
                if (prompt.length < room) {
                    references.put(r.prompt(), new ArrayList<>());
                    ids.add(prompt);
                }
            }
        }
        if (ids.isEmpty()) {
            throw new BadInputException("texts were to be generated for the prompts of "
                    + Math.min(first, records.size()) + " records, and none has a prompt that fits into " + room
                    + " tokens. Give records with prompts (--prompt-column; in Java withPrompt), or leave that out.");
        }
        records.forEach(r -> {
            List<String> of = references.get(r.prompt());
            if (of != null) {
                of.add(r.text());
            }
        });
        List<String> texts = generated(causal, ids, GenerationConfig.greedy(maxNewTokens));
        return compared(List.copyOf(references.keySet()), texts, List.copyOf(references.values()));
    }

    private List<String> generated(CausalModel causal, List<int[]> prompts, GenerationConfig config) {
        List<String> texts = new ArrayList<>();
        try (TextGenerator generator = new TextGenerator(causal, adapters)) {
            for (int from = 0; from < prompts.size(); from += TOGETHER) {
                List<int[]> some = prompts.subList(from, Math.min(prompts.size(), from + TOGETHER));
                List<int[]> tokens = generator.generate(some, config);
                for (int i = 0; i < some.size(); i++) {
                    TextStream stream = new TextStream(encoder.tokenizer(), some.get(i));
                    Arrays.stream(tokens.get(i)).forEach(stream::add);
                    stream.end();
                    texts.add(stream.text());
                }
            }
        }
        return texts;
    }

    private static TaskScores compared(List<String> prompts, List<String> texts, List<List<String>> references) {
        double[] losses = new double[texts.size()];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = 1
                    - RougeL.of(List.of(texts.get(i)), List.of(references.get(i)))
                            .f1();
        }
        List<TaskScores.Sample> worst = Arrays.stream(WorstFirst.byLoss(losses, WorstFirst.SAMPLES))
                .mapToObj(i ->
                        new TaskScores.Sample(prompts.get(i), references.get(i).get(0), texts.get(i), losses[i]))
                .toList();
        return new TaskScores(
                texts.size(),
                List.of(
                        new TaskScores.Value("BLEU", Bleu.of(texts, references).score()),
                        new TaskScores.Value(
                                "ROUGE-L", RougeL.of(texts, references).f1())),
                List.of(),
                List.of(),
                worst);
    }
}
