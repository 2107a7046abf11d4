package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.HeadProducts;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Disentangled attention: distances of tokens have vectors of their own, which the layers of queries and keys read too, and scores are
 * {@code (q_i·k_j + q_i·kr_p + qr_p·k_j) / √(3H)}, where p is the place of the distance i - j.
 *
 * <p>He et al. 2021, <a href="https://arxiv.org/abs/2006.03654">paper</a>, section 3.1; far distances share places on a logarithmic scale, as in He et al. 2023,
 * <a href="https://arxiv.org/abs/2111.09543">DeBERTaV3</a>.
 *
 * @param table (P, C), a vector for each place
 * @param norm of the table, or null
 * @param rule of the places
 * @param ofQueries whether queries read the places
 * @param ofKeys whether keys do
 * @param heads N
 * @param scale of the scores
 * @param dropout of the table, while training
 */
record RelativePositions(
        Embedding table,
        @Nullable LayerNorm norm,
        Rule rule,
        boolean ofQueries,
        boolean ofKeys,
        int heads,
        double scale,
        double dropout) {

    /**
     * Which place a distance has.
     *
     * @param span half of the places P
     * @param buckets on the logarithmic scale; 0 for none
     * @param farthest distance that has a place of its own
     */
    record Rule(int span, int buckets, int farthest) {
        /** Of all distances from -(n - 1) to n - 1. */
        int[] places(int n) {
            int[] places = new int[2 * n - 1];
            Arrays.setAll(places, i -> {
                int distance = i - (n - 1);
                return Math.max(0, Math.min(2 * span - 1, span + (buckets > 0 ? bucket(distance) : distance)));
            });
            return places;
        }

        /** In single precision, as PyTorch computes it. */
        private int bucket(int distance) {
            int middle = buckets / 2;
            int far = Math.abs(distance);
            if (far <= middle) {
                return distance;
            }
            float ratio = (float) Math.log((float) far / middle) / (float) Math.log((float) (farthest - 1) / middle);
            return Integer.signum(distance) * ((int) Math.ceil(ratio * (middle - 1)) + middle);
        }
    }

    /**
     * What distances add to the scores of a layer.
     *
     * @param call over all rows of the batch
     * @param query layer of the queries
     * @param key layer of the keys
     * @param q queries (T, C)
     * @param k keys (T, C)
     */
    Attention.Distances distances(Call call, PackedBatch batch, Linear query, Linear key, Node q, Node k) {
        Pass pass = call.pass();
        int places = table.site().entries();
        // with adapters of their own, sequences have tables of their own
        int[] lengths = new int[call.isSplit() ? batch.sequences() : 1];
        Arrays.fill(lengths, places);
        Call over = call.isSplit() ? call.overTokens(lengths) : call;
        Node vectors = vectors(over, pass, places, lengths.length);
        Node fromQueries = ofQueries
                ? HeadProducts.forward(pass, heads, q, key.forward(over, vectors), batch.lengths(), places)
                : null;
        Node fromKeys = ofKeys
                ? HeadProducts.forward(pass, heads, k, query.forward(over, vectors), batch.lengths(), places)
                : null;
        int longest = Arrays.stream(batch.lengths()).max().orElse(1);
        return new Attention.Distances(rule.places(longest), scale, fromQueries, fromKeys);
    }

    private Node vectors(Call over, Pass pass, int places, int times) {
        int[] all = new int[places * times];
        Arrays.setAll(all, i -> i % places);
        Node x = table.forward(over, all);
        Node y = norm == null ? x : norm.forward(over, x);
        if (dropout <= 0 || !pass.isTraining()) {
            return y;
        }
        Node dropped = pass.node(pass.allocate(y.value().rows(), y.value().cols()));
        Products.copy(pass, y, dropped);
        return Functions.dropout(pass, dropout, dropped);
    }
}
