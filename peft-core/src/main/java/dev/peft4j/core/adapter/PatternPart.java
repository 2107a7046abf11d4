package dev.peft4j.core.adapter;

/** What a part of an expression can match: so many characters, and whether a quantifier may follow. */
record PatternPart(int least, int most, boolean repeatable) {
    static final int ENDLESS = Integer.MAX_VALUE;
    static final PatternPart EMPTY = new PatternPart(0, 0, true);
    static final PatternPart ONE = new PatternPart(1, 1, true);
    static final PatternPart ANCHOR = new PatternPart(0, 0, false);

    PatternPart then(PatternPart next) {
        return new PatternPart(
                least + next.least, most == ENDLESS || next.most == ENDLESS ? ENDLESS : most + next.most, repeatable);
    }

    PatternPart or(PatternPart other) {
        return new PatternPart(Math.min(least, other.least), Math.max(most, other.most), repeatable);
    }
}
