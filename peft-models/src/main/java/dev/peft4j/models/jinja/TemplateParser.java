package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes statements of tokens. */
final class TemplateParser extends ExpressionParser {
    private static final Set<String> OF_SITES =
            Set.of("extends", "block", "include", "import", "from", "autoescape", "do", "trans", "debug");

    private int loops; // around this place, within the same macro
    private boolean generates;

    TemplateParser(List<Token> tokens) {
        super(tokens);
    }

    /** Whether there is a generation block. */
    boolean generates() {
        return generates;
    }

    /** All of the template. */
    List<Statement> template() {
        List<Statement> statements = statements();
        if (!token().is(Token.Kind.END)) {
            throw bad("'{% " + behind().text() + " %}' ends a block that was not begun");
        }
        return statements;
    }

    /** Statements up to the next tag that ends or divides a block, which is left. */
    private List<Statement> statements() {
        List<Statement> statements = new ArrayList<>();
        while (true) {
            if (token().is(Token.Kind.DATA)) {
                statements.add(new Statement.Data(next().text()));
            } else if (token().is(Token.Kind.PRINT_BEGIN)) {
                int line = next().line();
                statements.add(new Statement.Print(tuple(true), line));
                expect(Token.Kind.PRINT_END, "'}}'");
            } else if (token().is(Token.Kind.END) || endsBlock()) {
                return statements;
            } else {
                next();
                int line = token().line();
                statements.add(statement(name(), line));
            }
        }
    }

    private boolean endsBlock() {
        String name = behind().text();
        return behind().is(Token.Kind.NAME) && (name.startsWith("end") || name.equals("else") || name.equals("elif"));
    }

    private Statement statement(String tag, int line) {
        return switch (tag) {
            case "if" -> condition(line);
            case "for" -> loop(line);
            case "set" -> set(line);
            case "with" -> with(line);
            case "macro" -> {
                String name = name();
                yield end(new Statement.Define(signature(name, "endmacro")));
            }
            case "call" -> callBlock(line);
            case "filter" -> {
                List<Expression.Filtered> filters = filters();
                yield end(new Statement.Block(null, filters, apart("endfilter"), line));
            }
            case "generation" -> {
                generates = true;
                yield end(new Statement.Generation(apart("endgeneration"), line));
            }
            case "print" -> end(new Statement.Print(tuple(true), line));
            case "break", "continue" -> {
                if (loops == 0) {
                    throw SourceText.bad(line, "'{% " + tag + " %}' stands outside of a loop");
                }
                yield end(new Statement.Leave(tag.equals("break") ? Statement.Next.END : Statement.Next.TURN));
            }
            default ->
                throw SourceText.bad(
                        line,
                        OF_SITES.contains(tag)
                                ? "'{% " + tag
                                        + " %}' stands, which chat templates do not use and which is not known here"
                                : "'{% " + tag + " %}' stands, which is no tag of Jinja");
        };
    }

    /** A tag is over. */
    private Statement end(Statement statement) {
        endTag();
        return statement;
    }

    private void endTag() {
        expect(Token.Kind.BLOCK_END, "'%}'");
    }

    /** Statements within a block; the name of the tag that ends it was read. */
    private List<Statement> body(String... ends) {
        skipOperator(":");
        endTag();
        enter();
        List<Statement> statements = statements();
        leave();
        if (token().is(Token.Kind.END)) {
            throw bad("the template ends, and '{% " + ends[ends.length - 1] + " %}' was expected");
        }
        next();
        if (!Set.of(ends).contains(token().text())) {
            throw bad("'{% " + token().text() + " %}' stands where '{% " + String.join(" %}' or '{% ", ends)
                    + " %}' was expected");
        }
        return statements;
    }

    /** Statements of which no loop around them can be left. */
    private List<Statement> apart(String end) {
        int outer = loops;
        loops = 0;
        List<Statement> statements = body(end);
        next();
        loops = outer;
        return statements;
    }

