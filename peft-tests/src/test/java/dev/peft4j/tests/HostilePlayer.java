package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** One thread of {@link HostileTest}: does at random what any part of an application may do. Counts what it did, and what was refused. */
final class HostilePlayer implements Callable<Map<String, Integer>> {
    private static final List<String> CLOSED =
            List.of("closed", "another pass", "of the thread", "another run", "ended");
    private static final List<String> NAMES = List.of("adapter", "to be named");

    private final HostileWorld world;
    private final SplittableRandom random;
    private final Path own;
    private final Map<String, Integer> done = new TreeMap<>();

    HostilePlayer(HostileWorld world, long seed, Path own) {
        this.world = world;
        this.random = new SplittableRandom(seed);
        this.own = own;
    }

    @Override
    public Map<String, Integer> call() throws IOException {
        while (!world.stop) {
            String action = HostileWorld.ACTIONS.get(random.nextInt(HostileWorld.ACTIONS.size()));
            try {
                run(action);
                done.merge(action, 1, Integer::sum);
            } catch (IllegalStateException e) {
                requireSays(CLOSED, e);
                done.merge(action + " refused", 1, Integer::sum);
            } catch (IllegalArgumentException e) {
                requireSays(NAMES, e); // a name that is taken, or not there any more
                done.merge(action + " refused", 1, Integer::sum);
            }
        }
        return done;
    }

    private static void requireSays(List<String> words, RuntimeException e) {
        String message = String.valueOf(e.getMessage());
        if (words.stream().noneMatch(message::contains)) {
            throw new AssertionError("an error that does not say what was wrong", e);
        }
    }

    private void run(String action) throws IOException {
        switch (action) {
            case "infer" -> infer();
            case "inferOwn" -> inferOwn();
            case "train" -> train();
            case "trainShared" -> trainOn(world.shared);
            case "load" -> world.peft.load(name(), world.saved.get(seed()));
            case "delete" -> world.peft.delete(name());
            case "swap" -> swap();
            case "merge" -> merge();
            case "save" -> save();
            case "tensor" -> tensor();
            case "pass" -> pass();
            case "arena" -> arena();
            case "generate" -> generate();
            case "backend" -> backend();
            case "weights" -> assertArrayEquals(world.weights, BaseTensors.floats(world.base, world.weight));
            case "kernels" -> kernels();
            default -> throw new AssertionError(action);
        }
    }

    private String name() {
        return "a" + random.nextInt(HostileWorld.NAMES);
    }

    private int seed() {
        return random.nextInt(world.seeds());
    }

    private static void requireOneOf(List<float[]> expected, float[] found) {
        assertTrue(expected.stream().anyMatch(e -> Arrays.equals(e, found)), "the result of no adapter");
    }

