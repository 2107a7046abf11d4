#!/usr/bin/env python3
"""Golden cases of bottleneck adapters, computed by AdapterHub's library (adapters 1.3.0 with transformers 4.57).

    python scripts/make-bottleneck-goldens.py GOLDEN [SEED]

GOLDEN is a folder with models/ and cases/<model>/base, such as peft-tests/src/test/resources/golden. Every case gets random
weights; logits, loss, gradients and 20 steps of AdamW are stored. Sequences run one by one, so that padding plays no part.
"""
import json
import os
import sys

import adapters
import torch
import transformers
from adapters import DoubleSeqBnConfig, ParBnConfig, SeqBnConfig
from safetensors.torch import save_file

MODELS = {
    "bert": transformers.BertForSequenceClassification,
    "gpt2": transformers.GPT2LMHeadModel,
    "llama": transformers.LlamaForCausalLM,
}
CONFIGS = {
    "pfeiffer": SeqBnConfig(reduction_factor=4),
    "houlsby": DoubleSeqBnConfig(reduction_factor=8),
    "parallel": ParBnConfig(reduction_factor=4, scaling=2.5),
    "learned": SeqBnConfig(
        reduction_factor={"0": 4, "default": 8},
        scaling="learned",
        ln_after=True,
        adapter_residual_before_ln=True,
        residual_before_ln=False,
    ),
    "channel": DoubleSeqBnConfig(reduction_factor=4, scaling="channel", ln_after=True, non_linearity="leakyrelu"),
    "post_add": SeqBnConfig(reduction_factor=4, residual_before_ln="post_add", non_linearity="gelu"),
    "parallel_norm": ParBnConfig(reduction_factor=4, mh_adapter=True, ln_after=True, scaling=2.5, leave_out=[0]),
}
TOLERANCES = {"logits_abs": 1e-4, "loss_abs": 2e-5, "grad_abs": 2e-5, "after_abs": 1e-4}
OPTIMIZER = {"name": "AdamW", "steps": 20, "lr": 5e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}


def rows(model, case):
    """Logits of each sequence, and the mean loss over all that is scored."""
    logits, losses, scored = [], 0, 0
    for i, ids in enumerate(case["inputs"]):
        batch = {"input_ids": torch.tensor([ids])}
        if "token_type_ids" in case:
            batch["token_type_ids"] = torch.tensor([case["token_type_ids"][i]])
        out = model(**batch).logits[0]
        logits.append(out)
        labels = torch.tensor(case["labels"][i])
        target = labels[1:] if labels.dim() else labels[None]
        losses = losses + torch.nn.functional.cross_entropy(
            out[:-1] if labels.dim() else out[None] if out.dim() == 1 else out, target, reduction="sum"
        )
        scored += int((target != -100).sum())
    return logits, losses / scored


def load(golden, family):
    source = os.path.join(golden, "models", family)
    config = transformers.AutoConfig.from_pretrained(source)
    if hasattr(config, "rope_parameters"):  # where transformers 5 has it
        config.rope_theta = config.rope_parameters["rope_theta"]
    model = MODELS[family].from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager")
    model.config._name_or_path = "models/" + family
    adapters.init(model)
    return model


def randomised(model, name):
    """The parameters of an adapter, which become trainable and random."""
    trained = {k: p for k, p in sorted(model.named_parameters()) if f".adapters.{name}." in k}
    with torch.no_grad():
        for key, p in trained.items():
            start = 1 if "norm" in key and "weight" in key or "scaling" in key else 0
            p.copy_(start + torch.randn(p.shape) * (0.3 if p.dim() > 1 else 0.1))
            p.requires_grad_(True)
    return trained


def store(golden, family, name, method, case, tensors, expect, **more):
    folder = os.path.join(golden, "cases", family, "bottleneck_" + name)
    save_file({k: v.detach().contiguous() for k, v in sorted(tensors.items())}, os.path.join(folder, "tensors.safetensors"))
    kept = {k: case[k] for k in ("model", "model_dir", "task", "inputs", "token_type_ids", "labels") if k in case}
    kept |= {"method": method, "tolerances": TOLERANCES, "expect": expect} | more
    kept["versions"] = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "adapters": adapters.__version__}
    with open(os.path.join(folder, "case.json"), "w") as f:
        json.dump(kept, f)
    print(family, name, "loss", float(tensors["loss"].detach()))


def save(model, golden, family, case, folder, name):
    path = os.path.join(golden, "cases", family, "bottleneck_" + case, folder)
    os.makedirs(path, exist_ok=True)
    model.save_adapter(path, name, with_head=False, use_safetensors=True)


def base_case(golden, family):
    return json.load(open(os.path.join(golden, "cases", family, "base", "case.json")))


def make(golden, family, name, config, seed):
    case = base_case(golden, family)
    torch.manual_seed(seed)
    model = load(golden, family)
    model.add_adapter("task", config=config)
    model.train_adapter("task")
    model.requires_grad_(False)
    trained = randomised(model, "task")
    model.eval()
    save(model, golden, family, name, "adapter", "task")
    logits, loss = rows(model, case)
    loss.backward()
    tensors = {f"logits.{i}": x for i, x in enumerate(logits)} | {"loss": loss}
    tensors |= {"grad." + k: p.grad.clone() for k, p in trained.items()}
    adam = torch.optim.AdamW(
        trained.values(), lr=OPTIMIZER["lr"], betas=OPTIMIZER["betas"], eps=OPTIMIZER["eps"], weight_decay=OPTIMIZER["weight_decay"]
    )
    losses = []
    for _ in range(OPTIMIZER["steps"]):
        adam.zero_grad()
        step = rows(model, case)[1]
        step.backward()
        losses.append(float(step.detach()))
        adam.step()
    tensors |= {"losses": torch.tensor(losses)} | {"after." + k: p for k, p in trained.items()}
    expect = "AdapterHub's logits, loss, gradients and 20 AdamW steps"
    store(golden, family, name, "bottleneck_" + name, case, tensors, expect, optimizer=OPTIMIZER)


def make_stack(golden, family, seed):
    """Two adapters, alone and one on the other."""
    case = base_case(golden, family)
    torch.manual_seed(seed)
    model = load(golden, family)
    tensors = {}
    for name, config in (("alpha", SeqBnConfig(reduction_factor=4)), ("beta", DoubleSeqBnConfig(reduction_factor=8))):
        model.add_adapter(name, config=config)
        randomised(model, name)
        save(model, golden, family, "stack", "adapter_" + name, name)
        model.set_active_adapters(name)
        model.eval()
        tensors |= {f"{name}_logits.{i}": x for i, x in enumerate(rows(model, case)[0])}
    model.set_active_adapters(adapters.Stack("alpha", "beta"))
    logits, loss = rows(model, case)
    tensors |= {f"logits.{i}": x for i, x in enumerate(logits)} | {"loss": loss}
    store(golden, family, "stack", "two_active", case, tensors, "AdapterHub's Stack(alpha, beta)")


def main():
    golden, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 11
    for family in MODELS:
        for number, (name, config) in enumerate(CONFIGS.items()):
            if name == "post_add" and family != "bert":
                continue  # needs a norm behind the residual connection
            make(golden, family, name, config, 100 * seed + number)
        if family != "bert":
            make_stack(golden, family, 100 * seed + 99)


main()
