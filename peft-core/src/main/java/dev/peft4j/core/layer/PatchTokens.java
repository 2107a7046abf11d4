package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Rows that a transformer reads of an image: one that stands for the class, then its patches, each with what its place adds.
 *
 * <p>Dosovitskiy et al. 2021, <a href="https://arxiv.org/abs/2010.11929">paper</a>, equation 1.
 *
 * @param firstName of the first row in the checkpoint
 * @param first (1, C)
 * @param positionsName of what the places add, in the checkpoint
 * @param positions (1, T · C), of the first row and of T - 1 patches
 */
public record PatchTokens(String firstName, Tensor first, String positionsName, Tensor positions) {
    /** T: rows of an image. */
    public int count() {
        return positions.cols() / first.cols();
    }

    /** Patches (N · (T - 1), C) of images, and their rows (N · T, C). */
    public Node forward(Call call, FeatureMap patches) {
        Pass pass = call.pass();
        int images = patches.images();
        Node y = pass.node(pass.allocate(images * count(), first.cols()));
        int[] lengths = new int[images];
        Arrays.fill(lengths, count());
        List<Call> readers = patches.over(call).partsIfReplaced(firstName, positionsName);
        List<Call> writers = call.overTokens(lengths).partsIfReplaced(firstName, positionsName);
        for (int i = 0; i < readers.size(); i++) {
            Node mine = readers.get(i).rows(patches.pixels());
            rows(writers.get(i), mine, writers.get(i).rows(y));
        }
        pass.tell(positionsName, patches.pixels(), y);
        return y;
    }

    private void rows(Call call, Node patches, Node y) {
        Pass pass = call.pass();
        int images = y.value().rows() / count();
        Kernels kernels = pass.backend().kernels();
        Node row = call.vector(firstName, first);
        Node places = call.vector(positionsName, positions);
        int[] each = new int[images];
        Arrays.fill(each, count() - 1);
        Node both = Functions.prepend(pass, each, Collections.nCopies(images, row), Slice.of(patches));
        Tensor repeated = pass.allocate(images, positions.cols());
        kernels.fillRows(places.value(), repeated);
        kernels.add(both.value(), repeated.reshape(images * count(), first.cols()), y.value());
        if (pass.needsGrad(both, places)) {
            pass.record(y, () -> {
                if (places.isTracked()) { // the sum over the images
                    kernels.addColumnSums(y.grad().reshape(images, positions.cols()), places.grad());
                }
                if (both.isTracked()) {
                    pass.addGrad(both, y.grad());
                }
            });
        }
    }
}
