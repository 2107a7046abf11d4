package dev.peft4j.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/** Damages JSON, with an eye for its structure. */
final class JsonMutator {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "a",
            "\u0000",
            "\u2581",
            "\u0120",
            "##",
            "</w>",
            "[CLS]",
            "<s>",
            "<unk>",
            "no such token",
            "\ud83d\ude00",
            "e\u0301",
            "\ud800",
            "x".repeat(300),
            "(a+)+$",
            "\\s*",
            "[",
            "(?<=a*)b",
            "^",
            ".",
            "a|",
            "\\p{L}+",
            "(?!",
            "\\1",
            "first",
            "never",
            "Isolated",
            "Removed",
            "Contiguous",
            "MergedWithNext",
            "Left",
            "1.0",
            "BPE",
            "Unigram",
            "Sequence",
            "ByteLevel",
            "Metaspace",
            "Precompiled",
            "Replace",
            "Strip",
            "Split",
            "FixedLength",
            "TemplateProcessing",
            "BertProcessing",
            "CTC",
            "WordPiece",
            "ByteFallback",
            "AAAAAA==");

    private static final Map<String, String> PARTS = Map.of(
            "normalizer",
            "normalizers",
            "pre_tokenizer",
            "pretokenizers",
            "decoder",
            "decoders",
            "post_processor",
            "processors");

    private final RandomGenerator random;

    JsonMutator(RandomGenerator random) {
        this.random = random;
    }

    /** A few changes. */
    byte[] mutate(JsonNode original, List<JsonNode> donors) throws IOException {
        ObjectNode root = original.deepCopy();
        for (int i = random.nextInt(3); i > 0; i--) {
            exchange(root, donors.get(random.nextInt(donors.size())));
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            change(root, donors);
        }
        String text = JSON.writeValueAsString(root);
        return switch (random.nextInt(12)) {
            case 0 -> text.substring(0, random.nextInt(text.length() + 1)).getBytes(StandardCharsets.UTF_8);
            case 1 -> flipped(text.getBytes(StandardCharsets.UTF_8));
            case 2 -> twice(text).getBytes(StandardCharsets.UTF_8);
            default -> text.getBytes(StandardCharsets.UTF_8);
        };
    }

    /** Takes a whole part of another tokenizer, alone or in a sequence with its own. */
    private void exchange(ObjectNode root, JsonNode donor) {
        String name = PARTS.keySet().stream()
                .sorted()
                .skip(random.nextInt(PARTS.size()))
                .findFirst()
                .orElseThrow();
        JsonNode own = root.get(name);
        JsonNode other = donor.get(name);
        if (own == null || other == null || !own.isObject() || !other.isObject() || random.nextBoolean()) {
            root.set(name, other == null ? NODES.nullNode() : other.deepCopy());
        } else {
            ArrayNode both = NODES.arrayNode().add(other.deepCopy()).add(own);
            root.set(name, NODES.objectNode().put("type", "Sequence").set(PARTS.get(name), both));
        }
    }

    private byte[] flipped(byte[] bytes) {
        for (int i = random.nextInt(3); i >= 0; i--) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        return bytes;
    }

    /** Repeats a part of the text. */
    private String twice(String text) {
        int start = random.nextInt(text.length());
        int end = Math.min(text.length(), start + random.nextInt(200));
        return text.substring(0, end) + text.substring(start);
    }

    private void change(ObjectNode root, List<JsonNode> donors) {
        JsonNode at = root;
        // the parts of a tokenizer are few and its tokens are many: go down level by level
        for (int depth = random.nextInt(6); depth > 0; depth--) {
            List<JsonNode> inner = new ArrayList<>();
            at.forEach(n -> {
                if (n.isContainerNode() && !n.isEmpty()) {
                    inner.add(n);
                }
            });
            if (inner.isEmpty()) {
                break;
            }
            at = inner.get(random.nextInt(inner.size()));
        }
        if (at instanceof ObjectNode object) {
            change(object, root, donors);
        } else if (at instanceof ArrayNode array && !array.isEmpty()) {
            change(array, root, donors);
        }
    }

    private void change(ObjectNode object, JsonNode root, List<JsonNode> donors) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        String name = names.isEmpty() ? "x" : names.get(random.nextInt(names.size()));
        JsonNode old = object.has(name) ? object.get(name) : NODES.nullNode();
        switch (random.nextInt(8)) {
            case 0 -> object.remove(name);
            case 1 -> object.set(text(), object.has(name) ? object.remove(name) : NODES.nullNode());
            case 2 -> object.set(text(), old.deepCopy());
            case 3 -> object.set(name, part(donors.get(random.nextInt(donors.size()))));
            case 4 -> object.set(name, part(root).deepCopy());
            default -> object.set(name, value(old));
        }
    }

    private void change(ArrayNode array, JsonNode root, List<JsonNode> donors) {
        int i = random.nextInt(array.size());
        switch (random.nextInt(7)) {
            case 0 -> array.remove(i);
            case 1 ->
                array.insert(random.nextInt(array.size() + 1), array.get(i).deepCopy());
            case 2 -> array.set(i, part(donors.get(random.nextInt(donors.size()))));
            case 3 -> array.set(i, part(root).deepCopy());
            default -> array.set(i, value(array.get(i)));
        }
    }

    /** Some part of a document. */
    private JsonNode part(JsonNode root) {
        JsonNode at = root;
        for (int depth = 1 + random.nextInt(4); depth > 0 && at.isContainerNode() && !at.isEmpty(); depth--) {
            int i = random.nextInt(Math.min(at.size(), 40));
            at = at.isArray()
                    ? at.get(i)
                    : at.properties().stream().skip(i).findFirst().orElseThrow().getValue();
        }
        return at.deepCopy();
    }

    private String text() {
        return TEXTS.get(random.nextInt(TEXTS.size()));
    }

    private JsonNode value(JsonNode old) {
        if (old.isTextual() && random.nextInt(3) == 0) {
            return NODES.textNode(edited(old.asText()));
        }
        if (old.isNumber() && random.nextInt(2) == 0) {
            return NODES.numberNode(old.asInt() + random.nextInt(-3, 4));
        }
        if (old.isBoolean() && random.nextInt(2) == 0) {
            return NODES.booleanNode(!old.asBoolean());
        }
        return switch (random.nextInt(16)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.numberNode(random.nextInt(-3, 5));
            case 2 -> NODES.numberNode(random.nextInt());
            case 3 ->
                NODES.numberNode(
                        new BigInteger("18446744073709551616").multiply(BigInteger.TEN.pow(random.nextInt(400))));
            case 4 -> NODES.numberNode(new BigDecimal("1e" + random.nextInt(-400, 400)));
            case 5 -> NODES.numberNode(0.5);
            case 6 -> NODES.booleanNode(random.nextBoolean());
            case 7 -> NODES.arrayNode();
            case 8 -> NODES.objectNode();
            case 9 -> NODES.arrayNode().add(old.deepCopy());
            case 10 -> NODES.objectNode().set("type", old.deepCopy());
            case 11 -> nested();
            default -> NODES.textNode(text());
        };
    }

    private String edited(String text) {
        if (text.isEmpty()) {
            return text();
        }
        int i = random.nextInt(text.length());
        return switch (random.nextInt(4)) {
            case 0 -> text.substring(0, i) + text.substring(i + 1);
            case 1 -> text.substring(0, i) + text() + text.substring(i);
            case 2 -> text + text;
            default -> text.substring(0, i) + (char) random.nextInt(0x3000) + text.substring(i + 1);
        };
    }

    private JsonNode nested() {
        JsonNode node = NODES.arrayNode();
        for (int depth = random.nextInt(150); depth > 0; depth--) {
            node = random.nextBoolean()
                    ? NODES.arrayNode().add(node)
                    : NODES.objectNode()
                            .put("type", "Sequence")
                            .<ObjectNode>set(
                                    List.of("normalizers", "pretokenizers", "decoders", "processors")
                                            .get(random.nextInt(4)),
                                    NODES.arrayNode().add(node));
        }
        return node;
    }
}
