#!/usr/bin/env python3
"""What Pillow and transformers' image processors make of small images: decoded files, other sizes, changed colours, and what a model reads.

    pip install pillow==13.0.0 numpy==2.4.6 transformers==5.23.0
    python scripts/make-image-data.py OUT

OUT is peft-models/src/test/resources/image. Bytes are base64, pixels are (C, H, W). All images are drawn here, with a seed. The processors are those of
transformers that work with Pillow (..Pil), which its files call by the name without that end.
"""
import base64
import io
import json
import os
import struct
import sys
import zlib

import numpy as np
import PIL
import transformers
from PIL import Image, ImageEnhance
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

RANDOM = np.random.RandomState(20)
FILTERS = {"NEAREST": 0, "LANCZOS": 1, "BILINEAR": 2, "BICUBIC": 3, "BOX": 4, "HAMMING": 5}
SIZES = [(11, 7), (64, 50), (37, 9), (90, 23), (36, 24), (1, 1), (13, 70)]  # width, height


def text(data):
    return base64.b64encode(bytes(data)).decode()


def planes(image):
    a = np.array(image)
    return text(np.ascontiguousarray(a if a.ndim == 2 else a.transpose(2, 0, 1)).tobytes())


def told(name, image, **more):
    channels = 1 if image.mode == "L" else 3
    return dict(name=name, channels=channels, height=image.height, width=image.width, planes=planes(image), **more)


def noise(width, height, channels=3):
    return RANDOM.randint(0, 256, (height, width, channels)).astype(np.uint8)


def photo(width, height):
    """Smooth light, edges and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    light = np.stack([120 + 90 * np.sin(x / 17 + k) * np.cos(y / 13 - k) for k in range(3)], -1)
    light[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] = (200, 60, 30)
    return Image.fromarray(np.clip(light + RANDOM.normal(0, 6, light.shape), 0, 255).astype(np.uint8))


def written(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows, extra=b""):
    """A PNG file of rows of packed samples, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + r for r in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png16(channels, color):
    a = RANDOM.randint(0, 65536, (5, 6, channels)).astype(">u2")
    a[0, 0] = 0
    a[0, 1] = 65535
    a[0, 2] = 255
    a[0, 3] = 256
    return png(6, 5, 16, color, [row.tobytes() for row in a]), a


def gif(screen, frame, place, background, transparent):
    """A frame that is smaller than its screen; every code is behind a clear one, so all have 3 bits."""
    colors = bytes([10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 0, 0])
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF1, background, 0) + colors
    if transparent is not None:
        out += b"\x21\xf9\x04" + bytes([1, 0, 0, transparent, 0])
    out += b"\x2c" + struct.pack("<HHHHB", *place, *frame, 0)
    codes = [c for i in range(frame[0] * frame[1]) for c in (4, (i + 1) % 4)] + [5]
    bits = sum(c << 3 * i for i, c in enumerate(codes))
    data = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
    return out + bytes([2, len(data)]) + data + b"\0;"


def without_adobe(jpeg):
    at = jpeg.index(b"\xff\xee")
    length = struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    return jpeg[:at] + jpeg[at + 2 + length :]


def as_ycck(jpeg):
    """The same numbers, read as luma and chromas."""
    at = jpeg.index(b"Adobe") + 11
    return jpeg[:at] + b"\x02" + jpeg[at + 1 :]


