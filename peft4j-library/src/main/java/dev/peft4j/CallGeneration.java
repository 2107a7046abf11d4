package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.models.TextStream;
import dev.peft4j.models.TextTokenizer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Continues texts with the adapters of its calls.
 *
 * @param calls of each pass
 */
record CallGeneration(Model model, TextTokenizer tokenizer, Function<Pass, Call> calls) implements TextGeneration {
    @Override
    public String generateWhile(String prompt, GenerationConfig config, Predicate<String> onText) {
        return generateWhile(tokenizer.encodePrompt(prompt), config, onText);
    }

    /** Continues token ids. */
    String generateWhile(int[] ids, GenerationConfig config, Predicate<String> onText) {
        if (!(model instanceof CausalModel causal) || model.taskType() != TaskType.CAUSAL_LM) {
            throw new BadInputException("text was to be generated, and this " + model.modelType()
                    + " model classifies. Open a language model, or classify.");
        }
        TextStream stream = new TextStream(tokenizer, ids);
        boolean[] goesOn = {true};
        try (TextGenerator generator = new TextGenerator(causal, calls)) {
            generator.generate(ids, config, token -> goesOn[0] = tell(stream.add(token), onText));
        }
        if (goesOn[0]) {
            tell(stream.end(), onText);
        }
        return stream.text();
    }

    private static boolean tell(String piece, Predicate<String> onText) {
        return piece.isEmpty() || onText.test(piece);
    }
}
