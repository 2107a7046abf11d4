package dev.peft4j.cli;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The checkpoints of the benchmark with the same names and a few thousand parameters each. */
final class BenchModels {
    private BenchModels() {}

    /** A folder that holds them. */
    static Path write(Path folder) throws IOException {
        write(folder.resolve("gpt2"), gpt2(1024));
        write(folder.resolve("gpt2_4096"), gpt2(4096));
        write(folder.resolve("minilm"), bert("BertForSequenceClassification"));
        write(folder.resolve("bert_base"), bert("BertModel"));
        Map<String, Object> llama = new LinkedHashMap<>(
                Json.parse(
                        """
                {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 16,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 256,
                 "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "vocab_size": 90}"""));
        write(folder.resolve("llama135m"), llama);
        writeImages(folder);
        return folder;
    }

    private static void writeImages(Path folder) throws IOException {
        write(
                folder.resolve("resnet50"),
                new LinkedHashMap<>(
                        Json.parse(
                                """
                {"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "embedding_size": 4, "hidden_sizes": [8],
                 "depths": [1], "layer_type": "bottleneck", "num_labels": 10}""")));
        write(
                folder.resolve("vit_b16"),
                new LinkedHashMap<>(
                        Json.parse(
                                """
                {"model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": 8, "num_hidden_layers": 1,
                 "num_attention_heads": 2, "intermediate_size": 16, "patch_size": 56, "num_labels": 10}""")));
        write(
                folder.resolve("resnet20"),
                new LinkedHashMap<>(
                        Json.parse(
                                """
                {"model_type": "resnet_cifar", "stages": [{"blocks": 1, "channels": 4, "first_stride": 1}], "num_classes": 10}""")));
    }

    static Map<String, Object> gpt2(int positions) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>(
                Json.parse(
                        """
                {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 8, "n_head": 1, "n_layer": 1,
                 "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "vocab_size": 90, "tie_word_embeddings": true,
                 "attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1}"""));
        config.put("n_positions", positions);
        return config;
    }

    private static Map<String, Object> bert(String architecture) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>(
                Json.parse(
                        """
                {"model_type": "bert", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "max_position_embeddings": 512, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 2,
                 "pad_token_id": 0, "vocab_size": 21000, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}"""));
        config.put("architectures", List.of(architecture));
        return config;
    }

    private static void write(Path directory, Map<String, Object> config) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("config.json"), Json.print(config));
        try (Model model = Models.random(directory, config, Backend.auto(), 1)) {
            model.weights().write(directory.resolve("model.safetensors"), Map.of());
        }
    }
}
