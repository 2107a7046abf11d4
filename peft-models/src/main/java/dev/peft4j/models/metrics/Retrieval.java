package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * How well a search ranks: what is most similar to a query comes first. Of equally similar candidates those that are not relevant come first, so that a model
 * to which all are alike finds what is relevant last.
 */
public final class Retrieval {
    private final int[][] ranks;

    private Retrieval(int[][] ranks) {
        this.ranks = ranks;
    }

    /**
     * Ranks the candidates of each query.
     *
     * @param similarity of each query to each of its candidates; more is more similar
     * @param relevant numbers of the candidates, from 0, that each query should find: one or several
     * @throws BadInputException if there are no queries, the lengths differ, a similarity is NaN, or a query has no relevant candidate, the same twice or one that
     *     does not exist
     */
    public static Retrieval of(double[][] similarity, int[][] relevant) {
        Inputs.requirePairs("rows of queries", relevant.length, similarity.length);
        return of(q -> similarity[q], relevant);
    }

    /**
     * The same with the similarities of one query at a time, so that those of all need no memory.
     *
     * @param similarity of the query of a number, from 0, to each of its candidates; asked for in rising order
     * @param relevant as above, of each query
     * @throws BadInputException as above
     * @throws StoppedException if the thread is interrupted
     */
    public static Retrieval of(IntFunction<double[]> similarity, int[][] relevant) {
        Inputs.requireSome("rows of queries", relevant.length);
        int[][] ranks = new int[relevant.length][];
        for (int q = 0; q < ranks.length; q++) {
            int at = q;
            StoppedException.ifInterrupted(
                    () -> "the candidates of " + relevant.length + " queries were to be ranked, " + at + " were");
            ranks[q] = ranks(q, similarity.apply(q), relevant[q]);
        }
        return new Retrieval(ranks);
    }

    /**
     * The same where each query has one relevant candidate.
     *
     * @throws BadInputException as above
     */
    public static Retrieval of(double[][] similarity, int[] relevant) {
        return of(
                similarity, Arrays.stream(relevant).mapToObj(r -> new int[] {r}).toArray(int[][]::new));
    }

    /** Ranks of the relevant candidates of a query, from 1, in ascending order. */
    private static int[] ranks(int query, double[] similarity, int[] relevant) {
        boolean[] wanted = new boolean[similarity.length];
        for (int r : relevant) {
            if (r < 0 || r >= wanted.length || wanted[r]) {
                throw new BadInputException("query " + query + " has " + wanted.length
                        + " candidates, numbered from 0, and its relevant ones are said to be " + r
                        + (r < 0 || r >= wanted.length ? "" : " twice") + ". Give each that exists once.");
            }
            wanted[r] = true;
        }
        if (relevant.length == 0) {
            throw new BadInputException("query " + query
                    + " was to find something, and no candidate is relevant. Give one, or leave the query out.");
        }
        double[] others = new double[similarity.length - relevant.length];
        double[] found = new double[relevant.length];
        int o = 0;
        int f = 0;
        for (int i = 0; i < wanted.length; i++) {
            if (Double.isNaN(similarity[i])) {
                throw new BadInputException("candidates were to be ranked, and the similarity of query " + query
                        + " to candidate " + i + " is NaN. See why, or leave the query out.");
            }
            if (wanted[i]) {
                found[f++] = -similarity[i]; // ascending is best first
            } else {
                others[o++] = -similarity[i];
            }
        }
        Arrays.sort(others);
        Arrays.sort(found);
        int[] ranks = new int[found.length];
        int before = 0;
        for (int i = 0; i < ranks.length; i++) {
            while (before < others.length && others[before] <= found[i]) {
                before++;
            }
            ranks[i] = before + i + 1;
        }
        return ranks;
    }

    /**
     * The rank of the first relevant candidate of a query, from 1.
     *
     * @param query its number, from 0
     */
    public int rank(int query) {
        return ranks[query][0];
    }

    /** How many queries there are. */
    public int queries() {
        return ranks.length;
    }

    /**
     * Share of the relevant candidates that are among the first k, from 0 to 1; mean over queries.
     *
     * @param k how many of the first candidates count
     * @throws BadInputException if k is below 1
     */
    public double recallAt(int k) {
        if (k < 1) {
            throw new BadInputException("the recall of the first " + k
                    + " candidates was asked for; that takes at least 1. Give one such as 10.");
        }
        double sum = 0;
        for (int[] ofQuery : ranks) {
            sum += (double) Arrays.stream(ofQuery).filter(r -> r <= k).count() / ofQuery.length;
        }
        return sum / ranks.length;
    }

    /** Mean over queries of {@code 1 / rank} of the first relevant candidate, from 0 to 1. Voorhees 1999, <a href="https://trec.nist.gov/pubs/trec8/papers/qa_report.pdf">TREC-8</a>. */
    public double meanReciprocalRank() {
        return Arrays.stream(ranks).mapToDouble(r -> 1.0 / r[0]).sum() / ranks.length;
    }
}
