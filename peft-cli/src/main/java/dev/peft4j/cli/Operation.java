package dev.peft4j.cli;

import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One call of an operation of a backend: what it is, and how much work. Of operations that are not known here the bytes of their tensors are the work, or
 * nothing if they have none.
 *
 * @param kind of work
 * @param name of the operation; of a product also its form
 * @param operations floating-point operations, 0 if nobody knows
 * @param bytes that have to be read or written at least once, 0 if nobody knows
 */
record Operation(String kind, String name, double operations, double bytes) {
    private static final int THIN = 64;
    private static final int WIDE = 16384;

    /** The operation of a call. */
    static Operation of(Method method, Object[] arguments) {
        Object[] all = arguments == null ? new Object[0] : arguments;
        List<Tensor> tensors = new ArrayList<>();
        long stored = 0; // in a form of its own
        for (Object argument : all) {
            if (argument instanceof Tensor t) {
                tensors.add(t);
            }
            stored += argument instanceof NativeBytes b ? b.size() : 0;
        }
        boolean isProduct = MatrixEngine.class.isAssignableFrom(method.getDeclaringClass());
        return isProduct ? product(method.getName(), all, tensors, stored) : kernel(method.getName(), all, tensors);
    }

    /** The first tensor is an operand, which is transposed if the first flag says so, and the last one the result. */
    private static Operation product(String method, Object[] arguments, List<Tensor> tensors, long stored) {
        List<Boolean> flags = new ArrayList<>();
        for (Object argument : arguments) {
            if (argument instanceof Boolean flag) {
                flags.add(flag);
            }
        }
        if (tensors.size() < 2) {
            return new Operation("other products", method, 0, bytes(tensors));
        }
        Tensor a = tensors.get(0); // (M, K)
        Tensor c = tensors.get(tensors.size() - 1); // (M, N)
        boolean isTransposed = !(arguments[0] instanceof Tensor) && !flags.isEmpty() && flags.get(0);
        int inner = isTransposed ? a.rows() : a.cols();
        if ((isTransposed ? a.cols() : a.rows()) != c.rows()) {
            return new Operation("other products", method, 0, bytes(tensors));
        }
        StringBuilder form = new StringBuilder();
        flags.forEach(flag -> form.append(flag ? 'T' : 'N'));
        int[] sides = {c.rows(), c.cols(), inner};
        Arrays.sort(sides);
        String size = sides[0] < THIN
                ? "a side below " + THIN
                : sides[2] > WIDE ? "a side above " + WIDE : "sides from " + THIN + " on";
        return new Operation(
                "products " + form + ", " + size,
                method + " " + form + " " + c.cols() + " x " + inner,
                2.0 * c.size() * inner,
                bytes(tensors) + stored);
    }

    private static Operation kernel(String method, Object[] arguments, List<Tensor> tensors) {
        if (method.startsWith("attention") && arguments[0] instanceof AttentionShape shape) {
            return new Operation("attention", method, attention(shape, method.endsWith("Backward")), 0);
        }
        if (!method.equals("convolves") && method.contains("onvolve") && arguments[0] instanceof Patches p) {
            Tensor y = tensors.get(method.equals("convolve") ? 2 : 0); // (N · H' · W', O)
            Tensor x = tensors.get(method.equals("convolve") ? 0 : method.equals("convolveBackward") ? 2 : 1);
            String shape = " " + y.cols() + " x " + p.taps() * x.cols();
            return new Operation("convolutions", method + shape, 2.0 * y.size() * p.taps() * x.cols(), bytes(tensors));
        }
        boolean movesRows = method.startsWith("gather") || method.startsWith("scatter");
        double bytes = movesRows && tensors.size() == 2
                ? 2 * tensors.stream().mapToDouble(Operation::bytes).min().orElse(0) // few of the rows of the table
                : bytes(tensors);
        return new Operation(kind(method), method, 0, bytes);
    }

    private static String kind(String method) {
        if (method.startsWith("attention")) {
            return "attention";
        }
        if (method.contains("Norm") || method.equals("columnMoments")) {
            return "norms";
        }
        if (method.startsWith("activation") || method.contains("Glu")) {
            return "activations";
        }
        if (method.contains("Entropy") || method.contains("Error")) {
            return "loss";
        }
        if (method.contains("atches") || method.contains("hannelsLast") || method.contains("Pool")) {
            return "patches and pools";
        }
        return method.equals("adamW") || method.equals("sumOfSquares") ? "optimizer" : "element by element";
    }

    /** Scores and sums of values take 2·H operations each for a query, key and head; their derivatives take twice as much. */
    private static double attention(AttentionShape shape, boolean isBackward) {
        double pairs = 0;
        for (int s = 0; s < shape.sequences(); s++) {
            int keys = shape.keyCount()[s];
            for (int q = 0; q < shape.queryCount()[s]; q++) {
                int own = q + keys - shape.queryCount()[s];
                int from = shape.window() == 0 ? 0 : Math.max(0, own - shape.window() + 1);
                int to = shape.window() == 0 ? keys : Math.min(keys, own + shape.window());
                pairs += (shape.causal() ? own + 1 : to) - from;
            }
        }
        return pairs * shape.heads() * shape.headSize() * (isBackward ? 8 : 4);
    }

    private static double bytes(List<Tensor> tensors) {
        return tensors.stream().mapToDouble(Operation::bytes).sum();
    }

    private static double bytes(Tensor tensor) {
        return (double) tensor.size() * tensor.dtype().bytes();
    }
}
