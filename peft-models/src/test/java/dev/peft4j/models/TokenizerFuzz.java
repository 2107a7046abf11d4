package dev.peft4j.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Opens damaged tokenizers and gives them hostile texts, in a process of its own: where the library panics, the process ends.
 *
 * <p>{@code TokenizerFuzz FOLDER SEED FROM TO}: the number of the case that runs is in {@code FOLDER/case}.
 */
final class TokenizerFuzz {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int TOKENS = 60; // kept of a vocabulary, so that a case is quick
    private static final int SIZE = 2000;

    private final Path directory;
    private final List<JsonNode> tokenizers = new ArrayList<>();
    private final List<JsonNode> settings = new ArrayList<>();
    private int opened;
    private int encoded;

    private TokenizerFuzz(Path directory) throws IOException {
        this.directory = directory;
        for (String kind : Fixtures.kinds()) {
            tokenizers.add(shortened(Fixtures.read(Fixtures.tokenizer(kind))));
            Fixtures.read(Fixtures.directory().resolve(kind).resolve("cases.json"))
                    .get("cases")
                    .forEach(c -> settings.add(c.get("files")));
        }
    }

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0]);
        TokenizerFuzz fuzz = new TokenizerFuzz(directory);
        long seed = Long.parseLong(args[1]);
        try (RandomAccessFile progress =
                new RandomAccessFile(directory.resolve("case").toFile(), "rw")) {
            for (int i = Integer.parseInt(args[2]); i < Integer.parseInt(args[3]); i++) {
                progress.seek(0);
                progress.writeInt(i);
                fuzz.run(i, new SplittableRandom(seed * 1_000_003 + i));
            }
        }
        Files.writeString(directory.resolve("result"), fuzz.opened + " opened, " + fuzz.encoded + " texts encoded");
    }

    private void run(int number, RandomGenerator random) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).toList()) {
                Files.delete(file);
            }
        }
        JsonMutator mutator = new JsonMutator(random);
        JsonNode original = tokenizers.get(random.nextInt(tokenizers.size()));
        boolean whole = random.nextInt(10) == 0;
        Files.write(
                directory.resolve("tokenizer.json"),
                whole ? JSON.writeValueAsBytes(original) : mutator.mutate(original, tokenizers));
        if (random.nextInt(3) == 0) {
            for (Map.Entry<String, JsonNode> file :
                    settings.get(random.nextInt(settings.size())).properties()) {
                boolean same = !file.getValue().isObject() || random.nextBoolean();
                byte[] content =
                        same ? JSON.writeValueAsBytes(file.getValue()) : mutator.mutate(file.getValue(), settings);
                Files.write(directory.resolve(file.getKey()), content);
            }
        }
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, SIZE)) {
            opened++;
            for (int i = 0; i < 6; i++) {
                use(tokenizer, HostileText.draw(random), random);
            }
        } catch (BadFileException e) {
            if (e.getMessage().length() > 2000) {
                throw new IllegalStateException(
                        "case " + number + ": a message of " + e.getMessage().length(), e);
            }
        } catch (IOException | RuntimeException e) {
            throw new IllegalStateException("case " + number, e);
        }
    }

    private void use(TextTokenizer tokenizer, String text, RandomGenerator random) {
        try {
            int[] ids = tokenizer.encode(text, random.nextBoolean());
            encoded++;
            tokenizer.decode(ids);
            tokenizer.encode(text, true, 20);
            tokenizer.encodeExample(text.substring(0, text.length() / 2), text, 50);
            tokenizer.decode(random.ints(5, -5, SIZE + 5).toArray());
            tokenizer.decode();
        } catch (IllegalArgumentException e) {
            // a text that this tokenizer has no ids for
        }
    }

    /** A tokenizer with fewer tokens of its vocabulary. */
    private static JsonNode shortened(JsonNode tokenizer) {
        ObjectNode root = tokenizer.deepCopy();
        ObjectNode model = (ObjectNode) root.get("model");
        if (model.get("vocab").isArray()) {
            ArrayNode list = (ArrayNode) model.get("vocab");
            while (list.size() > TOKENS) {
                list.remove(list.size() - 1);
            }
            return root;
        }
        Set<String> kept = new LinkedHashSet<>();
        root.get("added_tokens").forEach(t -> kept.add(t.get("content").asText()));
        model.get("vocab").properties().stream().limit(TOKENS).forEach(e -> kept.add(e.getKey()));
        ArrayNode merges = model.has("merges") ? model.putArray("merges") : null;
        if (merges != null) {
            for (JsonNode merge : tokenizer.get("model").get("merges")) {
                String made = merge.get(0).asText() + merge.get(1).asText();
                if (merges.size() < TOKENS / 3 && model.get("vocab").has(made)) {
                    merges.add(merge);
                    kept.addAll(List.of(merge.get(0).asText(), merge.get(1).asText(), made));
                }
            }
        }
        ((ObjectNode) model.get("vocab")).retain(kept);
        return root;
    }
}
