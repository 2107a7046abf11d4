package dev.peft4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources, documents and fixtures name nothing that only one machine has. */
class TextFilesTest {
    private static final Set<String> IGNORED = Set.of("target", ".git", ".idea", "run"); // as in .gitignore
    private static final Pattern MACHINE = Pattern.compile("(?<![\\w.}$])/(work|root|home|Users)/\\w"
            + "|[A-Z]:\\\\+Users\\b"
            + "|://[^/\\s\"]*(localhost|\\d+\\.\\d+\\.\\d+\\.\\d+|pypi|pythonhosted|npmjs|artifactory|nexus|jfrog|mirror|repo1?\\.maven)");

    @Test
    void no_text_file_names_a_path_of_one_machine_or_a_registry() throws IOException {
        List<Path> files = textFiles(Shared.root());
        assertTrue(files.size() > 300, files.size() + " files in " + Shared.root().toAbsolutePath());
        List<String> found = new ArrayList<>();
        for (Path file : files) {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            MACHINE.matcher(text).results().forEach(m -> found.add(Shared.root().relativize(file) + ":"
                    + (text.substring(0, m.start()).lines().count() + 1) + ": " + m.group()));
        }
        assertEquals(List.of(), found, "paths or hosts; give them as an argument, a property or a relative path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"see /home~/me", "Path.of(\"/root~/x\")", "C:\\Users~\\me", "https://10.0~.0.1/simple", "http://repo~.maven.apache.org/"})
    void such_a_path_is_found(String text) {
        assertTrue(MACHINE.matcher(text.replace("~", "")).find(), text); // written so that this file has none itself
    }

    private static List<Path> textFiles(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                boolean ignored = !directory.equals(root) && IGNORED.contains(String.valueOf(directory.getFileName()));
                return ignored ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (!file.toString().endsWith(".safetensors")
                        && !IGNORED.contains(String.valueOf(file.getFileName()))) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }
}
