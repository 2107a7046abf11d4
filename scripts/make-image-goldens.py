#!/usr/bin/env python3
"""Golden cases of networks of images: ResNet with both kinds of layers, VGG, EfficientNet, ViT.

    python scripts/make-image-goldens.py GOLDEN [--seed 11] [--only NAME ...] [--cases KIND ...]

Writes GOLDEN/models/NAME (random weights, as `save_pretrained` writes them; VGG by the names of torchvision) and GOLDEN/cases/NAME/{base,
full_finetune,full_finetune_batch_stats,lora_conv} (`lora` of ViT) and cases of other methods ({dora,loha,lokr,ia3,lora_bias,norms}_conv), with
what PyTorch, transformers and PEFT compute for them, in single precision; GOLDEN is
such as peft-tests/src/test/resources/golden. Everything is a function of the seed, and needs neither network nor GPU. Made with torch 2.13,
transformers 5.23 and PEFT 0.21.2.

A folder of cases holds case.json (labels, tolerances) and tensors.safetensors:

- `pixel_values` [N, C, H, W], `logits.<i>` of image i, `loss`: cross entropy, the mean over the images; `features` [N, C], which the classifier reads;
- `grad.<name>` of all parameters that are trained, `losses` before each step of AdamW, `after.<name>` behind the last, `after_logits.<i>`;
- norms of channels have running statistics, but in `full_finetune_batch_stats`: there logits, loss and gradients are those of a training pass,
  `after1.<name>` are the running statistics behind it, and `after.<name>` parameters and statistics behind five steps of SGD with momentum;
- `adapter/` and `merged.<name>` of LoRA and the other methods; gradients and parameters that have no adapter are called as in the checkpoint, where
  `checkpoint_names` in case.json says how modules are called there;
- `sensitivity` in case.json: how far logits move when something of the model is wrong, which is checked to be far beyond the tolerance.

Left out, since PEFT 0.21.2 stops there: LoRA and DoRA of EfficientNet's depthwise convolutions (`EfficientNetDepthwiseConv2d` takes other arguments than the
`nn.Conv2d` that PEFT makes of its class).

One thing is not as PEFT 0.21.2 has it: the backward pass that it has by hand for LoHa with `use_effective_conv2d` takes the factors of the other product for the
gradients of hada_w1_a and hada_w2_a, which are no derivatives then. Here PyTorch derives the same product.

Tolerances are 30 times the distance to the same in double precision, and at least what FLOORS says.
"""

import argparse
import copy
import json
import os
import shutil
import sys

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps module names in sets
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})

import peft
import torch
import transformers
from peft.tuners.loha import layer as loha_layer
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

LABELS = 3
FLOORS = {"logits_abs": 1e-4, "loss_abs": 2e-5, "grad_abs": 2e-5, "after_abs": 5e-5, "merged_abs": 1e-5}
LABELS_OF_IMAGES = [0, 2, 1, 2]
RATE, MOMENTUM, STEPS = 0.01, 0.9, 5


def derived_weight(t1, w1a, w1b, t2, w2a, w2b, scale):
    """The weight of LoHa with small kernels, derived by PyTorch."""
    product = lambda t, a, b: torch.einsum("i j k l, j r, i p -> p r k l", t, b, a)
    return product(t1, w1a, w1b) * product(t2, w2a, w2b) * scale


loha_layer.make_weight_cp = derived_weight


class Vgg(nn.Module):
    """VGG with the names of torchvision, small enough for a test."""

    def __init__(self, config):
        super().__init__()
        layers, width = [], config["num_channels"]
        for entry in config["cfg"]:
            if entry == "M":
                layers.append(nn.MaxPool2d(2))
                continue
            layers.append(nn.Conv2d(width, entry, 3, padding=1))
            if config["batch_norm"]:
                layers.append(nn.BatchNorm2d(entry, config["batch_norm_eps"], config["batch_norm_momentum"]))
            layers.append(nn.ReLU())
            width = entry
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(config["avgpool"])
        hidden = config["classifier_hidden"]
        read = width * config["avgpool"][0] * config["avgpool"][1]
        self.classifier = nn.Sequential(
            nn.Linear(read, hidden), nn.ReLU(), nn.Dropout(0.0), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.0), nn.Linear(hidden, LABELS))

    def forward(self, pixel_values):
        return self.classifier(torch.flatten(self.avgpool(self.features(pixel_values)), 1))


