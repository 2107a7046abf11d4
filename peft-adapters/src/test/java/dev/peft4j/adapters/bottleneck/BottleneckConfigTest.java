package dev.peft4j.adapters.bottleneck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.SmallModels;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes, places and first values of bottlenecks. */
class BottleneckConfigTest {
    private static String refusal(Executable action) {
        return String.valueOf(
                assertThrows(IllegalArgumentException.class, action).getMessage());
    }

    @Test
    void units_are_the_width_over_the_factor_of_the_block() {
        ReductionFactor factor = new ReductionFactor(16.0, Map.of(2, 0.5));
        assertEquals(4, factor.units(64, 0));
        assertEquals(4, factor.units(79, 1));
        assertEquals(128, factor.units(64, 2));
        assertTrue(refusal(() -> factor.units(8, 0)).contains("leaves no unit"));
        assertTrue(refusal(() -> new ReductionFactor(null, Map.of(2, 4.0)).units(64, 1))
                .contains("block 1"));
        assertTrue(refusal(() -> ReductionFactor.of(0)).contains("reduction_factor = 0"));
    }

    @Test
    void placements_and_names_that_cannot_be_are_refused() {
        BottleneckPlacement.Residual sum = BottleneckPlacement.Residual.SUM;
        assertTrue(refusal(() -> new BottleneckPlacement(false, false, false, false, sum, List.of()))
                .contains("mh_adapter"));
        assertTrue(refusal(() -> new BottleneckPlacement(true, true, false, false, sum, List.of()))
                .contains("post_add"));
        BottleneckConfig beside = BottleneckConfig.parallel(4, 1);
        assertTrue(refusal(() -> beside.withNorm(BottleneckConfig.Norm.AFTER_RESIDUAL))
                .contains("is_parallel"));
        assertTrue(refusal(() -> BottleneckConfig.pfeiffer(4).withScaling(Scaling.of(Double.NaN)))
                .contains("scaling"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void one_with_a_zero_layer_changes_nothing_and_has_the_parameters_of_its_config(String family) throws IOException {
        BottleneckConfig config = BottleneckConfig.houlsby(4)
                .withInit(BottleneckConfig.Init.MAM_ADAPTER)
                .withScaling(new Scaling(Scaling.Kind.CHANNEL, 1));
        try (Model model = SmallModels.open(family);
                Adapter adapter = new BottleneckMethod().create(config, model, 1)) {
            assertEquals(config.parameterCount(model), adapter.trainableCount());
            assertArrayEquals(SmallModels.logits(model), SmallModels.logits(model, adapter));
        }
    }

    @Test
    void blocks_that_are_left_out_have_none() throws IOException {
        BottleneckConfig all = BottleneckConfig.pfeiffer(4);
        BottleneckConfig less = new BottleneckConfig(
                all.placement().withLeaveOut(List.of(0)),
                all.reductionFactor(),
                all.nonLinearity(),
                all.scaling(),
                0,
                all.norm(),
                all.init(),
                all.name(),
                null);
        try (Model model = SmallModels.open("llama");
                Adapter adapter = new BottleneckMethod().create(less, model, 1)) {
            assertTrue(adapter.parameters().stream().noneMatch(p -> p.name().contains("layers.0.")));
            assertTrue(less.parameterCount(model) < all.parameterCount(model));
        }
    }
}
