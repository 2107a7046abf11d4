package dev.peft4j.models;

import java.util.List;
import java.util.random.RandomGenerator;

/** Texts that break things. */
final class HostileText {
    private static final List<String> PIECES = List.of(
            "Hello",
            " World",
            " fox",
            "</s>",
            "<s>",
            "[CLS]",
            "[PAD]",
            "<mask>",
            "<|endoftext|>",
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "\u0000",
            "\u0001",
            "\u007f",
            "\u0085",
            "\u00a0",
            "\u200b",
            "\u200d",
            "\ufe0f",
            "\u2028",
            "\ufeff",
            "\ufffd",
            "\u0301",
            "\u0300\u0316",
            "e\u0301",
            "\u0130",
            "\u00df",
            "\ufb01",
            "\ufdfa",
            "\u1112\u1161\u11ab",
            "\ud55c",
            "\u4e2d\u6587",
            "\u3042",
            "\ud83d\ude00",
            "\ud83d\udc69\u200d\ud83d\udc67",
            "\ud83c\uddeb\ud83c\uddf7",
            "\ud835\udd3e",
            "\u0e19\u0e35\u0e49",
            "\u0915\u094d\u0937\u093f",
            "\u2581",
            "\u0120",
            "''",
            "``",
            "##",
            "</w>",
            "123",
            "'s",
            "-",
            "_");

    private HostileText() {}

    /** A text of whole characters, or now and then one with half of a pair. */
    static String draw(RandomGenerator random) {
        return switch (random.nextInt(12)) {
            case 0 -> "";
            case 1 -> PIECES.get(random.nextInt(PIECES.size())).repeat(random.nextInt(1, 400));
            case 2 -> character(random).repeat(random.nextInt(1, 300));
            case 3 -> "a" + (char) random.nextInt(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1) + "b";
            case 4 -> characters(random);
            default -> pieces(random);
        };
    }

    private static String pieces(RandomGenerator random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(20); i >= 0; i--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    private static String characters(RandomGenerator random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(30); i >= 0; i--) {
            text.append(character(random));
        }
        return text.toString();
    }

    /** Any character of Unicode. */
    static String character(RandomGenerator random) {
        int c = random.nextInt(4) == 0 ? random.nextInt(Character.MAX_CODE_POINT + 1) : random.nextInt(0x3100);
        return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? "x" : Character.toString(c);
    }
}
