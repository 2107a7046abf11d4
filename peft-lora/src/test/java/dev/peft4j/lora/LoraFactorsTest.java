package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** First values of A and B. */
class LoraFactorsTest {
    private static final double SCALING = 2;

    private static LoraFactors factors(Model model, LoraInit init, int r) {
        LinearSite site = model.linearSites().get(0);
        FrozenWeight weight = model.weight(site.name() + ".weight");
        return LoraFactors.of(init, r, SCALING, weight, model.backend(), new SplittableRandom(4));
    }

    /** Row by row. */
    private static double[] product(Tensor b, Tensor a) {
        double[] ba = new double[b.rows() * a.cols()];
        for (int o = 0; o < b.rows(); o++) {
            for (int i = 0; i < a.cols(); i++) {
                for (int k = 0; k < a.rows(); k++) {
                    ba[o * a.cols() + i] += b.get(o, k) * a.get(k, i);
                }
            }
        }
        return ba;
    }

    @ParameterizedTest
    @EnumSource(
            value = LoraInit.Kind.class,
            names = {"DEFAULT", "GAUSSIAN", "ORTHOGONAL"})
    void an_update_that_does_not_come_from_the_base_starts_at_zero(LoraInit.Kind kind) throws IOException {
        try (Model model = SmallModels.open("llama")) {
            LoraFactors f = factors(model, LoraInit.of(kind), 4);
            try (Tensor a = f.a();
                    Tensor b = f.b()) {
                assertTrue(model.backend().kernels().sumOfSquares(a) > 0);
                for (double v : product(b, a)) {
                    assertEquals(0, v, 1e-7);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"PISSA", "OLORA"})
    void what_comes_from_the_base_is_the_base_at_full_rank(String kind) throws IOException {
        try (Model model = SmallModels.open("llama")) {
            LinearSite site = model.linearSites().get(0);
            int full = Math.min(site.in(), site.out());
            double s = kind.equals("PISSA") ? SCALING : 1;
            double[] w = model.weight(site.name() + ".weight").toDoubles();
            LoraFactors f = factors(model, LoraInit.of(LoraInit.Kind.valueOf(kind)), full);
            try (Tensor a = f.a();
                    Tensor b = f.b()) {
                double[] ba = product(b, a);
                for (int i = 0; i < w.length; i++) {
                    assertEquals(w[i], s * ba[i], 1e-5, kind + " at " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"PISSA", "OLORA", "MICA", "ORTHOGONAL"})
    void what_cannot_be_is_refused(String kind) throws IOException {
        try (Model model = SmallModels.open("llama")) {
            int r = kind.equals("ORTHOGONAL") ? 3 : 1_000;
            LoraInit init = LoraInit.of(LoraInit.Kind.valueOf(kind));
            assertThrows(IllegalArgumentException.class, () -> factors(model, init, r));
        }
    }
}
