package dev.peft4j.models.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Values as texts: Python's {@code str} and {@code repr}. */
final class Printed {
    private static final int DIGITS = 17; // tell any two doubles apart

    private Printed() {}

    /** {@code str(value)}. */
    static String of(Run run, Object value) {
        if (value instanceof String text) {
            return text;
        }
        if (value instanceof Undefined) {
            return "";
        }
        Growing text = new Growing(run);
        write(run, value, text);
        return text.toString();
    }

    /** {@code repr(value)}. */
    static String quoted(Run run, Object value) {
        Growing text = new Growing(run);
        write(run, value, text);
        return text.toString();
    }

    private static void write(Run run, Object value, Growing to) {
        run.enter();
        if (value instanceof String text) {
            quote(text, to);
        } else if (value instanceof Boolean flag) {
            to.add(flag ? "True" : "False");
        } else if (value instanceof Long number) {
            to.add(Long.toString(number));
        } else if (value instanceof Double number) {
            to.add(number(number));
        } else if (value == None.NONE) {
            to.add("None");
        } else if (value instanceof Undefined) {
            to.add("Undefined");
        } else if (value instanceof Range range) {
            to.add(range.printed());
        } else if (value instanceof List<?> list) {
            to.add("[");
            writeAll(run, Values.objects(list), to);
            to.add("]");
        } else if (value instanceof Tuple tuple) {
            to.add("(");
            writeAll(run, tuple.items(), to);
            to.add(tuple.items().size() == 1 ? ",)" : ")");
        } else if (value instanceof Map<?, ?> map) {
            to.add("{");
            Iterator<Map.Entry<Object, Object>> entries =
                    Values.objects(map).entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry<Object, Object> entry = entries.next();
                write(run, entry.getKey(), to);
                to.add(": ");
                write(run, entry.getValue(), to);
                to.add(entries.hasNext() ? ", " : "");
            }
            to.add("}");
        } else {
            throw run.bad("'" + Values.typeName(value) + "' was to be printed, which has no text of its own");
        }
        run.leave();
    }

    private static void writeAll(Run run, List<Object> items, Growing to) {
        for (int i = 0; i < items.size(); i++) {
            to.add(i == 0 ? "" : ", ");
            write(run, items.get(i), to);
        }
    }

    private static void quote(String text, Growing to) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (Characters.isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
                    }
                }
            }
        });
        to.add(out.append(quote).toString());
    }

    /** The shortest digits that mean this number, as Python writes them. */
    static String number(double value) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value > 0 ? "0.0" : "-0.0";
        }
        BigDecimal exact = new BigDecimal(value);
        BigDecimal shortest = exact;
        for (int digits = 1; digits <= DIGITS; digits++) {
            shortest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (shortest.doubleValue() == value) {
                break;
            }
        }
        shortest = shortest.stripTrailingZeros();
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        String digits = shortest.unscaledValue().abs().toString();
        String sign = value < 0 ? "-" : "";
        return sign
                + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }
}