    private Statement condition(int line) {
        List<Expression> tests = new ArrayList<>();
        List<List<Statement>> branches = new ArrayList<>();
        String tag = "if";
        enterCondition();
        while (!tag.equals("endif")) {
            if (!tag.equals("else")) {
                tests.add(tuple(false));
            }
            branches.add(tag.equals("else") ? body("endif") : body("elif", "else", "endif"));
            tag = next().text();
        }
        leaveCondition();
        return end(new Statement.If(tests, branches, line));
    }

    private Statement loop(int line) {
        Target target = target(false);
        if (!skipName("in")) {
            throw bad("'in' was expected, found " + token().shown());
        }
        Expression over = tuple(false);
        Expression test = skipName("if") ? expression() : null;
        boolean recursive = skipName("recursive");
        loops++;
        List<Statement> turns = body("else", "endfor");
        loops--;
        List<Statement> otherwise = List.of();
        if (next().isName("else")) {
            otherwise = body("endfor");
            next();
        }
        return end(new Statement.For(target, over, test, recursive, turns, otherwise, line));
    }

    private Statement set(int line) {
        Target target = target(true);
        if (skipOperator("=")) {
            return end(new Statement.Set(target, tuple(true), line));
        }
        List<Expression.Filtered> filters = token().isOperator("|") ? filters() : List.of();
        return end(new Statement.Block(target, filters, apart("endset"), line));
    }

    private List<Expression.Filtered> filters() {
        List<Expression.Filtered> filters = new ArrayList<>();
        do {
            filters.add(filter(new Expression.Constant("")));
        } while (token().isOperator("|"));
        return filters;
    }

    private Statement with(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!token().is(Token.Kind.BLOCK_END)) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            targets.add(target(false));
            expectOperator("=");
            values.add(expression());
        }
        List<Statement> statements = body("endwith");
        next();
        return end(new Statement.With(targets, values, statements, line));
    }

    private Statement callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<@Nullable Expression> defaults = new ArrayList<>();
        if (token().isOperator("(")) {
            parameters(parameters, defaults);
        }
        if (!(expression() instanceof Expression.Call call)) {
            throw SourceText.bad(line, "'{% call %}' calls nothing");
        }
        List<Statement> statements = apart("endcall");
        Macro.Signature caller = new Macro.Signature("caller", parameters, defaults, statements, false, false, false);
        return end(new Statement.CallBlock(caller, call, line));
    }

    private Macro.Signature signature(String name, String end) {
        List<String> parameters = new ArrayList<>();
        List<@Nullable Expression> defaults = new ArrayList<>();
        parameters(parameters, defaults);
        List<Statement> statements = new ArrayList<>();
        Set<String> asked = namesOf(() -> statements.addAll(apart(end)));
        return new Macro.Signature(
                name,
                parameters,
                defaults,
                statements,
                asked.contains("varargs"),
                asked.contains("kwargs"),
                asked.contains("caller"));
    }

    private void parameters(List<String> parameters, List<@Nullable Expression> defaults) {
        expectOperator("(");
        while (!skipOperator(")")) {
            if (!parameters.isEmpty()) {
                expectOperator(",");
            }
            parameters.add(name());
            if (skipOperator("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty() && defaults.get(defaults.size() - 1) != null) {
                throw bad("a parameter without a default stands behind one that has one");
            } else {
                defaults.add(null);
            }
        }
    }

    private Target target(boolean withFields) {
        List<Target> targets = new ArrayList<>();
        boolean several = false;
        do {
            if (several && (token().isName("in") || token().isOperator("="))) {
                break;
            }
            targets.add(oneTarget(withFields));
            several |= token().isOperator(",");
        } while (skipOperator(","));
        return several ? new Target.Several(targets) : targets.get(0);
    }

    private Target oneTarget(boolean withFields) {
        if (skipOperator("(")) {
            enter();
            Target inner = target(withFields);
            leave();
            expectOperator(")");
            return inner;
        }
        String name = name();
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name)) {
            throw bad("'" + name + "' was to be given a value, and is one itself");
        }
        return withFields && skipOperator(".") ? new Target.Field(name, name()) : new Target.Name(name);
    }
}
