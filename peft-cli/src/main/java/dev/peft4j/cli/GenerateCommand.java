package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.chat.ChatMessage;
import dev.peft4j.models.chat.ChatTemplate;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues a text. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Continues a prompt with a language model.",
        footer = {
            "",
            "Examples:",
            "  peft4j generate --model DIR --prompt \"Once upon a time\"",
            "  peft4j generate --model DIR --adapter run/adapter --prompt \"Once\" --temperature 0.8 --top-p 0.9 --seed 1"
        })
final class GenerateCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            paramLabel = "DIR",
            description = "adapter to generate with, or hub:ORG/NAME[@REVISION]; several act together in this order")
    List<Place> adapters = List.of();

    @Option(
            names = "--prompt",
            required = true,
            paramLabel = "TEXT",
            description = "text to continue; \\n is a line feed")
    String prompt = "";

    @Option(names = "--chat", description = "answer the prompt as what a user says, by the chat template of the model")
    boolean chat;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "most tokens to add (default: ${DEFAULT-VALUE})")
    int maxNewTokens = 100;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "0 takes the most probable token (default: ${DEFAULT-VALUE})")
    double temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "draw from the K most probable tokens only; 0 for all")
    int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "draw from the most probable tokens that reach P together (default: ${DEFAULT-VALUE})")
    double topP = 1;

    @Option(names = "--seed", paramLabel = "N", description = "of the draws (default: ${DEFAULT-VALUE})")
    long seed;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Given given = new Given(spec);
        for (String option : List.of("--top-k", "--top-p", "--seed")) {
            given.refuse(option, temperature == 0, "temperature 0, which always takes the most probable token");
        }
        List<Path> directories = Place.directories(adapters);
        try (Model model = modelOptions.open(directories);
                TextTokenizer tokenizer = TextTokenizer.open(modelOptions.directory(), model.vocabularySize())) {
            if (!(model instanceof CausalModel causal) || model.taskType() != TaskType.CAUSAL_LM) {
                throw new BadInputException("text was to be generated, and " + model.modelType()
                        + " classifies. Use a language model, or the command eval.");
            }
            GenerationConfig config =
                    GenerationConfig.sampled(maxNewTokens, temperature, seed).withTop(topK, topP);
            try (TrainedAdapters held = new TrainedAdapters(ModelOptions.adapters(directories, model));
                    TextGenerator generator = new TextGenerator(causal, held.all())) {
                String text = prompt.replace("\\n", "\n");
                out.println(
                        chat
                                ? answer(generator, tokenizer, text, config)
                                : continuation(generator, tokenizer, text, config));
            }
        }
        return 0;
    }

    private String answer(TextGenerator generator, TextTokenizer tokenizer, String question, GenerationConfig config)
            throws IOException {
        String rendered = ChatTemplate.open(modelOptions.directory()).prompt(List.of(ChatMessage.user(question)));
        return tokenizer
                .decode(generator.generate(tokenizer.encode(rendered, false), config))
                .strip();
    }

    static String continuation(
            TextGenerator generator, TextTokenizer tokenizer, String prompt, GenerationConfig config) {
        return tokenizer
                .decode(generator.generate(tokenizer.encodePrompt(prompt), config))
                .strip();
    }
}
