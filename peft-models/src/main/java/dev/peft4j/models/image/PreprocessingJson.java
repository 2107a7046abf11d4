package dev.peft4j.models.image;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code preprocessor_config.json} as it is written. */
final class PreprocessingJson {
    private PreprocessingJson() {}

    static Map<String, Object> of(Resize.Size size) {
        return Map.of("height", size.height(), "width", size.width());
    }

    /** EfficientNet's where it takes that; else BiT's, which knows all sizes, but for a plain one, which is ViT's. */
    static Map<String, Object> of(Preprocessing p) {
        boolean efficient = p.offset() || p.scaledAgain();
        boolean plain = p.crop() == null && p.resize() instanceof Resize.Exact;
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("image_processor_type", (efficient ? "EfficientNet" : plain ? "ViT" : "Bit") + "ImageProcessor");
        Resize resize = p.resize();
        json.put("do_resize", resize != null);
        if (resize != null) {
            json.put("size", resize.toJson());
        }
        json.put("resample", p.resampling().code());
        Resize.Size crop = p.crop();
        json.put("do_center_crop", crop != null);
        if (crop != null) {
            json.put("crop_size", of(crop));
        }
        json.put("do_convert_rgb", p.channels() == 3);
        json.put("do_rescale", p.scale() != 1 || p.offset());
        json.put("rescale_factor", p.scale());
        json.put("do_normalize", !p.mean().isEmpty());
        if (!p.mean().isEmpty()) {
            json.put("image_mean", p.mean());
        }
        if (!p.std().isEmpty()) {
            json.put("image_std", p.std());
        }
        if (efficient) {
            json.put("rescale_offset", p.offset());
            json.put("include_top", p.scaledAgain());
        }
        return json;
    }
}
