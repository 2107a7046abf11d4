#!/usr/bin/env python3
"""Golden cases of models whose weights are tied, in shards, wide, or read over long sequences, of scaled rotations, and of Llama's relatives.

    python scripts/make-model-goldens.py GOLDEN [--seed 11] [--only NAME ...]

Writes GOLDEN/models/NAME (random weights, as `save_pretrained` writes them) and GOLDEN/cases/NAME/{base,full_finetune,lora} with what
PyTorch, transformers and PEFT compute for them, in single precision; GOLDEN is such as peft-tests/src/test/resources/golden. Everything
is a function of the seed, and needs neither network nor GPU. Made with torch 2.13, transformers 5.23 and PEFT 0.21.2.

A folder of cases holds case.json (inputs, labels, tolerances) and tensors.safetensors:

- `logits.<i>` of sequence i, or, where they are many, the two rows of them that `logits_rows` in case.json names; `hidden.0.<layers>`;
- `loss`: the mean over all scored tokens of the batch; labels are not shifted, -100 is not scored;
- `grad.<name>`, or, of a large tensor, `grad_norm`, `grad_head` and `grad_tail` (64 elements each) and `grad_sample` (the elements
  i · size / 64);
- `sensitivity` in case.json: how far logits move when something of the model is wrong, which is checked to be far beyond the tolerance;
- `losses` before each step of AdamW, `after.<name>` and `after_logits.<i>` after the last, `merged.<name>` weights.

For small models `models/NAME-expected.json` and `cases/NAME/lora/adapter-expected.json` say the same to tests of directories that other
programs wrote: `ids`, and `logits_after_last_token` of each sequence.

Tolerances are 30 times the distance to the same in double precision, and at least what FLOORS says. Sequences run one by one; that
padding changes nothing is checked, except for `longrope` and `dynamic`, which transformers computes by the longest sequence of a batch. What is
generated is what `generate` gives with its cache, and without one too, except for `dynamic`, whose cached keys keep their angles (`generated_cached`).
"""

import argparse
import copy
import json
import math
import os
import shutil
import sys
import zlib

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps module names in sets
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})

import peft
import torch
import transformers
from safetensors.torch import save_file

LLAMA = {
    "vocab_size": 53,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 40,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
}
# wavelengths of the four frequencies: 6, 30, 140 and 664 tokens; the first stays, the second is between, the others become four times as long
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
OTHER_THAN_LLAMA3 = [
    {"rope_type": "default"},
    {"factor": 8.0},
    {"low_freq_factor": 2.0},
    {"high_freq_factor": 8.0},
    {"original_max_position_embeddings": 64},
]
# of four frequencies the first stays, the second is between, the others are four times as long
YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 12}
# every field that YaRN has: a ramp that ends between columns, and scores that are not multiplied as the factor alone would have them
YARN_FIELDS = {
    "rope_type": "yarn",
    "rope_theta": 500.0,
    "factor": 3.0,
    "original_max_position_embeddings": 16,
    "beta_fast": 2.0,
    "beta_slow": 0.1,
    "mscale": 1.7,
    "mscale_all_dim": 0.4,
    "truncate": False,
}
LONGROPE = {
    "type": "longrope",
    "short_factor": [1.0, 1.1, 1.4, 1.5],
    "long_factor": [1.2, 2.0, 3.5, 6.0],
}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 50.0, "factor": 3.0}
OTHER_THAN_SCALED = {
    "qwen2_yarn": [{"factor": 3.0}, {"original_max_position_embeddings": 48}, {"attention_factor": 1.0}, {"beta_slow": 0.2}],
    "llama_yarn": [{key: None} for key in ("beta_fast", "beta_slow", "mscale")] + [{"truncate": True}, {"factor": 2.5}],
    "phi3_longrope": [
        {"long_factor": LONGROPE["short_factor"]},
        {"short_factor": LONGROPE["long_factor"]},
        {"attention_factor": 1.0},
        {"original_max_position_embeddings": 11},
        {"original_max_position_embeddings": 13},
    ],
    "llama_dynamic": [{"rope_type": "default"}, {"factor": 2.0}],
}
GPT2 = {"vocab_size": 61, "n_layer": 1, "bos_token_id": 1, "eos_token_id": 2}

