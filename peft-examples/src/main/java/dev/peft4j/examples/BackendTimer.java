package dev.peft4j.examples;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Measures how long a backend spends in each of its operations. */
final class BackendTimer {
    private static final int LOW_RANK = 32;
    private static final int WIDE = 20_000;

    private final Map<String, long[]> spent = new TreeMap<>(); // nanoseconds, calls
    private final Backend timed;
    private long start = System.nanoTime();

    BackendTimer(Backend backend) {
        timed = new Backend(
                backend.name(),
                backend.dtype(),
                time(MatrixEngine.class, backend.matrices()),
                time(Kernels.class, backend.kernels()));
    }

    /** The backend to run with. */
    Backend backend() {
        return timed;
    }

    private <T> T time(Class<T> type, T engine) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            long before = System.nanoTime();
            try {
                return method.invoke(engine, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            } finally {
                long[] sum = spent.computeIfAbsent(name(method.getName(), args), k -> new long[2]);
                sum[0] += System.nanoTime() - before;
                sum[1]++;
            }
        }));
    }

    /** The operation; products of low rank, which are limited by memory, apart from the others. */
    private static String name(String method, Object[] args) {
        if (!method.equals("gemm")) {
            return method;
        }
        Tensor a = (Tensor) args[3];
        Tensor c = (Tensor) args[6];
        long smallest =
                Math.min(Math.min(c.rows(), c.cols()), a.size() / Math.max(1, (boolean) args[0] ? a.cols() : a.rows()));
        return smallest <= LOW_RANK ? "gemm, low rank" : c.cols() > WIDE || a.cols() > WIDE ? "gemm, head" : "gemm";
    }

    /** Forgets what was measured so far. */
    void reset() {
        spent.clear();
        start = System.nanoTime();
    }

    /** Prints milliseconds per step of each operation, and of everything else. */
    void print(PrintWriter out, int steps) {
        double total = (System.nanoTime() - start) / 1e6 / steps;
        double known = 0;
        for (Map.Entry<String, long[]> e : spent.entrySet()) {
            double ms = e.getValue()[0] / 1e6 / steps;
            known += ms;
            out.printf(Locale.ROOT, "%-20s %8.1f ms %8.1f calls%n", e.getKey(), ms, (double) e.getValue()[1] / steps);
        }
        out.printf(Locale.ROOT, "%-20s %8.1f ms%n%-20s %8.1f ms%n", "everything else", total - known, "step", total);
        out.flush();
    }
}
