package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Makes expressions of tokens, by the grammar of Jinja: from what binds least, {@code a if b else c}, over {@code or}, {@code and}, {@code not}, comparisons,
 * {@code + -}, {@code ~}, {@code * / // %}, {@code **}, signs, down to names with what follows them and filters.
 */
class ExpressionParser extends ValueParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    ExpressionParser(List<Token> tokens) {
        super(tokens);
    }

    /** Expressions with commas are a tuple. */
    @Override
    final Expression tuple(boolean withChoice) {
        List<Expression> items = new ArrayList<>();
        boolean isTuple = false;
        do {
            if (isTuple && endsTuple()) {
                break;
            }
            items.add(withChoice ? expression() : or());
            isTuple |= token().isOperator(",");
        } while (skipOperator(","));
        return isTuple ? new Expression.Items(items, true) : items.get(0);
    }

    private boolean endsTuple() {
        return token().is(Token.Kind.BLOCK_END)
                || token().is(Token.Kind.PRINT_END)
                || token().isOperator(")")
                || token().isName("recursive");
    }

    @Override
    final Expression expression() {
        enter();
        Expression value = or();
        while (skipName("if")) {
            Expression test = or();
            enterCondition();
            value = new Expression.Choice(test, value, skipName("else") ? expression() : null);
            leaveCondition();
        }
        leave();
        return value;
    }

    final Expression or() {
        Expression left = and();
        while (skipName("or")) {
            left = new Expression.Logic(false, left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skipName("and")) {
            left = new Expression.Logic(true, left, not());
        }
        return left;
    }

    private Expression not() {
        if (!skipName("not")) {
            return comparison();
        }
        enter();
        Expression value = new Expression.Not(not());
        leave();
        return value;
    }

    private Expression comparison() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            if (token().is(Token.Kind.OPERATOR) && COMPARISONS.contains(token().text())) {
                operators.add(next().text());
            } else if (skipName("in")) {
                operators.add("in");
            } else if (token().isName("not") && behind().isName("in")) {
                next();
                next();
                operators.add("not in");
            } else {
                return operators.isEmpty() ? first : new Expression.Comparison(first, operators, others);
            }
            others.add(sum());
        }
    }

    private Expression sum() {
        Expression left = joined();
        while (token().isOperator("+") || token().isOperator("-")) {
            left = new Expression.Binary(next().text(), left, joined());
        }
        return left;
    }

    private Expression joined() {
        Expression first = product();
        if (!token().isOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (skipOperator("~")) {
            parts.add(product());
        }
        return new Expression.Joined(parts);
    }

    private Expression product() {
        Expression left = power();
        while (token().isOperator("*")
                || token().isOperator("/")
                || token().isOperator("//")
                || token().isOperator("%")) {
            left = new Expression.Binary(next().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = signed(true);
        while (token().isOperator("**")) {
            left = new Expression.Binary(next().text(), left, signed(true));
        }
        return left;
    }

    private Expression signed(boolean withFilters) {
        enter();
        Expression value;
        if (token().isOperator("-") || token().isOperator("+")) {
            boolean minus = next().text().equals("-");
            value = new Expression.Signed(minus, signed(false));
        } else {
            value = primary();
        }
        value = postfix(value);
        if (withFilters) {
            value = filters(value);
        }
        leave();
        return value;
    }
}
