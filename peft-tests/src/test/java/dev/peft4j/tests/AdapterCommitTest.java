package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All files of an adapter are one commit: wherever a process is killed, there is one adapter or the other, and never a mixture. */
class AdapterCommitTest {
    @TempDir
    Path dir;

    private Path save(String name, Model model, PeftConfig config, long seed) throws IOException {
        try (Adapter a = Compositions.adapter(model, config, seed)) {
            AdapterFiles.save(dir.resolve(name), model, a);
        }
        return dir.resolve(name);
    }

    private static float[] logits(Model model, Path adapter) throws IOException {
        try (Adapter a = AdapterFiles.load(adapter, model)) {
            return Compositions.logits(model, List.of(a));
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.sorted().toList();
        }
    }

    /** What a save over an adapter leaves that is killed after so many of its files have their names. */
    private Path killed(Path old, Path made, int renamed) throws IOException {
        Path both = Files.createDirectories(dir.resolve("killed" + renamed));
        for (Path f : files(old)) {
            Files.copy(f, both.resolve(f.getFileName()));
        }
        List<Path> order = new ArrayList<>(files(made)); // the config is the last to get its name
        Path config = made.resolve("adapter_config.json");
        order.remove(config);
        order.add(config);
        for (int i = 0; i < order.size(); i++) {
            Path target = both.resolve(order.get(i).getFileName());
            Files.copy(
                    order.get(i),
                    i < renamed ? target : AtomicFile.pending(target),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        return both;
    }

    @Test
    void a_save_that_is_killed_leaves_the_old_or_the_new_lora() throws IOException {
        try (Model model = Compositions.open("llama")) {
            Path old = save("old", model, LoraConfig.of(4, 8), 1);
            Path made = save("new", model, LoraConfig.of(4, 64), 2);
            assertArrayEquals(logits(model, old), logits(model, killed(old, made, 0)));
            assertArrayEquals(logits(model, made), logits(model, killed(old, made, 1)));
            assertArrayEquals(logits(model, made), logits(model, killed(old, made, 2)));
        }
    }

    /** With a head in a file of its own, by AdapterHub's names; the old one may have other settings, or the same ones. */
    @ParameterizedTest
    @ValueSource(doubles = {4, 8})
    void a_save_that_is_killed_leaves_the_old_or_the_new_bottleneck(double factor) throws IOException {
        try (Model model = Compositions.open("bert")) {
            Path old = save("old", model, BottleneckConfig.houlsby(factor), 1);
            Path made = save("new", model, BottleneckConfig.houlsby(8), 2);
            assertEquals(3, files(made).size());
            assertArrayEquals(logits(model, old), logits(model, killed(old, made, 0)));
            for (int renamed = 1; renamed <= 3; renamed++) {
                assertArrayEquals(logits(model, made), logits(model, killed(old, made, renamed)), "renamed " + renamed);
            }
        }
    }

    @Test
    void files_of_two_saves_are_refused_where_they_mean_something_else() throws IOException {
        try (Model model = Compositions.open("llama")) {
            Path one = save("one", model, LoraConfig.of(4, 8), 1);
            Path two = save("two", model, LoraConfig.of(4, 64), 1);
            Path tensors = two.resolve("adapter_model.safetensors");
            Files.copy(tensors, one.resolve("adapter_model.safetensors"), StandardCopyOption.REPLACE_EXISTING);
            String message = Compositions.message(BadFileException.class, () -> AdapterFiles.load(one, model));
            assertTrue(message.contains("\"lora_alpha\": 8") && message.contains("saved with 64"), message);
        }
        try (Model model = Compositions.open("bert")) {
            Path one = save("bert1", model, BottleneckConfig.houlsby(8), 1);
            Path two = save("bert2", model, BottleneckConfig.houlsby(8), 2);
            Path head = two.resolve("model_head.safetensors");
            Files.copy(head, one.resolve("model_head.safetensors"), StandardCopyOption.REPLACE_EXISTING);
            String message = Compositions.message(BadFileException.class, () -> AdapterFiles.load(one, model));
            assertTrue(message.contains("of the same save"), message);
        }
    }

    @Test
    void nothing_of_the_adapter_before_is_left() throws IOException {
        try (Model model = Compositions.open("bert")) {
            Path directory = save("a", model, BottleneckConfig.houlsby(8), 1);
            save("a", model, BottleneckConfig.houlsby(8).withModulesToSave(List.of()), 2);
            assertFalse(Files.exists(directory.resolve("model_head.safetensors")));
            float[] expected = logits(model, directory);
            Files.write(directory.resolve("model_head.safetensors"), new byte[] {1, 2}); // as if it was still there
            assertArrayEquals(expected, logits(model, directory));
            Files.delete(directory.resolve("model_head.safetensors"));
            save("a", model, LoraConfig.of(2, 4), 3);
            assertEquals(
                    List.of("adapter_config.json", "adapter_model.safetensors"),
                    files(directory).stream()
                            .map(p -> p.getFileName().toString())
                            .toList());
        }
    }

    @Test
    void notes_are_kept_with_an_adapter() throws IOException {
        try (Model model = Compositions.open("bert");
                Adapter a = Compositions.adapter(model, LoraConfig.of(2, 4), 1)) {
            AdapterFiles.save(dir, model, a, Map.of("classes", "[\"a\",\"b\",\"c\"]"));
            assertEquals(
                    "[\"a\",\"b\",\"c\"]", AdapterFiles.describe(dir).notes().get("classes"));
            assertEquals(3, AdapterFiles.describe(dir).outputs("classifier"));
            assertEquals("LORA", AdapterFiles.describe(dir).method());
        }
    }
}
