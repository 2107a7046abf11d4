"""Speed of PyTorch + PEFT on the image cases of `peft4j bench`; one JSON line per case.

  python image-bench.py --case resnet50_forward_8x224,resnet20_full_64x32 --checkpoints DIR [--steps 6] [--threads 2]
  python image-bench.py --make-checkpoints DIR [--only resnet50]

  resnet50_forward_8x224   ResNet-50 with 1000 classes, forward only
  resnet50_lora_8x224      LoRA r 8 alpha 16 on all convolutions, the classifier trained; running statistics stay
  resnet50_full_8x224      every parameter trained, statistics of the batch
  resnet50_frozen_8x224    every parameter trained, running statistics stay
  vit_b16_lora_8x224       ViT-B/16, LoRA r 8 alpha 16 on q_proj and v_proj, the classifier trained
  resnet20_forward_64x32   ResNet-20 of CIFAR with 10 classes, forward only
  resnet20_full_64x32      every parameter trained, statistics of the batch

AxB are A images of B x B pixels. Random weights, float32; the running statistics of the networks with batch norm are those of one pass over random images.
A step is forward, backward, AdamW (lr 1e-4, weight decay 0) and zero_grad; the first one is not counted. Value p of the pixels, channel by channel and image
by image, is (p * 7919 + 13) % 1021 / 510 - 1, image i has the label i % classes. loss_eval is the loss before training in eval mode. Each case runs in a
process of its own, so that peak_rss_mb is its own.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CASES = ["resnet50_forward_8x224", "resnet50_lora_8x224", "resnet50_full_8x224", "resnet50_frozen_8x224", "vit_b16_lora_8x224", "resnet20_forward_64x32",
         "resnet20_full_64x32"]
MODELS = ["resnet50", "vit_b16", "resnet20"]
STAGES = [dict(blocks=3, channels=16, first_stride=1), dict(blocks=3, channels=32, first_stride=2), dict(blocks=3, channels=64, first_stride=2)]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--case", default="resnet50_forward_8x224", help="a case, or several with commas")
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--checkpoints")
    p.add_argument("--make-checkpoints", metavar="DIR")
    p.add_argument("--only", choices=MODELS)
    p.add_argument("--list", action="store_true")
    p.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def in_own_process(case, a):
    """Threads of OpenMP are chosen when torch is loaded."""
    command = [sys.executable, os.path.abspath(__file__), "--child", "--case", case, "--steps", str(a.steps),
               "--threads", str(a.threads), "--checkpoints", a.checkpoints]
    env = dict(os.environ, OMP_NUM_THREADS=str(a.threads), HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
               TRANSFORMERS_VERBOSITY="error", PYTHONWARNINGS="ignore")
    return subprocess.run(command, env=env).returncode


def cifar_resnet():
    """ResNet-20 for small images (He et al. 2016, section 4.2), whose shortcuts have no parameters."""
    from torch import nn
    from torch.nn import functional

    class Layer(nn.Module):
        def __init__(self, width, out, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(out)
            self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(out)
            self.stride, self.added = stride, (out - width) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            shortcut = x
            if self.stride > 1 or self.added:
                shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.added, self.added))
            return functional.relu(y + shortcut)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            width = STAGES[0]["channels"]
            self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            for s, stage in enumerate(STAGES):
                layers = []
                for i in range(stage["blocks"]):
                    layers.append(Layer(width, stage["channels"], stage["first_stride"] if i == 0 else 1))
                    width = stage["channels"]
                self.add_module(f"layer{s + 1}", nn.Sequential(*layers))
            self.linear = nn.Linear(width, 10)

        def forward(self, pixel_values):
            x = functional.relu(self.bn1(self.conv1(pixel_values)))
            return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))

    return Network()


def take_statistics(model, size):
    """Makes the running statistics those of one pass over random images."""
    import torch
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.randn(8, 3, size, size))


def make(directory, only):
    import torch
    from safetensors.torch import save_file
    from transformers import ResNetConfig, ResNetForImageClassification, ViTConfig, ViTForImageClassification
    for name in [only] if only else MODELS:
        torch.manual_seed(0)
        folder = os.path.join(directory, name)
        if name == "resnet50":
            model = ResNetForImageClassification(ResNetConfig(num_labels=1000))
            take_statistics(model, 224)
            model.save_pretrained(folder)
        elif name == "vit_b16":
            ViTForImageClassification(ViTConfig(num_labels=1000)).save_pretrained(folder)
        else:
            model = cifar_resnet()
            take_statistics(model, 32)
            os.makedirs(folder, exist_ok=True)
            save_file(model.state_dict(), os.path.join(folder, "model.safetensors"))
            with open(os.path.join(folder, "config.json"), "w") as f:
                json.dump(dict(model_type="resnet_cifar", stages=STAGES, num_channels=3, num_classes=10), f)


def load(case, checkpoints):
    """The model, and the number of its classes."""
    import torch
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file
    from transformers import AutoModelForImageClassification
    name = next(m for m in MODELS if case.startswith(m))
    folder = os.path.join(checkpoints, name)
    if name == "resnet20":
        model = cifar_resnet()
        model.load_state_dict(load_file(os.path.join(folder, "model.safetensors")))
        return model, 10
    model = AutoModelForImageClassification.from_pretrained(folder, dtype=torch.float32)
    if "_lora_" in case:
        torch.manual_seed(1)
        targets, saved = (["q_proj", "v_proj"], "classifier") if name == "vit_b16" else (["convolution"], "classifier.1")
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=targets, modules_to_save=[saved]))
    return model, 1000


def peak_mib():
    with open("/proc/self/status") as f:
        return next(round(int(line.split()[1]) / 1024, 1) for line in f if line.startswith("VmHWM"))


def measure(case, a):
    import torch
    torch.set_num_threads(a.threads)
    images, size = map(int, case.split("_")[-1].split("x"))
    model, classes = load(case, a.checkpoints)
    count = images * 3 * size * size
    pixels = ((torch.arange(count) * 7919 + 13) % 1021).double().div(510).sub(1).float().view(images, 3, size, size)
    labels = torch.arange(images) % classes

    def loss():
        logits = model(pixels)
        return torch.nn.functional.cross_entropy(logits if torch.is_tensor(logits) else logits.logits, labels)

    with torch.no_grad():
        model.eval()
        first = loss().item()
    forward = "_forward_" in case
    trained = [] if forward else [p for p in model.parameters() if p.requires_grad]
    optimizer = None if forward else torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    if not forward:
        model.train()
    if "_full_" not in case:
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    seconds = []
    for _ in range(a.steps + 1):
        start = time.perf_counter()
        if optimizer is None:
            with torch.no_grad():
                loss()
        else:
            loss().backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[1:])
    print(json.dumps(dict(
        case=case, trainable=sum(p.numel() for p in trained), steps=a.steps, median_step_ms=round(1000 * median, 1),
        min_step_ms=round(1000 * min(seconds[1:]), 1), images_s=round(images / median, 2), loss_eval=round(first, 6),
        threads=a.threads, peak_rss_mb=peak_mib(), loadavg=round(os.getloadavg()[0], 2), torch=torch.__version__)), flush=True)


def main():
    a = options()
    if a.list:
        print("\n".join(CASES))
        return 0
    if a.make_checkpoints:
        make(a.make_checkpoints, a.only)
        return 0
    cases = a.case.split(",")
    unknown = [c for c in cases if c not in CASES]
    if unknown or not a.checkpoints:
        sys.exit(f"cases {cases} of --checkpoints {a.checkpoints} were asked for; there are {', '.join(CASES)}. Give one of these, and a folder.")
    if a.child:
        measure(cases[0], a)
        return 0
    return max(in_own_process(c, a) for c in cases)


if __name__ == "__main__":
    sys.exit(main())
