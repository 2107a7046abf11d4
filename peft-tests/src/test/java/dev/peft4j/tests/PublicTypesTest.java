package dev.peft4j.tests;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The public types of the library are those that its architecture lists. */
class PublicTypesTest {
    private static final String DOCUMENT = "docs/ARCHITECTURE.md";
    private static final String BEGIN = "At commit a2b409c ";
    private static final String END = "<!-- end of the public types -->";

    /** Names by package, without {@code dev.peft4j.}; the package of the short API is empty. */
    private static Map<String, NavigableSet<String>> publicTypes() {
        Map<String, NavigableSet<String>> types = new TreeMap<>();
        for (JavaClass c : new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.peft4j")) {
            if (c.getModifiers().contains(JavaModifier.PUBLIC) && c.isTopLevelClass()) {
                String inPackage = c.getPackageName().replaceFirst("^dev\\.peft4j\\.?", "");
                types.computeIfAbsent(inPackage, p -> new TreeSet<>()).add(c.getSimpleName());
            }
        }
        return types;
    }

    private static String cell(List<String> names) {
        return names.isEmpty() ? "-" : String.join(", ", names);
    }

    @Test
    void the_architecture_lists_them() throws IOException {
        String text = Files.readString(Shared.root().resolve(DOCUMENT), StandardCharsets.UTF_8);
        Map<String, NavigableSet<String>> now = publicTypes();
        Map<String, List<String>> before = new TreeMap<>();
        text.substring(text.indexOf(BEGIN), text.indexOf(END))
                .lines()
                .filter(l -> l.startsWith("| `"))
                .forEach(line -> {
                    List<String> cells = List.of(line.split("\\|", -1));
                    String inPackage = cells.get(1).replace("`", "").strip().replace("dev.peft4j", "");
                    String names = cells.get(2).strip();
                    before.put(inPackage, names.equals("-") ? List.of() : List.of(names.split(", ")));
                });
        now.keySet().forEach(p -> before.putIfAbsent(p, List.of()));
        StringBuilder made = new StringBuilder(BEGIN + "there were ")
                .append(before.values().stream().mapToInt(List::size).sum())
                .append(", now there are ")
                .append(now.values().stream().mapToInt(NavigableSet::size).sum())
                .append(".\n\n| package | before | now |\n|---|---|---|\n");
        before.forEach((inPackage, old) -> {
            List<String> names = List.copyOf(now.getOrDefault(inPackage, new TreeSet<>()));
            made.append("| `")
                    .append(inPackage.isEmpty() ? "dev.peft4j" : inPackage)
                    .append("` | ")
                    .append(cell(old))
                    .append(" | ")
                    .append(names.equals(old) && !old.isEmpty() ? "the same " + old.size() : cell(names))
                    .append(" |\n");
        });
        GeneratedTable.check(DOCUMENT, BEGIN, END, made + "\n" + END);
    }
}
