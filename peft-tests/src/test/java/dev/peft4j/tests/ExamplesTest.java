package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.format.Json;
import dev.peft4j.examples.AdaptImages;
import dev.peft4j.examples.AnswerQuestions;
import dev.peft4j.examples.ContinuePeftAdapter;
import dev.peft4j.examples.FewImages;
import dev.peft4j.examples.KoreanSentiment;
import dev.peft4j.examples.PreferAnswers;
import dev.peft4j.examples.SearchByMeaning;
import dev.peft4j.examples.SentimentClassifier;
import dev.peft4j.examples.ServeAdapters;
import dev.peft4j.examples.TagEntities;
import dev.peft4j.examples.TuneChat;
import dev.peft4j.examples.TuneLanguageModel;
import dev.peft4j.examples.TypeQuestions;
import dev.peft4j.examples.UnfreezeGradually;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples run, on small models and for few steps. */
class ExamplesTest {
    @TempDir
    Path dir;

    /** A program with arguments. */
    private interface Main {
        void run(String[] args) throws Exception;
    }

    /** What a program prints. */
    private static String printed(Main main, Object... args) throws Exception {
        String[] words = new String[args.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = String.valueOf(args[i]);
        }
        PrintStream out = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            main.run(words);
        } finally {
            System.setOut(out);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private Path restaurants() throws IOException {
        List<String> lines = new ArrayList<>(List.of("mr,ref"));
        String[] foods = {"Italian", "French", "Indian", "Japanese"};
        for (int i = 0; i < 80; i++) {
            lines.add("the fox " + i + ",the " + foods[i % 4] + " bear was " + (i % 2 == 0 ? "happy" : "tired"));
        }
        return Files.write(dir.resolve("restaurants.csv"), lines);
    }

    @Test
    void a_language_model_is_tuned() throws Exception {
        Path base = TinyModels.llama(dir.resolve("base"));
        Path out = dir.resolve("out");
        String said = printed(TuneLanguageModel::main, base, restaurants(), out, 3);
        assertTrue(said.contains("72 records, 8 held out; 3 steps"), said);
        assertTrue(said.contains("\ntuned: "), said);
        assertTrue(AdapterFiles.isAdapter(out) && Files.exists(out.resolve("report.html")));
    }

    @Test
    void a_classifier_is_made() throws Exception {
        Path base = TinyModels.bert(dir.resolve("bert"));
        List<String> lines = new ArrayList<>();
        for (TextRecord r : TinyModels.labelled(60, "0", "1", "2")) {
            lines.add(r.text() + "\t" + r.label());
        }
        Path file = Files.write(dir.resolve("reviews.tsv"), lines);
        String said = printed(SentimentClassifier::main, base, file, dir.resolve("out"), 1);
        assertTrue(said.contains("accuracy"), said);
        assertTrue(said.lines().anyMatch(l -> l.matches("a moving film +[012], [0-9.]+ %")), said);
    }

    @Test
    void many_adapters_are_served() throws Exception {
        Path base = TinyModels.llama(dir.resolve("base"));
        String said = printed(ServeAdapters::main, base, restaurants(), dir.resolve("out"), 2);
        assertTrue(said.contains("Japanese: ") && said.contains("40 requests of 4 threads in "), said);
    }

    @Test
    void an_adapter_goes_on() throws Exception {
        Path base = TinyModels.llama(dir.resolve("base"));
        Path first = dir.resolve("first");
        try (TextModel model = TextModel.open(base)) {
            Dataset data = Dataset.of(TinyModels.sentences(20));
            model.fineTune(LoraConfig.of(2, 4), data, Training.steps(1).outputDir(first))
                    .close();
        }
        String said = printed(ContinuePeftAdapter::main, base, first, restaurants(), dir.resolve("out"), 2);
        assertTrue(said.contains("2 steps;"), said);
        assertTrue(AdapterFiles.isAdapter(dir.resolve("out")));
    }

    /** What is known of places, and sentences about them, in words of the small encoder. */
    private Path places() throws IOException {
        List<String> lines = new ArrayList<>(List.of("mr,ref"));
        String[] names = {"good", "bad", "fine", "poor"};
        for (int i = 0; i < 80; i++) {
            String name = names[i % 4];
            String near = i % 8 < 4 ? "book" : "film";
            lines.add("\"name[" + name + "], near[" + near + "], " + i + "\",\"the " + name + " is a very " + near
                    + " was " + "not ".repeat(i % 5) + "\"");
        }
        return Files.write(dir.resolve("places.csv"), lines);
    }

    @Test
    void entities_are_tagged() throws Exception {
        String said =
                printed(TagEntities::main, TinyModels.bert(dir.resolve("bert")), places(), dir.resolve("out"), 60);
        String f1 = said.lines()
                .filter(l -> l.startsWith("F1 of entities: "))
                .findFirst()
                .orElse("");
        assertTrue(Double.parseDouble(f1.substring(16)) > 0.5, said);
    }

    @Test
    void questions_are_answered() throws Exception {
        String said =
                printed(AnswerQuestions::main, TinyModels.bert(dir.resolve("bert")), places(), dir.resolve("out"), 40);
        assertTrue(said.lines().anyMatch(l -> l.matches("exact match [0-9.]+, F1 [0-9.]+")), said);
    }

    @Test
    void sentences_are_found_by_their_meaning() throws Exception {
        String said =
                printed(SearchByMeaning::main, TinyModels.bert(dir.resolve("bert")), places(), dir.resolve("out"), 10);
        assertTrue(said.lines().anyMatch(l -> l.matches("recall@1: [0-9.]+, tuned [0-9.]+")), said);
    }

    @Test
    void conversations_are_learnt() throws Exception {
        Path base = TinyModels.llama(dir.resolve("base"));
        Map<String, Object> config = new LinkedHashMap<>(Json.read(base.resolve("tokenizer_config.json")));
        config.put(
                "chat_template",
                "{% for m in messages %}{{ m.role }}{{ eos_token }}{{ m.content }}{{ eos_token }}{% endfor %}");
        Files.writeString(base.resolve("tokenizer_config.json"), Json.print(config));
        Path file = restaurants();
        String said = printed(TuneChat::main, base, file, file, dir.resolve("out"), 2);
        assertTrue(said.contains("80 records, 80 held out; 2 steps") && said.contains("\nafter: "), said);
    }

    @Test
    void answers_are_preferred() throws Exception {
        Path base = TinyModels.llama(dir.resolve("base"));
        String said = printed(PreferAnswers::main, base, restaurants(), dir.resolve("out"), 2);
        assertTrue(said.contains("4 records, 0 held out; 2 steps"), said);
    }

    @Test
    void questions_are_typed() throws Exception {
        Path file = dir.resolve("questions.raw.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            for (int i = 0; i < 12; i++) {
                String line = List.of("LOC:city was the film", "NUM:count is a book", "HUM:ind very good")
                        .get(i % 3);
                out.write((line + " ?\n").getBytes(StandardCharsets.ISO_8859_1));
            }
        }
        String said =
                printed(TypeQuestions::main, TinyModels.bert(dir.resolve("bert")), file, file, dir.resolve("out"), 2);
        assertTrue(said.contains("accuracy") && said.contains("LOC 0."), said);
    }

