package dev.peft4j.models.jinja;

/**
 * A piece of a template.
 *
 * @param text of data and strings, as they are meant; of numbers, names and operators as they are written
 * @param line it begins in, from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        DATA,
        BLOCK_BEGIN,
        BLOCK_END,
        PRINT_BEGIN,
        PRINT_END,
        NAME,
        TEXT,
        WHOLE,
        FRACTION,
        OPERATOR,
        END
    }

    boolean is(Kind other) {
        return kind == other;
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    /** As it is named in messages. */
    String shown() {
        return switch (kind) {
            case DATA -> "text";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "'%}'";
            case PRINT_BEGIN -> "'{{'";
            case PRINT_END -> "'}}'";
            case TEXT -> "a text in quotes";
            case END -> "the end of the template";
            default -> "'" + (text.length() <= 40 ? text : text.substring(0, 40) + "...") + "'";
        };
    }
}
