package dev.peft4j.core.tensor;

import java.util.Arrays;

/** Patches of images on the host: what lies side by side in an image is copied at once. */
final class HostPatches {
    private static final int BAND = 1 << 14; // elements of the rows of an image that a thread adds to at once

    private final HostRows rows;
    private final Workers workers;

    HostPatches(HostRows rows, Workers workers) {
        this.rows = rows;
        this.workers = workers;
    }

    /** The pixels of a row of a patch that lie in the image. */
    private record Span(int from, int to) {
        static Span of(Patches p, int column) {
            return new Span(Math.max(0, -column), Math.min(p.kernelWidth(), p.width() - column));
        }
    }

    void copy(Patches p, int first, Tensor x, Tensor columns) {
        int channels = x.cols();
        int images = x.rows() / p.pixels();
        Tensor whole = x.isContiguous() ? x.reshape(images, p.pixels() * channels) : x;
        rows.run(columns, (r, patch, b, c) -> {
            int image = (first + r) / p.outPixels();
            int place = (first + r) % p.outPixels();
            int column = p.column(place % p.outWidth());
            Span span = Span.of(p, column);
            for (int tap = 0; tap < p.kernelHeight(); tap++) {
                int row = p.row(place / p.outWidth(), tap);
                int at = tap * p.kernelWidth() * channels;
                int end = at + p.kernelWidth() * channels;
                if (row < 0 || row >= p.height() || span.from >= span.to) {
                    Arrays.fill(patch, at, end, 0f);
                    continue;
                }
                Arrays.fill(patch, at, at + span.from * channels, 0f);
                Arrays.fill(patch, at + Math.max(span.from, span.to) * channels, end, 0f);
                read(whole == x, image, row * p.width() + column, p, span, whole, patch, at);
            }
            columns.write(r, 0, patch, 0, columns.cols());
        });
    }

    private static void read(
            boolean byPixel, int image, int pixel, Patches p, Span span, Tensor x, float[] patch, int at) {
        int channels = byPixel ? x.cols() : x.cols() / p.pixels();
        if (!byPixel) {
            x.read(
                    image,
                    (pixel + span.from) * channels,
                    patch,
                    at + span.from * channels,
                    (span.to - span.from) * channels);
            return;
        }
        for (int i = span.from; i < span.to; i++) {
            x.read(image * p.pixels() + pixel + i, 0, patch, at + i * channels, channels);
        }
    }

    /** Each task has some rows of pixels of one image and adds to them in the order of the patches, so the bits do not depend on how many there are. */
    void add(Patches p, int first, Tensor columns, Tensor dx) {
        int channels = dx.cols();
        int image = first / p.outPixels();
        int images = (first + columns.rows() - 1) / p.outPixels() - image + 1;
        int band = Math.max(1, Math.min(p.height(), BAND / Math.max(1, p.width() * channels)));
        int bands = (p.height() + band - 1) / band;
        workers.forRange(images * bands, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int top = task % bands * band;
                for (int row = top; row < Math.min(p.height(), top + band); row++) {
                    addTo(p, image + task / bands, row, first, columns, dx);
                }
            }
        });
    }

    /** Adds to one row of pixels what the patches have for it. */
    private static void addTo(Patches p, int image, int row, int first, Tensor columns, Tensor dx) {
        int channels = dx.cols();
        int width = p.kernelWidth() * channels;
        float[] sum = Scratch.array(0, width);
        float[] more = Scratch.array(1, width);
        float[] line = Scratch.array(2, p.width() * channels);
        int pixel = image * p.pixels() + row * p.width();
        boolean read = false;
        for (int tap = p.kernelHeight() - 1; tap >= 0; tap--) { // patches from the top down
            int down = row + p.top() - tap;
            if (down < 0 || down % p.strideDown() != 0 || down / p.strideDown() >= p.outHeight()) {
                continue;
            }
            int patch = image * p.outPixels() + down / p.strideDown() * p.outWidth() - first;
            for (int i = Math.max(0, -patch); i < Math.min(p.outWidth(), columns.rows() - patch); i++) {
                Span span = Span.of(p, p.column(i));
                int n = (span.to - span.from) * channels;
                if (n <= 0) {
                    continue;
                }
                if (!read) {
                    readLine(dx, pixel, p.width(), line);
                    read = true;
                }
                int at = (p.column(i) + span.from) * channels;
                columns.read(patch + i, tap * width + span.from * channels, more, 0, n);
                System.arraycopy(line, at, sum, 0, n);
                for (int j = 0; j < n; j++) {
                    sum[j] += more[j];
                }
                System.arraycopy(sum, 0, line, at, n);
            }
        }
        if (read) {
            for (int i = 0; i < p.width(); i++) {
                dx.write(pixel + i, 0, line, i * channels, channels);
            }
        }
    }

    void turn(int taps, Tensor weight, Tensor turned) {
        int channels = weight.cols() / taps;
        rows.run(weight, (r, a, b, c) -> {
            weight.read(r, 0, a, 0, weight.cols());
            for (int t = 0; t < taps; t++) {
                for (int i = 0; i < channels; i++) {
                    b[t * channels + i] = a[i * taps + t];
                }
            }
            turned.write(r, 0, b, 0, weight.cols());
        });
    }

    void addTurned(int taps, Tensor turned, Tensor weight) {
        int channels = weight.cols() / taps;
        rows.run(weight, (r, a, b, c) -> {
            turned.read(r, 0, a, 0, weight.cols());
            weight.read(r, 0, b, 0, weight.cols());
            for (int t = 0; t < taps; t++) {
                for (int i = 0; i < channels; i++) {
                    b[i * taps + t] += a[t * channels + i];
                }
            }
            weight.write(r, 0, b, 0, weight.cols());
        });
    }

    private static void readLine(Tensor dx, int pixel, int width, float[] line) {
        for (int i = 0; i < width; i++) {
            dx.read(pixel + i, 0, line, i * dx.cols(), dx.cols());
        }
    }
}
