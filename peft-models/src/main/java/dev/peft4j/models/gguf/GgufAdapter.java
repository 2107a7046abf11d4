package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * LoRA adapters as files that llama.cpp loads beside a base ({@code llama-cli --lora}).
 *
 * <p>For each layer llama.cpp computes {@code y = W x + (alpha / R) · B A x}, with one alpha for the whole file and R of each pair. Where a layer has another
 * scaling ({@code alpha_pattern}, {@code use_rslora} with several ranks), its B is multiplied by what is missing, so that the product is that of PEFT.
 *
 * <p>Source: llama.cpp's {@code convert_lora_to_gguf.py} and {@code llama-adapter.cpp}.
 */
public final class GgufAdapter {
    private static final Pattern LAYER =
            Pattern.compile("(?:model\\.)?layers\\.(0|[1-9]\\d{0,3})\\.((?:self_attn|mlp)\\.\\w+)");
    private static final int QUANTIZATION_VERSION = 2; // of ggml

    private final SavedLora lora;
    private final Base base;
    private final float alpha; // of the file
    private final Set<String> names = new HashSet<>();
    private final GgufWriter writer = new GgufWriter();

    private GgufAdapter(SavedLora lora, Base base, float alpha) {
        this.lora = lora;
        this.base = base;
        this.alpha = alpha;
    }

    /**
     * Writes an adapter of PEFT as a GGUF file.
     *
     * @param out the file
     * @param adapter directory with {@code adapter_config.json} and {@code adapter_model.safetensors}
     * @param base directory with the {@code config.json} of the model that it was trained on; weights are not read
     * @param type F32 or F16
     * @throws BadFileException if the adapter is more than pairs of A and B of linear layers, such as DoRA or one with whole modules, biases or embeddings, or
     *     does not fit the base, or if llama.cpp's names for this family are not known
     * @throws BadInputException if another number format is asked for, or the adapter has numbers beyond it
     */
    public static void write(Path out, Path adapter, Path base, GgufType type) throws IOException {
        if (type != GgufType.F32 && type != GgufType.F16) {
            throw new BadInputException(
                    type + " was asked for, and adapters are written as F32 or F16. Choose one of these.");
        }
        Base model = Base.read(base);
        try (SavedLora lora = SavedLora.open(adapter)) {
            GgufAdapter made = new GgufAdapter(lora, model, alpha(lora));
            made.addMetadata(String.valueOf(adapter.toAbsolutePath().normalize().getFileName()));
            for (Map.Entry<String, SavedLora.Pair> pair : lora.pairs().entrySet()) {
                made.add(pair.getKey(), pair.getValue(), type);
            }
            made.writer.write(out);
        }
    }

    /** That of the first layer that has one. */
    private static float alpha(SavedLora lora) throws BadFileException {
        for (SavedLora.Pair pair : lora.pairs().values()) {
            float alpha = (float) pair.alpha();
            if (alpha != 0 && Float.isFinite(alpha)) {
                return alpha;
            }
        }
        throw lora.bad("\"lora_alpha\" is 0, or beyond single precision, for all its layers; llama.cpp takes 0 for a"
                + " scaling of 1. An adapter with 0 changes nothing: use the base alone.");
    }

    private void addMetadata(String name) {
        writer.text("general.architecture", base.names.architecture())
                .text("general.type", "adapter")
                .text("adapter.type", "lora")
                .number("adapter.lora.alpha", alpha)
                .text("general.name", name)
                .count("general.quantization_version", QUANTIZATION_VERSION);
    }

    private void add(String layer, SavedLora.Pair pair, GgufType type) throws BadFileException {
        String name = name(layer);
        if (!names.add(name)) {
            throw lora.bad(
                    "two layers are " + name + ", one of them " + layer + ". The file is damaged; save it again.");
        }
        int head = base.pairedHead(layer, pair.out(), lora);
        float missing = (float) (pair.alpha() / alpha);
        writer.add(name + ".lora_a", type, () -> lora.values(pair.a()), pair.rank(), pair.in());
        writer.add(name + ".lora_b", type, () -> b(pair, head, missing), pair.out(), pair.rank());
    }

    private float[] b(SavedLora.Pair pair, int head, float missing) throws IOException {
        float[] b = lora.values(pair.b());
        if (missing != 1) {
            for (int i = 0; i < b.length; i++) {
                b[i] *= missing;
            }
        }
        return head == 0 ? b : HeadRows.toPairs(b, head, pair.rank());
    }

    private String name(String layer) throws BadFileException {
        if (layer.equals("lm_head")) {
            if (base.tied) {
                throw lora.bad("the head (lm_head) has a pair, and the base shares its weight with the embedding, which"
                        + " llama.cpp cannot adapt alone. Merge the adapter into its base instead.");
            }
            return "output.weight";
        }
        Matcher m = LAYER.matcher(layer);
        String part = m.matches() ? base.names.layers().get(m.group(2)) : null;
        if (part == null) {
            throw lora.bad("the layer " + GgufHeader.shown(layer) + " has a pair, and this base has "
                    + base.names.layers().keySet()
                    + " in each of its layers. Use the base that the adapter was trained on.");
        }
        return "blk." + Integer.parseInt(m.group(1)) + "." + part + ".weight";
    }

    /**
     * What has to be known of the base.
     *
     * @param heads of queries
     * @param keyHeads of keys
     * @param headSize rows of a head
     * @param tied whether the head shares its weight with the embedding
     */
    private record Base(Path config, LayerNames names, long heads, long keyHeads, long headSize, boolean tied) {
        static Base read(Path directory) throws IOException {
            Path file = directory.resolve("config.json");
            GgufFields fields = new GgufFields(file, Json.read(file));
            String type = fields.text("model_type");
            LayerNames names = LayerNames.of(type);
            if (names == null) {
                throw new BadFileException(
                        file,
                        "an adapter was to be written for llama.cpp, whose names for \"" + type
                                + "\" are not known here; those of " + LayerNames.families()
                                + " are. Merge the adapter into its base, and convert that with llama.cpp.");
            }
            boolean tied = fields.flag("tie_word_embeddings", type.startsWith("gemma"));
            long heads = fields.size("num_attention_heads");
            return new Base(
                    file,
                    names,
                    heads,
                    fields.size("num_key_value_heads", heads),
                    fields.size("head_dim", Math.max(1, fields.size("hidden_size") / heads)),
                    tied);
        }

        /** Rows of a head where a layer has its rows in another order; 0 else. */
        int pairedHead(String layer, int out, SavedLora lora) throws BadFileException {
            boolean queries = layer.endsWith(".q_proj");
            if (!names.pairsRows() || !(queries || layer.endsWith(".k_proj"))) {
                return 0;
            }
            long expected = headSize * (queries ? heads : keyHeads);
            if (out != expected || headSize % 2 != 0) {
                throw lora.bad("B of " + layer + " has " + out + " rows, and " + config + " asks for " + expected + ": "
                        + (queries ? heads : keyHeads) + " heads of " + headSize
                        + " rows, an even number. Use the base that the adapter was trained on.");
            }
            return (int) headSize;
        }
    }
}