    @Test
    void reviews_of_a_table_are_classified() throws Exception {
        Path file = Files.writeString(
                dir.resolve("reviews.tsv"),
                "id\tdocument\tlabel\n1\tgood film\t1\n2\tbad film\t0\n3\tfine \"book\t2\n");
        String said =
                printed(KoreanSentiment::main, TinyModels.bert(dir.resolve("bert")), file, file, dir.resolve("out"), 2);
        assertTrue(said.contains("3 records, 3 held out"), said);
    }

    @Test
    void an_encoder_is_unfrozen_block_by_block() throws Exception {
        List<String> lines = new ArrayList<>();
        for (TextRecord r : TinyModels.labelled(60, "0", "1", "2")) {
            lines.add(r.text() + "\t" + r.label());
        }
        Path file = Files.write(dir.resolve("reviews.tsv"), lines);
        Path out = dir.resolve("out");
        String said = printed(UnfreezeGradually::main, TinyModels.bert(dir.resolve("bert")), file, file, out, 40, 4);
        assertTrue(said.contains("40 records, 60 held out; 12 steps"), said);
        assertTrue(said.lines().anyMatch(l -> l.matches("a moving film: [012], [0-9.]+ %")), said);
        assertTrue(Files.exists(out.resolve("config.json")));
    }

    /** A file in the form of MNIST, with the labels 0 to 4 beside it: a bright bar lies higher or lower. */
    private Path digits(int count) throws IOException {
        ByteArrayOutputStream images = new ByteArrayOutputStream();
        ByteArrayOutputStream labels = new ByteArrayOutputStream();
        images.write(ByteBuffer.allocate(16)
                .putInt(0x803)
                .putInt(count)
                .putInt(16)
                .putInt(16)
                .array());
        labels.write(ByteBuffer.allocate(8).putInt(0x801).putInt(count).array());
        for (int i = 0; i < count; i++) {
            int label = i % 5;
            for (int p = 0; p < 256; p++) {
                images.write(p / 16 / 3 == label ? 255 : p % (7 + i % 5) * 10);
            }
            labels.write(label);
        }
        Files.write(dir.resolve("t-labels-idx1-ubyte"), labels.toByteArray());
        return Files.write(dir.resolve("t-images-idx3-ubyte"), images.toByteArray());
    }

    @Test
    void few_images_of_new_classes_are_learnt() throws Exception {
        Path network = Shared.root().resolve("peft-tests/src/test/resources/golden/models/resnet_cifar_small");
        Path base = Files.createDirectories(dir.resolve("network"));
        Files.copy(network.resolve("model.safetensors"), base.resolve("model.safetensors"));
        Map<String, Object> config = new LinkedHashMap<>(Json.read(network.resolve("config.json")));
        config.put("image_size", List.of(3, 16, 16));
        Files.writeString(base.resolve("config.json"), Json.print(config));
        String said = printed(FewImages::main, base, digits(60), 40, 2);
        for (String strategy : List.of("cached-head", "last:3", "full,statistics=batch")) {
            String row = strategy + " +[0-9,]+ +[0-9.]+ % +[0-9.]+ s";
            assertTrue(said.lines().anyMatch(l -> l.matches(row)), said);
        }
    }

    @Test
    void images_that_come_in_another_way_are_adapted_to() throws Exception {
        Path base = Shared.require("models/resnet20_cifar10");
        Path file = Shared.require("data/cifar10/test_2000.bin.gz");
        Path few = dir.resolve("few.bin");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            Files.write(few, in.readNBytes(60 * 3073));
        }
        String said = printed(AdaptImages::main, base, few, few, 40, 1);
        assertEquals(5, said.lines().count(), said);
        assertTrue(said.lines().skip(1).allMatch(l -> l.matches(".+ [0-9,]+ +[0-9.]+ % +[0-9.]+ %")), said);
        assertTrue(said.contains("at all convolutions         25,974"), said);
    }
}
