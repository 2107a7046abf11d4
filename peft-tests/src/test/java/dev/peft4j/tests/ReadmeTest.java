package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.ImageClassifier;
import dev.peft4j.ImageModel;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.image.Augmentation;
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
    static void quickstart() throws IOException {
        // quickstart
        try (TextModel model =
                TextModel.open(Path.of("stories260k"))) { // config.json, model.safetensors, tokenizer.json
            Dataset data = Dataset.read(Path.of("train.jsonl")).split(0.1, 0);
            Training training = Training.steps(300).learningRate(5e-3).outputDir(Path.of("run"));
            try (FineTuned tuned = model.fineTune(LoraConfig.of(8, 16), data, training)) {
                System.out.println(tuned.report()); // base and tuned, on the same held-out records
                tuned.generate("Once upon a time", System.out::print); // piece by piece, until the end token
                tuned.save(Path.of("adapter")); // opens in Hugging Face PEFT
            }
        }
        // end of quickstart
    }

    static void classifier() throws IOException {
        // classifier
        try (TextModel model = TextModel.open(Path.of("minilm")); // a BERT with or without a head
                FineTuned tuned = model.fineTune(
                        LoraConfig.of(8, 16), Dataset.read(Path.of("reviews.csv")), Training.epochs(3))) {
            tuned.save(Path.of("sentiment"));
        }
        try (TextClassifier classifier = TextClassifier.open(Path.of("minilm"), Path.of("sentiment"))) {
            Prediction p = classifier.classify("a moving film"); // or a list of texts; any number of threads
            System.out.println(p.label() + " " + p.probability() + " " + p.scores());
        }
        // end of classifier
    }

    static void images() throws IOException {
        // images
        try (ImageModel model = ImageModel.open(Path.of("resnet50"))) {
            Dataset photos = Dataset.images(Path.of("photos")) // a folder with a folder for each class
                    .split(0.2, 0)
                    .augmented(Augmentation.none().withLeastArea(0.5).withFlip(0.5)); // those that are trained on
            Training training = Training.epochs(5).classes(3); // a new head
            try (FineTuned tuned = model.fineTune(Strategy.parse("head@1>last:3,rate=0.1"), photos, training)) {
                tuned.saveMerged(Path.of("birds")); // with LoraConfig.of(8, 16) in its place: an adapter too
            }
        }
        try (ImageClassifier classifier = ImageClassifier.open(Path.of("birds"))) {
            System.out.println(classifier.classify(Path.of("bird.jpg")).label());
        }
        // end of images
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
    void the_snippets_of_the_readme_are_those_that_are_compiled() throws IOException {
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Shared.root().resolve("README.md")));
        String source =
                Files.readString(Shared.root().resolve("peft-tests/src/test/java/dev/peft4j/tests/ReadmeTest.java"));
        for (String name : List.of("quickstart", "classifier", "images", "many adapters")) {
            assertTrue(block.find(), "a block for " + name);
            String begin = "// " + name + "\n";
            String compiled = source.substring(
                    source.indexOf(begin) + begin.length(), source.indexOf("// end of " + name + "\n"));
            assertEquals(words(compiled), words(block.group(1)));
            assertTrue(block.group(1).lines().count() < 16, name);
        }
    }

    @Test
    void the_quickstart_ends_within_forty_lines() throws IOException {
        String readme = Files.readString(Shared.root().resolve("README.md"));
        String start = readme.substring(0, readme.indexOf("\n## ", readme.indexOf("## Quickstart") + 1));
        assertTrue(start.lines().count() <= 40, start);
        assertTrue(start.contains("trainable params: 8,960 || all params: 268,992 || trainable%: 3.3310"), start);
    }

    @Test
    void the_application_of_the_readme_compiles(@TempDir Path dir) throws IOException {
        String application = block("java", "class App {");
        assertTrue(
                application.contains("// the quickstart\n") && application.contains("// the classifier\n"),
                application);
        String source = application
                .replace("// the quickstart\n", block("java", "Training.steps("))
                .replace("// the classifier\n", block("java", "TextClassifier.open("));
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
