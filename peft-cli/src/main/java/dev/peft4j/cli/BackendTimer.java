package dev.peft4j.cli;

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
    private final Map<String, long[]> spent = new TreeMap<>(); // nanoseconds, calls, floating-point operations
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
                long[] sum = spent.computeIfAbsent(name(method.getName(), args), k -> new long[3]);
                sum[0] += System.nanoTime() - before;
                sum[1]++;
                sum[2] += operations(method.getName(), args);
            }
        }));
    }

    /** The operation; for products also what they are: N and T tell which operands are transposed, then columns and inner dimension. */
    private static String name(String method, Object[] args) {
        if (!method.equals("gemm")) {
            return method;
        }
        Tensor c = (Tensor) args[6];
        String kind = ((boolean) args[0] ? "T" : "N") + ((boolean) args[1] ? "T" : "N");
        return "gemm " + kind + " " + c.cols() + " x " + inner(args);
    }

    private static long inner(Object[] args) {
        Tensor a = (Tensor) args[3];
        return (boolean) args[0] ? a.rows() : a.cols();
    }

    private static long operations(String method, Object[] args) {
        return method.equals("gemm") ? 2 * ((Tensor) args[6]).size() * inner(args) : 0;
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
            String speed = e.getValue()[2] == 0
                    ? ""
                    : String.format(Locale.ROOT, "%8.0f GFLOP/s", (double) e.getValue()[2] / e.getValue()[0]);
            out.printf(
                    Locale.ROOT,
                    "%-26s %8.1f ms %8.1f calls%s%n",
                    e.getKey(),
                    ms,
                    (double) e.getValue()[1] / steps,
                    speed);
        }
        out.printf(Locale.ROOT, "%-26s %8.1f ms%n%-26s %8.1f ms%n", "everything else", total - known, "step", total);
        out.flush();
    }
}