class CifarLayer(nn.Module):
    """A basic layer whose shortcut has no parameters."""

    def __init__(self, width, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride, self.added = stride, (out - width) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.added, self.added)))


class CifarResNet(nn.Module):
    """ResNet for small images (He et al. 2016, section 4.2)."""

    def __init__(self, config):
        super().__init__()
        width = config["stages"][0]["channels"]
        self.conv1 = nn.Conv2d(config["num_channels"], width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = len(config["stages"])
        for s, stage in enumerate(config["stages"]):
            layers = []
            for i in range(stage["blocks"]):
                layers.append(CifarLayer(width, stage["channels"], stage["first_stride"] if i == 0 else 1))
                width = stage["channels"]
            self.add_module(f"layer{s + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(width, LABELS)

    def forward(self, pixel_values):
        x = functional.relu(self.bn1(self.conv1(pixel_values)))
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return self.linear(x.mean((2, 3)))


class Spec:
    """One model: its config, the side lengths of its images, where LoRA acts, and what could be wrong."""

    def __init__(self, config, size, lora, wrong, save, older=None, older_targets=None):
        self.config = config
        self.size = size
        self.lora = lora
        self.wrong = wrong
        self.save = save  # what is trained whole beside LoRA
        self.older = older or {}  # parts of names of modules, and what they are in checkpoints
        self.older_targets = older_targets  # where LoRA acts, in such names

    @property
    def method(self):
        return "lora" if self.older else "lora_conv"

    def in_checkpoint(self, name):
        for new, old in self.older.items():
            name = name.replace(new + ".", old + ".")
        return name

    def checkpoint_names(self, model):
        layers = [n for n, m in model.named_modules() if any(True for _ in m.parameters(recurse=False))]
        return {n: self.in_checkpoint(n + ".")[:-1] for n in layers if self.in_checkpoint(n + ".") != n + "."}


def resnet(**fields):
    return transformers.ResNetConfig(embedding_size=6, num_labels=LABELS, **fields)


def vit(**fields):
    return transformers.ViTConfig(num_labels=LABELS, **fields)


def with_field(**fields):
    return fields


def specs():
    vgg = {
        "model_type": "vgg",
        "architectures": ["VGG"],
        "cfg": [5, "M", 6, 7, "M", 9],
        "batch_norm": False,
        "avgpool": [3, 2],
        "classifier_hidden": 10,
        "dropout": 0.0,
        "num_channels": 2,
        "num_labels": LABELS,
        "batch_norm_eps": 1e-5,
        "batch_norm_momentum": 0.1,
    }
    efficient = dict(
        num_labels=LABELS, image_size=21, width_coefficient=0.02, depth_coefficient=1.1, depth_divisor=3, kernel_sizes=[3, 5, 3], in_channels=[32, 300, 400],
        out_channels=[300, 400, 500], strides=[1, 2, 2], expand_ratios=[1, 2, 3], num_block_repeats=[1, 1, 2], dropout_rate=0.0, drop_connect_rate=0.0,
        depthwise_padding=[2], hidden_dim=27, batch_norm_momentum=0.9)
    return {
        "resnet_small": Spec(
            resnet(hidden_sizes=[6, 10], depths=[1, 2], layer_type="basic", downsample_in_first_stage=True),
            (19, 22),
            {"r": 2, "lora_alpha": 6, "target_modules": ["0.convolution", "shortcut.convolution"]},
            {"no stride in the first stage": with_field(downsample_in_first_stage=False), "hidden_act = gelu": with_field(hidden_act="gelu")},
            ["classifier"],
        ),
        "resnet_reduced": Spec(
            resnet(hidden_sizes=[12, 16], depths=[1, 2], layer_type="bottleneck", downsample_in_bottleneck=True, num_channels=1),
            (24, 20),
            {"r": 2, "target_modules": ["convolution"]},
            {"stride in the 3 x 3 convolution": with_field(downsample_in_bottleneck=False)},
            ["classifier"],
        ),
        "vgg_small": Spec(
            vgg,
            (17, 19),
            {"r": 2, "target_modules": ["features.3", "features.5", "features.8", "classifier.3"]},
            {},
            ["classifier.6"],
        ),
        "efficientnet_small": Spec(
            transformers.EfficientNetConfig(**efficient),
            (21, 26),
            {"r": 3, "target_modules": ["expand_conv", "squeeze_excite.reduce", "top_conv"]},
            {"depthwise_padding = []": with_field(depthwise_padding=[]), "batch_norm_eps = 1e-5": with_field(batch_norm_eps=1e-5)},
            ["classifier"],
        ),
        "vit_small": Spec(
            vit(hidden_size=12, num_hidden_layers=3, num_attention_heads=3, intermediate_size=20, hidden_act="gelu_new", image_size=[15, 12],
                patch_size=[5, 4], num_channels=1, qkv_bias=False, layer_norm_eps=0.05),
            (15, 12),
            {"r": 2, "lora_alpha": 5, "target_modules": ["projection", "q_proj", "o_proj", "fc2"], "rank_pattern": {"layers.1.mlp.fc2": 3}},
            {"hidden_act = relu": with_field(hidden_act="relu"), "layer_norm_eps = 1e-12": with_field(layer_norm_eps=1e-12)},
            ["classifier", "layernorm"],
            {"vit.layers": "vit.encoder.layer", "attention.q_proj": "attention.attention.query", "attention.k_proj": "attention.attention.key",
             "attention.v_proj": "attention.attention.value", "attention.o_proj": "attention.output.dense", "mlp.fc1": "intermediate.dense",
             "mlp.fc2": "output.dense"},
            ["output.dense", "projection", "query"],
        ),
        "resnet_cifar_small": Spec(
            {
                "model_type": "resnet_cifar",
                "stages": [
                    {"blocks": 1, "channels": 4, "first_stride": 1},
                    {"blocks": 2, "channels": 6, "first_stride": 2},
                    {"blocks": 1, "channels": 10, "first_stride": 3},
                ],
                "num_channels": 3,
                "num_classes": LABELS,
                "labels": ["one", "two", "three"],
            },
            (13, 16),
            {"r": 2, "lora_alpha": 5, "target_modules": ["conv1", "layer2.1.conv2"]},
            {},
            ["linear"],
        ),
    }


def make(config):
    if isinstance(config, dict):
        return (Vgg if config["model_type"] == "vgg" else CifarResNet)(config)
    name = {"resnet": transformers.ResNetForImageClassification, "efficientnet": transformers.EfficientNetForImageClassification,
            "vit": transformers.ViTForImageClassification}
    return name[config.model_type](config)


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() > 1:
                p.copy_(noise / p[0].numel() ** 0.5 * 1.4)
            else:
                norm = name.endswith("weight")
                p.copy_((1 if norm else 0) + 0.2 * noise)
        for name, b in sorted(model.named_buffers()):
            if name.endswith("running_mean"):
                b.copy_(0.2 * torch.randn(b.shape, generator=generator))
            elif name.endswith("running_var"):
                b.copy_(0.6 + torch.rand(b.shape, generator=generator))


def logits_of(model, pixels):
    out = model(pixel_values=pixels)
    return out if torch.is_tensor(out) else out.logits


def loss_of(model, pixels):
    return functional.cross_entropy(logits_of(model, pixels), torch.tensor(LABELS_OF_IMAGES))


def features_of(model, pixels):
    read = []
    last = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    hook = last.register_forward_pre_hook(lambda module, args: read.append(args[0].detach()))
    logits_of(model, pixels)
    hook.remove()
    return read[0]


def adam_steps(model, pixels):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.002, weight_decay=0.01)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, pixels)
        loss.backward()
        losses.append(loss.detach())
        optimizer.step()
    return torch.stack(losses)


