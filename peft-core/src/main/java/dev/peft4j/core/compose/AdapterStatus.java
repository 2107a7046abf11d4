package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import java.util.List;

/**
 * One line of the table of a {@link PeftModel}.
 *
 * @param name of the adapter
 * @param method its {@code peft_type}
 * @param parameters number of elements
 * @param trainable how many of them are trained
 * @param layers number of layers at which it acts
 * @param replaced base tensors that it has copies of: classifiers, biases
 * @param calls passes that are using it now
 */
public record AdapterStatus(
        String name, String method, long parameters, long trainable, int layers, List<String> replaced, int calls) {

    static AdapterStatus of(String name, Adapter a, Model base, int calls) {
        int layers = 0;
        for (LinearSite s : base.linearSites()) {
            layers += a.actsAt(s) ? 1 : 0;
        }
        for (ConvSite s : base.convSites()) {
            layers += a.actsAt(s) ? 1 : 0;
        }
        for (EmbeddingSite s : base.embeddingSites()) {
            layers += a.actsAt(s) ? 1 : 0;
        }
        return new AdapterStatus(
                name,
                a.config().peftType(),
                a.parameters().stream().mapToLong(Parameter::size).sum(),
                a.trainableCount(),
                layers,
                base.tensorNames().stream()
                        .filter(n -> a.replacement(n) != null)
                        .toList(),
                calls);
    }
}
