package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A merged directory has what the checkpoint has and the model does not use. */
class KeptTensorsTest {
    @TempDir
    Path dir;

    /** A file in memory: the header, and the bytes of all tensors. */
    private record Tensors(Map<String, Object> header, byte[] data) {
        static Tensors read(Path file) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] json = new byte[(int) bytes.getLong()];
            bytes.get(json);
            byte[] data = new byte[bytes.remaining()];
            bytes.get(data);
            return new Tensors(Json.parse(new String(json, StandardCharsets.UTF_8)), data);
        }

        byte[] bytes(String name) {
            int[] range = GoldenCase.ints(((Map<?, ?>) header.get(name)).get("data_offsets"));
            return Arrays.copyOfRange(data, range[0], range[1]);
        }

        Object field(String name, String field) {
            return ((Map<?, ?>) header.get(name)).get(field);
        }

        Tensors with(String name, String dtype, List<Integer> shape, byte... bytes) {
            byte[] more = Arrays.copyOf(data, data.length + bytes.length);
            System.arraycopy(bytes, 0, more, data.length, bytes.length);
            Map<String, Object> newHeader = new LinkedHashMap<>(header);
            List<Integer> range = List.of(data.length, more.length);
            newHeader.put(name, Map.of("dtype", dtype, "shape", shape, "data_offsets", range));
            return new Tensors(newHeader, more);
        }

        void write(Path file) throws IOException {
            byte[] json = Json.print(header).getBytes(StandardCharsets.UTF_8);
            ByteBuffer out = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(file, out.putLong(json.length).put(json).put(data).array());
        }
    }

    private Tensors merged(Path base, TaskType task) throws IOException {
        Path out = dir.resolve("merged");
        try (Model model = Models.load(base, LoadOptions.on(Backend.host()).withTask(task));
                Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 2), model, 1)) {
            MergedModel.write(out, model, adapter);
        }
        return Tensors.read(out.resolve("model.safetensors"));
    }

    @Test
    void a_pooler_that_changes_no_vector_is_kept() throws IOException {
        Path base = Methods.MODELS.resolve("bert_vectors");
        Tensors before = Tensors.read(base.resolve("model.safetensors"));
        Tensors after = merged(base, TaskType.FEATURE_EXTRACTION);
        assertTrue(after.header.keySet().containsAll(before.header.keySet()), after.header.keySet()::toString);
        assertArrayEquals(before.bytes("pooler.dense.weight"), after.bytes("pooler.dense.weight"));
    }

    @Test
    void interrupts_change_nothing_of_what_is_written_and_are_not_lost() throws Exception {
        Path base = Methods.MODELS.resolve("bert_vectors");
        Tensors expected = merged(base, TaskType.FEATURE_EXTRACTION);
        Thread writing = Thread.currentThread();
        Thread impatient = new Thread(() -> {
            for (int i = 0; i < 200; i++) {
                writing.interrupt();
                LockSupport.parkNanos(100_000);
            }
        });
        try (Model model = Models.load(base, LoadOptions.on(Backend.host()).withTask(TaskType.FEATURE_EXTRACTION));
                Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 2), model, 1);
                MergedAdapter merged = MergedAdapter.of(model, List.of(adapter))) {
            impatient.start();
            MergedModel.write(dir.resolve("interrupted"), model, merged);
        }
        while (impatient.isAlive()) { // a join would be interrupted
            Thread.onSpinWait();
        }
        assertTrue(Thread.interrupted());
        Tensors written = Tensors.read(dir.resolve("interrupted/model.safetensors"));
        assertEquals(expected.header, written.header);
        assertArrayEquals(expected.data, written.data);
    }

    @Test
    void kept_tensors_keep_their_numbers_bytes_and_places() throws IOException {
        Path base = dir.resolve("base");
        Files.createDirectories(base);
        Path from = Methods.MODELS.resolve("bert");
        Files.copy(from.resolve("config.json"), base.resolve("config.json"));
        byte[] flags = {1, 0, 1};
        byte[] halves = {5, 60, (byte) 200, 1};
        byte[] whole = {9, 8, 7, 6, 5, 4, 3, (byte) 132};
        Tensors.read(from.resolve("model.safetensors"))
                .with("cls.flags", "BOOL", List.of(3), flags)
                .with("bert.other.halves", "F16", List.of(1, 2), halves)
                .with("number", "I64", List.of(), whole)
                .with("bert.embeddings.position_ids", "U8", List.of(1, 2), (byte) 0, (byte) 1)
                .write(base.resolve("model.safetensors"));

        Tensors after = merged(base, TaskType.FEATURE_EXTRACTION);
        assertArrayEquals(flags, after.bytes("cls.flags"));
        assertArrayEquals(halves, after.bytes("other.halves")); // as the names of BertModel are
        assertArrayEquals(whole, after.bytes("number"));
        assertEquals("I64", after.field("number", "dtype"));
        assertEquals(List.of(), after.field("number", "shape"));
        assertEquals(List.of(1, 2), after.field("other.halves", "shape"));
        assertEquals(0, GoldenCase.ints(after.field("number", "data_offsets"))[0] % 8);
        assertTrue(after.header.containsKey("pooler.dense.bias") && after.header.containsKey("classifier.weight"));
        assertTrue(
                after.header.keySet().stream().noneMatch(n -> n.endsWith("position_ids")), "follows from config.json");
        LoadOptions options = LoadOptions.on(Backend.host()).withTask(TaskType.FEATURE_EXTRACTION);
        try (Model again = Models.load(dir.resolve("merged"), options)) {
            assertEquals(List.of(), again.newModules());
        }
    }
}
