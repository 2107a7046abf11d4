package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.Site;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Which elements weighted sums leave out, by hand. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PruningTest {
    private static final double[] WEIGHTS = {1, 2};
    private Model model;
    private Site site;

    @BeforeAll
    void open() throws IOException {
        model = SmallModels.open("llama");
        site = model.linearSites().get(0);
    }

    @AfterAll
    void close() {
        model.close();
    }

    private double[] merge(Combination rule, double[]... tensors) {
        return Pruning.merge(List.of(tensors), WEIGHTS, rule, site);
    }

    @Test
    void a_linear_rule_is_the_weighted_sum() {
        double[] sum = merge(Combination.of(Combination.Type.LINEAR), new double[] {1, -2}, new double[] {3, 4});
        assertArrayEquals(new double[] {7, 6}, sum);
    }

    @Test
    void magnitudes_keep_the_largest_elements() {
        Combination half = Combination.of(Combination.Type.MAGNITUDE_PRUNE).withDensity(0.5);
        double[] sum = merge(half, new double[] {1, -5, 2, 0.5}, new double[] {0, 1, 1.5, -3});
        assertArrayEquals(new double[] {0, -5, 2 + 2 * 1.5, -6}, sum);
    }

    @Test
    void ties_take_the_mean_of_the_values_with_the_sign_of_the_majority() {
        Combination ties = Combination.of(Combination.Type.TIES);
        double[] sum = merge(ties, new double[] {3, -4, 1}, new double[] {-1, -2, 2});
        assertArrayEquals(new double[] {3, (-4 - 2 * 2) / 2.0, (1 + 2 * 2) / 2.0}, sum);
    }

    @Test
    void dare_drops_by_chance_and_keeps_the_expected_value() {
        double[] ones = new double[20_000];
        Arrays.fill(ones, 1);
        Combination rule = Combination.of(Combination.Type.DARE_LINEAR).withDensity(0.25);
        double[] sum = merge(rule, ones, new double[ones.length]);
        long kept = Arrays.stream(sum).filter(v -> v != 0).count();
        assertTrue(Arrays.stream(sum).allMatch(v -> v == 0 || v == 4));
        assertTrue(Math.abs(kept - 5_000) < 250, "kept " + kept);
        assertArrayEquals(sum, merge(rule, ones, new double[ones.length]), "the seed decides");
    }
}
