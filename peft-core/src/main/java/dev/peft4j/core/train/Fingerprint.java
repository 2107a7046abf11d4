package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Short texts that differ where runs differ: of records, of adapters, of a base. */
final class Fingerprint {
    private static final int SAMPLES = 64; // elements of a tensor of the base

    private final MessageDigest digest;

    private Fingerprint() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /** Of tokens, types, labels and values, in their order; of images that are yet to be made, their identities. */
    static String of(List<? extends Example> records) {
        Fingerprint f = new Fingerprint();
        for (Example e : records) {
            if (e instanceof PackedBatch.Sequence s) {
                f.add(s);
            } else if (e instanceof PackedBatch.Pair pair) {
                f.add(pair.anchor());
                f.add(pair.positive());
            } else if (e instanceof PackedBatch.Choice choice) {
                f.add(choice.chosen());
                f.add(choice.rejected());
            } else if (e instanceof VariedSequence varied) {
                f.add("varied");
                f.add(varied.fixed());
            } else if (e instanceof RatedAnswer rated) {
                f.add(rated.sequence());
                f.add(new int[] {rated.isGood() ? 1 : 0});
            } else if (e instanceof ImageBatch.Image image) {
                f.add(image.values());
            } else if (e instanceof VariedImage image) {
                f.add(image.identity());
            } else if (e instanceof FeatureBatch.Features features) {
                f.add(features.values());
            }
            f.add(e.targets());
        }
        return f.text();
    }

    private void add(PackedBatch.Sequence s) {
        add(s.ids());
        add(s.tokenTypes());
    }

    /** Of what adapters were made from, and of the values that no run changes. */
    static String of(ModelSites model, List<Adapter> adapters) throws IOException {
        Fingerprint f = new Fingerprint();
        for (Adapter a : adapters) {
            boolean hasFile = !(a instanceof BaseTuning || a instanceof MergedAdapter);
            f.add(
                    hasFile
                            ? Json.printLine(a.config().toJson(model))
                            : a.config().peftType());
            Set<Parameter> changing = Set.copyOf(TrainerState.changing(a));
            for (Parameter p : a.parameters()) {
                f.add(p.name());
                if (!changing.contains(p)) {
                    f.add(p.value().toFloats());
                }
            }
        }
        return f.text();
    }

    /** Of the names and shapes of the tensors of a base, and of some of their elements: which it has, without reading all of them. */
    static String of(ModelSites model) {
        return of(model, model.tensorNames());
    }

    /** The same of some tensors. */
    static String of(ModelSites model, Collection<String> names) {
        Fingerprint f = new Fingerprint();
        for (String name : new TreeSet<>(names)) {
            FrozenWeight w = model.weight(name);
            String form = w.getClass().getSimpleName(); // in which it is kept
            f.add(name + " " + w.out() + " " + w.in() + " " + form);
            long size = model.elements(name);
            float[] some = new float[(int) Math.min(SAMPLES, size)];
            try (Tensor row = Tensor.allocate(model.backend().dtype(), 1, w.in())) {
                for (int i = 0; i < some.length; i++) {
                    long at = i * size / some.length;
                    w.decode((int) (at / w.in()), row);
                    some[i] = row.columns((int) (at % w.in()), 1).toFloats()[0];
                }
            }
            f.add(some);
        }
        return f.text();
    }

    private void add(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        add(new int[] {bytes.length});
        digest.update(bytes);
    }

    private void add(int[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Integer.BYTES * (values.length + 1)).putInt(values.length);
        for (int v : values) {
            bytes.putInt(v);
        }
        digest.update(bytes.flip());
    }

    private void add(Targets targets) {
        add(targets.kind());
        if (targets instanceof Targets.PerToken t) {
            add(t.labels());
        } else if (targets instanceof Targets.Classes t) {
            add(t.classes());
        } else if (targets instanceof Targets.Spans t) {
            add(t.first());
            add(t.last());
        } else if (targets instanceof Targets.Numbers t) {
            add(t.values());
        } else if (targets instanceof Targets.LabelSets t) {
            add(t.values());
        }
    }

    private void add(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        add(bits);
    }

    private String text() {
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }
}
