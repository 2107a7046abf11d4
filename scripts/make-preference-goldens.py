#!/usr/bin/env python3
"""Losses of preferences and ratings and their gradients, by the formulas of TRL, for a LoRA adapter on the small Llama of the tests.

    python scripts/make-preference-goldens.py peft-tests/src/test/resources/golden

Reads GOLDEN/models/llama and GOLDEN/cases/llama/lora/adapter, and writes GOLDEN/preferences.json: for DPO (`-logsigmoid(beta * ((w - ref_w) -
(l - ref_l)))`, the mean over pairs, as DPOTrainer's "sigmoid") and ORPO (`-mean_w - lambda * logsigmoid(log_odds_w - log_odds_l)`, as ORPOTrainer, with
the likelihood of the answer alone) the loss and the gradient of each tensor of the adapter, in double precision. GOLDEN/ratings.json has the same of KTO
(`weight * (1 - sigmoid(+-beta * (r - kl)))`, as KTOTrainer's kto_loss), with `kl = max(0, mean of r of each prompt with the answer in front of it)`. Made with torch 2.13, transformers 5.23
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


# batches of prompt, answer, and whether it is wanted
RATED = [
    [[[1, 7, 11], [5, 9, 2], True], [[1, 4], [8], False], [[1, 10, 20, 30, 40], [15, 16, 17, 2], True], [[1, 7, 11], [6, 2], False]],
    [[[1, 13], [12, 3, 2], False], [[1, 30], [22, 24], True], [[1, 5, 6], [9, 2], False]],
    [[[1, 18, 20], [10, 2], True], [[1, 14, 25], [21, 2], False]],
    [[[1, 8, 19], [14, 2], True]],
]


def log_probability(model, prompt, answer):
    ids = torch.tensor([prompt + answer])
    lp = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
    return lp.gather(1, ids[0, 1:, None])[len(prompt) - 1 :, 0].sum()


def log_ratios(model, pairs):
    with torch.no_grad(), model.disable_adapter():
        before = torch.stack([log_probability(model, *p) for p in pairs])
    return torch.stack([log_probability(model, *p) for p in pairs]) - before


def kto(model, batch, beta, good, bad):
    with torch.no_grad():  # each prompt with the answer in front of it, the first with the last
        kl = log_ratios(model, [(p, batch[i - 1][1]) for i, (p, _, _) in enumerate(batch)]).mean()
    z = kl.clamp(min=0)
    r = log_ratios(model, [(p, a) for p, a, _ in batch])
    losses = [
        good * (1 - torch.sigmoid(beta * (r[i] - z))) if wanted else bad * (1 - torch.sigmoid(beta * (z - r[i])))
        for i, (_, _, wanted) in enumerate(batch)
    ]
    return torch.stack(losses).mean(), kl.item()


def adapted(golden):
    base = AutoModelForCausalLM.from_pretrained(golden + "/models/llama", dtype=torch.float64, attn_implementation="eager")
    return PeftModel.from_pretrained(base, golden + "/cases/llama/lora/adapter", is_trainable=True).double().eval()


def gradients(model, loss):
    loss.backward()
    grads = {n.replace(".default", ""): p.grad.flatten().tolist() for n, p in model.named_parameters() if p.grad is not None}
    return {n: [round(v, 9) for v in g] for n, g in grads.items()}


def write(path, out):
    with open(path, "w") as f:
        json.dump(out, f)
        f.write("\n")


def main():
    golden = sys.argv[1]
    cases = []
    for kind, loss_of, strength in [("DPO", dpo, 0.1), ("DPO", dpo, 0.7), ("ORPO", orpo, 0.1), ("ORPO", orpo, 2.0)]:
        model = adapted(golden)
        loss = loss_of(model, strength)
        cases.append({"kind": kind, "strength": strength, "loss": loss.item(), "gradients": gradients(model, loss)})
    write(golden + "/preferences.json", {"pairs": PAIRS, "cases": cases})
    cases = []
    for batch, beta, good, bad in [(0, 0.7, 1.5, 0.8), (1, 0.1, 1.0, 1.0), (2, 2.0, 0.5, 1.25), (3, 0.1, 1.0, 1.0)]:
        model = adapted(golden)
        loss, kl = kto(model, RATED[batch], beta, good, bad)
        case = {"batch": batch, "strength": beta, "weights": [good, bad], "loss": loss.item(), "kl": kl}
        cases.append({**case, "gradients": gradients(model, loss)})
    write(golden + "/ratings.json", {"batches": RATED, "cases": cases})


main()