RAGGED = [9, 1, 5, 12]
WINDOWED = [13, 1, 6, 17]


class Spec:
    """One model: its config, how its weights are stored, how long its sequences are, and what its LoRA adapter is."""

    def __init__(self, config, lengths, lora, dtype=torch.float32, shard="1GB", large=False):
        self.config = config
        self.lengths = lengths
        self.lora = lora
        self.dtype = dtype
        self.shard = shard
        self.large = large  # too large to store all logits and gradients


def llama(**changes):
    return transformers.LlamaConfig(**(LLAMA | {"tie_word_embeddings": False} | changes))


def relative(config, **changes):
    """A config of a family that has Llama's fields."""
    return config(**(LLAMA | {"tie_word_embeddings": False, "pad_token_id": 0} | changes))


def specs():
    return {
        "gemma2": Spec(
            relative(transformers.Gemma2Config, head_dim=6, sliding_window=5, query_pre_attn_scalar=9, attn_logit_softcapping=2.0,
                     final_logit_softcapping=3.0, tie_word_embeddings=True),
            WINDOWED,
            {"r": 3, "target_modules": ["embed_tokens", "q_proj", "down_proj"]},
        ),
        "gemma3_text": Spec(
            relative(
                transformers.Gemma3TextConfig,
                head_dim=6,
                sliding_window=5,
                query_pre_attn_scalar=9,
                layer_types=["sliding_attention", "full_attention"],
                tie_word_embeddings=True,
                rope_parameters={
                    "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
                },
            ),
            WINDOWED,
            {"r": 2, "target_modules": ["q_proj", "o_proj"]},
        ),
        "mistral": Spec(
            relative(transformers.MistralConfig, sliding_window=5, head_dim=6), WINDOWED, {"r": 3, "target_modules": ["q_proj", "down_proj"]}
        ),
        "qwen2": Spec(
            relative(transformers.Qwen2Config, use_sliding_window=True, sliding_window=4, max_window_layers=1),
            WINDOWED,
            {"r": 3, "target_modules": "all-linear"},
        ),
        "qwen3": Spec(
            relative(transformers.Qwen3Config, head_dim=6, tie_word_embeddings=True), RAGGED, {"r": 3, "target_modules": ["q_proj", "k_proj", "o_proj"]}
        ),
        "smollm3": Spec(
            relative(transformers.SmolLM3Config, no_rope_layer_interval=2, tie_word_embeddings=True),
            RAGGED,
            {"r": 2, "target_modules": ["k_proj", "v_proj", "up_proj"]},
        ),
        "phi3": Spec(
            relative(
                transformers.Phi3Config,
                num_attention_heads=2,
                num_key_value_heads=1,
                sliding_window=6,
                original_max_position_embeddings=40,
                rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5},
            ),
            WINDOWED,
            {"r": 4, "target_modules": ["qkv_proj", "gate_up_proj"]},
        ),
        "llama_tied": Spec(llama(tie_word_embeddings=True), RAGGED, {"r": 3, "target_modules": ["embed_tokens", "q_proj", "v_proj"]}),
        "llama_sharded": Spec(
            llama(hidden_size=20, num_attention_heads=5, num_key_value_heads=1),
            RAGGED,
            {"r": 2, "target_modules": "all-linear"},
            shard="8KB",
        ),
        "llama3_rope": Spec(
            llama(num_attention_heads=2, num_key_value_heads=1, rope_parameters=LLAMA3),
            [7, 21, 1, 26],
            {"r": 4, "target_modules": ["q_proj", "k_proj", "o_proj"]},
        ),
        "qwen2_yarn": Spec(
            relative(transformers.Qwen2Config, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=12, rope_parameters=YARN),
            [7, 12, 1, 26],
            {"r": 3, "target_modules": ["q_proj", "k_proj"]},
        ),
        "llama_yarn": Spec(
            llama(num_attention_heads=2, num_key_value_heads=1, rope_parameters=YARN_FIELDS),
            [7, 26, 1, 13],
            {"r": 3, "target_modules": ["q_proj", "v_proj"]},
        ),
        # on both sides of 12 tokens, and generation from one to the other
        "phi3_longrope": Spec(
            relative(
                transformers.Phi3Config,
                num_attention_heads=2,
                num_key_value_heads=1,
                original_max_position_embeddings=12,
                rope_parameters=LONGROPE | {"rope_type": "longrope", "rope_theta": 500.0},
            ),
            [9, 12, 1, 14, 22],
            {"r": 4, "target_modules": ["qkv_proj"]},
        ),
        "llama_dynamic": Spec(
            llama(num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=12, rope_parameters=DYNAMIC),
            [7, 12, 1, 13, 22],
            {"r": 3, "target_modules": ["q_proj", "k_proj"]},
        ),
        # 311 tokens: products of more than 256 rows, of more than 256 and 512 columns, and of more than 256 terms
        "gpt2_wide": Spec(
            transformers.GPT2Config(n_embd=128, n_head=4, n_inner=520, n_positions=96, **GPT2),
            [70, 1, 96, 83, 61],
            {"r": 8, "target_modules": ["c_fc"], "fan_in_fan_out": True},
            dtype=torch.float16,
            large=True,
        ),
        # more than 1,024 scored tokens: three chunks of the loss, the last of them smaller; nine blocks of queries
        "llama_long": Spec(
            llama(hidden_size=24, intermediate_size=28, num_hidden_layers=1, max_position_embeddings=560),
            [530, 1, 401, 90, 195],
            None,
            dtype=torch.bfloat16,
            large=True,
        ),
    }


