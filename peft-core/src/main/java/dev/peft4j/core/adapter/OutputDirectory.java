package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What may be in a directory that an adapter is written to: an adapter, what a run writes beside it, and what a killed write left behind. */
final class OutputDirectory {
    private static final Set<String> OURS = Set.of(
            AdapterFiles.CONFIG,
            AdapterFiles.TENSORS,
            AdapterFiles.HUB_TENSORS,
            AdapterFiles.HUB_HEAD,
            "report.html",
            "log.jsonl",
            "README.md",
            "trainer_state.safetensors",
            RunLock.FILE);

    private OutputDirectory() {}

    static void check(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        if (!Files.isDirectory(directory)) {
            throw new BadFileException(
                    directory, "an output directory was asked for and this is a file. Choose another name.");
        }
        try (Stream<Path> content = Files.list(directory)) {
            List<String> others = content.map(p -> String.valueOf(p.getFileName()))
                    .filter(n -> !OURS.contains(n) && OURS.stream().noneMatch(o -> AtomicFile.isLeftOver(n, o)))
                    .sorted()
                    .toList();
            if (!others.isEmpty()) {
                throw new BadFileException(
                        directory,
                        "an adapter was to be written here, and the directory holds other files ("
                                + String.join(", ", others.subList(0, Math.min(3, others.size())))
                                + (others.size() > 3 ? ", ..." : "")
                                + "). Choose an empty directory.");
            }
        }
    }
}
