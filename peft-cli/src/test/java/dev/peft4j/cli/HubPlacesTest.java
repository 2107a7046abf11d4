package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of the hub on the command line: where they may stand, when they are looked up, and what is said if that fails. */
class HubPlacesTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();
    private Path data = Path.of("");

    @BeforeEach
    void write() throws IOException {
        data = Files.writeString(dir.resolve("text.jsonl"), "{\"text\":\"the fox\"}\n");
    }

    private Object[] words(String command) {
        return List.of(command.replace("DATA", data.toString())
                        .replace("OUT", dir.resolve("o").toString())
                        .split(" ", -1))
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inspect hub:org/x", "eval --model hub:org/x --data DATA"})
    void what_the_hub_says_is_told_as_it_is(String command) throws Exception {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Peft4j.class.getName()));
        for (Object word : words(command)) {
            line.add(String.valueOf(word));
        }
        ProcessBuilder builder = new ProcessBuilder(line).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("HF_HUB_OFFLINE", "1");
        builder.environment().put("HF_HUB_CACHE", dir.resolve("cache").toString());
        Process process = builder.start();
        List<String> said;
        try (var err = process.errorReader(StandardCharsets.UTF_8)) {
            said = err.lines().toList();
        }
        assertEquals(1, process.waitFor(), said::toString);
        assertTrue(said.get(0).startsWith("error: hub:org/x was asked for"), said.get(0));
        assertTrue(said.get(0).contains("HF_HUB_OFFLINE"), said.get(0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "train --model hub:../x --data DATA --out OUT",
                "train --model DATA --on hub:../x --data DATA --out OUT",
                "merge --model DATA --adapter hub:../x --out OUT",
                "convert --model DATA --adapter hub:../x --out OUT",
                "combine --model DATA --adapter hub:../x --weights 1 --out OUT",
                "generate --model DATA --adapter hub:../x --prompt x",
                "inspect hub:../x",
            })
    void a_name_that_cannot_be_is_told_by_every_command(String command) {
        cli.fails("the hub was asked for the repository \"../x\"", words(command));
        assertEquals(1, cli.run(words(command)));
    }

    @Test
    void other_options_are_told_before_anything_is_looked_up() {
        cli.fails("--steps x was given", words("train --model hub:../x --data DATA --out OUT --steps x"));
        cli.fails("--top-k was given", words("generate --model hub:../x --prompt x --top-k 3"));
        cli.fails("there are lora", words("train --model hub:../x --data DATA --out OUT --method lor"));
    }
}
