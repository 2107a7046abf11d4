#!/usr/bin/env python3
"""Golden cases of classifiers whose heads have several layers, or read the mean of the tokens.

    python scripts/make-head-goldens.py GOLDEN [--seed 11]

Writes GOLDEN/models/NAME (random weights, and config.json with `head_layers` and `classifier_pooling`) and GOLDEN/cases/NAME/{base,full_finetune}, with what
PyTorch and transformers compute for them, in single precision; GOLDEN is such as peft-tests/src/test/resources/golden. Everything is a function of the seed, and
needs neither network nor GPU. Made with torch 2.13 and transformers 5.23.

Heads of several layers are set as anyone does it in Python, `model.classifier = nn.Sequential(...)`. Of the mean there is no class of transformers: the last
hidden states of the base are averaged over the tokens that the mask counts, in a batch with padding, those of ViT over its patches.

A folder of cases holds case.json (inputs, labels, tolerances) and tensors.safetensors: `logits.<i>` of sequence or image i, `loss` (cross entropy, the mean over
them), and in full_finetune `grad.<name>` of all parameters; `pixel_values` of images. `sensitivity` in case.json is how far logits move when something of the head
is wrong, which is checked to be far beyond the tolerance. Tolerances are 30 times the distance to the same in double precision, and at least what FLOORS says.
"""

import argparse
import copy
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

LABELS = 3
CLASSES = [0, 2, 1, 2]
LENGTHS = [9, 1, 5, 12]
FLOORS = {"logits_abs": 1e-4, "loss_abs": 2e-5, "grad_abs": 2e-5}
BERT = transformers.BertConfig(
    vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=24, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, pad_token_id=0, num_labels=LABELS)
RESNET = transformers.ResNetConfig(embedding_size=6, hidden_sizes=[6, 10], depths=[1, 1], layer_type="basic", num_labels=LABELS)
VIT = transformers.ViTConfig(
    hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, image_size=[15, 12], patch_size=[5, 4], num_channels=1, num_labels=LABELS)


def sequential(width, layers):
    """A classifier of several layers; one if there are none in front."""
    parts = []
    for out in layers:
        parts += [nn.Linear(width, out), nn.ReLU()]
        width = out
    parts.append(nn.Linear(width, LABELS))
    return nn.Sequential(*parts) if layers else parts[0]


