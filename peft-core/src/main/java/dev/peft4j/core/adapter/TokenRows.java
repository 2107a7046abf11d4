package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Some rows of a table that are trained in the place of the base's: of an embedding, or of a head without a bias. They start as copies of the base's
 * rows. A head that is tied to an embedding follows its rows if it is asked to.
 *
 * <p>Shapes: delta (n, C) for n tokens, in the order of their ids as given.
 */
public final class TokenRows {
    /** How the name of rows ends that are trained beside another method. */
    public static final String SAVED_BESIDE = ".token_adapter.trainable_tokens_delta";

    private final Site site;
    private final String tensorName;
    private final int[] tokens;
    private final Map<Integer, Integer> rowOf = new HashMap<>();
    private final Parameter delta; // (n, C)
    private final Set<String> heads = new HashSet<>(); // layers whose columns of the output are these rows'

    /**
     * Copies rows of a table.
     *
     * @param site an embedding, or a linear layer without a bias
     * @param savedName of the parameter in files
     * @param tiedHeads whether heads that are tied to the embedding follow
     * @throws BadInputException if a token is not in the table, or the layer has a bias
     */
    public TokenRows(ModelSites model, Site site, List<Integer> tokens, String savedName, boolean tiedHeads) {
        this.site = site;
        this.tokens = tokens.stream().mapToInt(Integer::intValue).toArray();
        this.tensorName = site instanceof LinearSite l ? model.weightName(l) : site.name() + ".weight";
        if (site instanceof LinearSite && model.tensorNames().contains(site.name() + ".bias")) {
            throw new BadInputException("rows of " + site.name()
                    + " were to be trained; it has a bias, and rows are those of embeddings and of heads without one."
                    + " Train the whole module.");
        }
        FrozenWeight table = model.weight(tensorName);
        for (int i = 0; i < this.tokens.length; i++) {
            int t = this.tokens[i];
            if (t < 0 || t >= table.out()) {
                throw new BadInputException("token " + t + " was to be trained; the vocabulary has the tokens 0 to "
                        + (table.out() - 1) + ". Correct the indices.");
            }
            rowOf.put(t, i); // of a token that is named twice, the last row counts
        }
        Tensor rows = Tensor.allocate(model.backend().dtype(), this.tokens.length, table.in());
        for (int i = 0; i < this.tokens.length; i++) {
            table.decode(this.tokens[i], rows.rows(i, 1));
        }
        delta = new Parameter(savedName, rows, this.tokens.length, table.in());
        for (LinearSite l : model.linearSites()) {
            if (l.equals(site) || (tiedHeads && isTied(model, l))) {
                heads.add(l.name());
            }
        }
    }

    /**
     * Makes sure that each token is named once.
     *
     * @throws BadInputException if not
     */
    public static void requireDistinct(List<Integer> tokens) {
        Set<Integer> seen = new HashSet<>();
        for (int t : tokens) {
            if (!seen.add(t)) {
                throw new BadInputException("token " + t + " was to be trained twice. Name each token once.");
            }
        }
    }

    /** Names of the layers that use the rows. */
    Set<String> layers() {
        Set<String> all = new LinkedHashSet<>(List.of(site.name()));
        all.addAll(heads);
        return all;
    }

    /** Where files have the untrained table. */
    Wrapper wrapper() {
        return delta.name().endsWith(SAVED_BESIDE) ? Wrapper.TOKENS : Wrapper.LAYER;
    }

    private boolean isTied(ModelSites model, LinearSite head) {
        return site instanceof EmbeddingSite
                && model.isTied(head)
                && model.weightName(head).equals(tensorName);
    }

    /** The trained rows. */
    public Parameter parameter() {
        return delta;
    }

    int[] tokens() {
        return tokens.clone();
    }

    /** The table, by its name. */
    String module() {
        return site.name();
    }

    boolean isAt(Site other) {
        return site.name().equals(other.name()) || (other instanceof LinearSite && heads.contains(other.name()));
    }

    void lookUp(Call call, int[] ids, Node y) {
        int[] at = new int[ids.length];
        int[] from = new int[ids.length];
        int n = 0;
        for (int i = 0; i < ids.length; i++) {
            Integer row = rowOf.get(ids[i]);
            if (row != null) {
                at[n] = i;
                from[n++] = row;
            }
        }
        if (n == 0) {
            return;
        }
        int[] rows = Arrays.copyOf(at, n);
        int[] sources = Arrays.copyOf(from, n);
        Pass pass = call.pass();
        Kernels kernels = pass.backend().kernels();
        Tensor own = pass.allocate(n, delta.value().cols());
        kernels.gather(sources, delta.value(), own);
        kernels.scatter(rows, own, y.value());
        Node node = pass.node(delta);
        if (pass.needsGrad(node, y)) {
            pass.record(y, () -> {
                pass.prepareGrad(y); // to be written
                Tensor d = pass.allocate(rows.length, y.grad().cols());
                if (node.isTracked()) {
                    kernels.gather(rows, y.grad(), d);
                    kernels.scatterAdd(sources, d, node.grad());
                }
                kernels.fillRows(null, d);
                kernels.scatter(rows, d, y.grad()); // the table has no part in these rows
            });
        }
    }

    /** {@code y[:, token] = x · row of the token}, in place of what the base's row gave. */
    void head(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node node = pass.node(delta);
        Kernels kernels = pass.backend().kernels();
        Tensor scores = pass.allocate(tokens.length, x.value().rows()); // (n, T)
        pass.backend().matrices().gemm(false, true, 1, delta.value(), x.value(), 0, scores);
        kernels.scatterColumns(tokens, scores, y.value());
        if (pass.needsGrad(node, x, y)) {
            pass.record(
                    y,
                    () -> {
                        pass.prepareGrad(y);
                        Tensor d = pass.allocate(tokens.length, x.value().rows()); // (n, T)
                        kernels.gatherColumns(tokens, y.grad(), d);
                        if (node.isTracked()) { // dDelta = d x
                            double beta = pass.prepareGrad(node) ? 1 : 0;
                            pass.backend().matrices().gemm(false, false, 1, d, x.value(), beta, node.grad());
                        }
                        if (x.isTracked()) { // dx = dᵀ Delta
                            double beta = pass.prepareGrad(x) ? 1 : 0;
                            pass.backend().matrices().gemm(true, false, 1, d, delta.value(), beta, x.grad());
                        }
                        kernels.fillRows(null, d);
                        kernels.scatterColumns(tokens, d, y.grad());
                    },
                    x.value());
        }
    }

    void mergeInto(Tensor table) {
        for (int i = 0; i < tokens.length; i++) {
            table.rows(tokens[i], 1).copyFrom(delta.value().rows(i, 1));
        }
    }
}
