package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Adapters that were trained and written here, opened by Hugging Face PEFT: no warning, no tensor missing, the same logits. Needs the Python
 * environment of {@code scripts/python-env}.
 */
class PeftInteropTest {
    private static final double TOLERANCE = 1e-5;
    private static final int STEPS = 5;
    private static final List<String> MODELS = List.of(
            "gpt2",
            "llama",
            "bert",
            "llama_tied",
            "mistral",
            "qwen2",
            "qwen2_sliding",
            "qwen3",
            "smollm3",
            "phi3",
            "gemma2",
            "gemma3_text");
    /** Of the tasks of {@link #MODELS}, and others; those of the reference material and those of this project. */
    private static final List<String> ENCODERS = List.of(
            "bert_embedding",
            "bert_mlm",
            "bert_qa",
            "bert_token",
            "bert_vectors",
            "deberta_c2p",
            "deberta_small",
            "deberta_v2",
            "distilbert",
            "distilbert_qa",
            "distilbert_small",
            "electra",
            "electra_small",
            "modernbert",
            "modernbert_mlm",
            "modernbert_qa",
            "modernbert_small",
            "roberta",
            "roberta_small",
            "roberta_token",
            "xlm_roberta");

    private static final Set<String> OF_ENCODERS = Set.of(
            "LoRA",
            "LoRA all-linear",
            "LoRA bias all",
            "LoRA embeddings",
            "DoRA",
            "AdaLoRA",
            "LoHa",
            "VeRA",
            "OFT",
            "IA3",
            "norm tuning",
            "trainable tokens");
    private static final Set<String> WITH_ALL_LAYERS = Set.of("LoRA all-linear", "LoRA bias all", "DoRA");
    private static final Set<TaskType> OF_SEQUENCES = Set.of(TaskType.SEQ_CLS, TaskType.FEATURE_EXTRACTION);
    private static final Pattern NOT_IN_PEFT = Pattern.compile("BitFit|bottleneck.*");

    private static final Map<String, TaskType> NEW_HEADS = Map.of(
            "seq_cls",
            TaskType.SEQ_CLS,
            "token_cls",
            TaskType.TOKEN_CLS,
            "qa",
            TaskType.QUESTION_ANS,
            "masked_lm",
            TaskType.MASKED_LM);

    @TempDir
    Path dir;

