package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes values of tokens: constants and names, with what follows them: {@code .name}, {@code [item]}, {@code (arguments)}, filters and tests. */
abstract class ValueParser extends TokenReader {
    private static final int MAX_WHOLE = 18; // digits
    private static final Set<String> NO_ARGUMENT = Set.of("else", "or", "and", "is", "if", "in", "not");

    ValueParser(List<Token> tokens) {
        super(tokens);
    }

    abstract Expression expression();

    abstract Expression tuple(boolean withChoice);

    final Expression primary() {
        Token token = next();
        switch (token.kind()) {
            case NAME -> {
                return named(token.text());
            }
            case TEXT -> {
                StringBuilder text = new StringBuilder(token.text());
                while (token().is(Token.Kind.TEXT)) {
                    text.append(next().text());
                }
                return new Expression.Constant(text.toString());
            }
            case WHOLE -> {
                if (token.text().length() > MAX_WHOLE) {
                    throw bad("the number " + token.text().substring(0, MAX_WHOLE) + "... is too large");
                }
                return new Expression.Constant(Long.valueOf(token.text()));
            }
            case FRACTION -> {
                return new Expression.Constant(Double.valueOf(token.text()));
            }
            default -> {
                if (token.isOperator("(")) {
                    Expression value = token().isOperator(")") ? new Expression.Items(List.of(), true) : tuple(true);
                    expectOperator(")");
                    return value;
                }
                if (token.isOperator("[")) {
                    return new Expression.Items(list(), false);
                }
                if (token.isOperator("{")) {
                    return map();
                }
                throw SourceText.bad(token.line(), token.shown() + " stands where a value was expected");
            }
        }
    }

    private Expression named(String name) {
        return switch (name) {
            case "true", "True" -> new Expression.Constant(true);
            case "false", "False" -> new Expression.Constant(false);
            case "none", "None" -> new Expression.Constant(None.NONE);
            default -> {
                ask(name);
                yield new Expression.Name(name);
            }
        };
    }

    private List<Expression> list() {
        List<Expression> items = new ArrayList<>();
        while (!skipOperator("]")) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (skipOperator("]")) {
                    break;
                }
            }
            items.add(expression());
        }
        return items;
    }

    private Expression map() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!skipOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (skipOperator("}")) {
                    break;
                }
            }
            keys.add(expression());
            expectOperator(":");
            values.add(expression());
        }
        return new Expression.Entries(keys, values);
    }

    final Expression postfix(Expression begin) {
        Expression value = begin;
        while (true) {
            if (skipOperator(".")) {
                value = token().is(Token.Kind.WHOLE)
                        ? new Expression.Item(value, primary())
                        : new Expression.Attribute(value, name());
            } else if (skipOperator("[")) {
                value = subscript(value);
            } else if (token().isOperator("(")) {
                value = call(value);
            } else {
                return value;
            }
        }
    }

    private Expression call(Expression of) {
        int line = token().line();
        return new Expression.Call(of, arguments(), line);
    }

    private Expression subscript(Expression of) {
        Expression first = token().isOperator(":") ? null : expression();
        if (first != null && skipOperator("]")) {
            return new Expression.Item(of, first);
        }
        expectOperator(":");
        Expression end = bound();
        Expression step = skipOperator(":") ? bound() : null;
        expectOperator("]");
        return new Expression.Slice(of, first, end, step);
    }

    private @Nullable Expression bound() {
        return token().isOperator(":") || token().isOperator("]") ? null : expression();
    }

    final Expression filters(Expression begin) {
        Expression value = begin;
        while (true) {
            if (token().isOperator("|")) {
                value = filter(value);
            } else if (skipName("is")) {
                value = test(value);
            } else if (token().isOperator("(")) {
                value = call(value);
            } else {
                return value;
            }
        }
    }

    /** The filter whose name comes next, behind its {@code |} if it has one. */
    final Expression.Filtered filter(Expression of) {
        skipOperator("|");
        int line = token().line();
        String name = name();
        if (!Filters.isKnown(name) && isAlwaysRun()) {
            throw SourceText.bad(line, Filters.unknown(name));
        }
        return new Expression.Filtered(
                of, name, token().isOperator("(") ? arguments() : Expression.Given.NOTHING, line);
    }

    private Expression test(Expression of) {
        boolean not = skipName("not");
        int line = token().line();
        String name = name();
        if (!Tests.isKnown(name) && isAlwaysRun()) {
            throw SourceText.bad(line, Tests.unknown(name));
        }
        Expression.Given given = Expression.Given.NOTHING;
        if (token().isOperator("(")) {
            given = arguments();
        } else if (beginsArgument()) {
            given = new Expression.Given(List.of(postfix(primary())), Map.of(), null, null);
        }
        if (token().isName("is")) {
            throw bad("'is' stands behind a test, and tests cannot be chained; use 'and'");
        }
        Expression value = new Expression.Tested(of, name, given, line);
        return not ? new Expression.Not(value) : value;
    }

    private boolean beginsArgument() {
        return switch (token().kind()) {
            case TEXT, WHOLE, FRACTION -> true;
            case NAME -> !NO_ARGUMENT.contains(token().text());
            case OPERATOR -> token().isOperator("[") || token().isOperator("{");
            default -> false;
        };
    }

    private Expression.Given arguments() {
        expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression list = null;
        Expression map = null;
        boolean first = true;
        while (!skipOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (list == null && map == null && skipOperator("*")) {
                list = expression();
            } else if (map == null && skipOperator("**")) {
                map = expression();
            } else if (map == null && token().is(Token.Kind.NAME) && behind().isOperator("=")) {
                String name = name();
                expectOperator("=");
                named.put(name, expression());
            } else if (list == null && map == null && named.isEmpty()) {
                positional.add(expression());
            } else {
                throw bad("the arguments of a call are not in order: values, then names with values");
            }
        }
        return new Expression.Given(positional, named, list, map);
    }
}
