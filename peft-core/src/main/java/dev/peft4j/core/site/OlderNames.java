package dev.peft4j.core.site;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What versions of transformers before 5 called modules. Checkpoints have these names to this day; adapters have those of the version that they were trained
 * with.
 */
public final class OlderNames {
    /** Of a family whose modules were never called otherwise. */
    public static final OlderNames NONE = of();

    private final List<Renaming> toOlder = new ArrayList<>();
    private final List<Renaming> toNewer = new ArrayList<>();

    /** Part of a name, from a dot to a dot. */
    private record Renaming(Pattern from, String to) {
        static Renaming of(String from, String to) {
            String parts = Pattern.quote(from).replace("*", "\\E(\\d+)\\Q");
            return new Renaming(Pattern.compile("(?<![^.])" + parts + "(?![^.])"), to.replace("*", "$1"));
        }
    }

    private OlderNames() {}

    /**
     * Pairs of names: now, and before. Each is a part of the name of a module, in which {@code *} stands for a number; of several that fit the first one counts.
     */
    public static OlderNames of(String... pairs) {
        OlderNames names = new OlderNames();
        for (int i = 0; i < pairs.length; i += 2) {
            names.toOlder.add(Renaming.of(pairs[i], pairs[i + 1]));
            names.toNewer.add(Renaming.of(pairs[i + 1], pairs[i]));
        }
        return names;
    }

    /** The older name of a module, or of something in it; the same if there is none. */
    public String older(String name) {
        return renamed(toOlder, name);
    }

    /** The name of today of a module, or of something in it. */
    public String newer(String name) {
        return renamed(toNewer, name);
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
