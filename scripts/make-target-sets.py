#!/usr/bin/env python3
"""Which modules PEFT adapts in encoders, for each family, task and spelling of target_modules.

    python scripts/make-target-sets.py GOLDEN OUT.json

GOLDEN is such as peft-tests/src/test/resources/golden; its tiny models are opened for all tasks of their family. OUT.json holds, for each model, task and target,
the names of the modules to which LoRA is attached (of the norms, LN tuning), or what PEFT raised. Made with transformers 5.23 and PEFT 0.21.2; nothing in it is random.
"""

import json
import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps module names in sets
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"})

import peft
import transformers

MODELS = ["bert", "roberta_small", "electra_small", "distilbert_small", "deberta_small", "modernbert_small"]
TASKS = {
    "SEQ_CLS": transformers.AutoModelForSequenceClassification,
    "TOKEN_CLS": transformers.AutoModelForTokenClassification,
    "QUESTION_ANS": transformers.AutoModelForQuestionAnswering,
    "FEATURE_EXTRACTION": transformers.AutoModel,
    "MASKED_LM": transformers.AutoModelForMaskedLM,
}
TARGETS = [
    "all-linear",
    ["dense"],
    ["query", "value"],
    ["pooler.dense"],
    ["output.dense"],
    ["Wo"],
    ["lin1", "q_lin"],
    ["query_proj"],
    r".*\.1\..*(query|dense|Wqkv|q_lin)",
    r".*dense",
]
NORMS = [["LayerNorm"], ["attn_norm"], ["attn_norm", "mlp_norm"], ["sa_layer_norm"]]


def adapted(model, config):
    """Names of the modules that got tensors."""
    try:
        wrapped = peft.get_peft_model(model, config)
    except Exception as e:  # what is refused, and how, is what is asked here
        return {"refused": f"{type(e).__name__}: {e}".splitlines()[0][:200]}
    found = set()
    for name, module in wrapped.get_base_model().named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A or hasattr(module, "ln_tuning_layers"):
            found.add(name)
    return {"modules": sorted(found)}


def main():
    golden, out = sys.argv[1:]
    transformers.logging.set_verbosity_error()
    cases = []
    for name in MODELS:
        for task, kind in TASKS.items():
            own = {"num_labels": 2, "ignore_mismatched_sizes": True} if task == "QUESTION_ANS" else {}
            model = lambda: kind.from_pretrained(f"{golden}/models/{name}", **own)
            task_type = None if task == "MASKED_LM" else task
            for target in TARGETS:
                result = adapted(model(), peft.LoraConfig(r=2, task_type=task_type, target_modules=target))
                cases.append({"model": name, "task": task, "method": "LORA", "target_modules": target} | result)
            for target in NORMS:
                result = adapted(model(), peft.LNTuningConfig(task_type=task_type, target_modules=target))
                cases.append({"model": name, "task": task, "method": "LN_TUNING", "target_modules": target} | result)
    with open(out, "w", encoding="utf-8") as file:
        file.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


main()