def results(model, pixels, kind, spec):
    """All numbers of a case, by their names."""
    out = {}
    adapted = not kind.startswith(("base", "full"))
    own = lambda n: n.replace(".default", "").replace("modules_to_save.", "").replace("magnitude_vector.weight", "magnitude_vector")
    short = lambda n: own(n) if adapted else spec.in_checkpoint(n)
    trained = lambda: [(short(n), p) for n, p in model.named_parameters() if p.requires_grad]
    model.train(kind == "full_finetune_batch_stats")
    before = copy.deepcopy(model.state_dict())
    logits = logits_of(model, pixels).detach()
    model.load_state_dict(before)
    for i, row in enumerate(logits):
        out[f"logits.{i}"] = row
    loss = loss_of(model, pixels)
    out["loss"] = loss.detach()
    if kind == "base":
        out["features"] = features_of(model, pixels).flatten(1)
        return out
    loss.backward()
    for n, p in trained():
        out["grad." + n] = p.grad.detach().clone()
    if kind == "full_finetune_batch_stats":
        stats = lambda: {n: b for n, b in model.named_buffers() if n.endswith(("running_mean", "running_var"))}
        out |= {"after1." + n: b.clone() for n, b in stats().items()}
        model.load_state_dict(before)
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss_of(model, pixels).backward()
            optimizer.step()
        out |= {"after." + n: t.detach().clone() for n, t in trained() + list(stats().items())}
    else:
        out["losses"] = adam_steps(model, pixels)
        out |= {"after." + n: p.detach().clone() for n, p in trained()}
    model.eval()
    for i, row in enumerate(logits_of(model, pixels).detach()):
        out[f"after_logits.{i}"] = row
    return out


