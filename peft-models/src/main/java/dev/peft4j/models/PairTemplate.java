package dev.peft4j.models;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How a tokenizer puts two texts together.
 *
 * @param pieces texts and special tokens in their order
 */
record PairTemplate(List<Piece> pieces) {
    private static final int FIRST = -1;
    private static final int SECOND = -2;

    /** Two texts, without tokens around them. */
    static final PairTemplate PLAIN = new PairTemplate(List.of(Piece.first(0), Piece.second(1)));

    /**
     * A text, or special tokens.
     *
     * @param ids of the tokens, or the one number that stands for a text
     * @param type segment of its tokens
     */
    record Piece(List<Integer> ids, int type) {
        static Piece first(int type) {
            return new Piece(List.of(FIRST), type);
        }

        static Piece second(int type) {
            return new Piece(List.of(SECOND), type);
        }

        private boolean isText() {
            return ids.get(0) < 0;
        }

        private int[] tokens(int[] first, int[] second) {
            int kind = ids.get(0);
            return kind == FIRST
                    ? first
                    : kind == SECOND
                            ? second
                            : ids.stream().mapToInt(Integer::intValue).toArray();
        }
    }

    /** As BERT does: {@code [CLS] first [SEP] second [SEP]}, the second one in a segment of its own. */
    static PairTemplate bert(int cls, int sep) {
        return new PairTemplate(List.of(
                new Piece(List.of(cls), 0),
                Piece.first(0),
                new Piece(List.of(sep), 0),
                Piece.second(1),
                new Piece(List.of(sep), 1)));
    }

    /** As RoBERTa does: {@code <s> first </s></s> second </s>}, in one segment. */
    static PairTemplate roberta(int cls, int sep) {
        return new PairTemplate(List.of(
                new Piece(List.of(cls), 0),
                Piece.first(0),
                new Piece(List.of(sep, sep), 0),
                Piece.second(0),
                new Piece(List.of(sep), 0)));
    }

    /** Number of special tokens. */
    int special() {
        return pieces.stream()
                .filter(p -> !p.isText())
                .mapToInt(p -> p.ids.size())
                .sum();
    }

    /** Where the first token of the second text is. */
    int secondAt(int firstLength) {
        int at = 0;
        for (Piece p : pieces) {
            if (p.ids.get(0) == SECOND) {
                return at;
            }
            at += p.ids.get(0) == FIRST ? firstLength : p.ids.size();
        }
        return at;
    }

    /** Both texts, of which one may be cut, with the tokens around them. */
    TextTokenizer.Tokens of(int[] first, int[] second, boolean isCut) {
        int[] ids = pieces.stream()
                .flatMapToInt(p -> Arrays.stream(p.tokens(first, second)))
                .toArray();
        int[] types = pieces.stream()
                .flatMapToInt(p -> IntStream.generate(() -> p.type).limit(p.tokens(first, second).length))
                .toArray();
        return new TextTokenizer.Tokens(ids, types, isCut);
    }

    /**
     * How long two texts may be, which together are at most so long: the longer one is cut first, as the library does.
     *
     * @return lengths of the first and the second
     */
    static int[] lengths(int first, int second, int most) {
        if (first + second <= most) {
            return new int[] {first, second};
        }
        int shorter = Math.min(first, second);
        int longer = shorter > most ? shorter : Math.max(shorter, most - shorter);
        if (shorter + longer > most) {
            shorter = most / 2;
            longer = shorter + most % 2;
        }
        return first > second ? new int[] {longer, shorter} : new int[] {shorter, longer};
    }
}
