package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What does something. */
sealed interface Statement {
    /** What comes behind a statement: the one that follows it, or the end of a turn of its loop, or of the loop. */
    enum Next {
        STATEMENT,
        TURN,
        END
    }

    Next run(Run run);

    /** Text that is written as it is. */
    record Data(String text) implements Statement {
        @Override
        public Next run(Run run) {
            run.write(text);
            return Next.STATEMENT;
        }
    }

    /** {@code {{ value }}}. */
    record Print(Expression value, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            run.write(Printed.of(run, run.value(value)));
            return Next.STATEMENT;
        }
    }

    /**
     * {@code {% if %}}.
     *
     * @param tests of the branches
     * @param branches one more than tests if there is an {@code else}
     */
    record If(List<Expression> tests, List<List<Statement>> branches, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            for (int i = 0; i < tests.size(); i++) {
                if (Values.isTrue(run.value(tests.get(i)))) {
                    return run.run(branches.get(i));
                }
            }
            return branches.size() > tests.size() ? run.run(branches.get(tests.size())) : Next.STATEMENT;
        }
    }

    /** {@code {% for %}}: each turn has names of its own. */
    record For(
            Target target,
            Expression over,
            @Nullable Expression test,
            boolean isRecursive,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            turns(run, run.scope(), run.value(over), 0);
            return Next.STATEMENT;
        }

        void turns(Run run, Scope outer, Object from, int depth) {
            List<Object> items = chosen(run, outer, Values.items(run, from));
            run.spend(items.size());
            Loop loop = new Loop(this, outer, items, depth);
            Next next = Next.STATEMENT;
            for (int i = 0; i < items.size() && next != Next.END; i++) {
                Scope inner = new Scope(outer);
                target.set(run, inner, items.get(i));
                loop.at(i);
                inner.set("loop", loop);
                next = run.runWithin(inner, body);
            }
            if (items.isEmpty()) {
                run.runWithin(new Scope(outer), otherwise);
            }
        }

        private List<Object> chosen(Run run, Scope outer, List<Object> items) {
            if (test == null) {
                return items;
            }
            List<Object> chosen = new ArrayList<>();
            for (Object item : items) {
                Scope inner = new Scope(outer);
                target.set(run, inner, item);
                if (Values.isTrue(run.valueWithin(inner, test))) {
                    chosen.add(item);
                }
            }
            return chosen;
        }
    }

    /** {@code {% set a = b %}}. */
    record Set(Target target, Expression value, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            target.set(run, run.scope(), run.value(value));
            return Next.STATEMENT;
        }
    }

    /**
     * {@code {% set a %}...{% endset %}}, and with no target {@code {% filter %}...{% endfilter %}}.
     *
     * @param filters of the text; it is the constant that the first one filters
     */
    record Block(@Nullable Target target, List<Expression.Filtered> filters, List<Statement> body, int line)
            implements Statement {
        @Override
        public Next run(Run run) {
            Object text = run.written(new Scope(run.scope()), body);
            for (Expression.Filtered filter : filters) {
                text = new Expression.Filtered(
                                new Expression.Constant(text), filter.name(), filter.given(), filter.line())
                        .value(run);
            }
            run.at(line);
            if (target != null) {
                target.set(run, run.scope(), text);
            } else {
                run.write(Printed.of(run, text));
            }
            return Next.STATEMENT;
        }
    }

    /** {@code {% with a = b %}}. */
    record With(List<Target> targets, List<Expression> values, List<Statement> body, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            Scope inner = new Scope(run.scope());
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).set(run, inner, run.value(values.get(i)));
            }
            return run.runWithin(inner, body);
        }
    }

    /** {@code {% macro name(a, b=c) %}}. */
    record Define(Macro.Signature signature) implements Statement {
        @Override
        public Next run(Run run) {
            run.scope().set(signature.name(), new Macro(signature, run.scope()));
            return Next.STATEMENT;
        }
    }

    /** {@code {% call(a) macro(b) %}}: the macro is called with the body as {@code caller}. */
    record CallBlock(Macro.Signature caller, Expression.Call call, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            Macro body = new Macro(caller, run.scope());
            run.write(Printed.of(run, call.call(run, given -> given.with("caller", body))));
            return Next.STATEMENT;
        }
    }

    /** {@code {% generation %}}: what the assistant writes. */
    record Generation(List<Statement> body, int line) implements Statement {
        @Override
        public Next run(Run run) {
            run.at(line);
            run.generate(body);
            return Next.STATEMENT;
        }
    }

    /** {@code {% break %}} and {@code {% continue %}}. */
    record Leave(Next next) implements Statement {
        @Override
        public Next run(Run run) {
            return next;
        }
    }
}