FLOORS = {"logits_abs": 1e-4, "loss_abs": 2e-5, "grad_abs": 2e-5, "after_abs": 5e-5, "merged_abs": 1e-5}
ADAMW = {"name": "AdamW", "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}
FEW = 192  # elements of a tensor that is always stored as a whole
SAMPLES = 64


def generator(seed, name):
    return torch.Generator().manual_seed((zlib.crc32(name.encode()) ^ (seed * 2654435761)) & 0x7FFFFFFF)


def tolerances(noise):
    """30 times the noise, rounded up to one digit."""

    def rounded(value):
        power = 10.0 ** math.floor(math.log10(value))
        return float(f"{math.ceil(value / power - 1e-9) * power:.0e}")

    return {key: rounded(max(floor, 30 * noise.get(key.removesuffix("_abs"), 0))) for key, floor in FLOORS.items()}


def distance(a, b):
    return max(float((x.double() - y.double()).abs().max()) for x, y in zip(a, b))


# ---------------------------------------------------------------- models


def make_model(name, spec, seed):
    """Writes random weights of a size that makes every module count."""
    path = "models/" + name
    shutil.rmtree(path, ignore_errors=True)
    model = transformers.AutoModelForCausalLM.from_config(spec.config)
    random = generator(seed, path)
    with torch.no_grad():
        for key, p in model.named_parameters():
            r = torch.randn(p.shape, generator=random)
            if p.dim() == 1:
                one = 0 if name.startswith("gemma") else 1  # whose factors are 1 + weight
                p.copy_(one + 0.25 * r if key.endswith("weight") else 0.12 * r)
            elif "embed" in key or "wte" in key or "wpe" in key:
                p.copy_(0.3 * r)
            else:
                width = spec.config.hidden_size if p.shape[1] == spec.config.hidden_size else min(p.shape)
                p.copy_(0.2 * min(1, 32 / width) ** 0.5 * r)
    model.to(spec.dtype).save_pretrained(path, max_shard_size=spec.shard)
    if name == "phi3_longrope":
        older_spelling(path)
    readable(path)


def older_spelling(path):
    """As the configs of Phi 3 with 128k tokens are written."""
    with open(path + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["rope_scaling"] = LONGROPE
    with open(path + "/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def load(name, **config):
    return transformers.AutoModelForCausalLM.from_pretrained(
        "models/" + name, dtype=torch.float32, attn_implementation="eager", **config
    ).eval()


def readable(path):
    for folder, _, files in os.walk(path):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)


def inputs(name, spec, seed):
    """Token ids, without special ones, and labels of which some are not scored."""
    random = generator(seed, "inputs/" + name)
    ids = [torch.randint(3, spec.config.vocab_size, (n,), generator=random).tolist() for n in spec.lengths]
    labels = [list(s) for s in ids]
    for s in labels:
        for i in range(len(s)):
            if len(s) > 4 and (i < 2 or i % 7 == 5):
                s[i] = -100
    return {"inputs": ids, "labels": labels}


# ---------------------------------------------------------------- what is computed


def rotation(model):
    """The type of the rotations of a model, or of the one that PEFT wraps."""
    config = model.get_base_model().config if isinstance(model, peft.PeftModel) else model.config
    return (getattr(config, "rope_parameters", None) or {}).get("rope_type")


def first(model):
    """As if the next sequence were the first that the model sees: a short one takes back what longer ones stretched."""
    if rotation(model) == "dynamic":
        with torch.no_grad():
            model(input_ids=torch.tensor([[3]]))


def logits(model, case):
    found = []
    for ids in case["inputs"]:
        first(model)
        found.append(model(input_ids=torch.tensor([ids])).logits[0])
    return found


def loss_of(rows, case):
    """The mean over all scored tokens."""
    total, scored = 0, 0
    for out, labels in zip(rows, case["labels"]):
        target = torch.tensor(labels[1:], dtype=torch.long)
        total = total + torch.nn.functional.cross_entropy(out[:-1], target, reduction="sum")
        scored += int((target != -100).sum())
    return total / scored


def check_padding(model, case, rows):
    if rotation(model) in ("longrope", "dynamic"):
        return
    longest = max(map(len, case["inputs"]))
    ids = torch.tensor([s + [0] * (longest - len(s)) for s in case["inputs"]])
    mask = torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in case["inputs"]])
    with torch.no_grad():
        padded = model(input_ids=ids, attention_mask=mask).logits
    found = distance([padded[i, : len(s)] for i, s in enumerate(case["inputs"])], rows)
    assert found < 5e-5, f"padding changes logits by {found}"


