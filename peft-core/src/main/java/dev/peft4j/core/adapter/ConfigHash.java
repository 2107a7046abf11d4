package dev.peft4j.core.adapter;

import dev.peft4j.core.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What ties the tensors of an adapter to its config: they are two files, and a process may be killed between their renames. A hash of what the config means
 * is written with the tensors.
 */
final class ConfigHash {
    /** Key in the metadata of the tensors. */
    static final String KEY = "config_sha256";

    /** Fields that change nothing of what an adapter computes, and that other programs change. */
    private static final Set<String> FREE = Set.of(
            "auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "task_type");

    private ConfigHash() {}

    /** Of the fields of a config. */
    static String of(Map<String, Object> json) throws IOException {
        Map<String, Object> meaning = new TreeMap<>(json);
        meaning.keySet().removeAll(FREE);
        byte[] text = Json.printLine(meaning).getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(sha256().digest(text));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
