package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever a file holds, it opens or is refused by a message: no other exception, no memory that it does not warrant, and nothing kept of what failed.
 * Every field of every JSON file is left out and given every value of {@link #VALUES}; bytes of tensor files are changed at random.
 */
@ExtendWith(SettledMemory.class)
class DamagedFilesTest {
    private static final Object ABSENT = new Object();

    private static final List<Object> VALUES = Arrays.asList(
            ABSENT,
            null,
            "",
            "text",
            "\u0000",
            "(",
            "(a+)+$",
            true,
            false,
            0,
            -1,
            0.5,
            3,
            Integer.MAX_VALUE,
            Integer.MIN_VALUE,
            2_000_000_000_000_000_000L,
            BigInteger.TEN.pow(400),
            1e300,
            Double.NaN,
            List.of(),
            List.of("q_proj", 1),
            Arrays.asList((Object) null),
            Map.of(),
            Map.of("q_proj", -7),
            Map.of("0", Map.of("1", List.of())));

    @TempDir
    private Path directory;

    /** Opens what lies in a folder, which may fail. */
    private interface Opener {
        void open() throws IOException;
    }

    private static void assertTyped(String what, Opener opener) {
        long before = Tensor.nativeBytes();
        try {
            opener.open();
        } catch (IOException | IllegalArgumentException e) {
            String text = String.valueOf(e.getMessage());
            assertTrue(text.length() > 40 && text.length() < 4000, () -> what + ": " + text);
            assertTrue(!text.contains("java.lang") && !text.contains("null pointer"), () -> what + ": " + text);
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            throw new AssertionError(what + ": " + e, e);
        }
        assertEquals(before, Tensor.nativeBytes(), what);
    }

    /** All documents that differ from one in a field, at any depth. */
    private static Map<String, Map<String, Object>> damaged(Map<String, Object> document) {
        Map<String, Map<String, Object>> all = new LinkedHashMap<>();
        document.forEach((name, old) -> {
            for (Object value : VALUES) {
                Map<String, Object> copy = new LinkedHashMap<>(document);
                if (value == ABSENT) {
                    copy.remove(name);
                } else {
                    copy.put(name, value);
                }
                all.put(name + " = " + (value == ABSENT ? "absent" : value), copy);
            }
            if (old instanceof Map<?, ?> inner && inner.size() < 20) {
                Map<String, Object> texts = new LinkedHashMap<>();
                inner.forEach((key, value) -> texts.put(String.valueOf(key), value));
                damaged(texts).forEach((key, value) -> {
                    Map<String, Object> copy = new LinkedHashMap<>(document);
                    copy.put(name, value);
                    all.put(name + "." + key, copy);
                });
            } else if (old instanceof List<?> list && !list.isEmpty()) {
                for (Object value : VALUES.subList(1, VALUES.size())) {
                    List<Object> items = new ArrayList<>(list);
                    items.set(0, value);
                    Map<String, Object> copy = new LinkedHashMap<>(document);
                    copy.put(name, items);
                    all.put(name + "[0] = " + value, copy);
                }
            }
        });
        return all;
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    @SuppressWarnings("try") // it is only there to be closed
    private static void openModel(Path path) throws IOException {
        try (Model model = Models.load(path, Backend.host(), 0, 0)) {
            Compositions.logits(model, List.of());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void configs_of_models(String family) throws IOException {
        copy(Methods.MODELS.resolve(family), directory);
        for (String name : List.of("config.json", "generation_config.json")) {
            Path file = directory.resolve(name);
            if (!Files.isRegularFile(file)) {
                continue;
            }
            String whole = Files.readString(file);
            for (var entry : damaged(Json.read(file)).entrySet()) {
                Files.writeString(file, Json.print(entry.getValue()));
                assertTyped(family + " " + name + ": " + entry.getKey(), () -> openModel(directory));
            }
            Files.writeString(file, whole);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.peft4j.tests.Methods#all")
    void configs_of_adapters(Methods.Method method) throws IOException {
        String family = method.impossible("llama").isEmpty() ? "llama" : "bert";
        try (Model model = Compositions.open(family)) {
            try (Adapter adapter = method.create(model, 1)) {
                AdapterFiles.save(directory, model, adapter);
            }
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file :
                        files.filter(f -> f.toString().endsWith(".json")).toList()) {
                    String whole = Files.readString(file);
                    for (var entry : damaged(Json.read(file)).entrySet()) {
                        Files.writeString(file, Json.print(entry.getValue()));
                        assertTyped(method + ": " + entry.getKey(), () -> useAdapter(model));
                    }
                    Files.writeString(file, whole);
                }
            }
        }
    }

    private void useAdapter(Model model) throws IOException {
        AdapterFiles.describe(directory);
        try (Adapter adapter = AdapterFiles.load(directory, model)) {
            Compositions.logits(model, List.of(adapter));
        }
    }

    @Test
    void headers_of_tensor_files() throws IOException {
        copy(Methods.MODELS.resolve("llama"), directory);
        Path file = directory.resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        int length = Math.toIntExact(
                ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong());
        byte[] data = Arrays.copyOfRange(whole, 8 + length, whole.length);
        Map<String, Object> header = Json.parse(new String(whole, 8, length, StandardCharsets.UTF_8));
        Map<String, Object> few = new LinkedHashMap<>();
        header.entrySet().stream().limit(4).forEach(e -> few.put(e.getKey(), e.getValue()));
        for (var entry : damaged(few).entrySet()) {
            Map<String, Object> all = new LinkedHashMap<>(header);
            all.keySet().removeAll(few.keySet());
            all.putAll(entry.getValue());
            byte[] json = Json.printLine(all).getBytes(StandardCharsets.UTF_8);
            ByteBuffer out = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(file, out.putLong(json.length).put(json).put(data).array());
            assertTyped("header: " + entry.getKey(), () -> openModel(directory));
        }
    }

    @Test
    void bytes_of_tensor_files() throws IOException {
        copy(Methods.MODELS.resolve("bert"), directory);
        Path file = directory.resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        int header = 8
                + Math.toIntExact(
                        ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong());
        openModel(directory); // buffers of this thread, which stay
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 1000; i++) {
            byte[] bytes = whole.clone();
            if (i % 3 == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
                bytes[random.nextInt(i % 3 == 1 ? 8 : header)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, bytes);
            assertTyped("bytes, case " + i, () -> openModel(directory));
        }
    }

    @Test
    void index_of_shards() throws IOException {
        copy(Methods.MODELS.resolve("llama"), directory);
        Path only = directory.resolve("model.safetensors");
        List<String> names;
        try (var file = SafetensorsFile.open(only)) {
            names = List.copyOf(file.tensors().keySet());
        }
        Files.move(only, directory.resolve("model-00001-of-00001.safetensors"));
        Map<String, Object> map = new LinkedHashMap<>();
        names.forEach(n -> map.put(n, "model-00001-of-00001.safetensors"));
        Map<String, Object> index = new LinkedHashMap<>();
        index.put("metadata", Map.of("total_size", 1));
        index.put("weight_map", map);
        Path file = directory.resolve("model.safetensors.index.json");
        Files.writeString(file, Json.print(index));
        openModel(directory);
        for (var entry : damaged(index).entrySet()) {
            Files.writeString(file, Json.print(entry.getValue()));
            assertTyped("index: " + entry.getKey(), () -> openModel(directory));
        }
    }
}