def gradients(model, case):
    """Loss and gradients by the names under which tensors are saved."""
    loss = loss_of(logits(model, case), case)
    loss.backward()
    found = {saved(key): p.grad.clone() for key, p in model.named_parameters() if p.requires_grad}
    model.zero_grad(set_to_none=True)
    return loss.detach(), found


def saved(key):
    return key.replace(".default", "")


def train(model, case, optimizer):
    trained = {saved(key): p for key, p in model.named_parameters() if p.requires_grad}
    adam = torch.optim.AdamW(
        trained.values(),
        lr=optimizer["lr"],
        betas=optimizer["betas"],
        eps=optimizer["eps"],
        weight_decay=optimizer["weight_decay"],
        foreach=False,
    )
    losses = []
    for _ in range(optimizer["steps"]):
        adam.zero_grad()
        loss = loss_of(logits(model, case), case)
        loss.backward()
        losses.append(float(loss.detach()))
        adam.step()
    model.zero_grad(set_to_none=True)
    return torch.tensor(losses), {key: p.detach().clone() for key, p in trained.items()}


def greedy(model, case, count):
    """The most probable tokens behind each input, which no rounding changes, by the name under which they are stored."""
    found = []
    for start in case["inputs"]:
        ids = cached(model, start, count)
        again = ids if rotation(model) == "dynamic" else uncached(model, start, count)
        assert again == ids, f"{ids} with a cache, {again} without"
        found.append(ids)
    return {"generated_cached" if rotation(model) == "dynamic" else "generated": found}


def sure(scores):
    best = scores.topk(2)
    assert best.values[0] - best.values[1] > 1e-3, "two tokens are nearly equal; take another seed"
    return int(best.indices[0])


def uncached(model, start, count):
    ids = list(start)
    with torch.no_grad():
        for _ in range(count):
            ids.append(sure(model(input_ids=torch.tensor([ids])).logits[0, -1]))
    return ids[len(start) :]


def cached(model, start, count):
    first(model)
    options = {"max_new_tokens": count, "do_sample": False, "eos_token_id": None, "return_dict_in_generate": True, "output_logits": True}
    out = model.generate(input_ids=torch.tensor([start]), **options)
    assert [sure(scores[0]) for scores in out.logits] == out.sequences[0, len(start) :].tolist()
    return out.sequences[0, len(start) :].tolist()


