package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;

/** Decoded rows, as many as stay in the cache between being written and being multiplied. */
final class Panels {
    private static final int ELEMENTS = 1 << 19; // 2 MiB

    private Panels() {}

    static void forEach(FrozenWeight weight, Pass pass, FrozenWeight.PanelAction action) {
        int rows = Math.min(weight.out(), Math.max(1, ELEMENTS / Math.max(1, weight.in())));
        int frame = pass.begin();
        Tensor buffer = pass.allocate(rows, weight.in());
        for (int from = 0; from < weight.out(); from += rows) {
            Tensor panel = buffer.rows(0, Math.min(rows, weight.out() - from));
            int first = from;
            pass.backend().kernels().writeRows(panel, (row, to) -> weight.decodeRow(first + row, to));
            action.take(from, panel);
        }
        pass.end(frame);
    }

    static double[] toDoubles(FrozenWeight weight) {
        int rows = Math.min(weight.out(), Math.max(1, ELEMENTS / Math.max(1, weight.in())));
        double[] all = new double[Math.multiplyExact(weight.out(), weight.in())];
        try (Tensor panel = Tensor.allocate(DType.F64, rows, weight.in())) {
            for (int from = 0; from < weight.out(); from += rows) {
                Tensor part = panel.rows(0, Math.min(rows, weight.out() - from));
                weight.decode(from, part);
                double[] values = part.toDoubles();
                System.arraycopy(values, 0, all, from * weight.in(), values.length);
            }
        }
        return all;
    }
}