def files():
    small = Image.fromarray(noise(13, 9))
    alpha = Image.fromarray(noise(13, 9, 4), "RGBA")
    grey = Image.fromarray(noise(13, 9, 1)[..., 0])
    palette = Image.fromarray(noise(13, 9, 1)[..., 0] % 16, "P")
    palette.putpalette(bytes(RANDOM.randint(0, 256, 48).astype(np.uint8)) + bytes(720))
    other = Image.fromarray(noise(13, 9))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a viewer
    scene = photo(53, 41)
    bands = [*photo(53, 41).split(), photo(53, 41).split()[1]]
    inks = written(Image.merge("CMYK", bands), "JPEG", quality=95)
    exact = {
        "rgb.png": written(small, "PNG"),
        "rgba.png": written(alpha, "PNG"),
        "grey.png": written(grey, "PNG"),
        "grey-alpha.png": written(alpha.convert("LA"), "PNG"),
        "palette.png": written(palette, "PNG"),
        "palette-transparent.png": written(palette, "PNG", transparency=3),
        "rgb-transparent.png": written(small, "PNG", transparency=(1, 2, 3)),
        "bits-1.png": written(grey.convert("1"), "PNG"),
        "bits-2.png": png(4, 1, 2, 0, [bytes([0b00011011])]),
        "bits-4.png": png(4, 1, 4, 0, [bytes([0x0F, 0x37])]),
        "rgb-16.png": png16(3, 2)[0],
        "rgba-16.png": png16(4, 6)[0],
        "grey-alpha-16.png": png16(2, 4)[0],
        "gamma.png": png(4, 1, 8, 2, [noise(4, 1).tobytes()], chunk(b"gAMA", struct.pack(">I", 100000))),
        "animated.png": written(small, "PNG", save_all=True, append_images=[other]),
        "rgb.bmp": written(small, "BMP"),
        "grey.bmp": written(grey, "BMP"),
        "palette.bmp": written(palette, "BMP"),
        "palette.gif": written(palette, "GIF"),
        "animated.gif": written(palette, "GIF", save_all=True, append_images=[palette.rotate(180)]),
        "part.gif": gif((4, 3), (2, 2), (1, 1), 1, None),
        "part-transparent.gif": gif((4, 3), (2, 2), (1, 1), 1, 2),
        "beyond.gif": gif((2, 2), (3, 2), (1, 1), 1, None),
    }
    near = {
        "photo.jpg": written(scene, "JPEG", quality=90),
        "photo-75.jpg": written(scene, "JPEG"),
        "photo-444.jpg": written(scene, "JPEG", quality=95, subsampling=0),
        "photo-422.jpg": written(scene, "JPEG", quality=85, subsampling=1),
        "progressive.jpg": written(scene, "JPEG", quality=80, progressive=True),
        "as-rgb.jpg": written(scene, "JPEG", quality=90, keep_rgb=True),
        "grey.jpg": written(scene.convert("L"), "JPEG"),
        "turned.jpg": written(scene, "JPEG", exif=exif),
        "cmyk.jpg": inks,
        "cmyk-plain.jpg": without_adobe(inks),
        "ycck.jpg": as_ycck(inks),
    }
    out = []
    for kind, group in (("exact", exact), ("near", near)):
        for name, data in group.items():
            image = Image.open(io.BytesIO(data)).convert("RGB")
            out.append(told(name, image, kind=kind, file=text(data)))
    data, a = png16(1, 0)  # Pillow clips it: the upper bits are kept instead, as it does of colours
    upper = Image.fromarray((a[..., 0].astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    out.append(told("grey-16.png", upper, kind="exact", file=text(data)))
    return out


def resized(image):
    out = []
    for name, code in FILTERS.items():
        for width, height in SIZES:
            out.append(dict(told(name, image.resize((width, height), code)), code=code))
    out.append(dict(told("BICUBIC", image.convert("L").resize((20, 30), 3)), code=3))
    return out


def hue(image, factor):
    """torchvision.transforms.functional.adjust_hue."""
    h, s, v = image.convert("HSV").split()
    shifted = (np.array(h).astype(int) + int(factor * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(shifted.astype(np.uint8)), s, v)).convert("RGB")


def colored(image):
    out = []
    for f in (0.0, 0.3, 0.77, 1.0, 1.37, 1.9):
        out.append(told("brightness", ImageEnhance.Brightness(image).enhance(f), factor=f))
        out.append(told("contrast", ImageEnhance.Contrast(image).enhance(f), factor=f))
        out.append(told("saturation", ImageEnhance.Color(image).enhance(f), factor=f))
    for f in (-0.5, -0.2, 0.0, 0.1, 0.37):
        out.append(told("hue", hue(image, f), factor=f))
    return out


CASES = [
    (ViTImageProcessorPil, {"size": {"height": 16, "width": 16}}),
    (ViTImageProcessorPil, {"size": 12, "resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}),
    (ViTImageProcessorPil, {"size": {"height": 9, "width": 14}, "do_normalize": False}),
    (ViTImageProcessorPil, {"size": {"height": 9, "width": 14}, "do_rescale": False, "do_normalize": False}),
    (ViTImageProcessorPil, {"do_resize": False, "do_rescale": False, "image_mean": [120.0, 110.0, 100.0], "image_std": [60.0, 50.0, 40.0]}),
    (ViTImageProcessorPil, {"size": {"shortest_edge": 16, "longest_edge": 22}, "resample": 0}),
    (ConvNextImageProcessorPil, {"size": {"shortest_edge": 14}, "crop_pct": 0.875}),
    (ConvNextImageProcessorPil, {"size": {"shortest_edge": 15}, "crop_pct": 0.95, "resample": 2}),
    (ConvNextImageProcessorPil, {"size": 384, "resample": 4}),
    (BitImageProcessorPil, {"size": {"shortest_edge": 17}, "crop_size": {"height": 14, "width": 15}}),
    (BitImageProcessorPil, {"size": 10, "crop_size": 13, "resample": 1}),
    (DeiTImageProcessorPil, {"size": {"height": 20, "width": 20}, "crop_size": {"height": 16, "width": 16}}),
    (EfficientNetImageProcessorPil, {"size": {"height": 15, "width": 15}, "resample": 0}),
    (EfficientNetImageProcessorPil, {"size": {"height": 15, "width": 15}, "rescale_factor": 0.00784313725490196, "rescale_offset": True, "include_top": False}),
    (EfficientNetImageProcessorPil, {"size": {"height": 15, "width": 15}, "do_center_crop": True, "crop_size": {"height": 12, "width": 11}, "do_normalize": False}),
]


def prepared(image):
    out = []
    for kind, options in CASES:
        processor = kind(**options)
        values = processor(image, return_tensors="np")["pixel_values"][0]
        values = np.ascontiguousarray(values).astype("<f4")
        short = dict(options, image_processor_type=kind.__name__[:-3])
        case = dict(config=short, saved=json.loads(processor.to_json_string()), channels=values.shape[0])
        step = 97 if values.size > 100_000 else 1
        out.append(dict(case, height=values.shape[1], width=values.shape[2], step=step, values=text(values.ravel()[::step].tobytes())))
    return out


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    image = Image.fromarray(noise(37, 23))
    made = {"pillow": PIL.__version__, "transformers": transformers.__version__}
    parts = {
        "files": files(),
        "resized": resized(image),
        "colored": colored(image),
        "prepared": prepared(image),
    }
    for name, cases in parts.items():
        data = dict(made, image=told("noise", image), cases=cases)
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(data, f, separators=(",", ":"))
            f.write("\n")


main()