# ---------------------------------------------------------------- what is stored


def store(name, kind, case, tensors, noise, **more):
    path = f"cases/{name}/{kind}"
    os.makedirs(path, exist_ok=True)
    tensors = {key: t.detach().float().contiguous().clone() for key, t in sorted(tensors.items())}
    save_file(tensors, path + "/tensors.safetensors", metadata={"format": "pt"})
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "peft": peft.__version__}
    json_case = {"model": name, "model_dir": "models/" + name, "task": "causal_lm", "method": kind} | case
    json_case |= {"tolerances": tolerances(noise), "measured_noise": {key: float(f"{v:.2g}") for key, v in noise.items()}}
    json_case |= more | {"versions": versions}
    with open(path + "/case.json", "w", encoding="utf-8") as out:
        out.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(v)}" for key, v in json_case.items()) + "\n}\n")
    readable(path)
    size = sum(os.path.getsize(os.path.join(folder, f)) for folder, _, files in os.walk(path) for f in files)
    print(f"{path}: {size:,} bytes, noise {json_case['measured_noise']}")


def expect(path, rows, case, **more):
    """What a test of a directory needs to know about it."""
    last = [[round(v, 6) for v in x[-1].tolist()] for x in rows]
    with open(path + "-expected.json", "w", encoding="utf-8") as out:
        json.dump(more | {"expect": "logits", "ids": case["inputs"], "logits_after_last_token": last}, out)
        out.write("\n")
    os.chmod(path + "-expected.json", 0o644)


