package dev.peft4j.core.tensor;

/** Arithmetic element by element, as row kernels. */
final class HostElements {
    private final HostRows rows;

    HostElements(HostRows rows) {
        this.rows = rows;
    }

    void add(Tensor x1, Tensor x2, Tensor y) {
        int count = HostRows.together(x1, x2, y);
        Tensor first = HostRows.joined(x1, count);
        Tensor second = HostRows.joined(x2, count);
        Tensor sum = HostRows.joined(y, count);
        int n = sum.cols();
        rows.run(sum, (r, a, b, c) -> {
            first.read(r, 0, a, 0, n);
            second.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] += b[i];
            }
            sum.write(r, 0, a, 0, n);
        });
    }

    void addScaled(double factor, Tensor x, Tensor y) {
        int n = y.cols();
        float f = (float) factor;
        rows.run(y, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            y.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                b[i] += f * a[i];
            }
            y.write(r, 0, b, 0, n);
        });
    }

    void scale(double factor, Tensor x) {
        int n = x.cols();
        float f = (float) factor;
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] *= f;
            }
            x.write(r, 0, a, 0, n);
        });
    }

    void multiply(Tensor x1, Tensor x2, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            x1.read(r, 0, a, 0, n);
            x2.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] *= b[i];
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void abs(Tensor x, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] = Math.abs(a[i]);
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void power(double exponent, Tensor x, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] = (float) Math.pow(a[i], exponent);
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void scaleColumns(Tensor x, Tensor factors, Tensor y) {
        int n = y.cols();
        float[] f = factors.toFloats();
        rows.run(y, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] *= f[i];
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void scaleRows(Tensor x, Tensor factors, Tensor y) {
        int n = y.cols();
        float[] f = factors.toFloats();
        rows.run(y, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] *= f[r];
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void dropout(double p, long seed, Tensor x, Tensor y) {
        int n = x.cols();
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            Dropout.apply(p, seed, r * n, a, n);
            y.write(r, 0, a, 0, n);
        });
    }
}
