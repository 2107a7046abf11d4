package dev.peft4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.model.Active;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.PeftModel;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The quickstart of the README: it is compiled here, and stands in the README word by word. */
class ReadmeTest {
    static TrainingResult quickstart() throws IOException {
        // quickstart
        Path base = Path.of("stories260k"); // config.json, model.safetensors, tokenizer.json
        try (Model model = Models.load(base);
                TextTokenizer tokenizer = TextTokenizer.open(base, model.vocabularySize());
                Adapter lora = new LoraMethod().create(LoraConfig.of(8, 16), model, 0)) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, model.taskType(), model.contextLength());
            List<TextRecord> records = RecordReader.defaults().read(Path.of("train.jsonl"), 10_000);
            List<PackedBatch.Sequence> train = encoder.encode(records).sequences();
            TrainingConfig config = TrainingConfig.of(300, 16, 5e-3);
            TrainingResult result = new Trainer(model, lora, config, List.of()).train(train, train.subList(0, 10));
            AdapterFiles.save(Path.of("adapter"), lora, model); // opens in Hugging Face PEFT
            // end
            return result;
        }
    }

    static void manyAdapters(Model model) throws IOException {
        // many adapters
        try (PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(model.backend().dtype())) {
            peft.load("law", Path.of("adapters/law"));
            peft.load("medicine", Path.of("adapters/medicine"));
            PackedBatch batch = PackedBatch.of(new int[] {1, 5, 9}, new int[] {1, 7});
            try (Pass pass = Pass.inference(model.backend(), arena)) { // any number of threads, each with its own pass
                Call call = peft.call(pass, Active.perSequence("law", "medicine"));
                System.out.println(model.logits(call, batch).value());
            }
            System.out.println(peft.merge("both", List.of("law", "medicine"), batch)); // into copies
        }
        // end of many adapters
    }

    @Test
    void the_snippet_of_the_readme_is_the_one_that_is_compiled() throws IOException {
        String readme = Files.readString(Shared.root().resolve("README.md"));
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(readme);
        assertTrue(block.find(), "the README has a java snippet");
        String source = Files.readString(
                Shared.root().resolve("peft-examples/src/test/java/dev/peft4j/examples/ReadmeTest.java"));
        String compiled = source.substring(source.indexOf("// quickstart\n") + 14, source.indexOf("// end\n")) + "}";
        assertEquals(words(compiled), words(block.group(1)));
        assertTrue(block.group(1).lines().count() < 20);
        assertTrue(block.find(), "and another one");
        String second = source.substring(
                source.indexOf("// many adapters\n") + 17, source.indexOf("// end of many adapters\n"));
        assertEquals(words(second), words(block.group(1)));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }
}