def logits_tensors(spec, rows, prefix="logits"):
    """The tensors, and what case.json says about them."""
    if not spec.large:
        return {f"{prefix}.{i}": x for i, x in enumerate(rows)}, {}
    which = {str(i): [len(x) // 3, len(x) - 1] for i, x in enumerate(rows)}
    return {f"{prefix}_rows.{i}": rows[int(i)][r] for i, r in which.items()}, {"logits_rows": which}


def gradient_tensors(found, whole):
    tensors = {}
    for key, g in found.items():
        flat = g.reshape(-1)
        if whole or flat.numel() <= FEW:
            tensors["grad." + key] = g
        else:
            tensors["grad_norm." + key] = g.double().norm()
            tensors["grad_head." + key] = flat[:SAMPLES]
            tensors["grad_tail." + key] = flat[-SAMPLES:]
            tensors["grad_sample." + key] = flat[torch.arange(SAMPLES) * flat.numel() // SAMPLES]
    return tensors


def forward_and_gradients(model, case):
    """Logits, loss and gradients with their noise."""
    double = copy.deepcopy(model).double()
    with torch.no_grad():
        rows, rows64 = logits(model, case), logits(double, case)
    check_padding(model, case, rows)
    loss, found = gradients(model, case)
    loss64, found64 = gradients(double, case)
    noise = {
        "logits": distance(rows, rows64),
        "loss": abs(float(loss) - float(loss64)),
        "grad": distance(found.values(), found64.values()),
    }
    return rows, loss, found, noise


def training(model, case, steps, rate, noise):
    """Tensors after some steps, with their noise and that of the logits then."""
    optimizer = ADAMW | {"steps": steps, "lr": rate}
    double = copy.deepcopy(model).double()
    losses, after = train(model, case, optimizer)
    losses64, after64 = train(double, case, optimizer)
    with torch.no_grad():
        moved = distance(logits(model, case), logits(double, case))
    noise |= {"after": max(distance(after.values(), after64.values()), distance([losses], [losses64]))}
    noise |= {"logits": max(noise.get("logits", 0), moved)}
    return {"losses": losses} | {"after." + key: p for key, p in after.items()}, optimizer


def base_case(name, spec, seed):
    model, case = load(name), inputs(name, spec, seed)
    rows, loss, found, noise = forward_and_gradients(model, case)
    tensors, more = logits_tensors(spec, rows)
    tensors |= gradient_tensors(found, whole=not spec.large) | {"loss": loss}
    if not spec.large:
        expect("models/" + name, rows, case)
        more |= greedy(model, case, 12)
        with torch.no_grad():
            states = model(input_ids=torch.tensor([case["inputs"][0]]), output_hidden_states=True).hidden_states
        tensors[f"hidden.0.{len(states) - 1}"] = states[-1][0]
    if name in WRONG:
        more["sensitivity"] = WRONG[name](name, case, rows)
    scored = sum(label != -100 for s in case["labels"] for label in s[1:])
    more |= {"tokens": sum(map(len, case["inputs"])), "scored_tokens": scored}
    store(name, "base", case, tensors, noise, **more)


def rope_sensitivity(name, case, rows):
    """When one value of the rotation is another."""
    moved = {}
    for change in OTHER_THAN_LLAMA3:
        config = transformers.AutoConfig.from_pretrained("models/" + name)
        config.rope_parameters = {"rope_theta": LLAMA3["rope_theta"]} | ({} if "rope_type" in change else LLAMA3) | change
        text = ", ".join(f"{key} = {v}" for key, v in change.items())
        moved[text] = moved_by(text, load(name, config=config), case, rows)
    return moved


def scaled_sensitivity(name, case, rows):
    """When one value of a scaled rotation is another."""
    moved = {}
    for change in OTHER_THAN_SCALED[name]:
        config = transformers.AutoConfig.from_pretrained("models/" + name)
        config.rope_parameters = config.rope_parameters | change
        if hasattr(config, "original_max_position_embeddings"):
            config.original_max_position_embeddings = config.rope_parameters["original_max_position_embeddings"]
        text = ", ".join(f"{key} = {v}" for key, v in change.items())
        moved[text] = moved_by(text, load(name, config=config), case, rows)
    return moved


OTHER_THAN_RELATIVE = {
    "gemma2": [
        {"sliding_window": 6},
        {"layer_types": ["full_attention"] * 2},
        {"attn_logit_softcapping": None},
        {"final_logit_softcapping": None},
        {"query_pre_attn_scalar": 6},
    ],
    "gemma3_text": [
        {"sliding_window": 6},
        {"layer_types": ["sliding_attention"] * 2},
        {"query_pre_attn_scalar": 6},
    ],
    "mistral": [{"sliding_window": 4}, {"sliding_window": 6}, {"sliding_window": None}],
    "qwen2": [{"layer_types": ["full_attention"] * 2}, {"layer_types": ["sliding_attention"] * 2}, {"sliding_window": 5}],
    "smollm3": [{"no_rope_layers": [1, 1]}, {"no_rope_layers": [0, 1]}],
    "phi3": [
        {"sliding_window": None},
        {"sliding_window": 7},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0}},
    ],
}


def relative_sensitivity(name, case, rows):
    """When the config says something else; where heads are normalised, when that is done with other weights."""
    moved = {}
    for change in OTHER_THAN_RELATIVE.get(name, []):
        config = transformers.AutoConfig.from_pretrained("models/" + name)
        for key, v in change.items():
            setattr(config, key, v)
        text = ", ".join(f"{key} = {v}" for key, v in change.items())
        moved[text] = moved_by(text, load(name, config=config), case, rows)
    for norm in ["q_norm", "k_norm"] if name in ("qwen3", "gemma3_text") else []:
        model = load(name)
        for layer in model.model.layers:
            getattr(layer.self_attn, norm).weight.data.fill_(1 if name == "qwen3" else 0)
        moved[f"{norm} = 1"] = moved_by(norm, model, case, rows)
    return moved


def wide_sensitivity(name, case, rows):
    """When products end at a multiple of a block instead of at their end."""
    moved = {}
    for terms in (512, 519):
        model = load(name)
        model.transformer.h[0].mlp.c_proj.weight.data[terms:] = 0
        moved[f"{terms} of 520 terms"] = moved_by(terms, model, case, rows)
    model = load(name)
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.lm_head.weight.data[60:] = 0
    moved["60 of 61 columns"] = moved_by("columns", model, case, rows)
    return moved


def long_sensitivity(name, case, rows):
    """When keys far behind are not seen."""
    moved = {}
    model = load(name)
    for window in (512, 529):
        far = torch.arange(530)[:, None] - torch.arange(530)[None, :]
        mask = torch.where((far < 0) | (far >= window), -1e30, 0.0)[None, None]
        with torch.no_grad():
            found = distance([model(input_ids=torch.tensor([case["inputs"][0]]), attention_mask=mask).logits[0]], rows[:1])
        moved[f"{window} of 530 keys"] = visible(window, found)
    return moved


def moved_by(what, model, case, rows):
    """How far the logits of a model that is wrong are from the right ones."""
    with torch.no_grad():
        found = distance(logits(model, case), rows)
    return visible(what, found)


def visible(what, found):
    assert found > 20 * FLOORS["logits_abs"], f"{what} moves logits by {found} only"
    return float(f"{found:.3g}")


WRONG = dict.fromkeys(["gemma2", "gemma3_text", "mistral", "qwen2", "qwen3", "smollm3", "phi3"], relative_sensitivity)
WRONG |= dict.fromkeys(OTHER_THAN_SCALED, scaled_sensitivity) | {"llama3_rope": rope_sensitivity, "gpt2_wide": wide_sensitivity, "llama_long": long_sensitivity}


def finetune_case(name, spec, seed):
    model, case = load(name), inputs(name, spec, seed)
    loss, found = gradients(model, case)
    noise = {"grad": distance(found.values(), gradients(copy.deepcopy(model).double(), case)[1].values())}
    steps, optimizer = training(model, case, 5, 2e-3, noise)
    store(name, "full_finetune", case, gradient_tensors(found, whole=False) | steps | {"loss": loss}, noise, optimizer=optimizer)


def lora_case(name, spec, seed):
    path = f"cases/{name}/lora"
    case, before = inputs(name, spec, seed), load(name)
    model = peft.get_peft_model(load(name), peft.LoraConfig(task_type="CAUSAL_LM", lora_alpha=6, **spec.lora)).eval()
    random = generator(seed, path)
    with torch.no_grad():
        for _, p in sorted(model.named_parameters()):
            if p.requires_grad:
                p.copy_(0.2 * torch.randn(p.shape, generator=random))
    model.save_pretrained(path + "/adapter", save_embedding_layers=False)
    os.remove(path + "/adapter/README.md")
    rows, loss, found, noise = forward_and_gradients(model, case)
    with torch.no_grad():
        again = logits(peft.PeftModel.from_pretrained(load(name), path + "/adapter").eval(), case)
        effect = distance(rows, logits(before, case))
    assert distance(again, rows) < 1e-6 and effect > 0.1, "the adapter was not saved, or does nothing"
    tensors, more = logits_tensors(spec, rows)
    tensors |= gradient_tensors(found, whole=not spec.large) | {"loss": loss}
    if not spec.large:
        expect(path + "/adapter", rows, case, base="models/" + name)
        more |= greedy(model, case, 8)
        tensors |= merged(model)
    steps, optimizer = training(model, case, 20, 5e-3, noise)
    tensors |= {key: t for key, t in steps.items() if not spec.large or t.numel() <= FEW}
    with torch.no_grad():
        tensors |= logits_tensors(spec, logits(model, case), "after_logits")[0]
    store(name, "lora", case, tensors, noise, effect_max_abs_logits=float(f"{effect:.3g}"), optimizer=optimizer, **more)


def merged(model):
    """Of linear layers: PEFT merges the update of an embedding into the head that is tied to it too."""
    whole = copy.deepcopy(model)
    names = [key for key, module in whole.get_base_model().named_modules() if hasattr(module, "merge") and "embed" not in key]
    whole = whole.merge_and_unload()
    return {f"merged.{key}.weight": whole.get_submodule(key).weight for key in (names[0], names[-1])}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("golden")
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--only", nargs="*", default=[])
    given = arguments.parse_args()
    os.makedirs(given.golden, exist_ok=True)
    os.chdir(given.golden)  # so that files name models by relative paths
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name, spec in specs().items():
        if given.only and name not in given.only:
            continue
        shutil.rmtree("cases/" + name, ignore_errors=True)
        make_model(name, spec, given.seed)
        base_case(name, spec, given.seed)
        if not spec.large and name not in OTHER_THAN_SCALED:
            finetune_case(name, spec, given.seed)
        if spec.lora:
            lora_case(name, spec, given.seed)


main()
