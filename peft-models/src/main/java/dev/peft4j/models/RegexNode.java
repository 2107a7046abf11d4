package dev.peft4j.models;

import java.util.List;

/** Part of a regular expression: what it may match, and how many steps back a search takes. */
sealed interface RegexNode {
    int shortest();

    /** Whether there is one way to match at a place. */
    boolean simple();

    /** Whether all matches have the same length. */
    boolean fixed();

    /** Of this part and what follows. */
    Cost cost(Cost next, double n);

    /**
     * Steps back from a place to the end of the expression.
     *
     * @param total of a match
     * @param failed until it is known that there is none; includes the step out
     * @param fails whether that can happen
     */
    record Cost(double total, double failed, boolean fails) {
        static final Cost END = new Cost(0, 0, false);

        public Cost {
            failed = fails ? failed : 0;
        }
    }

    /** One character, or none for an anchor. */
    record One(int shortest) implements RegexNode {
        @Override
        public boolean simple() {
            return true;
        }

        @Override
        public boolean fixed() {
            return true;
        }

        @Override
        public Cost cost(Cost next, double n) {
            return new Cost(next.total, Math.max(1, next.failed), true);
        }
    }

    record Sequence(List<RegexNode> parts) implements RegexNode {
        @Override
        public int shortest() {
            return (int) Math.min(
                    Integer.MAX_VALUE,
                    parts.stream().mapToLong(RegexNode::shortest).sum());
        }

        @Override
        public boolean simple() {
            return parts.stream().allMatch(RegexNode::simple);
        }

        @Override
        public boolean fixed() {
            return parts.stream().allMatch(RegexNode::fixed);
        }

        @Override
        public Cost cost(Cost next, double n) {
            Cost cost = next;
            for (int i = parts.size() - 1; i >= 0; i--) {
                cost = parts.get(i).cost(cost, n);
            }
            return cost;
        }
    }

    record Choice(List<RegexNode> branches) implements RegexNode {
        @Override
        public int shortest() {
            return branches.stream().mapToInt(RegexNode::shortest).min().orElse(0);
        }

        @Override
        public boolean simple() {
            return false;
        }

        @Override
        public boolean fixed() {
            return branches.stream().allMatch(b -> b.fixed() && b.shortest() == shortest());
        }

        @Override
        public Cost cost(Cost next, double n) {
            double failed = 0;
            double most = 0;
            boolean fails = true;
            for (RegexNode branch : branches) {
                Cost cost = branch.cost(next, n);
                failed += cost.failed;
                most = Math.max(most, cost.total);
                fails &= cost.fails;
            }
            return new Cost(failed + most, failed, fails);
        }
    }

    /** What is inside is not entered again once it has matched: lookahead, lookbehind, atomic groups, possessive repetitions. */
    record Closed(RegexNode body, int shortest, boolean negative) implements RegexNode {
        @Override
        public boolean simple() {
            return true;
        }

        @Override
        public boolean fixed() {
            return shortest == 0;
        }

        @Override
        public Cost cost(Cost next, double n) {
            Cost inner = body.cost(Cost.END, n);
            double matched = negative ? inner.failed : inner.total;
            double not = negative ? inner.total + 1 : inner.failed;
            return new Cost(matched + next.total, Math.max(not, matched + next.failed), true);
        }
    }

    record Repeat(RegexNode body, int least, int most) implements RegexNode {
        private static final int UNROLLED = 8;

        @Override
        public int shortest() {
            return (int) Math.min(Integer.MAX_VALUE, (long) least * body.shortest());
        }

        @Override
        public boolean simple() {
            return least == most && body.simple();
        }

        @Override
        public boolean fixed() {
            return least == most && body.fixed();
        }

        @Override
        public Cost cost(Cost next, double n) {
            double times = Math.min(most, n);
            if (body.simple()) {
                double again = Math.max(0, times - least);
                double failed = 1 + (again + 1) * next.failed;
                return new Cost(1 + again * next.failed + next.total, failed, next.fails || least > 0);
            }
            if (most <= UNROLLED) {
                return unrolled(next, n);
            }
            if (next.fails || least > 1) {
                return new Cost(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, true);
            }
            Cost inner = body.cost(Cost.END, n);
            double total = (times + 1) * (Math.max(inner.total, inner.failed) + 1) + next.total;
            return new Cost(total, inner.failed + 1, least > 0 && inner.fails);
        }

        private Cost unrolled(Cost next, double n) {
            Cost cost = next;
            for (int i = most; i > 0; i--) {
                Cost once = body.cost(cost, n);
                if (i > least) { // may be left out
                    double total = once.failed + Math.max(once.total, next.total);
                    cost = new Cost(total, once.failed + next.failed + 1, once.fails && next.fails);
                } else {
                    cost = once;
                }
            }
            return cost;
        }
    }
}
