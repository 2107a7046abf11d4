package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Active;
import dev.peft4j.core.model.Model;
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
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code of the README: it is compiled here, and stands in the README word by word. {@code .ci/application} runs it. */
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
        try (PeftModel peft = new PeftModel(model)) {
            peft.load("law", Path.of("adapters/law"));
            peft.load("medicine", Path.of("adapters/medicine"));
            PackedBatch batch = PackedBatch.of(new int[] {1, 5, 9}, new int[] {1, 7});
            try (Arena arena = new Arena(model.backend().dtype()); // any number of threads, each with its own arena
                    Pass pass = Pass.inference(model.backend(), arena)) {
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
        String source =
                Files.readString(Shared.root().resolve("peft-tests/src/test/java/dev/peft4j/tests/ReadmeTest.java"));
        String compiled = source.substring(source.indexOf("// quickstart\n") + 14, source.indexOf("// end\n")) + "}";
        assertEquals(words(compiled), words(block.group(1)));
        assertTrue(block.group(1).lines().count() < 20);
        assertTrue(block.find(), "and another one");
        String second = source.substring(
                source.indexOf("// many adapters\n") + 17, source.indexOf("// end of many adapters\n"));
        assertEquals(words(second), words(block.group(1)));
    }

    @Test
    void the_application_of_the_readme_compiles(@TempDir Path dir) throws IOException {
        String application = block("java", "class App {");
        assertTrue(application.contains("// the quickstart\n"), application);
        String source = application
                .replace("// the quickstart\n", block("java", "new Trainer("))
                .replace(
                        "class App {",
                        "class App { static void many(Model model) throws Exception {" + block("java", "new PeftModel(")
                                + "}");
        Path file = Files.writeString(dir.resolve("App.java"), source);
        StringWriter said = new StringWriter();
        JavaCompiler compiler = Objects.requireNonNull(ToolProvider.getSystemJavaCompiler(), "a JDK runs the tests");
        List<String> options =
                List.of("-d", dir.toString(), "-proc:none", "-cp", System.getProperty("java.class.path"));
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(said, files, null, options, null, files.getJavaFileObjects(file))
                    .call();
            assertTrue(compiled, said::toString);
        }
    }

    @Test
    void the_pom_of_the_readme_names_the_version_of_this_project() throws IOException {
        Pattern version = Pattern.compile("<artifactId>peft-bom</artifactId>\\s*<version>(.*?)</version>");
        Matcher asked = version.matcher(block("xml", "<project"));
        Matcher own = version.matcher(Files.readString(Shared.root().resolve("pom.xml")));
        assertTrue(asked.find() && own.find());
        assertEquals(own.group(1), asked.group(1));
    }

    /** The code block of the README that has some words in it. */
    private static String block(String language, String words) throws IOException {
        String readme = Files.readString(Shared.root().resolve("README.md"));
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(readme)
                .results()
                .map(found -> found.group(1))
                .filter(code -> code.contains(words))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no block with " + words));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }
}
