package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What has a value. It is asked for by {@link Run#value(Expression)} only, which counts how deep it goes. */
sealed interface Expression {
    Object value(Run run);

    /** A text, number or truth value as it is written. */
    record Constant(Object value) implements Expression {
        @Override
        public Object value(Run run) {
            return value;
        }
    }

    /** A variable. */
    record Name(String name) implements Expression {
        @Override
        public Object value(Run run) {
            return run.scope().get(name);
        }
    }

    /** {@code [a, b]}, or {@code (a, b)}. */
    record Items(List<Expression> items, boolean isTuple) implements Expression {
        @Override
        public Object value(Run run) {
            List<Object> values = new ArrayList<>(items.size());
            for (Expression item : items) {
                values.add(run.value(item));
            }
            run.spend(values.size());
            return isTuple ? new Tuple(values) : values;
        }
    }

    /** {@code {a: b}}. */
    record Entries(List<Expression> keys, List<Expression> values) implements Expression {
        @Override
        public Object value(Run run) {
            run.spend(8L + keys.size()); // a map is larger than a list
            Map<Object, Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                map.put(Values.key(run, run.value(keys.get(i))), run.value(values.get(i)));
            }
            return map;
        }
    }

    /** {@code a if test else b}. */
    record Choice(Expression test, Expression then, @Nullable Expression otherwise) implements Expression {
        @Override
        public Object value(Run run) {
            if (Values.isTrue(run.value(test))) {
                return run.value(then);
            }
            return otherwise != null
                    ? run.value(otherwise)
                    : new Undefined("an if without else in an expression has no value here");
        }
    }

    /** {@code a and b}, {@code a or b}: the value of the one that decides. */
    record Logic(boolean isAnd, Expression left, Expression right) implements Expression {
        @Override
        public Object value(Run run) {
            Object first = run.value(left);
            return Values.isTrue(first) == isAnd ? run.value(right) : first;
        }
    }

    /** {@code not a}. */
    record Not(Expression of) implements Expression {
        @Override
        public Object value(Run run) {
            return !Values.isTrue(run.value(of));
        }
    }

    /** {@code -a}, {@code +a}. */
    record Signed(boolean isMinus, Expression of) implements Expression {
        @Override
        public Object value(Run run) {
            return Operators.signed(run, isMinus, run.value(of));
        }
    }

    /** {@code a + b} and its like. */
    record Binary(String operator, Expression left, Expression right) implements Expression {
        @Override
        public Object value(Run run) {
            return Operators.binary(run, operator, run.value(left), run.value(right));
        }
    }

    /** {@code a < b <= c}, {@code a in b}: all of them. */
    record Comparison(Expression first, List<String> operators, List<Expression> others) implements Expression {
        @Override
        public Object value(Run run) {
            Object left = run.value(first);
            for (int i = 0; i < operators.size(); i++) {
                Object right = run.value(others.get(i));
                if (!Operators.holds(run, operators.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }
    }

    /** {@code a ~ b}: their texts. */
    record Joined(List<Expression> parts) implements Expression {
        @Override
        public Object value(Run run) {
            Growing text = new Growing(run);
            for (Expression part : parts) {
                text.add(Printed.of(run, run.value(part)));
            }
            return text.toString();
        }
    }

    /** {@code a.name}. */
    record Attribute(Expression of, String name) implements Expression {
        @Override
        public Object value(Run run) {
            return Attributes.attribute(run, run.value(of), name);
        }
    }

    /** {@code a[key]}. */
    record Item(Expression of, Expression key) implements Expression {
        @Override
        public Object value(Run run) {
            Object from = run.value(of);
            return Attributes.item(run, from, run.value(key));
        }
    }

    /** {@code a[first:end:step]}; what is missing is null. */
    record Slice(Expression of, @Nullable Expression first, @Nullable Expression end, @Nullable Expression step)
            implements Expression {
        @Override
        public Object value(Run run) {
            Object from = run.value(of);
            return Slices.slice(run, from, bound(run, first), bound(run, end), bound(run, step));
        }

        private static @Nullable Long bound(Run run, @Nullable Expression expression) {
            Object value = expression == null ? None.NONE : run.value(expression);
            if (value == None.NONE || Values.isWhole(value)) {
                return value == None.NONE ? null : Long.valueOf(Values.whole(value));
            }
            throw run.bad("a part of something was asked for by '" + Values.typeName(value)
                    + "', and places are whole numbers");
        }
    }

    /** Arguments as they are written; one of {@code *list} or {@code **map} is null where it is missing. */
    record Given(
            List<Expression> positional,
            Map<String, Expression> named,
            @Nullable Expression list,
            @Nullable Expression map) {
        static final Given NOTHING = new Given(List.of(), Map.of(), null, null);

        Arguments values(Run run, String called) {
            List<Object> values = new ArrayList<>();
            for (Expression e : positional) {
                values.add(run.value(e));
            }
            Map<String, Object> byName = new LinkedHashMap<>();
            named.forEach((name, e) -> byName.put(name, run.value(e)));
            if (list != null) {
                values.addAll(Values.items(run, run.value(list)));
            }
            if (map != null && run.value(map) instanceof Map<?, ?> more) {
                more.forEach((name, value) -> byName.put(String.valueOf(name), value));
            }
            run.spend(values.size() + byName.size());
            return new Arguments(run, called, values, byName);
        }
    }

    /** {@code a(b, c=d)}. */
    record Call(Expression of, Given given, int line) implements Expression {
        @Override
        public Object value(Run run) {
            return call(run, a -> a);
        }

        /** With more arguments. */
        Object call(Run run, UnaryOperator<Arguments> more) {
            Object called = run.value(of);
            Arguments arguments = more.apply(given.values(run, shown()));
            run.at(line);
            if (called instanceof Callable callable) {
                return callable.call(run, arguments);
            }
            throw run.bad(
                    called instanceof Undefined undefined
                            ? undefined.why() + ", and was to be called"
                            : "'" + Values.typeName(called) + "' was to be called, which is no function");
        }

        private String shown() {
            return of instanceof Name name ? name.name() : of instanceof Attribute a ? a.name() : "a function";
        }
    }

    /** {@code a | name(b)}. */
    record Filtered(Expression of, String name, Given given, int line) implements Expression {
        @Override
        public Object value(Run run) {
            Object value = run.value(of);
            Arguments arguments = given.values(run, "the filter " + name);
            run.at(line);
            return Filters.apply(run, name, value, arguments);
        }
    }

    /** {@code a is name(b)}. */
    record Tested(Expression of, String name, Given given, int line) implements Expression {
        @Override
        public Object value(Run run) {
            Object value = run.value(of);
            Arguments arguments = given.values(run, "the test " + name);
            run.at(line);
            return Tests.holds(run, name, value, arguments);
        }
    }
}
