package dev.peft4j.cli;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Bf16Engine;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.TreeMap;

/** Measures how long a backend spends in each of its operations, and how much work they are. */
final class BackendTimer {
    private final Backend plain;
    private final CoreSpeed before;
    private final Map<String, Spent> kinds = new TreeMap<>();
    private final Map<String, Spent> operations = new TreeMap<>();
    private final Backend timed;
    private long start = System.nanoTime();
    private long end = start;

    /** What a kind of work, or an operation, took so far. */
    static final class Spent {
        long nanoseconds;
        long calls;
        double operations;
        double bytes;

        private void add(long time, Operation operation) {
            nanoseconds += time;
            calls++;
            operations += operation.operations();
            bytes += operation.bytes();
        }
    }

    /** Finds out first what the cores give. */
    BackendTimer(Backend backend) {
        plain = backend;
        before = CoreSpeed.measure(backend);
        timed = new Backend(
                backend.name(),
                backend.dtype(),
                time(MatrixEngine.class, backend.matrices(), ""),
                time(Kernels.class, backend.kernels(), ""));
    }

    /** The backend to run with. */
    Backend backend() {
        return timed;
    }

    /** @param prefix of the names of its kinds of work */
    private <T> T time(Class<T> type, T engine, String prefix) {
        Bf16Engine inner = engine instanceof MatrixEngine matrices ? matrices.bf16() : null;
        Bf16Engine sixteen = inner == null || inner == engine ? null : time(Bf16Engine.class, inner, "bf16 ");
        ImageKernels images = engine instanceof Kernels kernels ? time(ImageKernels.class, kernels.images(), "") : null;
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            if (method.getName().equals("bf16")) {
                return sixteen;
            }
            if (images != null && method.getName().equals("images")) {
                return images;
            }
            long before = System.nanoTime();
            try {
                return method.invoke(engine, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            } finally {
                long time = System.nanoTime() - before;
                Operation o = Operation.of(method, args);
                kinds.computeIfAbsent(prefix + o.kind(), k -> new Spent()).add(time, o);
                operations.computeIfAbsent(prefix + o.name(), k -> new Spent()).add(time, o);
            }
        }));
    }

    /** Forgets what was measured so far. */
    void reset() {
        kinds.clear();
        operations.clear();
        start = System.nanoTime();
        end = start;
    }

    /** Ends the time that is looked at. */
    void stop() {
        end = System.nanoTime();
    }

    /** Prints where the time of a step goes. What the cores give is measured again: other programs may have used them the first time. */
    void print(PrintWriter out, int steps) {
        CoreSpeed speed = before.orBetter(CoreSpeed.measure(plain));
        new Roofline(speed, steps, (end - start) / 1e9).print(out, kinds, operations);
    }
}
