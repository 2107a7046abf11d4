package dev.peft4j.models.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Python's {@code strftime} of now, with English names. */
final class TimeFormat {
    private static final Map<Character, String> PATTERNS = Map.ofEntries(
            Map.entry('a', "EEE"),
            Map.entry('A', "EEEE"),
            Map.entry('b', "MMM"),
            Map.entry('h', "MMM"),
            Map.entry('B', "MMMM"),
            Map.entry('d', "dd"),
            Map.entry('e', "ppd"),
            Map.entry('m', "MM"),
            Map.entry('y', "yy"),
            Map.entry('Y', "yyyy"),
            Map.entry('H', "HH"),
            Map.entry('I', "hh"),
            Map.entry('M', "mm"),
            Map.entry('S', "ss"),
            Map.entry('p', "a"),
            Map.entry('j', "DDD"),
            Map.entry('f', "SSSSSS"),
            Map.entry('F', "yyyy-MM-dd"),
            Map.entry('D', "MM/dd/yy"),
            Map.entry('T', "HH:mm:ss"),
            Map.entry('R', "HH:mm"));

    private TimeFormat() {}

    static String print(Run run, String format) {
        ZonedDateTime now = ZonedDateTime.now(run.clock());
        Growing out = new Growing(run);
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.add(String.valueOf(c));
                continue;
            }
            char kind = format.charAt(++i);
            boolean unpadded = kind == '-' && i + 1 < format.length();
            kind = unpadded ? format.charAt(++i) : kind;
            String pattern = PATTERNS.get(kind);
            if (pattern != null) {
                String part = now.format(DateTimeFormatter.ofPattern(pattern, Locale.US));
                out.add(unpadded ? part.replaceFirst("^0+(?=[0-9])", "") : part);
            } else if (kind == '%' || kind == 'n' || kind == 't') {
                out.add(kind == 'n' ? "\n" : kind == 't' ? "\t" : "%");
            } else {
                throw run.bad("the time was asked for as '%" + kind + "', which is not known");
            }
        }
        return out.toString();
    }
}