    private void infer() {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(world.base.backend(), arena)) {
            requireOneOf(world.expected, world.logits(world.peft.call(pass, Active.of(name()))));
        }
    }

    private void inferOwn() {
        int seed = seed();
        Adapter adapter = world.adapter(seed);
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(world.base.backend(), arena)) {
            Call call = Call.of(pass, adapter);
            adapter.close();
            assertArrayEquals(world.expected.get(seed), world.logits(call));
        } finally {
            adapter.close();
        }
    }

    private void train() {
        try (Adapter adapter = world.adapter(seed())) {
            trainOn(adapter);
        }
    }

    private void trainOn(Adapter adapter) {
        PackedBatch.Sequence record = PackedBatch.Sequence.labelled(new int[] {1, 5, 2, 7}, new int[] {1, 5, 2, 7});
        new Trainer(world.base, adapter, TrainingConfig.of(2, 1, 1e-3), List.of()).train(List.of(record), List.of());
    }

    private void swap() {
        Adapter fresh = world.adapter(seed());
        try {
            world.peft.hotSwap(name(), fresh);
        } catch (RuntimeException e) {
            fresh.close();
            throw e;
        }
    }

    private void merge() {
        String name = "m" + Thread.currentThread().getId();
        world.peft.merge(name, List.of(name()), PackedBatch.of(Compositions.IDS));
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(world.base.backend(), arena)) {
            requireOneOf(world.merged, world.logits(world.peft.call(pass, Active.of(name))));
        } finally {
            world.peft.delete(name);
        }
    }

    private void save() throws IOException {
        world.peft.save(name(), own);
        assertTrue(world.files.contains(HostileWorld.bytes(own)), "a file of no adapter");
    }

    /** A tensor of one value that some read, others write and others close. */
    private void tensor() {
        int at = random.nextInt(world.tensors.length());
        Tensor t = world.tensors.get(at);
        if (t == null || random.nextInt(8) == 0) {
            Tensor old = world.tensors.getAndSet(at, Tensor.zeros(DType.F32, 64, 1000 + random.nextInt(4000)));
            if (old != null) {
                old.close();
            }
            return;
        }
        switch (random.nextInt(5)) {
            case 0 -> requireZeros(t.toFloats());
            case 1 -> assertTrue(t.isFinite());
            case 2 -> {
                try (Tensor copy = t.copy(DType.F32)) {
                    requireZeros(copy.toFloats());
                }
            }
            case 3 -> assertTrue(t.get(63, t.cols() - 1) == 0);
            default -> t.rows(5, 7).fill(0);
        }
    }

    private static void requireZeros(float[] values) {
        for (float v : values) {
            assertTrue(v == 0);
        }
    }

    private void kernels() {
        Tensor a = world.tensors.get(random.nextInt(world.tensors.length()));
        if (a != null) {
            assertTrue(world.base.backend().kernels().sumOfSquares(a) == 0);
            try (Tensor gram = Tensor.zeros(DType.F32, a.rows(), a.rows())) {
                world.base.backend().matrices().gemm(false, true, 1, a, a, 0, gram);
                requireZeros(gram.toFloats());
            }
        }
    }

    /** A pass that others find while this thread computes with it. */
    private void pass() {
        int at = random.nextInt(world.passes.length());
        Pass other = world.passes.get(at);
        if (other != null && random.nextBoolean()) {
            if (random.nextBoolean()) {
                other.close();
            } else {
                world.logits(Call.of(other));
            }
            return;
        }
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(world.base.backend(), arena)) {
            world.passes.set(at, pass);
            assertArrayEquals(world.plain, world.logits(Call.of(pass)));
        }
    }

    /** An arena that others use or close while this thread computes with it. */
    private void arena() {
        int at = random.nextInt(world.arenas.length());
        Arena arena = world.arenas.get(at);
        if (arena == null || random.nextInt(8) == 0) {
            Arena old = world.arenas.getAndSet(at, new Arena(DType.F32));
            if (old != null) {
                old.close();
            }
            return;
        }
        try (Pass pass = Pass.inference(world.base.backend(), arena)) {
            assertArrayEquals(world.plain, world.logits(Call.of(pass)));
        }
    }

    private void generate() {
        TextGenerator generator = world.generator.get();
        if (generator == null || random.nextInt(8) == 0) {
            TextGenerator old = world.generator.getAndSet(new TextGenerator(world.base, List.of()));
            if (old != null) {
                old.close();
            }
            return;
        }
        int[] tokens = generator.generate(new int[] {5, 9, 2}, GenerationConfig.greedy(4));
        assertTrue(tokens.length <= 4);
        synchronized (world.generated) {
            if (world.generated.isEmpty()) {
                world.generated.add(tokens);
            }
            assertArrayEquals(world.generated.get(0), tokens);
        }
    }

    private void backend() {
        Backend backend = world.backend.get();
        if (backend == null || random.nextInt(8) == 0) {
            Backend old = world.backend.getAndSet(Backend.host(1 + random.nextInt(3)));
            if (old != null) {
                old.close();
            }
            return;
        }
        try (Tensor a = Tensor.of(DType.F32, 1, 2, 3, 4);
                Tensor c = Tensor.zeros(DType.F32, 256, 1 << 10)) {
            backend.matrices().gemm(false, true, 1, a, a, 0, c.rows(0, 1).columns(0, 1));
            backend.kernels().addScaled(1, c, c);
            assertTrue(c.get(0, 0) == 50);
        }
    }
}
