"""Makes the small parallel decoder of these tests with PyTorch: config.json, model.safetensors, expected.json.

    python make.py DIRECTORY

The model is written here a second time, from its formula: y = x + attention(norm(x)) + feed(norm(x)).
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

CONFIG = {
    "model_type": "parallel_decoder",
    "architectures": ["ParallelForCausalLM"],
    "vocab_size": 150,
    "context": 48,
    "hidden_size": 32,
    "inner_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_eps": 1e-6,
    "dropout": 0.0,
    "activation": "gelu",
    "positions": "learned",
    "parallel_residual": True,
    "tied": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
SEQUENCES = [[5, 9, 2, 7, 30, 4, 149], [11], [8, 8, 1, 100]]


def weights(c):
    g = torch.Generator().manual_seed(3)
    w = {}

    def matrix(name, rows, cols, deviation):
        w[name + ".weight"] = torch.randn(rows, cols, generator=g) * deviation

    def linear(name, rows, cols):
        matrix(name, rows, cols, 1 / cols**0.5)
        w[name + ".bias"] = torch.randn(rows, generator=g) * 0.1

    def norm(name):
        w[name + ".weight"] = 1 + torch.randn(c["hidden_size"], generator=g) * 0.2

    width, inner = c["hidden_size"], c["inner_size"]
    keys = width // c["num_attention_heads"] * c["num_key_value_heads"]
    matrix("trunk.words", c["vocab_size"], width, 0.7)
    matrix("trunk.places", c["context"], width, 0.3)
    for i in range(c["num_hidden_layers"]):
        b = f"trunk.stack.{i}."
        norm(b + "pre_rms")
        linear(b + "mix.ask", width, width)
        linear(b + "mix.find", keys, width)
        linear(b + "mix.tell", keys, width)
        linear(b + "mix.join", width, width)
        linear(b + "feed.widen", inner, width)
        linear(b + "feed.narrow", width, inner)
    norm("trunk.last_rms")
    matrix("unembed", c["vocab_size"], width, 1 / width**0.5)
    return w


def logits(c, w, ids):
    def lin(name, x):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(name, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c["rms_eps"]) * w[name + ".weight"]

    t, heads, key_heads = len(ids), c["num_attention_heads"], c["num_key_value_heads"]
    size = c["hidden_size"] // heads
    x = w["trunk.words.weight"][ids] + w["trunk.places.weight"][:t]
    for i in range(c["num_hidden_layers"]):
        b = f"trunk.stack.{i}."
        n = norm(b + "pre_rms", x)
        q = lin(b + "mix.ask", n).view(t, heads, size).transpose(0, 1)
        k = lin(b + "mix.find", n).view(t, key_heads, size).transpose(0, 1).repeat_interleave(heads // key_heads, 0)
        v = lin(b + "mix.tell", n).view(t, key_heads, size).transpose(0, 1).repeat_interleave(heads // key_heads, 0)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(t, -1)
        feed = lin(b + "feed.narrow", F.gelu(lin(b + "feed.widen", n)))
        x = x + lin(b + "mix.join", mixed) + feed
    return F.linear(norm("trunk.last_rms", x), w["unembed.weight"])


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    single = weights(CONFIG)
    save_file(single, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")

    w = {name: t.double().requires_grad_() for name, t in single.items()}
    all_logits = [logits(CONFIG, w, ids) for ids in SEQUENCES]
    scored = [(l[:-1], torch.tensor(ids[1:])) for l, ids in zip(all_logits, SEQUENCES) if len(ids) > 1]
    loss = F.cross_entropy(torch.cat([l for l, _ in scored]), torch.cat([t for _, t in scored]))
    loss.backward()
    expected = {
        "sequences": SEQUENCES,
        "loss": loss.item(),
        "logits": [l.detach().flatten().tolist() for l in all_logits],
        "gradient_norms": {name: t.grad.norm().item() for name, t in w.items()},
    }
    (out / "expected.json").write_text(json.dumps(expected) + "\n")


main(pathlib.Path(sys.argv[1]))
