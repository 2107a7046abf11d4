package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whatever differs between families is in their traits: no text in the code of another module is a name of one of them. */
class FamilyNamesTest {
    private static final Pattern TOKENS = Pattern.compile(
            "(?s)/\\*.*?\\*/|//[^\n]*|\"\"\".*?\"\"\"|\"((?:\\\\.|[^\"\\\\\n])*)\"|'(?:\\\\.|[^'\\\\])+'");

    /** Words that are no names of a family where they stand, and why. */
    private static final Map<String, Set<String>> ELSEWHERE = Map.ofEntries(
            Map.entry("WeightTying", Set.of("embed_tokens", "lm_head")), // PEFT ties these, in every family
            Map.entry(
                    "WholeModules",
                    Set.of("classifier", "score", "qa_outputs")), // PEFT calls heads so, in every family
            Map.entry("PromptAdapter", Set.of("word_embeddings")), // PEFT's second name of the table, in every family
            Map.entry("BottleneckJson", Set.of("bert")), // AdapterHub's name of a distribution
            Map.entry("SavedAdapter", Set.of("model.")), // a call in Python
            Map.entry("Checkpoint", Set.of("model.")), // files
            Map.entry("MergedModel", Set.of("model.")),
            Map.entry("DemoModel", Set.of("model.", "decoder")), // the decoder of a tokenizer
            Map.entry("PretrainDemoCommand", Set.of("model.")),
            Map.entry("WeightDecay", Set.of("norm")), // a rule of training, for every family
            Map.entry("DemoText", Set.of("key"))); // of a lock

    /** A small model of a family. */
    private static Path directory(String modelType) throws IOException {
        try (Stream<Path> all = Files.list(Methods.MODELS)) {
            for (Path directory : all.filter(Files::isDirectory).sorted().toList()) {
                if (modelType
                        .replace("xlm-", "")
                        .equals( // the same model
                                Json.read(directory.resolve("config.json")).get("model_type"))) {
                    return directory;
                }
            }
        }
        throw new AssertionError("there is no small model of " + modelType);
    }

    /** Names by what they are called in a message; those of traits, and those of layers that no ordinary word is. */
    private static Map<String, String> names() throws IOException {
        Map<String, String> all = new TreeMap<>();
        for (ModelFamily family : ServiceLoader.load(ModelFamily.class)) {
            String of = family.modelTypes().get(0);
            FamilyTraits traits = family.traits();
            family.modelTypes().forEach(type -> all.put(type, of));
            all.put(traits.prefix(), of);
            traits.targets().values().forEach(names -> names.forEach(n -> all.put(n, of)));
            traits.feedForward().forEach(n -> all.put(n, of));
            traits.heads().values().forEach(h -> {
                all.put(h.module(), of);
                all.put(h.className(), of);
            });
            Path directory = of.equals("parallel_decoder") ? ParallelFamilyTest.MODEL : directory(of);
            try (Model model = Models.load(directory, Backend.host(), 0, 0)) {
                List<Site> sites = new ArrayList<>(model.linearSites());
                sites.addAll(model.embeddingSites());
                sites.addAll(model.normSites());
                for (Site site : sites) {
                    String last = site.name().substring(site.name().lastIndexOf('.') + 1);
                    if (last.contains("_")) {
                        all.put(last, of);
                    }
                }
            }
        }
        all.remove(""); // the head of a model of vectors
        return all;
    }

    /** Whether a text begins with a prefix, or has a name as a word; in a sentence, a name that is an ordinary word too is that word. */
    private static boolean mentions(String text, String name) {
        if (name.endsWith(".")) {
            return text.startsWith(name);
        }
        boolean ordinary = name.matches("[a-z]+");
        return !(ordinary && text.contains(" "))
                && Pattern.compile("(?<![A-Za-z0-9_-])" + Pattern.quote(name) + "(?![A-Za-z0-9_-])")
                        .matcher(text)
                        .find();
    }

    /** Code of all modules but that of the families. */
    private static List<Path> sources() throws IOException {
        try (Stream<Path> modules = Files.list(Shared.root())) {
            return modules.filter(m -> !m.endsWith("peft-models"))
                    .map(m -> m.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .toList();
        }
    }

    @Test
    void no_other_module_has_a_name_of_a_family() throws IOException {
        Map<String, String> names = names();
        assertTrue(names.keySet()
                .containsAll(Set.of("gpt2", "c_attn", "bert.", "LlamaForCausalLM", "unembed", "up_proj")));
        Set<String> found = new TreeSet<>();
        int files = 0;
        for (Path sources : sources()) {
            try (Stream<Path> all = Files.walk(sources)) {
                for (Path file : all.filter(f -> f.toString().endsWith(".java")).toList()) {
                    files++;
                    String type = String.valueOf(file.getFileName()).replace(".java", "");
                    Set<String> allowed = ELSEWHERE.getOrDefault(type, Set.of());
                    Matcher m = TOKENS.matcher(Files.readString(file));
                    while (m.find()) {
                        String text = m.group(1);
                        names.forEach((name, family) -> {
                            if (text != null && !allowed.contains(name) && mentions(text, name)) {
                                found.add(type + " has \"" + text + "\" with " + name + " of " + family);
                            }
                        });
                    }
                }
            }
        }
        assertTrue(files > 100, files + " files were read");
        assertEquals(Set.of(), found);
    }
}
