package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The groups of a regular expression of Python: those with names and numbers, references to them, conditions, flags, and looks around. */
abstract class PythonGroups extends PythonCharacters {
    private static final int DEEPEST = 100; // groups in groups, as the parsers are recursive

    private final Map<String, Integer> names = new HashMap<>(); // of groups
    private final List<Integer> groups = new ArrayList<>(List.of(0)); // Java's numbers by Python's
    private final Set<Integer> open = new HashSet<>(); // groups that are not closed yet
    private final Set<Integer> conditions; // groups whose match a later part asks for
    private final Map<Integer, Integer> asked = new HashMap<>(); // Java's numbers of empty groups that match with them
    private int javaGroups;
    private int depth;
    boolean verbose;
    boolean begun; // something else than flags came

    PythonGroups(String python, Set<Integer> conditions, boolean verbose) {
        super(python);
        this.conditions = conditions;
        this.verbose = verbose;
    }

    /** Branches with {@code |} between them, up to a closing parenthesis or the end. */
    abstract PatternPart alternatives();

    /** One of them. */
    abstract PatternPart sequence();

    final PatternPart reference(char first) {
        int group = first - '0';
        if (at < python.length() && Character.isDigit(python.charAt(at))) {
            group = 10 * group + (next() - '0');
        }
        return reference(group);
    }

    private PatternPart reference(int group) {
        if (group >= groups.size()) {
            throw error("there is no group " + group);
        }
        if (open.contains(group)) {
            throw error("it refers to a group that is open");
        }
        java.append('\\').append(groups.get(group)).append("(?:)"); // so that no digit follows
        return new PatternPart(0, PatternPart.ENDLESS, true);
    }

    final PatternPart group() {
        if (++depth > DEEPEST) {
            throw error("it has more than " + DEEPEST + " groups in groups");
        }
        boolean outside = verbose;
        PatternPart part = has("?") ? special() : capture(null);
        verbose = outside;
        depth--;
        return part;
    }

    private PatternPart closed(PatternPart inside) {
        if (!take(")")) {
            throw error("a group is not closed");
        }
        java.append(')');
        return inside;
    }

    private PatternPart capture(@Nullable String name) {
        int number = groups.size();
        groups.add(++javaGroups);
        if (name != null && names.put(name, number) != null) {
            throw error("redefinition of group name " + name);
        }
        open.add(number);
        java.append(BlockNumbers.GROUP.equals(name) ? "(?<" + name + ">" : "(");
        PatternPart inside = alternatives(number);
        open.remove(number);
        return closed(inside);
    }

    /** The alternatives of a group, and an empty group behind them that has matched where they have, if that is asked for. */
    private PatternPart alternatives(int number) {
        if (!conditions.contains(number)) {
            return alternatives();
        }
        java.append("(?:");
        PatternPart inside = alternatives();
        java.append(")()");
        javaGroups++;
        asked.put(number, javaGroups);
        return inside;
    }

    /** A group that begins with a question mark. */
    private PatternPart special() {
        at++;
        if (take("P<")) {
            return capture(name('>'));
        }
        if (take("P=")) {
            Integer number = names.get(name(')'));
            if (number == null) {
                throw error("unknown group name");
            }
            return reference(number);
        }
        for (String kind : List.of(":", ">", "=", "!", "<=", "<!")) {
            if (take(kind)) {
                java.append("(?").append(kind);
                PatternPart inside = closed(alternatives());
                if (kind.startsWith("<") && inside.least() != inside.most()) {
                    throw error("look-behind requires fixed-width pattern");
                }
                boolean around = !kind.equals(":") && !kind.equals(">");
                return around ? PatternPart.EMPTY : inside;
            }
        }
        return take("(") ? condition() : flags();
    }

    private String name(char closing) {
        int end = end(closing);
        String name = python.substring(at, end);
        at = end + 1;
        if (name.isEmpty()
                || (!Character.isUnicodeIdentifierStart(name.charAt(0)) && name.charAt(0) != '_')
                || !name.chars().allMatch(Character::isUnicodeIdentifierPart)) {
            throw error("bad character in group name");
        }
        return name;
    }

    /** {@code (?(group)yes|no)}: Java refers to the empty group that has matched if the group has. */
    private PatternPart condition() {
        int end = end(')');
        String text = python.substring(at, end);
        Integer number = text.matches("[0-9]{1,3}") ? Integer.valueOf(text) : names.get(text);
        if (number == null || number == 0) {
            throw error("unknown group");
        }
        if (number >= groups.size() || open.contains(number)) {
            throw error("it asks for group " + number + " before the end of that group");
        }
        at = end + 1;
        conditions.add(number);
        String has = "\\" + asked.getOrDefault(number, 0) + "(?:)";
        java.append("(?:").append(has);
        PatternPart yes = sequence();
        java.append("|(?!").append(has).append(')');
        PatternPart no = take("|") ? sequence() : PatternPart.EMPTY;
        if (has("|")) {
            throw error("conditional backref with more than two branches");
        }
        return closed(yes.or(no));
    }

    /** {@code (?i)} at the start, or {@code (?i-s:..)}. ASCII or Unicode does not matter: names of layers are the same in both. */
    private PatternPart flags() {
        int start = at;
        while (at < python.length() && "aiLmsux".indexOf(python.charAt(at)) >= 0) {
            at++;
        }
        String on = python.substring(start, at);
        String off = "";
        if (take("-")) {
            int from = at;
            while (at < python.length() && "imsx".indexOf(python.charAt(at)) >= 0) {
                at++;
            }
            off = python.substring(from, at);
            if (off.isEmpty()) {
                throw error("missing flag");
            }
        }
        boolean global = on.length() > 0 && off.isEmpty() && has(")");
        if (on.contains("L")
                || (on.contains("a") && on.contains("u"))
                || (!global && !has(":"))
                || (on.isEmpty() && off.isEmpty())) {
            throw error("unknown extension or flag");
        }
        if (global && (begun || depth > 1)) {
            throw error("global flags not at the start of the expression");
        }
        if (!on.isEmpty() && off.chars().anyMatch(c -> on.indexOf(c) >= 0)) {
            throw error("a flag is turned on and off");
        }
        at++;
        String known = on.replaceAll("[aux]", "") + (off.replace("x", "").isEmpty() ? "" : "-" + off.replace("x", ""));
        if (global) {
            java.append(known.isEmpty() ? "" : "(?" + known + ")");
            return PatternPart.ANCHOR;
        }
        verbose = (verbose || on.contains("x")) && !off.contains("x");
        java.append("(?").append(known).append(':');
        return closed(alternatives());
    }
}
