package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every method on networks of convolutions: it trains, or is refused with a message that says what fits. */
class ConvMethodsTest {
    private static final Map<String, String[]> CONVOLUTIONS = new TreeMap<>(Map.of(
            "resnet_small", new String[] {"0.convolution", "shortcut.convolution", "embedder.convolution"},
            "vgg_small", new String[] {"features.3", "features.8", "classifier.3"},
            "efficientnet_small", new String[] {"expand_conv", "squeeze_excite.reduce", "depthwise_conv"}));

    /** What fits: methods, layers to name, a model of texts for what is of tokens, first values. */
    private static final List<String> WHAT_TO_DO = List.of(
            "fit it: LORA",
            "act at convolutions: LORA",
            "Name the layers",
            "use a model of texts",
            "PEFT has true, false and gaussian. Use one of these");

    @TempDir
    Path dir;

    private static Model load(String name) throws IOException {
        return Models.load(
                Methods.MODELS.resolve(name), LoadOptions.on(Backend.host()).withTask(TaskType.IMAGE_CLS));
    }

    private static ImageBatch images(String model) {
        SplittableRandom random = new SplittableRandom(5);
        int channels = model.startsWith("vgg") ? 2 : 3;
        List<ImageBatch.Image> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            float[] pixels = new float[channels * 23 * 21];
            for (int p = 0; p < pixels.length; p++) {
                pixels[p] = (float) random.nextGaussian();
            }
            all.add(new ImageBatch.Image(pixels, channels, 23, 21, new Targets.Classes(new int[] {i})));
        }
        return ImageBatch.of(all);
    }

    private static float[] logits(Model model, ImageBatch images, Adapter... adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, List.of(adapters)), images)
                    .value()
                    .toFloats();
        }
    }

    private static Adapter create(PeftConfig config, Model model) {
        return AdapterFiles.method(config.peftType()).create(config, model, 3);
    }

    private static List<Parameter> trained(Adapter adapter) {
        return adapter.parameters().stream().filter(Parameter::isTrainable).toList();
    }

    static List<Arguments> methods() {
        List<Arguments> all = new ArrayList<>();
        for (String model : CONVOLUTIONS.keySet()) {
            Methods.all().forEach(method -> all.add(Arguments.of(model, method)));
        }
        return all;
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("methods")
    void a_method_trains_or_says_what_fits(String name, Methods.Method method) throws IOException {
        try (Model model = load(name)) {
            Adapter adapter;
            try {
                adapter = method.create(model, 3);
            } catch (BadInputException e) {
                String message = String.valueOf(e.getMessage());
                assertTrue(WHAT_TO_DO.stream().anyMatch(message::contains), message);
                return;
            }
            try (adapter) {
                check(name, model, adapter, method.changesNothing());
            }
        }
    }

    /** What has to be so of every adapter, whatever it does. */
    private void check(String name, Model model, Adapter adapter, boolean changesNothing) throws IOException {
        ImageBatch images = images(name);
        float[] base = logits(model, images);
        float[] fresh = logits(model, images, adapter);
        assertArrayEquals(base, fresh, changesNothing ? 0 : 1e-4f);
        assertTrue(adapter.config().parameterCount(model) >= adapter.trainableCount());
        List<Parameter> trained = trained(adapter);
        Methods.randomise(new TrainedOnly(adapter, trained), 7);
        float[] attached = logits(model, images, adapter);
        boolean moved = false;
        for (int i = 0; i < base.length; i++) {
            assertTrue(Float.isFinite(attached[i]));
            moved |= Math.abs(base[i] - attached[i]) > 1e-3;
        }
        assertTrue(moved, "it has no effect");
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.differentiable(model.backend(), arena)) {
            Call call = Call.of(pass, adapter);
            model.loss(call, images, 1.0 / model.scored(call, images));
            pass.backward();
        }
        for (Parameter p : trained) {
            double squares = model.backend().kernels().sumOfSquares(p.grad());
            assertTrue(squares > 0 && Double.isFinite(squares), p.name());
            p.zeroGrad();
        }
        AdapterFiles.save(dir, model, adapter);
        try (Adapter back = AdapterFiles.load(dir, model)) {
            assertArrayEquals(attached, logits(model, images, back));
            assertEquals(adapter.trainableCount(), back.trainableCount());
        }
        String reason = notMerged(model, adapter);
        if (!reason.isEmpty()) {
            String message = assertThrows(BadInputException.class, () -> MergedAdapter.of(model, List.of(adapter)))
                    .getMessage();
            assertTrue(String.valueOf(message).contains(reason), message);
        } else {
            try (MergedAdapter merged = MergedAdapter.of(model, List.of(adapter))) {
                assertArrayEquals(attached, logits(model, images, merged), 2e-3f);
            }
        }
        keepsStatistics(model, adapter, images);
    }

    /** Why PEFT does not merge LoRA at convolutions: groups, or a bias that the base does not have; else nothing. */
    private static String notMerged(Model model, Adapter adapter) {
        if (!(adapter.config() instanceof LoraConfig lora)) {
            return "";
        }
        List<ConvSite> acting =
                model.convSites().stream().filter(adapter::actsAt).toList();
        if (acting.stream().anyMatch(s -> s.groups() > 1)) {
            return "groups";
        }
        boolean bare = acting.stream().anyMatch(s -> !model.tensorNames().contains(s.name() + ".bias"));
        return lora.loraBias() && bare ? "has none to merge it into" : "";
    }

    private static void keepsStatistics(Model model, Adapter adapter, ImageBatch images) {
        List<double[]> before = statistics(model, adapter);
        float[] first = logits(model, images, adapter);
        new Trainer(model, adapter, TrainingConfig.of(2, 3, 1e-2), List.of()).train(images.images(), List.of());
        assertFalse(Arrays.equals(first, logits(model, images, adapter)));
        List<double[]> after = statistics(model, adapter);
        for (int i = 0; i < before.size(); i++) {
            assertArrayEquals(before.get(i), after.get(i));
        }
    }

    private static List<double[]> statistics(Model model, Adapter adapter) {
        List<double[]> all = new ArrayList<>();
        for (String name : model.statistics()) {
            all.add(model.weight(name).toDoubles());
            Parameter copy = adapter.replacement(name);
            if (copy != null) {
                assertFalse(copy.isTrainable(), name);
                all.add(copy.value().toDoubles());
            }
        }
        return all;
    }

    /** Methods at convolutions of a small model, by what they are called in tests. */
    static Map<String, PeftConfig> atConvolutions(String model) {
        TargetModules target = TargetModules.of(CONVOLUTIONS.get(model));
        Attachment attachment = Attachment.to(target);
        LoraConfig lora = LoraConfig.of(2, 4).withTarget(target);
        if (model.startsWith("efficientnet")) { // ranks are multiples of the groups
            lora = lora.withPatterns(
                    Map.of(
                            "0.*depthwise_conv",
                            3,
                            "1.*depthwise_conv",
                            6,
                            "2.*depthwise_conv",
                            12,
                            "3.*depthwise_conv",
                            18,
                            "[456].*depthwise_conv",
                            27),
                    Map.of());
        }
        Ia3Config.FeedForward input = Ia3Config.FeedForward.of(
                CONVOLUTIONS.get(model)[0], CONVOLUTIONS.get(model)[2]);
        Map<String, PeftConfig> all = new TreeMap<>();
        all.put("LoRA", lora);
        all.put("LoRA gaussian", lora.withInit(LoraInit.of(LoraInit.Kind.GAUSSIAN)));
        all.put("LoRA rsLoRA", lora.withRsLora());
        all.put("DoRA", lora.withDora());
        all.put("LoHa", LoHaConfig.of(2, 4, attachment));
        all.put("LoHa with kernels", LoHaConfig.of(2, 4, attachment).withEffectiveConv2d());
        all.put("LoKr", LoKrConfig.of(1, 2, attachment));
        all.put("LoKr with kernels", LoKrConfig.of(1, 2, attachment).withEffectiveConv2d());
        all.put("LoKr whole", LoKrConfig.of(16, 2, attachment));
        all.put("IA3", new Ia3Config(input, true, attachment));
        all.put("IA3 of outputs", new Ia3Config(Ia3Config.FeedForward.of(), true, attachment));
        all.put("norm tuning", NormTuningConfig.ALL);
        all.put("BitFit", BitFitConfig.ALL);
        if (model.startsWith("vgg")) { // which has biases, and no norms
            all.put("LoRA lora_bias", lora.withBias(LoraConfig.Bias.LORA_ONLY, true));
            all.put("DoRA bias all", lora.withDora().withBias(LoraConfig.Bias.ALL, false));
            all.remove("norm tuning");
        }
        return all;
    }

    static List<Arguments> configs() {
        List<Arguments> all = new ArrayList<>();
        CONVOLUTIONS.keySet().forEach(model -> atConvolutions(model)
                .forEach((name, c) -> all.add(Arguments.of(model, name, c))));
        return all;
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("configs")
    void a_method_acts_at_convolutions(String name, String method, PeftConfig config) throws IOException {
        try (Model model = load(name);
                Adapter adapter = create(config, model)) {
            check(name, model, adapter, !method.startsWith("DoRA"));
            boolean estimated =
                    config instanceof LoraConfig lora && lora.bias() != LoraConfig.Bias.NONE; // with all biases
            long count = config.parameterCount(model);
            assertTrue(estimated ? count >= countOf(adapter) : count == countOf(adapter), () -> count + " parameters");
        }
    }

    /** With the statistics that copies of norms have. */
    private static long countOf(Adapter adapter) {
        return adapter.parameters().stream().mapToLong(Parameter::size).sum();
    }

    @Test
    void what_lora_does_not_have_at_convolutions_is_refused() throws IOException {
        try (Model resnet = load("resnet_small");
                Model efficient = load("efficientnet_small")) {
            LoraConfig lora = LoraConfig.of(2, 4).withTarget(TargetModules.of("convolution"));
            for (LoraInit.Kind kind :
                    List.of(LoraInit.Kind.PISSA, LoraInit.Kind.OLORA, LoraInit.Kind.ORTHOGONAL, LoraInit.Kind.MICA)) {
                refused(resnet, lora.withInit(LoraInit.of(kind)), "gaussian");
            }
            refused(efficient, lora.withTarget(TargetModules.of("depthwise_conv")), "groups");
            LoraConfig linear = lora.withTarget(TargetModules.allLinearLayers());
            refused(resnet, linear, "LORA");
        }
    }

    private static void refused(Model model, PeftConfig config, String reason) {
        String message = assertThrows(BadInputException.class, () -> create(config, model))
                .getMessage();
        assertTrue(String.valueOf(message).contains(reason), message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"classifier", "classifier.1", "encoder.stages.1.layers", "layers.0.layer", "embedder.embedder"})
    void modules_that_run_as_one_are_trained_whole(String module) throws IOException {
        try (Model model = load("resnet_small");
                Adapter adapter = create(
                        LoraConfig.of(2, 4)
                                .withTarget(TargetModules.of("stages.0.layers.0.shortcut.convolution"))
                                .withModulesToSave(List.of(module)),
                        model)) {
            check("resnet_small", model, adapter, true);
        }
    }
}
