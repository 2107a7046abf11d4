package dev.peft4j.core.site;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What modules are called otherwise: by versions of transformers before 5, whose names checkpoints have to this day and adapters have if they were trained with one of
 * these, or by other libraries.
 */
public final class OtherNames {
    /** Of a family whose modules are never called otherwise. */
    public static final OtherNames NONE = of();

    private final List<Renaming> toOther = new ArrayList<>();
    private final List<Renaming> toOurs = new ArrayList<>();

    /** Part of a name, from a dot to a dot. */
    private record Renaming(Pattern from, String to) {
        static Renaming of(String from, String to) {
            String parts = Pattern.quote(from).replace("*", "\\E(\\d+)\\Q");
            return new Renaming(Pattern.compile("(?<![^.])" + parts + "(?![^.])"), to.replace("*", "$1"));
        }
    }

    private OtherNames() {}

    /**
     * Pairs of names: ours, and the other one. Each is a part of the name of a module, in which {@code *} stands for a number; of several that fit the first one counts.
     */
    public static OtherNames of(String... pairs) {
        OtherNames names = new OtherNames();
        for (int i = 0; i < pairs.length; i += 2) {
            names.toOther.add(Renaming.of(pairs[i], pairs[i + 1]));
            names.toOurs.add(Renaming.of(pairs[i + 1], pairs[i]));
        }
        return names;
    }

    /** The other name of a module, or of something in it; the same if there is none. */
    public String other(String name) {
        return renamed(toOther, name);
    }

    /** Our name of a module, or of something in it. */
    public String ours(String name) {
        return renamed(toOurs, name);
    }

    /** Whether one of some names is another one than ours. */
    public boolean areIn(Collection<String> names) {
        return names.stream().anyMatch(name -> !ours(name).equals(name));
    }

    private static String renamed(List<Renaming> renamings, String name) {
        for (Renaming renaming : renamings) {
            Matcher found = renaming.from.matcher(name);
            if (found.find()) {
                return found.replaceFirst(renaming.to);
            }
        }
        return name;
    }
}
