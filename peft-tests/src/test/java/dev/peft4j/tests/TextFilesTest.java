package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources, documents and fixtures name nothing that only one machine has, and no secret. */
class TextFilesTest {
    private static final Set<String> IGNORED = Set.of("target", ".git", ".idea", "run"); // as in .gitignore
    private static final Pattern MACHINE = Pattern.compile(String.join(
            "|",
            "(?<![\\w.}$])/(work|root|home|Users|check|mnt)/\\w",
            "\\b[A-Z]:[\\\\/]+Users\\b",
            "://[^/\\s\"']*(localhost|\\d+\\.\\d+\\.\\d+\\.\\d+|\\[::1\\]|pypi|pythonhosted|npmjs|mirror|repo1?\\.maven)",
            "\\b(nexus|artifactory|jfrog)[\\w-]*\\.\\w",
            "\\b[\\w-]+\\.(internal|intranet|corp|lan)\\b[:/]",
            "\\bhf_[A-Za-z0-9]{20}",
            "\\bgh[opsu]_[A-Za-z0-9]{20}",
            "\\bgithub_pat_[A-Za-z0-9]{20}",
            "\\bAKIA[A-Z0-9]{16}",
            "-----BEGIN [A-Z ]*PRIVATE KEY",
            "://[^/\\s\"'@:]+:[^/\\s\"'@]+@")); // a password

    @TempDir
    Path dir;

    @Test
    void no_file_names_a_path_of_one_machine_a_registry_or_a_secret() throws IOException, InterruptedException {
        List<Path> files = files(Shared.root());
        assertTrue(
                files.size() > 300, files.size() + " files in " + Shared.root().toAbsolutePath());
        List<String> found = new ArrayList<>();
        for (Path file : files) {
            String text = Files.readString(file, StandardCharsets.ISO_8859_1); // safetensors have texts too
            MACHINE.matcher(text)
                    .results()
                    .forEach(m -> found.add(Shared.root().relativize(file) + ":"
                            + (text.substring(0, m.start()).lines().count() + 1) + ": " + m.group()));
        }
        assertEquals(List.of(), found, "paths, hosts or secrets; give them as an argument, or write a relative path");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "see /home~/me",
                "Path.of(\"/root~/x\")",
                "-Dpeft4j.cases=/check~/cases",
                "C:~\\Users\\me",
                "https://10.0~.0.1/simple",
                "http://local~host:8081",
                "http://repo~.maven.apache.org/",
                "nex~us.example.org",
                "https://build.corp~/x",
                "hf~_abcdefghijklmnopqrstuvwxyz",
                "ghp~_abcdefghijklmnopqrstuvwxyz",
                "AKIA~ABCDEFGHIJKLMNOP",
                "-----BEGIN RSA~ PRIVATE KEY-----",
                "https:~//me:secret@example.org"
            })
    void such_a_text_is_found(String text) {
        assertTrue(MACHINE.matcher(text.replace("~", "")).find(), text); // written so that this file has none itself
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a/ho~me/x",
                "${HOME}/wo~rk/x",
                "../wo~rk/x",
                "https://huggingface.co/a/b",
                "hf_hub_download",
                "target/ro~ot/x"
            })
    void such_a_text_is_not(String text) {
        assertFalse(MACHINE.matcher(text.replace("~", "")).find(), text);
    }

    @Test
    void without_git_all_files_are_read_but_those_that_are_built() throws IOException, InterruptedException {
        Files.createDirectories(dir.resolve("a/target"));
        Files.writeString(dir.resolve("a/target/built.txt"), "");
        Files.writeString(dir.resolve("a/source.txt"), "");
        assertEquals(List.of(dir.resolve("a/source.txt")), files(dir));
    }

    /** What git tracks; where there is no git, such as in an archive of the sources, all that is not built. */
    static List<Path> files(Path root) throws IOException, InterruptedException {
        if (Files.exists(root.resolve(".git"))) {
            Process git = new ProcessBuilder("git", "ls-files", "-z")
                    .directory(root.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (git.waitFor() == 0) {
                return Stream.of(names.split("\0"))
                        .map(root::resolve)
                        .filter(Files::isRegularFile) // not what was deleted just now
                        .toList();
            }
        }
        return walk(root);
    }

    private static List<Path> walk(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                boolean ignored = !directory.equals(root) && IGNORED.contains(String.valueOf(directory.getFileName()));
                return ignored ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (!IGNORED.contains(String.valueOf(file.getFileName()))) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }
}
