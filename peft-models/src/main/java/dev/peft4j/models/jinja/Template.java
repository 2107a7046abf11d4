package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.time.Clock;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A Jinja template, with what transformers puts around it: {@code trim_blocks} and {@code lstrip_blocks}, {@code break} and {@code continue}, {@code
 * generation} blocks, {@code tojson}, {@code raise_exception} and {@code strftime_now}. It can be rendered by several threads.
 *
 * <p>A template is a program from elsewhere: it sees its variables and nothing else, its steps, its depth and its text have a limit.
 */
public final class Template {
    private static final int MAX_SOURCE = 1 << 20;

    private final List<Statement> statements;
    private final Set<String> variables;
    private final boolean generates;

    private Template(List<Statement> statements, Set<String> variables, boolean generates) {
        this.statements = statements;
        this.variables = variables;
        this.generates = generates;
    }

    /**
     * Reads a template.
     *
     * @throws BadInputException with the line, if it is no template, or has tags or filters that are not known
     */
    public static Template of(String source) {
        if (source.length() > MAX_SOURCE) {
            throw new BadInputException(
                    "a chat template of " + source.length() + " characters was given, and one has at" + " most "
                            + MAX_SOURCE + ". It is not the template of a model.");
        }
        TemplateParser parser = new TemplateParser(Lexer.tokens(source));
        List<Statement> statements = parser.template();
        return new Template(statements, Set.copyOf(parser.names()), parser.generates());
    }

    /**
     * Renders it.
     *
     * @param variables texts, numbers, truth values, null, and lists and maps of these
     * @param tracks whether it is noted what stands in {@code {% generation %}}
     * @throws BadInputException with the line, if it cannot be rendered; with its own message, if the template refuses the variables
     */
    public Rendering render(Map<String, ? extends @Nullable Object> variables, boolean tracks) {
        return render(variables, tracks, Clock.system(ZoneId.systemDefault()));
    }

    /** The same at another time. */
    Rendering render(Map<String, ? extends @Nullable Object> variables, boolean tracks, Clock clock) {
        Scope globals = new Scope(null);
        Functions.define(globals);
        Scope given = new Scope(globals);
        long size = 0;
        for (Map.Entry<String, ? extends @Nullable Object> variable : variables.entrySet()) {
            Object value = Values.of(variable.getValue());
            given.set(variable.getKey(), value);
            size += Values.size(value);
        }
        Run run = new Run(given, clock, tracks, size);
        run.runWithin(new Scope(given), statements);
        return run.result();
    }

    /** Whether it has {@code {% generation %}}, and so says what the assistant writes. */
    public boolean generates() {
        return generates;
    }

    /** Whether it asks for a variable of this name anywhere. */
    public boolean asksFor(String variable) {
        return variables.contains(variable);
    }
}
