package dev.peft4j.core.tensor;

/** Kernels that pick rows, columns or elements, on the host. */
final class HostSelection {
    private final HostRows rows;

    HostSelection(HostRows rows) {
        this.rows = rows;
    }

    void scatter(int[] ids, Tensor x, Tensor table) {
        for (int r = 0; r < ids.length; r++) {
            table.copyRow(ids[r], x, r);
        }
    }

    void gatherColumns(int[] ids, Tensor table, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            for (int i = 0; i < n; i++) {
                a[i] = (float) table.value(i, ids[r]);
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void scatterColumns(int[] ids, Tensor x, Tensor table) {
        int n = x.cols();
        float[] row = Scratch.array(0, n);
        for (int r = 0; r < ids.length; r++) {
            x.read(r, 0, row, 0, n);
            for (int i = 0; i < n; i++) {
                table.put(i, ids[r], row[i]);
            }
        }
    }

    void scatterAddColumns(int[] ids, Tensor x, Tensor table) {
        int n = x.cols();
        float[] row = Scratch.array(0, n);
        for (int r = 0; r < ids.length; r++) {
            x.read(r, 0, row, 0, n);
            for (int i = 0; i < n; i++) {
                table.put(i, ids[r], (float) table.value(i, ids[r]) + row[i]);
            }
        }
    }

    int[] argmax(Tensor x) {
        int n = x.cols();
        int[] greatest = new int[x.rows()];
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            int best = 0;
            for (int i = 1; i < n; i++) {
                best = a[i] > a[best] ? i : best;
            }
            greatest[r] = best;
        });
        return greatest;
    }
}
