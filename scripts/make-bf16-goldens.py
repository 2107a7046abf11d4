#!/usr/bin/env python3
"""How far gradients under torch.autocast("cpu", bfloat16) are from those in double precision, for the small models of the tests.

    python scripts/make-bf16-goldens.py peft-tests/src/test/resources/golden

Reads GOLDEN/models/{gpt2,llama,bert} with GOLDEN/cases/*/lora/adapter, and writes GOLDEN/bf16.json: for LoRA on a base rounded to bfloat16 (adapter in
float32, as PEFT keeps it) and for full fine-tuning with weights in float32, the loss in double precision and under autocast, and of each trained tensor the norm of its
gradient in double precision and the norm of the difference under autocast. Matrices of the base have the rounded values on both sides, so that the
difference is that of the products alone. Made with torch 2.13, transformers 5.23 and PEFT 0.21.2; needs neither network nor GPU.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

FAMILIES = {"gpt2": AutoModelForCausalLM, "llama": AutoModelForCausalLM, "bert": AutoModelForSequenceClassification}


def inputs(family, vocabulary):
    ids = ((torch.arange(2 * 24) * 7919 + 13) % vocabulary).view(2, 24)
    if FAMILIES[family] is AutoModelForCausalLM:
        return dict(input_ids=ids, labels=ids)
    return dict(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.arange(2) % 2)


def gradients(model, batch, autocast):
    model.eval()  # no dropout
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss = model(**batch).loss
    loss.backward()
    return loss.item(), {n: p.grad.double() for n, p in model.named_parameters() if p.grad is not None}


def lora(golden, family, dtype):
    base = FAMILIES[family].from_pretrained(f"{golden}/models/{family}", dtype=torch.float32)
    for p in base.parameters():
        if p.dim() > 1:  # vectors stay as they are
            p.data = p.data.bfloat16().float()
    return PeftModel.from_pretrained(base, f"{golden}/cases/{family}/lora/adapter", is_trainable=True).to(dtype)


def full(golden, family, dtype):
    return FAMILIES[family].from_pretrained(f"{golden}/models/{family}", dtype=dtype)


golden = sys.argv[1]
cases = []
for family in FAMILIES:
    for method, build in (("lora", lora), ("full", full)):
        vocabulary = json.load(open(f"{golden}/models/{family}/config.json"))["vocab_size"]
        batch = inputs(family, vocabulary)
        exact_loss, exact = gradients(build(golden, family, torch.float64), batch, False)
        loss, found = gradients(build(golden, family, torch.float32), batch, True)
        cases.append(
            dict(
                family=family,
                method=method,
                ids=batch["input_ids"].tolist(),
                loss=exact_loss,
                loss_autocast=loss,
                tensors={
                    n: [round(g.norm().item(), 9), round((found[n] - g).norm().item(), 9)] for n, g in sorted(exact.items())
                },
            )
        )
        total = lambda k: sum(t[k] ** 2 for t in cases[-1]["tensors"].values()) ** 0.5
        print(f"{family} {method}: loss {exact_loss:.6f}, under autocast {loss:.6f}; gradients differ by {total(1) / total(0):.5f}")
with open(f"{golden}/bf16.json", "w") as out:
    json.dump(dict(cases=cases), out, indent=1)
    out.write("\n")
