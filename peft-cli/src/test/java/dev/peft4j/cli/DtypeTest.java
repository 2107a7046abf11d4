package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --dtype}: what is computed, what is said where the processor has no products of 16 bits, and what is refused. */
class DtypeTest {
    private static final boolean HAS_BF16 = Backend.auto().matrices().bf16() != null;

    @TempDir
    Path dir;

    private Path model;
    private Path data;
    private final CommandFixture cli = new CommandFixture();

    @BeforeEach
    void prepare() throws IOException {
        model = DemoModel.unpack(dir.resolve("base"));
        data = dir.resolve("train.jsonl");
        List<String> lines = new ArrayList<>();
        for (var r : new DemoText(5).reports(40)) {
            lines.add(Json.printLine(Map.of("prompt", r.prompt(), "completion", r.text())));
        }
        Files.write(data, lines);
    }

    private Object[] train(String name, Object... more) {
        List<Object> all = new ArrayList<>(
                List.of("train", "--model", model, "--data", data, "--steps", 20, "--out", dir.resolve(name)));
        all.addAll(List.of(more));
        return all.toArray();
    }

    /** Loss on held-out records after a run, as it is printed. */
    private double loss(Object... command) {
        Matcher table = Pattern.compile("\\n +loss +[0-9.]+ +([0-9.]+)").matcher(cli.works(command));
        assertTrue(table.find(), cli.out);
        return Double.parseDouble(table.group(1));
    }

    @Test
    void adapters_and_all_weights_are_trained_in_bf16_to_nearly_the_same_loss() {
        for (String method : List.of("lora", "full")) {
            double exact = loss(train(method, "--method", method));
            double rounded = loss(train(method + "16", "--method", method, "--dtype", "bf16"));
            assertEquals(exact, rounded, 0.01 * exact, method);
        }
    }

    @Test
    void strict_is_an_error_where_there_are_no_products_of_16_bits() {
        if (HAS_BF16) {
            cli.works(train("strict", "--dtype", "bf16", "--strict"));
        } else {
            cli.fails("this processor has no products of 16 bits", train("strict", "--dtype", "bf16", "--strict"));
            assertFalse(Files.exists(dir.resolve("strict")), "nothing was begun");
        }
    }

    @Test
    void strict_is_about_bf16_alone() {
        cli.fails("--strict was given with --dtype auto", train("auto", "--strict"));
        cli.fails("--strict was given with --dtype f32", train("f32", "--strict", "--dtype", "f32"));
    }

    @Test
    void another_number_format_is_told() {
        cli.fails("fp16", train("fp16", "--dtype", "fp16"));
    }
}
