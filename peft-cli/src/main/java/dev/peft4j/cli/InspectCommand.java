package dev.peft4j.cli;

import dev.peft4j.Report;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what is in a model or adapter directory. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        description = "Says what is in a model or adapter directory: family, sites, parameters, trainable share.",
        footer = {"", "Examples:", "  peft4j inspect DIR", "  peft4j inspect run/adapter --model DIR"})
final class InspectCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "model or adapter directory, or hub:ORG/NAME[@REVISION]")
    Place place = new Place("");

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "base model of an adapter, for its trainable share; or hub:ORG/NAME[@REVISION]")
    @Nullable
    Place base;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Path directory = place.directory();
        if (Files.exists(directory.resolve("adapter_config.json"))) {
            adapter(directory, out);
        } else if (Files.exists(directory.resolve("config.json"))) {
            new Given(spec).refuse("--model", true, "a model, which needs no other");
            model(directory, out);
        } else {
            throw new BadFileException(
                    directory,
                    "neither config.json (a model) nor adapter_config.json (an adapter) is here."
                            + " Give a directory of one of these kinds.");
        }
        return 0;
    }

    private static void model(Path directory, PrintWriter out) throws IOException {
        try (Model model = ModelOptions.open(directory)) {
            out.printf("family          %s (%s)%n", model.modelType(), model.taskType());
            out.printf(
                    "parameters      %,d in %,d tensors%n",
                    model.weights().count(), model.tensorNames().size());
            out.printf("memory          %,d MiB of weights%n", (model.weights().bytes() + (1 << 20) - 1) >> 20);
            out.printf("vocabulary      %,d tokens%n", model.vocabularySize());
            out.printf("context         %,d tokens%n", model.contextLength());
            Map<String, Integer> counts = new TreeMap<>();
            for (LinearSite s : model.linearSites()) {
                String kind = s.name().replaceAll("\\.\\d+\\.", ".*.") + "  (" + s.in() + " -> " + s.out() + ")";
                counts.merge(kind, 1, Integer::sum);
            }
            out.println("linear sites");
            counts.forEach((kind, n) -> out.printf("  %3d x %s%n", n, kind));
        }
    }

    private void adapter(Path directory, PrintWriter out) throws IOException {
        Map<String, Object> config = Json.read(directory.resolve("adapter_config.json"));
        Object kind = config.get("peft_type") == null ? "bottleneck, of AdapterHub" : config.get("peft_type");
        out.printf("%-27s %s%n", "method", printable(kind));
        Map<?, ?> fields = config.get("config") instanceof Map<?, ?> inner ? inner : config;
        fields.forEach((name, value) -> {
            if (says(value) && !"peft_type".equals(name)) {
                out.printf("%-27s %s%n", printable(name), printable(value));
            }
        });
        long count = 0;
        int tensors = 0;
        for (String name :
                new String[] {"adapter_model.safetensors", "adapter.safetensors", "model_head.safetensors"}) {
            if (Files.exists(directory.resolve(name))) {
                try (SafetensorsFile file = SafetensorsFile.open(directory.resolve(name))) {
                    tensors += file.tensors().size();
                    for (TensorInfo t : file.tensors().values()) {
                        count += t.elements();
                    }
                }
            }
        }
        out.printf("%-27s %,d in %,d tensors%n", "parameters", count, tensors);
        if (base != null) {
            ModelOptions options = new ModelOptions();
            options.model = base;
            try (Model model = options.open(List.of(directory));
                    Adapter a = AdapterFiles.load(directory, model)) {
                out.println(
                        Report.trainableLine(a.trainableCount(), model.weights().count() + a.trainableCount()));
            }
        }
    }

    private static boolean says(@Nullable Object value) {
        return value != null
                && !value.equals(false)
                && !(value instanceof Collection<?> c && c.isEmpty())
                && !(value instanceof Map<?, ?> m && m.isEmpty());
    }

    /** In one line, without control characters. */
    private static String printable(@Nullable Object value) {
        String text = String.valueOf(value).replaceAll("\\p{Cntrl}", " ");
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
}
