package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.models.image.Resize.Size;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code preprocessor_config.json}, old and new, and what stands in for it in {@code config.json}.
 *
 * @param fields of it
 */
record PreprocessingFile(ConfigFields fields) {
    private static final String NAME = "preprocessor_config.json";
    private static final double LEVEL = 1.0 / 255;
    private static final int WARPED = 384; // from here on ConvNeXT crops nothing
    private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);
    private static final List<Double> CLIP_MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
    private static final List<Double> CLIP_STD = List.of(0.26862954, 0.26130258, 0.27577711);
    private static final Set<String> KNOWN = Set.of(
            "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"); // the last is always done

    /**
     * A processor of transformers, with what it does where a file says nothing.
     *
     * @param size that a number in place of an object means too: both edges, or the shorter one
     * @param crop edge of the crop; 0 where none is made unless the file asks for it
     */
    private record Kind(
            Resize size, Resampling resampling, int crop, boolean crops, List<Double> mean, List<Double> std) {}

    private static final Kind CONV_NEXT =
            new Kind(Resize.shortestEdge(WARPED), Resampling.BICUBIC, 0, false, HALF, HALF);
    private static final Kind EFFICIENT_NET =
            new Kind(Resize.exact(346, 346), Resampling.BICUBIC, 289, false, HALF, HALF);

    private static final Map<String, Kind> KINDS = Map.of(
            "ViT", new Kind(Resize.exact(224, 224), Resampling.BILINEAR, 0, false, HALF, HALF),
            "DeiT", new Kind(Resize.exact(256, 256), Resampling.BICUBIC, 224, true, HALF, HALF),
            "Bit", new Kind(Resize.shortestEdge(224), Resampling.BICUBIC, 224, true, CLIP_MEAN, CLIP_STD),
            "ConvNext", CONV_NEXT,
            "EfficientNet", EFFICIENT_NET);

    /** Which processor is meant where a file names none, as transformers' AutoImageProcessor chooses. */
    private static final Map<String, String> BY_MODEL = Map.of(
            "vit", "ViT",
            "deit", "DeiT",
            "swin", "ViT",
            "swinv2", "ViT",
            "dinov2", "Bit",
            "resnet", "ConvNext",
            "regnet", "ConvNext",
            "convnext", "ConvNext",
            "convnextv2", "ConvNext",
            "efficientnet", "EfficientNet");

    static Preprocessing read(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        Path config = directory.resolve("config.json");
        PreprocessingFile model =
                new PreprocessingFile(new ConfigFields(config, Files.exists(config) ? Json.read(config) : Map.of()));
        try {
            if (Files.exists(file)) {
                return new PreprocessingFile(new ConfigFields(file, Json.read(file))).preprocessing(model);
            }
            return model.ofConfig();
        } catch (BadInputException e) {
            throw new BadFileException(Files.exists(file) ? file : config, String.valueOf(e.getMessage()), e);
        }
    }

    private Preprocessing preprocessing(PreprocessingFile model) throws IOException {
        String name = kindName(model);
        Kind kind = KINDS.get(name);
        if (kind == null) {
            throw fields.bad(
                    "is for the processor " + name + "; there are "
                            + KINDS.keySet().stream()
                                    .map(k -> k + "ImageProcessor")
                                    .collect(Collectors.toCollection(TreeSet::new))
                            + ", also as Fast and FeatureExtractor. Write one of these that does the same, or use another checkpoint.");
        }
        requireKnown();
        int channels = model.channels();
        Preprocessing p = Preprocessing.of(channels)
                .withScale(fields.flag("do_rescale", true) ? fields.number("rescale_factor", LEVEL) : 1);
        p = sized(p, kind);
        boolean efficient = kind.equals(EFFICIENT_NET);
        boolean again = efficient && fields.flag("include_top", true);
        boolean normalizes = fields.flag("do_normalize", true);
        List<Double> std = fields.numbers("image_std", kind.std, channels);
        return new Preprocessing(
                channels,
                p.resize(),
                p.resampling(),
                p.crop(),
                p.scale(),
                efficient && fields.flag("do_rescale", true) && fields.flag("rescale_offset", false),
                normalizes ? fields.numbers("image_mean", kind.mean, channels) : List.of(),
                normalizes || again ? std : List.of(),
                again);
    }

    private String kindName(PreprocessingFile model) throws IOException {
        String told = fields.text("image_processor_type", fields.text("feature_extractor_type", ""));
        if (!told.isEmpty()) {
            return told.replaceFirst("(Fast|Pil)$", "").replaceFirst("(ImageProcessor|FeatureExtractor)$", "");
        }
        String type = model.fields.text("model_type", "");
        String kind = BY_MODEL.get(type);
        if (kind == null) {
            throw fields.bad("names no \"image_processor_type\", and for the model_type \"" + type
                    + "\" of config.json none is known. Add it, such as \"ViTImageProcessor\".");
        }
        return kind;
    }

    /** Refuses steps that are asked for and not there: they would change what the model reads. */
    private void requireKnown() throws IOException {
        for (Map.Entry<String, Object> field : fields.all().entrySet()) {
            if (field.getKey().startsWith("do_")
                    && !KNOWN.contains(field.getKey())
                    && !Boolean.FALSE.equals(field.getValue())
                    && field.getValue() != null) {
                throw fields.bad("\"" + field.getKey() + "\" is " + field.getValue()
                        + ", which is not there; there are " + new TreeSet<>(KNOWN)
                        + ". Prepare the images so yourself and set it to false, or use another checkpoint.");
            }
        }
        if (!fields.text("data_format", "channels_first").equals("channels_first")) {
            throw fields.bad("\"data_format\" is \"" + fields.get("data_format")
                    + "\", and models read channels_first. Correct it, or use another checkpoint.");
        }
    }

    private Preprocessing sized(Preprocessing p, Kind kind) throws IOException {
        Preprocessing sized = p;
        boolean crops = fields.flag("do_center_crop", kind.crops);
        if (fields.flag("do_resize", true)) {
            Resize resize = size("size", kind.size);
            Resampling by = resampling(kind);
            if (kind.equals(CONV_NEXT)) {
                sized = convNext(p, resize, by);
                if (crops) {
                    throw fields.bad(
                            "\"do_center_crop\" is true, and ConvNextImageProcessor crops by \"crop_pct\" already."
                                    + " Set it to false.");
                }
            } else {
                sized = p.withResize(resize, by);
            }
        }
        if (crops) {
            Size crop = edges("crop_size", kind.crop);
            sized = sized.withCrop(crop.height(), crop.width());
        }
        return sized;
    }

    /** Up to 383 pixels a share of a larger picture, from 384 on all of it, squeezed. */
    private Preprocessing convNext(Preprocessing p, Resize resize, Resampling by) throws IOException {
        if (!(resize instanceof Resize.ShortestEdge shortest)) {
            throw fields.bad("\"size\" is " + fields.get("size")
                    + ", and ConvNextImageProcessor knows \"shortest_edge\" only. Write it so.");
        }
        int edge = shortest.length();
        if (edge >= WARPED) {
            return p.withResize(Resize.exact(edge, edge), by);
        }
        double share = fields.number("crop_pct", 224.0 / 256);
        if (!(share > 0 && share <= 1)) {
            throw fields.bad(
                    "\"crop_pct\" is " + share + " where a share above 0 and up to 1 was expected. Correct it.");
        }
        return p.withResize(Resize.shortestEdge((int) (edge / share)), by).withCrop(edge, edge);
    }

    private Resize size(String name, Resize otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Integer edge) {
            boolean square = fields.flag("default_to_square", otherwise instanceof Resize.Exact);
            return square ? Resize.exact(edge, edge) : Resize.shortestEdge(edge);
        }
        if (v instanceof List<?> list && list.size() == 2) {
            return Resize.exact(fields.whole(name, list.get(0)), fields.whole(name, list.get(1)));
        }
        if (v instanceof Map<?, ?> map) {
            Set<?> keys = map.entrySet().stream()
                    .filter(e -> e.getValue() != null)
                    .map(Map.Entry::getKey)
                    .collect(Collectors.toSet());
            if (keys.equals(Set.of("height", "width"))) {
                return Resize.exact(fields.whole(name, map.get("height")), fields.whole(name, map.get("width")));
            }
            if (keys.equals(Set.of("shortest_edge"))) {
                return Resize.shortestEdge(fields.whole(name, map.get("shortest_edge")));
            }
            if (keys.equals(Set.of("shortest_edge", "longest_edge"))) {
                return new Resize.ShortestEdge(
                        fields.whole(name, map.get("shortest_edge")), fields.whole(name, map.get("longest_edge")));
            }
        }
        throw fields.bad("\"" + name + "\" is " + v
                + " where a number, {height, width} or {shortest_edge} was expected. Write it in one of these ways.");
    }

    private Size edges(String name, int otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null && otherwise > 0) {
            return new Size(otherwise, otherwise);
        }
        Object given = v instanceof Integer edge ? Map.of("height", edge, "width", edge) : v;
        if (size(name, Resize.exact(1, 1)) instanceof Resize.Exact exact && given != null) {
            return exact.size();
        }
        throw fields.bad("\"" + name + "\" is " + v + " where a number or {height, width} was expected. Correct it.");
    }

    private Resampling resampling(Kind kind) throws IOException {
        Object v = fields.get("resample");
        if (v == null) {
            return kind.resampling;
        }
        return Arrays.stream(Resampling.values())
                .filter(r -> v.equals(r.code()))
                .findFirst()
                .orElseThrow(() -> fields.bad("\"resample\" is " + v
                        + " where a number from 0 to 5 was expected, as Pillow has" + " for its filters. Correct it."));
    }

    private Preprocessing ofConfig() throws IOException {
        int channels = channels();
        Size size = imageSize();
        List<Double> mean = channels == 3 ? Preprocessing.IMAGENET_MEAN : List.of(0.5);
        List<Double> std = channels == 3 ? Preprocessing.IMAGENET_STD : List.of(0.5);
        Preprocessing p = Preprocessing.of(channels);
        if (size == null) {
            p = p.withResize(Resize.shortestEdge(256), Resampling.BILINEAR).withCrop(224, 224);
        } else {
            p = p.withResize(Resize.exact(size.height(), size.width()), Resampling.BILINEAR);
        }
        ConfigFields timm = part("pretrained_cfg");
        if (timm != null) {
            return ofTimm(p, timm);
        }
        ConfigFields part = part("preprocessing");
        if (part == null) {
            return p.withNormalization(mean, std);
        }
        return p.withScale(part.number("scale", LEVEL))
                .withNormalization(part.numbers("mean", mean, channels), part.numbers("std", std, channels));
    }

    private @Nullable ConfigFields part(String name) {
        if (!(fields.get(name) instanceof Map<?, ?> object)) {
            return null;
        }
        Map<String, Object> told = new LinkedHashMap<>();
        object.forEach((k, v) -> told.put(String.valueOf(k), v));
        return new ConfigFields(fields.file(), told);
    }

    /** As timm evaluates: the shorter edge gets a size of which the crop is a share. */
    private Preprocessing ofTimm(Preprocessing p, ConfigFields timm) throws IOException {
        if (!(timm.get("input_size") instanceof List<?> size)
                || size.size() != 3
                || !size.get(1).equals(size.get(2))) {
            throw fields.bad("\"input_size\" of \"pretrained_cfg\" is " + timm.get("input_size")
                    + " where channels and two equal edges were expected. Write a preprocessor_config.json.");
        }
        int edge = timm.whole("input_size", size.get(1));
        double share = timm.number("crop_pct", 0.875);
        String filter = timm.text("interpolation", "bilinear").toUpperCase(Locale.ROOT);
        boolean isKnown =
                Arrays.stream(Resampling.values()).anyMatch(r -> r.name().equals(filter));
        boolean isCentred = timm.text("crop_mode", "center").equals("center");
        if (!(share > 0 && share <= 1) || !isKnown || !isCentred) {
            throw fields.bad("\"pretrained_cfg\" has crop_pct " + share + ", interpolation " + filter
                    + " and crop_mode " + timm.get("crop_mode")
                    + "; a share up to 1, a filter of Pillow and center were"
                    + " expected. Write a preprocessor_config.json.");
        }
        int channels = p.channels();
        return p.withResize(Resize.shortestEdge((int) Math.floor(edge / share)), Resampling.valueOf(filter))
                .withCrop(edge, edge)
                .withNormalization(
                        timm.numbers("mean", Preprocessing.IMAGENET_MEAN, channels),
                        timm.numbers("std", Preprocessing.IMAGENET_STD, channels));
    }

    /** A number for both edges, {@code [H, W]} or {@code [C, H, W]}. */
    private @Nullable Size imageSize() throws IOException {
        Object v = fields.get("image_size");
        if (v == null) {
            return null;
        }
        if (v instanceof List<?> list && (list.size() == 2 || list.size() == 3)) {
            int n = list.size();
            return new Size(fields.whole("image_size", list.get(n - 2)), fields.whole("image_size", list.get(n - 1)));
        }
        int edge = fields.whole("image_size", v);
        return new Size(edge, edge);
    }

    private int channels() throws IOException {
        Object first = fields.get("image_size") instanceof List<?> list && list.size() == 3 ? list.get(0) : 3;
        Object v = fields.get("num_channels");
        int channels = fields.whole("num_channels", v == null ? first : v);
        if (channels != 1 && channels != 3) {
            throw fields.bad("is for images of " + channels
                    + " channels; grey (1) and RGB (3) are there. Use another checkpoint.");
        }
        return channels;
    }
}
