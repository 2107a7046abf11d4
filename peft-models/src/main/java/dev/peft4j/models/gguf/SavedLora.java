package dev.peft4j.models.gguf;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A LoRA adapter in a directory of PEFT, of which nothing but pairs of A and B counts; whatever else it has is refused. */
final class SavedLora implements AutoCloseable {
    private static final String PREFIX = "base_model.model.";
    private static final String ADVICE =
            "Make plain LoRA of it (peft4j convert) if weights of linear layers are all that it changes, or merge it into its base.";
    private static final long MOST = Integer.MAX_VALUE - 8; // numbers of a matrix

    private final Path configFile;
    private final SafetensorsFile file;
    private final double alpha;
    private final Map<String, Double> alphas;
    private final boolean rankStabilized;
    private final Map<String, Pair> pairs = new TreeMap<>();

    /**
     * The update of a layer: {@code scaling · B A}.
     *
     * @param a name of A (R, I)
     * @param b name of B (O, R)
     * @param alpha what has to be divided by the rank to give the scaling
     */
    record Pair(String a, String b, int rank, int in, int out, double alpha) {}

    private SavedLora(Path configFile, ConfigFields fields, SafetensorsFile file) {
        this.configFile = configFile;
        this.file = file;
        this.alpha = fields.number("lora_alpha", 8); // PEFT's default
        this.alphas = fields.alphas();
        this.rankStabilized = fields.truth("use_rslora", false);
    }

    /**
     * Opens a directory; the caller closes it.
     *
     * @throws BadFileException if it holds no LoRA adapter, or one that is more than pairs of A and B
     */
    static SavedLora open(Path directory) throws IOException {
        Path configFile = directory.resolve("adapter_config.json");
        Map<String, Object> json = Json.read(configFile);
        if (!"LORA".equals(json.get("peft_type"))) {
            throw new BadFileException(
                    configFile,
                    "a LoRA adapter was to be written for llama.cpp, and \"peft_type\" is "
                            + GgufHeader.shown(String.valueOf(json.get("peft_type")))
                            + "; llama.cpp has no other kind. " + ADVICE);
        }
        ConfigFields fields = new ConfigFields(json);
        SafetensorsFile file = SafetensorsFile.open(directory.resolve("adapter_model.safetensors"));
        try {
            refuse(configFile, fields);
            SavedLora lora = new SavedLora(configFile, fields, file);
            lora.findPairs();
            return lora;
        } catch (BadInputException e) { // of a field
            file.close();
            throw new BadFileException(configFile, String.valueOf(e.getMessage()), e);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static void refuse(Path configFile, ConfigFields fields) throws BadFileException {
        for (String name : List.of("use_dora", "lora_bias", "modules_to_save", "trainable_token_indices")) {
            if (fields.truth(name, false)) {
                throw beyond(configFile, "\"" + name + "\" is " + GgufHeader.shown(String.valueOf(fields.any(name))));
            }
        }
        String bias = fields.text("bias", "none");
        if (!bias.equals("none")) {
            throw beyond(configFile, "\"bias\" is " + GgufHeader.shown(bias));
        }
        fields.refuseTrue("megatron_config", "layer_replication", "alora_invocation_tokens", "target_parameters");
        fields.refuseGiven("velora_config", "arrow_config", "use_bdlora", "kasa_config", "monteclora_config");
        String init = String.valueOf(fields.any("init_lora_weights")).toLowerCase(Locale.ROOT);
        if (List.of("pissa", "olora", "corda", "loftq", "mica").stream().anyMatch(init::startsWith)) {
            throw new BadFileException(
                    configFile,
                    "\"init_lora_weights\" is " + GgufHeader.shown(init)
                            + ", so this adapter belongs to a base that loses what A and B"
                            + " started with, which llama.cpp does not do. " + ADVICE);
        }
    }

    private static BadFileException beyond(Path configFile, String what) {
        return new BadFileException(
                configFile, what + ", and llama.cpp takes pairs of A and B of linear layers only. " + ADVICE);
    }

    /** Every tensor of the file has to be a half of a pair. */
    private void findPairs() throws BadFileException {
        for (String name : file.tensors().keySet()) {
            String plain = name.replace(".default.weight", ".weight"); // of older versions
            boolean isA = plain.endsWith(".lora_A.weight");
            if (!plain.startsWith(PREFIX) || !(isA || plain.endsWith(".lora_B.weight"))) {
                throw beyond(file.path(), "it has the tensor " + GgufHeader.shown(name) + explanation(name));
            }
            if (isA) {
                String layer = plain.substring(PREFIX.length(), plain.length() - ".lora_A.weight".length());
                if (pairs.put(layer, pair(layer, name, name.replace(".lora_A.", ".lora_B."))) != null) {
                    throw bad("two tensors are A of " + layer + ". The file is damaged; save the adapter again.");
                }
            } else if (!file.tensors().containsKey(name.replace(".lora_B.", ".lora_A."))) {
                throw incomplete(name);
            }
        }
        if (pairs.isEmpty()) {
            throw new BadFileException(
                    file.path(), "pairs of A and B were expected and there are none. Check the directory.");
        }
    }

    private static String explanation(String name) {
        if (name.contains("lora_embedding_")) {
            return " of an embedding";
        }
        if (name.contains("lora_magnitude_vector")) {
            return " of DoRA";
        }
        if (name.contains(".base_layer.")) {
            return ", an embedding or head that is saved whole beside its pair";
        }
        return name.endsWith(".bias") ? ", a bias" : "";
    }

    private BadFileException incomplete(String name) {
        return new BadFileException(
                file.path(), "tensor " + name + " is there without its other half. The file is damaged; get it again.");
    }

    private Pair pair(String layer, String a, String b) throws BadFileException {
        List<Long> first = shape(a);
        List<Long> second = shape(b);
        if (second == null) {
            throw incomplete(a);
        }
        if (first == null
                || first.size() != 2
                || second.size() != 2
                || !first.get(0).equals(second.get(1))
                || !isMatrix(first)
                || !isMatrix(second)) {
            throw beyond(
                    file.path(),
                    "the pair of " + layer + " has the shapes " + first + " and " + second
                            + " where (R, I) and (O, R) were expected");
        }
        int rank = Math.toIntExact(first.get(0));
        double found = NamePattern.value(alphas, layer, alpha);
        if (!Double.isFinite(found)) {
            throw new BadFileException(
                    configFile,
                    "\"lora_alpha\" of " + layer + " is " + found
                            + " where a finite number was expected. Correct the file.");
        }
        return new Pair(
                a,
                b,
                rank,
                Math.toIntExact(first.get(1)),
                Math.toIntExact(second.get(0)),
                rankStabilized ? found * Math.sqrt(rank) : found); // alpha / √R = alpha · √R / R
    }

    /** Whether it can be read at once. */
    private static boolean isMatrix(List<Long> shape) {
        return shape.get(0) >= 1 && shape.get(1) >= 1 && shape.get(0) <= MOST / shape.get(1);
    }

    private @Nullable List<Long> shape(String name) {
        TensorInfo info = file.tensors().get(name);
        return info == null ? null : info.shape();
    }

    /** The pairs by the names of their layers, such as {@code model.layers.0.self_attn.q_proj}. */
    Map<String, Pair> pairs() {
        return Collections.unmodifiableMap(pairs);
    }

    /** What to throw where the file does not fit: it names it. */
    BadFileException bad(String problem) {
        return new BadFileException(file.path(), problem);
    }

    /** The numbers of a tensor, row by row. */
    float[] values(String name) throws IOException {
        try (Tensor t = file.load(name, DType.F32)) {
            return t.toFloats();
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
