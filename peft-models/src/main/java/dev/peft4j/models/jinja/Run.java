package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/**
 * One rendering of a template: where it is, what it has written, and how much it may still do. A template is a program from elsewhere, so each of its steps
 * is paid for: the budget is {@value #STEPS} steps and more by the size of the variables.
 */
final class Run {
    static final int MAX_TEXT = 1 << 24; // characters of one text
    private static final long STEPS = 4_000_000;
    private static final int STEPS_PER_CHARACTER = 16;
    private static final int CHARACTERS_PER_STEP = 8; // as long as one step takes to copy them
    private static final int MAX_DEPTH = 300;
    private static final int LOOK = 1 << 14;

    private final Clock clock;
    private final boolean tracks;
    private final List<Rendering.Span> spans = new ArrayList<>();
    private Growing out = new Growing(this);
    private int redirected;
    private boolean generates;
    private long left;
    private int depth;
    private int line = 1;
    private Scope scope;

    /**
     * A run that has not begun.
     *
     * @param tracks whether it notes what the assistant writes
     * @param size of the variables, in characters
     */
    Run(Scope globals, Clock clock, boolean tracks, long size) {
        this.scope = globals;
        this.clock = clock;
        this.tracks = tracks;
        left = STEPS + STEPS_PER_CHARACTER * size;
    }

    /** An error of the template at the line where it is. */
    BadInputException bad(String problem) {
        return new BadInputException("a chat template was to be rendered, and in line " + line + " of it " + problem
                + ". Correct the template or the messages.");
    }

    /** Pays for steps. */
    void spend(long steps) {
        if (left / LOOK != (left - steps) / LOOK) {
            StoppedException.ifInterrupted("a chat template was to be rendered");
        }
        left -= steps;
        if (left < 0) {
            throw new BadInputException("a chat template was to be rendered, and in line " + line
                    + " of it it had taken more steps than one needs for messages of this size."
                    + " Take another template, or shorten the messages.");
        }
    }

    /** Pays for characters that are read or written. */
    void spendText(long characters) {
        spend(1 + characters / CHARACTERS_PER_STEP);
    }

    /** Refuses a text that would be too long. */
    void requireLength(long characters) {
        if (characters > MAX_TEXT) {
            throw bad("a text of more than " + MAX_TEXT + " characters was to be made");
        }
    }

    /** Pays for a text that was made. */
    String made(String text) {
        requireLength(text.length());
        spendText(text.length());
        return text;
    }

    /** One level deeper; {@link #leave()} goes back, which an error need not. */
    void enter() {
        spend(1);
        if (++depth > MAX_DEPTH) {
            throw bad("more than " + MAX_DEPTH + " values, blocks or calls stand within each other");
        }
    }

    void leave() {
        depth--;
    }

    Object value(Expression expression) {
        enter();
        Object value = expression.value(this);
        leave();
        return value;
    }

    /** Runs statements up to the first that leaves or goes on with a loop. */
    Statement.Next run(List<Statement> statements) {
        enter();
        Statement.Next next = Statement.Next.STATEMENT;
        for (int i = 0; i < statements.size() && next == Statement.Next.STATEMENT; i++) {
            spend(1);
            next = statements.get(i).run(this);
        }
        leave();
        return next;
    }

    /** Runs statements with names of their own. */
    Statement.Next runWithin(Scope inner, List<Statement> statements) {
        Scope outer = scope;
        scope = inner;
        Statement.Next next = run(statements);
        scope = outer;
        return next;
    }

    /** A value with names of their own. */
    Object valueWithin(Scope inner, Expression expression) {
        Scope outer = scope;
        scope = inner;
        Object value = value(expression);
        scope = outer;
        return value;
    }

    /** What statements write, with names of their own. */
    String written(Scope inner, List<Statement> statements) {
        return written(() -> runWithin(inner, statements));
    }

    /** What something writes. */
    String written(Runnable writer) {
        Growing outer = out;
        int callLine = line;
        out = new Growing(this);
        redirected++;
        writer.run();
        String text = out.toString();
        redirected--;
        out = outer;
        line = callLine;
        return text;
    }

    /** Writes what the assistant says. */
    void generate(List<Statement> statements) {
        if (tracks && (redirected > 0 || generates)) {
            throw bad("{% generation %} stands in a macro, in a set block or in another {% generation %}, where its"
                    + " place in the whole is not known");
        }
        int begin = out.length();
        boolean outer = generates;
        generates = true;
        runWithin(new Scope(scope), statements);
        generates = outer;
        spans.add(new Rendering.Span(begin, out.length()));
    }

    void write(String text) {
        out.add(text);
    }

    void at(int newLine) {
        line = newLine;
    }

    Scope scope() {
        return scope;
    }

    Clock clock() {
        return clock;
    }

    Rendering result() {
        return new Rendering(out.toString(), tracks ? spans : List.of());
    }
}
