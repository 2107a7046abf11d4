package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Goes over tokens, and knows how deep it is. */
class TokenReader {
    private static final int MAX_DEPTH = 100;

    private final List<Token> tokens;
    private int at;
    private int depth;
    private int conditions; // within which what is not known may never be asked for
    private Set<String> names = new HashSet<>();

    TokenReader(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token token() {
        return tokens.get(at);
    }

    final Token behind() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    final Token next() {
        Token token = tokens.get(at);
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    final boolean skipName(String name) {
        boolean found = token().isName(name);
        at += found ? 1 : 0;
        return found;
    }

    final boolean skipOperator(String operator) {
        boolean found = token().isOperator(operator);
        at += found ? 1 : 0;
        return found;
    }

    final void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw bad("'" + operator + "' was expected, found " + token().shown());
        }
    }

    final void expect(Token.Kind kind, String shown) {
        if (!next().is(kind)) {
            at--;
            throw bad(shown + " was expected, found " + token().shown());
        }
    }

    final String name() {
        if (!token().is(Token.Kind.NAME)) {
            throw bad("a name was expected, found " + token().shown());
        }
        return next().text();
    }

    final BadInputException bad(String problem) {
        return SourceText.bad(token().line(), problem);
    }

    final void enter() {
        if (++depth > MAX_DEPTH) {
            throw bad("more than " + MAX_DEPTH + " brackets, signs or blocks stand within each other");
        }
    }

    final void leave() {
        depth--;
    }

    final void enterCondition() {
        conditions++;
    }

    final void leaveCondition() {
        conditions--;
    }

    /** Whether what is parsed now is certain to be asked for. */
    final boolean isAlwaysRun() {
        return conditions == 0;
    }

    final void ask(String variable) {
        names.add(variable);
    }

    /** Names of variables that were asked for. */
    final Set<String> names() {
        return names;
    }

    /** Names that something asks for, which count for what is around it, too. */
    final Set<String> namesOf(Runnable parsing) {
        Set<String> outer = names;
        Set<String> inner = new HashSet<>();
        names = inner;
        parsing.run();
        names = outer;
        names.addAll(inner);
        return inner;
    }
}
