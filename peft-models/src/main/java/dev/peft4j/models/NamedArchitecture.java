package dev.peft4j.models;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Configs that name an architecture instead of telling its sizes, as those of timm: {@code {"architecture": "resnet50", "num_classes": 1000}}. */
final class NamedArchitecture {
    private static final List<Integer> NARROW = List.of(64, 128, 256, 512);
    private static final List<Integer> WIDE = List.of(256, 512, 1024, 2048);

    /** Sizes of He et al. 2016, table 1. */
    private static final Map<String, Map<String, Object>> RESNETS = Map.of(
            "resnet18", resnet("basic", NARROW, List.of(2, 2, 2, 2)),
            "resnet34", resnet("basic", NARROW, List.of(3, 4, 6, 3)),
            "resnet50", resnet("bottleneck", WIDE, List.of(3, 4, 6, 3)),
            "resnet101", resnet("bottleneck", WIDE, List.of(3, 4, 23, 3)),
            "resnet152", resnet("bottleneck", WIDE, List.of(3, 8, 36, 3)));

    /** Widths of Simonyan and Zisserman 2015, table 1, columns A, B, D and E, with an M for each pooling. */
    private static final Map<String, List<Object>> VGGS = Map.of(
            "vgg11", List.of(64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
            "vgg13", List.of(64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
            "vgg16", List.of(64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
            "vgg19",
                    List.of(
                            64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512,
                            512, "M"));

    private static final String NORMED = "_bn";

    private NamedArchitecture() {}

    private static Map<String, Object> resnet(String layer, List<Integer> widths, List<Integer> depths) {
        return Map.of(
                "model_type",
                "resnet",
                "layer_type",
                layer,
                "hidden_sizes",
                widths,
                "depths",
                depths,
                "embedding_size",
                64);
    }

    /** The fields of a config with what its architecture says, if it is a known one and there is no {@code model_type}. */
    static Map<String, Object> completed(Map<String, Object> fields) {
        if (fields.get("model_type") != null || !(fields.get("architecture") instanceof String name)) {
            return fields;
        }
        Map<String, Object> known = known(name.replaceAll("[.].*", "")); // without the name of its weights
        if (known == null) {
            return fields;
        }
        Map<String, Object> all = new LinkedHashMap<>(known);
        all.putAll(fields);
        return all;
    }

    private static @Nullable Map<String, Object> known(String name) {
        List<Object> widths = VGGS.get(name.replace(NORMED, ""));
        return widths == null
                ? RESNETS.get(name)
                : Map.of("model_type", "vgg", "cfg", widths, "batch_norm", name.endsWith(NORMED));
    }
}
