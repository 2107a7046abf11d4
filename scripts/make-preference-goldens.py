#!/usr/bin/env python3
"""Losses of preferences and their gradients, by the formulas of TRL, for a LoRA adapter on the small Llama of the tests.

    python scripts/make-preference-goldens.py peft-tests/src/test/resources/golden

Reads GOLDEN/models/llama and GOLDEN/cases/llama/lora/adapter, and writes GOLDEN/preferences.json: for DPO (`-logsigmoid(beta * ((w - ref_w) -
(l - ref_l)))`, the mean over pairs, as DPOTrainer's "sigmoid") and ORPO (`-mean_w - lambda * logsigmoid(log_odds_w - log_odds_l)`, as ORPOTrainer, with
the likelihood of the answer alone) the loss and the gradient of each tensor of the adapter, in double precision. Made with torch 2.13, transformers 5.23
and PEFT 0.21.2; needs neither network nor GPU.
"""

import json
import sys

import torch
from peft import PeftModel
from torch.nn.functional import logsigmoid
from transformers import AutoModelForCausalLM

# prompt, chosen, rejected
PAIRS = [
    [[1, 7, 11], [5, 9, 2], [6, 2]],
    [[1, 4], [8], [13, 12, 3, 2]],
    [[1, 10, 20, 30, 40], [15, 16, 17, 2], [18, 2]],
]


def log_probabilities(model, mean):
    """Of all chosen and all rejected answers."""
    out = [[], []]
    for prompt, *answers in PAIRS:
        for k, answer in enumerate(answers):
            ids = torch.tensor([prompt + answer])
            lp = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
            taken = lp.gather(1, ids[0, 1:, None])[len(prompt) - 1 :, 0]
            out[k].append(taken.mean() if mean else taken.sum())
    return [torch.stack(part) for part in out]


def dpo(model, strength):
    with torch.no_grad(), model.disable_adapter():
        ref_w, ref_l = log_probabilities(model, False)
    w, l = log_probabilities(model, False)
    return -logsigmoid(strength * ((w - ref_w) - (l - ref_l))).mean()


def orpo(model, strength):
    w, l = log_probabilities(model, True)
    log_odds = (w - l) - (torch.log1p(-torch.exp(w)) - torch.log1p(-torch.exp(l)))
    return (-w - strength * logsigmoid(log_odds)).mean()


def main():
    golden = sys.argv[1]
    out = {"pairs": PAIRS, "cases": []}
    for kind, loss_of, strength in [("DPO", dpo, 0.1), ("DPO", dpo, 0.7), ("ORPO", orpo, 0.1), ("ORPO", orpo, 2.0)]:
        base = AutoModelForCausalLM.from_pretrained(golden + "/models/llama", dtype=torch.float64, attn_implementation="eager")
        model = PeftModel.from_pretrained(base, golden + "/cases/llama/lora/adapter", is_trainable=True).double().eval()
        loss = loss_of(model, strength)
        loss.backward()
        grads = {n.replace(".default", ""): p.grad.flatten().tolist() for n, p in model.named_parameters() if p.grad is not None}
        grads = {n: [round(v, 9) for v in g] for n, g in grads.items()}
        out["cases"].append({"kind": kind, "strength": strength, "loss": loss.item(), "gradients": grads})
    with open(golden + "/preferences.json", "w") as f:
        json.dump(out, f)
        f.write("\n")


main()
