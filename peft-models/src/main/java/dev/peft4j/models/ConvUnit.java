package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.layer.BatchNorm;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.tensor.Activation;
import org.jspecify.annotations.Nullable;

/** A convolution, its norm, and what follows. */
record ConvUnit(Convolution convolution, BatchNorm norm, @Nullable Activation activation) {
    FeatureMap forward(Call call, FeatureMap x) {
        return norm.behind(call, convolution.forward(call, x), activation);
    }
}
