package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelFamily;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every family with every task that it serves and every method: one step, of which every trained tensor gets a part. Writes docs/MODELS.md. */
class ModelsTableTest {
    private static final String BEGIN = "<!-- made by ModelsTableTest -->\n";
    private static final String END = "<!-- end -->";
    private static final String[] HEADS = {
        "next token", "classes", "tags", "answers", "vectors", "hidden tokens", "images",
    }; // in the order of TaskType

    @Test
    void every_family_learns_every_task_by_every_method() throws IOException {
        StringBuilder table = new StringBuilder(BEGIN).append("\n| `model_type` |");
        for (String head : HEADS) {
            table.append(' ').append(head).append(" |");
        }
        table.append("\n|---|").append("---|".repeat(HEADS.length)).append('\n');
        Map<String, Set<String>> reasons = new TreeMap<>();
        for (Map.Entry<String, ModelFamily> family : families().entrySet()) {
            table.append("| `").append(family.getKey()).append("` |");
            for (TaskType task : TaskType.values()) {
                boolean serves = family.getValue().traits().head(task) != null;
                table.append(' ')
                        .append(serves ? cell(family.getKey(), task, reasons) : "-")
                        .append(" |");
            }
            table.append('\n');
        }
        table.append("\nA cell says how many of the ")
                .append(Methods.all().size())
                .append(
                        " lines of the behaviour matrix (METHODS.md) were trained for one step on a small model. What is missing:\n\n");
        reasons.forEach((reason, types) -> table.append("- ")
                .append(reason)
                .append(": ")
                .append(String.join(", ", types))
                .append('\n'));
        table.append('\n').append(END);
        GeneratedTable.check("docs/MODELS.md", BEGIN, END, table.toString());
    }

    private static Map<String, ModelFamily> families() {
        Map<String, ModelFamily> all = new TreeMap<>();
        for (ModelFamily family : ServiceLoader.load(ModelFamily.class)) {
            if (family.getClass().getName().startsWith("dev.peft4j.models.")) {
                family.modelTypes().forEach(type -> all.put(type, family));
            }
        }
        return all;
    }

    private static int cell(String type, TaskType task, Map<String, Set<String>> reasons) throws IOException {
        int trained = 0;
        LoadOptions options = LoadOptions.on(Backend.host()).withTask(task);
        try (Model model = Models.load(directory(type), task.classifies() ? options.withOutputs(3) : options);
                Arena arena = new Arena(model.backend().dtype())) {
            for (Methods.Method method : Methods.all()) {
                Adapter made;
                try {
                    made = method.create(model, 1);
                } catch (BadInputException e) {
                    String reason = method + reason(String.valueOf(e.getMessage()));
                    reasons.computeIfAbsent(reason, r -> new TreeSet<>()).add("`" + type + "`");
                    continue;
                }
                try (Adapter adapter = made) {
                    Methods.randomise(adapter, 5);
                    Batch batch = TaskBatches.any(model);
                    try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                        Call call = Call.of(pass, adapter);
                        double loss = model.loss(call, batch, 1).mean();
                        assertTrue(Double.isFinite(loss), type + " " + task + " " + method);
                        pass.backward();
                    }
                    long some = adapter.parameters().stream()
                            .filter(Parameter::isTrainable)
                            .filter(p -> model.backend().kernels().sumOfSquares(p.grad()) > 0)
                            .count();
                    assertTrue(some > 0, type + " " + task + " " + method + " learns nothing");
                    trained++;
                }
            }
        }
        return trained;
    }

    private static String reason(String message) {
        Map<String, String> known = Map.of(
                "keys and values in front", ", which takes keys in front of sequences",
                "which is of tokens", ", which is of tokens",
                "blocks of a transformer", ", which acts in blocks of a transformer",
                "no linear layers but its head", ", which is of linear layers",
                "Methods that act at convolutions", ", which acts at linear layers",
                "where PEFT has true, false and gaussian", ", which begins so at linear layers",
                "no target_modules were given", ", which has to be given its layers",
                "has no norms", ", which is of norms",
                "bias", ", which trains biases");
        return known.entrySet().stream()
                .filter(e -> message.contains(e.getKey()))
                .map(Map.Entry::getValue)
                .sorted()
                .findFirst()
                .orElseThrow(() -> new AssertionError(message));
    }

    /** A small model of a type; XLM-RoBERTa is RoBERTa under another name. */
    private static Path directory(String type) throws IOException {
        String same = type.replace("xlm-", "");
        List<Path> found = new ArrayList<>();
        try (Stream<Path> all = Files.list(Methods.MODELS)) {
            for (Path directory : all.filter(Files::isDirectory).sorted().toList()) {
                Object of = Json.read(directory.resolve("config.json")).get("model_type");
                if (same.equals(of) && !directory.getFileName().toString().equals("gpt2_wide")) {
                    found.add(directory);
                }
            }
        }
        assertTrue(!found.isEmpty(), type);
        return found.get(0);
    }

    @Test
    void there_is_a_head_for_each_task() {
        assertEquals(TaskType.values().length, HEADS.length);
        assertThrows(IllegalArgumentException.class, () -> TaskType.valueOf("SEQ_2_SEQ_LM"));
    }
}
