package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.MethodValues;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.ModelInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Which method, and its options; both are what the methods on the class path offer. */
final class MethodOptions {
    static final String FULL = "full";
    private static final String METHOD = "--method";

    private final Map<String, NamedMethod> known = NamedMethod.all();
    private final Map<String, String> typed = new LinkedHashMap<>();

    /** The names for the help text. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return NamedMethod.all().keySet().iterator();
        }
    }

    @Option(
            names = METHOD,
            paramLabel = "NAME",
            completionCandidates = Names.class,
            description =
                    "${COMPLETION-CANDIDATES}, or full: all weights; NAME+NAME trains several together (default: ${DEFAULT-VALUE})")
    String method = "lora";

    /** Adds the options of all methods to a command that chooses one. */
    static void addTo(CommandSpec command) {
        if (command.findOption(METHOD) == null) {
            return;
        }
        Map<String, Map<String, List<String>>> methodsByText = new LinkedHashMap<>();
        Map<String, String> labels = new LinkedHashMap<>();
        for (NamedMethod m : NamedMethod.all().values()) {
            for (MethodOption o : m.options()) {
                labels.putIfAbsent(o.name(), o.label());
                methodsByText
                        .computeIfAbsent(o.name(), n -> new LinkedHashMap<>())
                        .computeIfAbsent(text(o), t -> new ArrayList<>())
                        .add(m.name());
            }
        }
        ArgGroupSpec.Builder group =
                ArgGroupSpec.builder().exclusive(false).validate(false).heading("%nOptions of methods:%n");
        methodsByText.forEach((name, texts) -> {
            List<String> lines = new ArrayList<>();
            texts.forEach((text, methods) -> lines.add(text + "; for " + String.join(", ", methods)));
            group.addArg(OptionSpec.builder(name)
                    .type(String.class)
                    .paramLabel(labels.get(name))
                    .description(lines.toArray(String[]::new))
                    .build());
        });
        command.addArgGroup(group.build());
    }

    private static String text(MethodOption option) {
        String initial = option.initial().isEmpty() ? "" : " (default: " + option.initial() + ")";
        return (option.description() + initial).replace("%", "%%");
    }

    boolean isFull() {
        return method.equals(FULL);
    }

    /** The methods that are trained together. */
    List<String> names() {
        return Arrays.asList(method.split("\\+", -1));
    }

    /** The options of the methods that are trained together, by their names. */
    private Map<String, MethodOption> options() {
        Map<String, MethodOption> all = new LinkedHashMap<>();
        for (String name : names()) {
            NamedMethod m = known.get(name);
            if (m != null) {
                m.options().forEach(o -> all.putIfAbsent(o.name(), o));
            }
        }
        return all;
    }

    /** Refuses a method that there is not, options that none of some methods has, and values of another kind, before anything is read. */
    void check(Given given, List<String> methods) {
        Set<String> used = new TreeSet<>();
        for (String several : methods) {
            method = several;
            checkNames();
            options().values().forEach(o -> read(given, o));
            used.addAll(options().keySet());
        }
        for (NamedMethod m : known.values()) {
            for (MethodOption option : m.options()) {
                given.refuse(
                        option.name(),
                        !used.contains(option.name()),
                        (methods.size() == 1 ? "--method " : "--methods ") + String.join(",", methods)
                                + ", which has no such setting");
            }
        }
    }

    /** Refuses the options of all methods, where none is used. */
    void refuseAll(Given given, String instead) {
        for (NamedMethod m : known.values()) {
            m.options().forEach(o -> given.refuse(o.name(), true, instead + ", which has no such setting"));
        }
    }

    private void read(Given given, MethodOption option) {
        if (given.has(option.name())) {
            String value = given.text(option.name());
            try {
                option.parse(value);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(given.spec().commandLine(), String.valueOf(e.getMessage()), e);
            }
            typed.put(option.name(), value);
        }
    }

    private void checkNames() {
        for (String name : names()) {
            if (name.isEmpty()) {
                throw new BadInputException(METHOD + " " + method
                        + " was given, and a name is missing beside a +. Give a name, or leave the + out.");
            }
            if (!known.containsKey(name) && !isFull()) {
                throw new BadInputException(METHOD + " " + name + " was given; there are "
                        + String.join(", ", known.keySet()) + " and full."
                        + TargetModules.suggestion(name, known.keySet())
                        + " Use one of these" + (name.equals(FULL) ? "; full trains everything alone." : "."));
            }
        }
        if (Set.copyOf(names()).size() < names().size()) {
            throw new BadInputException(METHOD + " " + method
                    + " was given, which names a method twice. Train two of a kind one after the other, the second"
                    + " with --on.");
        }
    }

    /** A learning rate that is worth a try; that of most methods for several together. */
    double learningRate(String several, double usual) {
        NamedMethod m = known.get(several);
        return m == null ? usual : m.learningRate();
    }

    /**
     * Makes sure that a model can have the methods, before one of them runs.
     *
     * @return places of the context that they take in front of each sequence
     * @throws BadInputException if it cannot
     */
    int requireFit(Model model, ModelInput input) {
        long rows = 0;
        for (String name : names()) {
            PeftConfig config = config(name, model, input);
            config.requireFits(model);
            rows += config.rowsInFront();
        }
        return (int) Math.min(rows, Integer.MAX_VALUE);
    }

    /**
     * A new adapter.
     *
     * @param head whether it trains the head of a classifier
     */
    Adapter create(String name, Model model, ModelInput input, long seed, boolean head) {
        PeftConfig config = config(name, model, input);
        return AdapterFiles.method(config.peftType())
                .create(head ? config : config.withModulesToSave(List.of()), model, seed);
    }

    private PeftConfig config(String name, Model model, ModelInput input) {
        NamedMethod m = known.get(name);
        if (m == null) {
            throw new AssertionError(name);
        }
        MethodValues values = new MethodValues(typed, text -> Arrays.stream(
                        input.tokenizer("tokens of a text were asked for").encode(text, true))
                .boxed()
                .toList());
        return m.maker().config(values, model);
    }

    /** For the report: the settings that the methods have. */
    Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("method", method);
        options().values().forEach(o -> {
            String value = typed.getOrDefault(o.name(), o.initial());
            settings.put(o.name().substring(2).replace('-', ' '), value.isEmpty() ? "default" : value);
        });
        return settings;
    }
}