class MeanOfTokens(nn.Module):
    """A classifier that reads the mean of the last hidden states of BERT."""

    def __init__(self, layers):
        super().__init__()
        self.bert = transformers.BertModel(BERT, add_pooling_layer=False)
        self.classifier = sequential(BERT.hidden_size, layers)

    def forward(self, input_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        counts = attention_mask[..., None].to(hidden.dtype)
        return self.classifier((hidden * counts).sum(1) / counts.sum(1))


class MeanOfPatches(nn.Module):
    """The same of ViT, without the row in front of the patches."""

    def __init__(self, layers):
        super().__init__()
        self.vit = transformers.ViTModel(VIT, add_pooling_layer=False)
        self.classifier = sequential(VIT.hidden_size, layers)

    def forward(self, pixel_values):
        return self.classifier(self.vit(pixel_values=pixel_values).last_hidden_state[:, 1:].mean(1))


def of_texts(layers):
    model = transformers.BertForSequenceClassification(BERT)
    model.classifier = sequential(BERT.hidden_size, layers)
    return model


def of_images(layers):
    model = transformers.ResNetForImageClassification(RESNET)
    model.classifier[1] = sequential(RESNET.hidden_sizes[-1], layers)
    return model


MODELS = {
    "bert_layers": (of_texts, BERT, [7, 5], False),
    "bert_mean": (MeanOfTokens, BERT, [], True),
    "bert_mean_layers": (MeanOfTokens, BERT, [6], True),
    "resnet_small_layers": (of_images, RESNET, [8], False),
    "vit_small_mean_layers": (MeanOfPatches, VIT, [7], True),
}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            norm = p.dim() == 1 and name.endswith("weight")
            p.copy_(noise / p[0].numel() ** 0.5 * 1.4 if p.dim() > 1 else (1 if norm else 0) + 0.2 * noise)
        for name, b in sorted(model.named_buffers()):
            if name.endswith("running_mean"):
                b.copy_(0.2 * torch.randn(b.shape, generator=generator))
            elif name.endswith("running_var"):
                b.copy_(0.6 + torch.rand(b.shape, generator=generator))


def inputs_of(config, seed):
    generator = torch.Generator().manual_seed(seed)
    if config is BERT:
        rows = [torch.randint(5, BERT.vocab_size, (n,), generator=generator) for n in LENGTHS]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return {"input_ids": ids, "attention_mask": (torch.arange(ids.shape[1]) < torch.tensor(LENGTHS)[:, None]).long()}
    size = VIT.image_size if config is VIT else (19, 22)
    return {"pixel_values": torch.randn(len(CLASSES), config.num_channels, *size, generator=generator)}


def logits_of(model, inputs):
    out = model(**inputs)
    return out if torch.is_tensor(out) else out.logits


def results(model, inputs):
    model.eval()
    logits = logits_of(model, inputs)
    loss = functional.cross_entropy(logits, torch.tensor(CLASSES))
    model.zero_grad()
    loss.backward()
    out = {f"logits.{i}": row.detach() for i, row in enumerate(logits)} | {"loss": loss.detach()}
    return out | {"grad." + n: p.grad.detach().clone() for n, p in model.named_parameters() if p.grad is not None}


def tolerances(single, double):
    found = dict(FLOORS)
    for name, value in single.items():
        kind = name.split(".")[0] + "_abs"
        found[kind] = max(found[kind], 30 * float((value.double() - double[name]).abs().max()))
    return found


@torch.no_grad()
def wrong(model, inputs):
    """How far logits move by what could be wrong of the head."""
    right = logits_of(model, inputs)
    moved = {}
    for module in [m for m in model.classifier.modules() if isinstance(m, nn.ReLU)][-1:]:
        hook = module.register_forward_hook(lambda m, args, out: args[0])
        moved["no ReLU in the head"] = float((logits_of(model, inputs) - right).abs().max())
        hook.remove()
    if isinstance(model, (MeanOfTokens, MeanOfPatches)):
        hidden = next(model.children())(**inputs).last_hidden_state
        moved["the first token"] = float((model.classifier(hidden[:, 0]) - right).abs().max())
        moved["the mean of all rows"] = float((model.classifier(hidden.mean(1)) - right).abs().max())
    return moved


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("golden")
    arguments.add_argument("--seed", type=int, default=11)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    for number, (name, (make, config, layers, mean)) in enumerate(MODELS.items()):
        seed = given.seed + number
        torch.manual_seed(seed)
        model = make(layers)
        randomise(model, seed)
        folder = os.path.join(given.golden, "models", name)
        os.makedirs(folder, exist_ok=True)
        fields = config.to_dict() | {"architectures": [type(model).__name__], "dtype": "float32"}
        if mean:
            fields["architectures"] = ["BertForSequenceClassification" if config is BERT else "ViTForImageClassification"]
            fields["classifier_pooling"] = "mean"
        if layers:
            fields["head_layers"] = layers
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            f.write(json.dumps(fields, indent=2, sort_keys=True) + "\n")
        state = {n: t.contiguous() for n, t in model.state_dict().items() if t.is_floating_point() or n.endswith("num_batches_tracked")}
        save_file(state, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        inputs = inputs_of(config, seed)
        single = results(model, inputs)
        double = results(copy.deepcopy(model).double(), {n: t.double() if t.is_floating_point() else t for n, t in inputs.items()})
        limits = tolerances(single, double)
        moved = wrong(model, inputs)
        assert all(distance > 100 * limits["logits_abs"] for distance in moved.values()), moved
        for method in ("base", "full_finetune"):
            case = os.path.join(given.golden, "cases", name, method)
            os.makedirs(case, exist_ok=True)
            tensors = {n: t for n, t in single.items() if method != "base" or not n.startswith("grad.")}
            reads_texts = config is BERT
            if not reads_texts:
                tensors["pixel_values"] = inputs["pixel_values"]
            save_file({n: t.contiguous() for n, t in tensors.items()}, os.path.join(case, "tensors.safetensors"))
            told = {
                "model": name,
                "model_dir": "models/" + name,
                "task": "seq_cls" if reads_texts else "image_cls",
                "method": method,
                "inputs": [row[:n].tolist() for row, n in zip(inputs["input_ids"], LENGTHS)] if reads_texts else "tensor pixel_values",
                "labels": CLASSES,
                "tolerances": limits,
                "sensitivity": {what: round(distance, 3) for what, distance in moved.items()},
                "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
            }
            with open(os.path.join(case, "case.json"), "w", encoding="utf-8") as f:
                f.write(json.dumps(told, indent=1) + "\n")
        print(name, sum(p.numel() for p in model.parameters()), "parameters", moved)


if __name__ == "__main__":
    main()
