package dev.peft4j.prompt;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * Bidirectional LSTM over one short sequence, as PyTorch has it: gates in the order i, f, g, o, {@code c' = f ⊙ c + i ⊙ g}, {@code h' = o ⊙ tanh(c')}, two
 * biases. The steps run in double precision on one thread: a prompt has a few dozen of them.
 *
 * <p>Hochreiter and Schmidhuber 1997; Gers et al. 2000 (forget gate).
 */
final class BiLstm {
    private final int hidden;
    private final double dropout; // between layers, while training
    private final List<List<Cell>> layers = new ArrayList<>(); // forwards and backwards of each

    /** The parameters of one direction of one layer. */
    private record Cell(Parameter wi, Parameter wh, Parameter bi, Parameter bh) {
        List<Parameter> parameters() {
            return List.of(wi, wh, bi, bh);
        }
    }

    /** With PyTorch's first values U(±1/√hidden). */
    BiLstm(int input, int hidden, int layerCount, double dropout, Backend backend, TorchRandom random) {
        this.hidden = hidden;
        this.dropout = dropout;
        for (int l = 0; l < layerCount; l++) {
            int in = l == 0 ? input : 2 * hidden;
            layers.add(List.of(cell("l" + l, in, backend, random), cell("l" + l + "_reverse", in, backend, random)));
        }
    }

    private Cell cell(String name, int in, Backend backend, TorchRandom random) {
        return new Cell(
                parameter("weight_ih_" + name, 4 * hidden, in, backend, random),
                parameter("weight_hh_" + name, 4 * hidden, hidden, backend, random),
                parameter("bias_ih_" + name, 1, 4 * hidden, backend, random),
                parameter("bias_hh_" + name, 1, 4 * hidden, backend, random));
    }

    private Parameter parameter(String name, int rows, int cols, Backend backend, TorchRandom random) {
        Tensor t = Tensor.allocate(backend.dtype(), rows, cols);
        double bound = 1 / Math.sqrt(hidden);
        random.uniform(t, -bound, bound);
        String full = "encoder.lstm_head." + name;
        return rows == 1 ? new Parameter(full, t, cols) : new Parameter(full, t, rows, cols);
    }

    List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        layers.forEach(pair -> pair.forEach(c -> all.addAll(c.parameters())));
        return all;
    }

    /** x (P, input), result (P, 2 · hidden). */
    Node forward(Pass pass, Node x) {
        Node y = x;
        for (int l = 0; l < layers.size(); l++) {
            y = layer(pass, layers.get(l), l == 0 ? y : Products.dropped(pass, dropout, y));
        }
        return y;
    }

    private Node layer(Pass pass, List<Cell> cells, Node x) {
        int n = x.value().rows();
        Node y = pass.node(pass.allocate(n, 2 * hidden));
        double[] in = x.value().toDoubles();
        for (int d = 0; d < 2; d++) {
            Cell cell = cells.get(d);
            boolean backwards = d == 1;
            Run run = new Run(cell, in, n, backwards);
            int from = d * hidden;
            y.value().columns(from, hidden).set(run.h);
            if (pass.needsGrad(x, pass.node(cell.wi))) {
                pass.record(
                        y,
                        () -> run.backward(
                                pass, x, y.grad().columns(from, hidden).toDoubles()));
            }
        }
        return y;
    }

    /** The states of one direction. */
    private final class Run {
        private final Cell cell;
        private final double[] x; // (n, in)
        private final int n;
        private final int in;
        private final boolean backwards;
        private final double[] gates; // (n, 4 · hidden), after their activations
        private final double[] c; // (n, hidden)
        private final double[] h; // (n, hidden), in the order of the sequence
        private final double[] wi;
        private final double[] wh;

        Run(Cell cell, double[] x, int n, boolean backwards) {
            this.cell = cell;
            this.x = x;
            this.n = n;
            this.in = cell.wi.value().cols();
            this.backwards = backwards;
            gates = new double[n * 4 * hidden];
            c = new double[n * hidden];
            h = new double[n * hidden];
            wi = cell.wi.value().toDoubles();
            wh = cell.wh.value().toDoubles();
            double[] bi = cell.bi.value().toDoubles();
            double[] bh = cell.bh.value().toDoubles();
            for (int step = 0; step < n; step++) {
                step(at(step), step == 0 ? -1 : at(step - 1), bi, bh);
            }
        }

        private int at(int step) {
            return backwards ? n - 1 - step : step;
        }

        private void step(int t, int before, double[] bi, double[] bh) {
            for (int j = 0; j < 4 * hidden; j++) {
                double sum = bi[j] + bh[j];
                for (int i = 0; i < in; i++) {
                    sum += wi[j * in + i] * x[t * in + i];
                }
                for (int i = 0; before >= 0 && i < hidden; i++) {
                    sum += wh[j * hidden + i] * h[before * hidden + i];
                }
                boolean candidate = j / hidden == 2;
                gates[t * 4 * hidden + j] = candidate ? Math.tanh(sum) : 1 / (1 + Math.exp(-sum));
            }
            for (int k = 0; k < hidden; k++) {
                double old = before >= 0 ? c[before * hidden + k] : 0;
                c[t * hidden + k] = gate(t, 1, k) * old + gate(t, 0, k) * gate(t, 2, k);
                h[t * hidden + k] = gate(t, 3, k) * Math.tanh(c[t * hidden + k]);
            }
        }

        private double gate(int t, int which, int k) {
            return gates[(t * 4 + which) * hidden + k];
        }

        /** Back through the steps: dh of each comes from the output and from the step after it. */
        void backward(Pass pass, Node xNode, double[] dy) {
            double[] dx = new double[n * in];
            double[] dwi = new double[wi.length];
            double[] dwh = new double[wh.length];
            double[] db = new double[4 * hidden];
            double[] dhNext = new double[hidden];
            double[] dcNext = new double[hidden];
            for (int step = n - 1; step >= 0; step--) {
                int t = at(step);
                int before = step == 0 ? -1 : at(step - 1);
                double[] da = gateGradients(t, before, dy, dhNext, dcNext);
                dhNext = new double[hidden];
                for (int j = 0; j < 4 * hidden; j++) {
                    db[j] += da[j];
                    for (int i = 0; i < in; i++) {
                        dwi[j * in + i] += da[j] * x[t * in + i];
                        dx[t * in + i] += da[j] * wi[j * in + i];
                    }
                    for (int i = 0; before >= 0 && i < hidden; i++) {
                        dwh[j * hidden + i] += da[j] * h[before * hidden + i];
                        dhNext[i] += da[j] * wh[j * hidden + i];
                    }
                }
            }
            add(pass, pass.node(cell.wi), dwi);
            add(pass, pass.node(cell.wh), dwh);
            add(pass, pass.node(cell.bi), db);
            add(pass, pass.node(cell.bh), db);
            add(pass, xNode, dx);
        }

        /** Gradients before the activations of the gates; dc becomes that of the step before. */
        private double[] gateGradients(int t, int before, double[] dy, double[] dh, double[] dc) {
            double[] da = new double[4 * hidden];
            for (int k = 0; k < hidden; k++) {
                double th = Math.tanh(c[t * hidden + k]);
                double total = dy[t * hidden + k] + dh[k];
                double i = gate(t, 0, k);
                double f = gate(t, 1, k);
                double g = gate(t, 2, k);
                double o = gate(t, 3, k);
                double dct = dc[k] + total * o * (1 - th * th);
                double old = before >= 0 ? c[before * hidden + k] : 0;
                da[k] = dct * g * i * (1 - i);
                da[hidden + k] = dct * old * f * (1 - f);
                da[2 * hidden + k] = dct * i * (1 - g * g);
                da[3 * hidden + k] = total * th * o * (1 - o);
                dc[k] = dct * f;
            }
            return da;
        }
    }

    private static void add(Pass pass, Node node, double[] gradient) {
        if (node.isTracked()) {
            Tensor t = pass.allocate(node.value().rows(), node.value().cols());
            t.set(gradient);
            pass.addGrad(node, t);
        }
    }
}
