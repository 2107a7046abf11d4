package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamedArchitectureTest {
    /** As torchvision counts parameters. */
    @ParameterizedTest
    @CsvSource({"resnet18, 11689512", "resnet34, 21797672", "resnet50.a1_in1k, 25557032"})
    void resnets_have_as_many_parameters_as_elsewhere(String architecture, long expected) throws IOException {
        Map<String, Object> config =
                NamedArchitecture.completed(Map.of("architecture", architecture, "num_classes", 1000));
        try (Model model = Models.random(Path.of("unwritten"), config, Backend.host(), 1)) {
            assertEquals(
                    expected,
                    model.tensorNames().stream()
                            .filter(name -> !model.statistics().contains(name))
                            .mapToLong(model::elements)
                            .sum());
        }
    }

    @ParameterizedTest
    @CsvSource({"vgg11, 8, 0", "vgg13_bn, 10, 10", "vgg16, 13, 0", "vgg19_bn.tv_in1k, 16, 16"})
    void vggs_have_as_many_convolutions_and_norms(String architecture, int convolutions, int norms) throws IOException {
        Map<String, Object> config = NamedArchitecture.completed(
                Map.of("architecture", architecture, "num_classes", 5, "classifier_hidden", 4));
        try (Model model = Models.random(Path.of("unwritten"), config, Backend.host(), 1)) {
            assertEquals(convolutions, model.convSites().size());
            assertEquals(norms, model.normSites().size());
            assertEquals(5, model.head().outputs());
        }
    }

    @Test
    void other_configs_stay_as_they_are() {
        Map<String, Object> known = Map.of("model_type", "resnet", "architecture", "resnet18");
        Map<String, Object> unknown = Map.of("architecture", "swin_tiny");
        assertSame(known, NamedArchitecture.completed(known));
        assertSame(unknown, NamedArchitecture.completed(unknown));
    }
}