def tolerances(single, double):
    found = dict(FLOORS)
    kinds = {"logits": "logits_abs", "features": "logits_abs", "after_logits": "after_abs", "loss": "loss_abs", "losses": "after_abs", "grad": "grad_abs",
             "after": "after_abs", "after1": "after_abs", "merged": "merged_abs"}
    for name, value in single.items():
        kind = kinds[name.split(".")[0]]
        found[kind] = max(found[kind], 30 * (value.double() - double[name]).abs().max().item())
    return found


def write(root, model_name, kind, pixels, single, double, extra):
    folder = os.path.join(root, "cases", model_name, kind)
    os.makedirs(folder, exist_ok=True)
    case = {
        "model": model_name,
        "model_dir": "models/" + model_name,
        "task": "image_cls",
        "method": kind,
        "inputs": "tensor pixel_values",
        "labels": LABELS_OF_IMAGES,
        "tolerances": tolerances(single, double),
    } | extra
    with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps(case, indent=1) + "\n")
    tensors = {n: t.float().contiguous() for n, t in single.items()} | {"pixel_values": pixels.float().contiguous()}
    save_file(tensors, os.path.join(folder, "tensors.safetensors"))
    return folder


def save(model, config, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    if isinstance(config, dict):
        save_file({n: t.contiguous() for n, t in model.state_dict().items()}, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            f.write(json.dumps(config, indent=1) + "\n")
    else:
        model.save_pretrained(folder)


def sensitivity(spec, model, pixels, tolerance):
    found = {}
    right = logits_of(model.eval(), pixels).detach()
    for what, fields in spec.wrong.items():
        config = copy.deepcopy(spec.config)
        for name, value in fields.items():
            setattr(config, name, value)
        other = make(config).to(pixels.dtype).eval()
        other.load_state_dict(model.state_dict(), strict=False)
        found[what] = (logits_of(other, pixels).detach() - right).abs().max().item()
        assert found[what] > 20 * tolerance, (what, found[what], tolerance)
    return found


def methods(name):
    """Configs of other methods than LoRA, and what is trained whole beside them."""
    deep = {
        "resnet_small": {
            "dora_conv": peft.LoraConfig(
                r=2, lora_alpha=6, use_dora=True, target_modules=["0.convolution", "shortcut.convolution", "embedder.convolution"],
                rank_pattern={"shortcut.convolution": 3}, alpha_pattern={"embedder.convolution": 5}),
            "loha_conv": peft.LoHaConfig(r=2, alpha=3, use_effective_conv2d=True, target_modules=["0.convolution", "shortcut.convolution", "embedder.convolution"]),
            "lokr_conv": peft.LoKrConfig(r=1, alpha=2, use_effective_conv2d=True, target_modules=["0.convolution", "shortcut.convolution", "embedder.convolution"]),
            "ia3_conv": peft.IA3Config(target_modules=["0.convolution", "1.convolution", "shortcut.convolution"], feedforward_modules=["0.convolution"]),
            "norms_conv": peft.LNTuningConfig(target_modules=["0.normalization", "embedder.normalization"]),
        },
        "resnet_reduced": {
            "lokr_conv": peft.LoKrConfig(r=1, alpha=2, decompose_both=True, use_effective_conv2d=True, target_modules=["convolution"]),
        },
        "vgg_small": {
            "dora_conv": peft.LoraConfig(r=2, use_dora=True, bias="lora_only", target_modules=["features.3", "features.5", "classifier.3"]),
            "loha_conv": peft.LoHaConfig(r=2, alpha=3, target_modules=["features.3", "features.5", "classifier.3"]),
            "lokr_conv": peft.LoKrConfig(r=1, alpha=2, target_modules=["features.0", "features.3", "features.8", "classifier.3"]),
            "ia3_conv": peft.IA3Config(target_modules=["features.3", "features.5", "classifier.3"], feedforward_modules=["features.5"]),
            "lora_bias_conv": peft.LoraConfig(r=2, lora_alpha=3, lora_bias=True, use_rslora=True, target_modules=["features.3", "features.8", "classifier.3"]),
        },
        "efficientnet_small": {
            "dora_conv": peft.LoraConfig(r=2, lora_alpha=6, use_dora=True, target_modules=["expand_conv", "squeeze_excite.reduce", "top_conv"]),
            "loha_conv": peft.LoHaConfig(r=2, alpha=3, use_effective_conv2d=True, target_modules=["depthwise_conv.depthwise_conv", "squeeze_excite.reduce", "top_conv"]),
            "lokr_conv": peft.LoKrConfig(
                r=2, alpha=3, decompose_factor=3, use_effective_conv2d=True, target_modules=["depthwise_conv.depthwise_conv", "squeeze_excite.reduce", "top_conv"]),
            "ia3_conv": peft.IA3Config(
                target_modules=["depthwise_conv.depthwise_conv", "expand_conv", "squeeze_excite.reduce"],
                feedforward_modules=["depthwise_conv.depthwise_conv", "squeeze_excite.reduce"]),
            "norms_conv": peft.LNTuningConfig(target_modules=["depthwise_norm", "top_bn"]),
        },
    }
    return deep.get(name, {})


def given_effect(wrapped):
    """Values with which all that is trained changes something."""
    generator = torch.Generator().manual_seed(6)
    noise = lambda p: torch.randn(p.shape, generator=generator)
    with torch.no_grad():
        for n, p in sorted(wrapped.named_parameters()):
            if any(part in n for part in ("lora_B", "hada_", "lokr_")):
                p.copy_(0.4 * noise(p))
            elif any(part in n for part in ("lora_magnitude", "ia3_l", "ln_tuning_layers")):
                p.copy_(p * (1 + 0.2 * noise(p)))


def adapter(config, model, name, folder, randomise_it):
    wrapped = peft.get_peft_model(copy.deepcopy(model).float(), config)
    randomise_it(wrapped)
    written = os.path.join(folder, "adapter")
    shutil.rmtree(written, ignore_errors=True)
    wrapped.save_pretrained(written)
    os.remove(os.path.join(written, "README.md"))
    path = os.path.join(written, "adapter_config.json")
    with open(path, encoding="utf-8") as f:
        fields = json.load(f)
    fields["base_model_name_or_path"] = "models/" + name
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(fields, indent=2, sort_keys=True))
    return wrapped


def lora(spec, model, name, folder):
    def second_factors(wrapped):
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for n, p in sorted(wrapped.named_parameters()):
                if "lora_B" in n:
                    p.copy_(0.3 * torch.randn(p.shape, generator=generator))

    wrapped = adapter(peft.LoraConfig(modules_to_save=spec.save, **spec.lora), model, name, folder, second_factors)
    if spec.older:
        as_transformers_4(spec, os.path.join(folder, "adapter"))
    state = copy.deepcopy(wrapped).merge_and_unload().state_dict()
    modules = list(wrapped.base_model.targeted_module_names)[:3]
    return wrapped, {f"merged.{m}.weight": state[m + ".weight"].detach().clone() for m in modules}


def other_method(config, spec, model, name, folder):
    config.modules_to_save = spec.save
    wrapped = adapter(config, model, name, folder, given_effect)
    before = model.state_dict()
    whole = copy.deepcopy(wrapped)
    whole.merge_adapter()  # most methods cannot unload beside a Sequential that is trained whole
    after = {n.replace("base_layer.", ""): t for n, t in whole.base_model.model.state_dict().items() if "base_layer." in n}
    changed = [n for n in sorted(after) if before[n].is_floating_point() and not torch.equal(before[n], after[n])]
    return wrapped, {"merged." + n: after[n].detach().clone() for n in changed[:8]}


def as_transformers_4(spec, adapter):
    """The same adapter as PEFT writes it where modules have the names of the checkpoint."""
    folder = adapter + "_v4"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(adapter, folder)
    path = os.path.join(folder, "adapter_model.safetensors")
    save_file({spec.in_checkpoint(n): t for n, t in load_file(path).items()}, path, metadata={"format": "pt"})
    path = os.path.join(folder, "adapter_config.json")
    with open(path, encoding="utf-8") as f:
        fields = json.load(f)
    fields["target_modules"] = spec.older_targets
    fields["rank_pattern"] = {spec.in_checkpoint("vit." + n + ".")[4:-1]: r for n, r in fields["rank_pattern"].items()}
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(fields, indent=2, sort_keys=True))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("golden")
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--only", nargs="*", default=[], metavar="NAME", help="models")
    arguments.add_argument("--cases", nargs="*", default=[], metavar="KIND", help="write these kinds of cases only, and no model")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    for number, (name, spec) in enumerate(specs().items()):
        if given.only and name not in given.only:
            continue
        torch.manual_seed(given.seed + number)
        model = make(spec.config)
        randomise(model, given.seed + number)
        channels = spec.config["num_channels"] if isinstance(spec.config, dict) else spec.config.num_channels
        pixels = torch.randn(len(LABELS_OF_IMAGES), channels, *spec.size)
        wanted = lambda kind: not given.cases or kind in given.cases
        if not given.cases:
            save(model, spec.config, os.path.join(given.golden, "models", name))
        names = {"checkpoint_names": spec.checkpoint_names(model)} if spec.older else {}
        for kind in ("base", "full_finetune", "full_finetune_batch_stats"):
            if not wanted(kind) or kind.endswith("stats") and not any(isinstance(m, nn.BatchNorm2d) for m in model.modules()):
                continue
            single = results(copy.deepcopy(model), pixels, kind, spec)
            double = results(copy.deepcopy(model).double(), pixels.double(), kind, spec)
            extra = {}
            if kind == "base":
                extra["sensitivity"] = sensitivity(spec, copy.deepcopy(model), pixels, tolerances(single, double)["logits_abs"])
            elif kind == "full_finetune":
                extra["optimizer"] = {"name": "AdamW", "lr": 0.002, "weight_decay": 0.01, "steps": STEPS}
            else:
                extra["optimizer"] = {"name": "SGD", "lr": RATE, "momentum": MOMENTUM, "weight_decay": 0.0, "steps": STEPS}
            write(given.golden, name, kind, pixels, single, double, extra | names)
        optimizer = {"name": "AdamW", "lr": 0.002, "weight_decay": 0.01, "steps": STEPS}
        made = {spec.method: lambda folder: lora(spec, model, name, folder)}
        for kind, config in methods(name).items():
            made[kind] = lambda folder, config=config: other_method(config, spec, model, name, folder)
        for place, (kind, make_it) in enumerate(made.items()):
            if not wanted(kind):
                continue
            if place > 0:
                torch.manual_seed(1000 * place + given.seed + number)
            folder = os.path.join(given.golden, "cases", name, kind)
            os.makedirs(folder, exist_ok=True)
            wrapped, merged = make_it(folder)
            single = results(copy.deepcopy(wrapped), pixels, kind, spec) | merged
            double = results(copy.deepcopy(wrapped).double(), pixels.double(), kind, spec) | {n: t.double() for n, t in merged.items()}
            expect = "LoRA at convolutions" if kind == spec.method else type(wrapped.peft_config["default"]).__name__ + " at layers of a network of images"
            write(given.golden, name, kind, pixels, single, double, {"optimizer": optimizer, "expect": expect} | names)
        print(name, sum(p.numel() for p in model.parameters()), "parameters")


if __name__ == "__main__":
    main()