    @Test
    void peft_opens_our_adapters_and_computes_the_same() throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<String> lines = new ArrayList<>();
        for (GoldenCase golden : GoldenCase.all().toList()) {
            String name = String.valueOf(golden.json().get("model"));
            if (golden.method().equals("base") && isKnown(name)) {
                for (Methods.Method method : Methods.all()) {
                    String family = name.replace("_tied", "");
                    if (NOT_IN_PEFT.matcher(method.name()).matches()
                            || !method.impossible(family).isEmpty()
                            || (ENCODERS.contains(name) && !OF_ENCODERS.contains(method.name()))
                            || isOtherInPeft(golden, method)) {
                        continue;
                    }
                    try (Model model = open(golden);
                            Adapter adapter = method.create(model, 5)) {
                        lines.add(write(golden, model, adapter, name + "-" + method.name(), caseFor(golden, adapter)));
                    }
                }
            }
        }
        checker.check(dir, lines);
    }

    /** Each encoder for the tasks that it has no head for. */
    @Test
    void peft_opens_our_adapters_with_heads_that_the_checkpoint_does_not_have()
            throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<String> lines = new ArrayList<>();
        Set<Path> seen = new HashSet<>();
        for (GoldenCase golden : GoldenCase.all().toList()) {
            String name = String.valueOf(golden.json().get("model"));
            if ((ENCODERS.contains(name) || name.equals("bert")) && seen.add(golden.modelDirectory())) {
                for (Map.Entry<String, TaskType> task : NEW_HEADS.entrySet()) {
                    LoadOptions options = LoadOptions.on(Backend.host()).withTask(task.getValue());
                    try (Model model = Models.load(golden.modelDirectory(), options);
                            Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 4), model, 5)) {
                        if (!model.newModules().isEmpty()) {
                            lines.add(writeWithHead(golden, model, adapter, task.getKey()));
                        }
                    }
                }
            }
        }
        assertTrue(seen.size() > 2, seen + " of encoders");
        assertTrue(lines.size() >= 2 * seen.size(), lines.size() + " adapters of " + seen.size() + " encoders");
        checker.check(dir, lines);
    }

    private String writeWithHead(GoldenCase golden, Model model, Adapter adapter, String task) throws IOException {
        Methods.randomise(adapter, STEPS);
        int[][] inputs = golden.inputs();
        Path directory = Files.createDirectories(dir.resolve(golden.json().get("model") + "-" + task));
        Map<String, Object> json = Map.of("task", task, "inputs", inputs, "has_new_head", true);
        Files.writeString(directory.resolve("case.json"), Json.printLine(json));
        return write(golden, model, adapter, directory.getFileName() + "-adapter", directory, PackedBatch.of(inputs));
    }

    private static boolean isKnown(String name) {
        return MODELS.contains(name) || ENCODERS.contains(name);
    }

    /**
     * Where PEFT does something else: short names mean the pooler of BERT too, which vectors do not need, and what stands in the place of the first block's norm in
     * ModernBERT; with trained tokens, a head that is tied to them has no bias (0.21.2); and the bias of BERT's head for hidden tokens is written under two names.
     */
    private static boolean isOtherInPeft(GoldenCase golden, Methods.Method method) {
        if (golden.json().get("model").equals("bert_mlm") && method.name().equals("LoRA bias all")) {
            return true;
        }
        return switch (Objects.requireNonNull(golden.taskType())) {
            case FEATURE_EXTRACTION -> WITH_ALL_LAYERS.contains(method.name());
            case MASKED_LM -> method.name().equals("trainable tokens") || isNormOfModernBert(golden, method);
            default -> isNormOfModernBert(golden, method);
        };
    }

    private static boolean isNormOfModernBert(GoldenCase golden, Methods.Method method) {
        return String.valueOf(golden.json().get("model")).startsWith("modernbert")
                && method.name().equals("norm tuning");
    }

    private static Model open(GoldenCase golden) throws IOException {
        return Models.load(
                golden.modelDirectory(),
                LoadOptions.on(Backend.host()).withTask(Objects.requireNonNull(golden.taskType())));
    }

    /** PEFT has no LoHa, LoKr and OFT for GPT-2's Conv1D; the checker turns these layers into linear ones where the case says so. */
    private static Path caseFor(GoldenCase golden, Adapter adapter) {
        boolean turned = golden.json().get("model").equals("gpt2")
                && List.of("LOHA", "LOKR", "OFT").contains(adapter.config().peftType());
        return turned ? golden.directory().resolveSibling("oft") : golden.directory();
    }

    @Test
    void peft_opens_its_own_adapters_again_after_they_were_trained_on_here() throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<String> lines = new ArrayList<>();
        for (GoldenCase golden : GoldenCase.all().toList()) {
            boolean known = isKnown(String.valueOf(golden.json().get("model")));
            for (String form : List.of("adapter", "adapter_after", "adapter_converted", "adapter_mixed")) {
                Path given = golden.directory().resolve(form);
                if (known && Files.isDirectory(given)) {
                    String name = golden.toString().replace('/', '-') + "-" + form;
                    trainOn(golden, given, name).ifPresent(lines::add);
                }
            }
        }
        assertTrue(lines.size() >= 10, lines.size() + " adapters");
        checker.check(dir, lines);
    }

    private Optional<String> trainOn(GoldenCase golden, Path given, String name) throws IOException {
        try (Model model = open(golden);
                Adapter adapter = AdapterFiles.load(given, model)) {
            if (adapter.config().peftType().equals("BOTTLENECK")) {
                return Optional.empty(); // PEFT has none
            }
            return Optional.of(write(golden, model, adapter, name, golden.directory()));
        } catch (BadFileException e) {
            String message = String.valueOf(e.getMessage());
            assertTrue(message.contains("the class path has") || message.contains("AdapterHub"), message);
            return Optional.empty();
        }
    }

    /** Trains an adapter for a few steps or gives it other values, writes it with its logits, and returns the line for the checker. */
    private String write(GoldenCase golden, Model model, Adapter adapter, String name, Path caseDirectory)
            throws IOException {
        // pairs of texts are not trained on: a trainer takes texts
        if (model.taskType() == TaskType.FEATURE_EXTRACTION) {
            Methods.randomise(adapter, STEPS);
        } else {
            new Trainer(model, adapter, TrainingConfig.of(STEPS, 4, 1e-2), List.of()).train(records(golden), List.of());
        }
        return write(golden, model, adapter, name, caseDirectory, golden.batch());
    }

    private String write(
            GoldenCase golden, Model model, Adapter adapter, String name, Path caseDirectory, PackedBatch batch)
            throws IOException {
        Path adapterDir = dir.resolve(name.replace(' ', '_'));
        Path logitsFile = dir.resolve(name.replace(' ', '_') + ".safetensors");
        AdapterFiles.save(adapterDir, model, adapter);
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = Call.of(pass, adapter);
            Tensor logits = model.logits(call, batch).value();
            PackedBatch all = batch.withRowsOf(call);
            SafetensorsWriter writer = new SafetensorsWriter();
            for (int i = 0; i < batch.sequences(); i++) {
                if (OF_SEQUENCES.contains(model.taskType())) {
                    writer.add("logits." + i, logits.rows(i, 1), logits.cols());
                } else {
                    Tensor rows = logits.rows(all.start(i), all.length(i));
                    writer.add("logits." + i, rows, all.length(i), logits.cols());
                }
            }
            writer.write(logitsFile);
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("model", golden.modelDirectory().toAbsolutePath().toString());
        line.put("adapter", adapterDir.toString());
        line.put("case", caseDirectory.resolve("case.json").toAbsolutePath().toString());
        line.put("logits", logitsFile.toString());
        line.put("tol", TOLERANCE);
        return Json.printLine(line);
    }

    private static List<PackedBatch.Sequence> records(GoldenCase golden) {
        List<PackedBatch.Sequence> records = new ArrayList<>();
        List<?> labels = (List<?>) golden.json().get("labels");
        int[][] inputs = golden.inputs();
        for (int i = 0; i < inputs.length; i++) {
            Object label = labels.get(i);
            if (golden.taskType() == TaskType.QUESTION_ANS) {
                int[] span = GoldenCase.ints(label);
                records.add(PackedBatch.Sequence.answered(inputs[i], span[0], span[1]));
            } else if (!(label instanceof List<?>)) {
                records.add(PackedBatch.Sequence.classified(inputs[i], ((Number) label).intValue()));
            } else {
                records.add(PackedBatch.Sequence.labelled(inputs[i], GoldenCase.ints(label)));
            }
        }
        return records;
    }
}
