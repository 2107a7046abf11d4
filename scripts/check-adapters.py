#!/usr/bin/env python3
"""Whether PEFT reads adapters that were written elsewhere, and computes the same with them.

    python scripts/check-adapters.py BATCH.jsonl

Each line of the batch is an object with `model` (a directory), `adapter` (a directory), `case` (a case.json that has `task`, `inputs` and
perhaps `token_type_ids`, `conv1d_as_linear` and, of a head that the adapter brings, `has_new_head`), `logits` (a safetensors file that has `logits.<i>` of sequence i, as the writer of the
adapter computed them), and `tol`, the largest difference of them that is allowed. Of images there is no case, but `pixels` (a safetensors file that has `pixel_values`).
Without an adapter the model itself is compared: one that was merged. A head of several layers is told by `head` (the module that is replaced by an `nn.Sequential`),
`head_layers` (outputs of the layers in front of the last) and `head_outputs`; its values are the adapter's, or those of the model's file.

For each adapter it prints OK or NOT OK, behind FAIL and a reason: a field of its config that PEFT does not know, a tensor that is missing
or left over, has another shape, is not finite or not of single precision, is not what was loaded, any warning that says so, other logits than PEFT's in double precision.
The status is 0 if all are OK. Logits are those of the task: of sequences, of tokens, of the two ends of an answer, or a vector of length 1
(the mean over the tokens). PEFT gives no token types to a model of answers, so that such a one is asked itself.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import peft
import torch
import transformers
from safetensors.torch import load_file
from transformers.pytorch_utils import Conv1D

CLASSES = {
    "causal_lm": transformers.AutoModelForCausalLM,
    "seq_cls": transformers.AutoModelForSequenceClassification,
    "token_cls": transformers.AutoModelForTokenClassification,
    "masked_lm": transformers.AutoModelForMaskedLM,
    "qa": transformers.AutoModelForQuestionAnswering,
    "embedding": transformers.AutoModel,
    "image_cls": transformers.AutoModelForImageClassification,
}
LOGGERS = ("", "peft", "transformers")
COMPLAINTS = ("missing", "unexpected", "mismatch", "newly initialized", "not used", "unknown", "ignored", "irregular", "could not find")
MAY_MISS = ("num_batches_tracked",)  # a count that no output depends on
MAY_BE_THERE = (".base_layer.weight", "vera_A", "vera_B")  # values that PEFT has from the base, or makes itself


class Said(logging.Handler):
    """What was logged."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def without_conv1d(model):
    """GPT-2 with linear layers in place of its own, for methods that PEFT has for these only."""
    for name, module in list(model.named_modules()):
        if isinstance(module, Conv1D):
            columns, outputs = module.weight.shape
            linear = torch.nn.Linear(columns, outputs)
            linear.weight.data = module.weight.data.T.contiguous()
            linear.bias.data = module.bias.data
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, linear)
    return model


def with_layers(model, line):
    """The model with a head of several layers, as anyone sets it; without an adapter, with the values that its file has."""
    parts, width = [], model.get_submodule(line["head"]).in_features
    for out in line["head_layers"]:
        parts += [torch.nn.Linear(width, out), torch.nn.ReLU()]
        width = out
    model.set_submodule(line["head"], torch.nn.Sequential(*parts, torch.nn.Linear(width, line["head_outputs"])))
    if "adapter" not in line:
        state = load_file(Path(line["model"]) / "model.safetensors")
        own = {n.removeprefix(line["head"] + "."): t for n, t in state.items() if n.startswith(line["head"] + ".")}
        model.get_submodule(line["head"]).load_state_dict(own)  # strictly
    return model


def opened(line, case):
    """The model with the adapter, and what was said meanwhile."""
    said = Said()
    for name in LOGGERS:
        logging.getLogger(name).addHandler(said)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            options = {"num_labels": 2} if case["task"] == "qa" else {}
            if case["task"] != "image_cls":
                options["attn_implementation"] = "eager"
            base = CLASSES[case["task"]].from_pretrained(
                line["model"], dtype=torch.float32, ignore_mismatched_sizes="has_new_head" in case or "head" in line, **options
            )
            if "head" in line:
                base = with_layers(base, line)
            if case.get("has_new_head") or "head" in line:
                said.lines.clear()
                caught.clear()
            if case.get("conv1d_as_linear"):
                base = without_conv1d(base)
            model = (peft.PeftModel.from_pretrained(base, line["adapter"]) if "adapter" in line else base).eval()
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(said)
    warned = [str(w.message) for w in caught if not issubclass(w.category, ResourceWarning)]
    return model, [m for m in warned + said.lines if "fan_in_fan_out" not in m]


def logits(model, case):
    task = case["task"]
    if task == "image_cls":
        with torch.no_grad():
            yield from model(pixel_values=load_file(case["pixels"])["pixel_values"].double()).logits
        return
    asked = model.base_model if task == "qa" and "token_type_ids" in case and not model.active_peft_config.is_prompt_learning else model
    for i, ids in enumerate(case["inputs"]):
        given = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        if "token_type_ids" in case:
            given["token_type_ids"] = torch.tensor([case["token_type_ids"][i]])
        with torch.no_grad():
            out = asked(**given)
        if task == "embedding":
            yield torch.nn.functional.normalize(out.last_hidden_state[0].mean(0), dim=0)
        elif task == "qa":
            yield torch.stack([out.start_logits[0], out.end_logits[0]], -1)
        else:
            yield out.logits[0]


def tensor_failures(model, adapter):
    found = load_file(adapter / "adapter_model.safetensors")
    wanted = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    for key in sorted(set(wanted) - set(found)):
        if not key.endswith(MAY_MISS):
            yield f"{key} is missing in the file"
    for key in sorted(set(found) - set(wanted)):
        if not key.endswith(MAY_BE_THERE):
            yield f"{key} is left over"
    for key in sorted(set(found) & set(wanted)):
        tensor = found[key]
        if tensor.shape != wanted[key].shape:
            yield f"{key} has the shape {tuple(tensor.shape)} in the file, and {tuple(wanted[key].shape)} in the model"
        elif not torch.equal(tensor.float(), wanted[key].float()):
            yield f"{key} was not loaded"
        if tensor.dtype != torch.float32 or not torch.isfinite(tensor).all():
            yield f"{key} is of {tensor.dtype}, or not finite"


def config_failures(adapter):
    fields = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    known = set(peft.PeftConfig.from_pretrained(adapter).to_dict()) | {"runtime_config"}
    unknown = sorted(set(fields) - known)
    if unknown:
        yield f"PEFT does not know the fields {unknown}"


def failures(line):
    of_images = {"task": "image_cls", "pixels": line.get("pixels")}
    case = of_images if "pixels" in line else json.loads(Path(line["case"]).read_text(encoding="utf-8"))
    if "adapter" in line:
        yield from config_failures(Path(line["adapter"]))
    model, said = opened(line, case)
    yield from (f"said: {m[:300]}" for m in said if any(c in m.lower() for c in COMPLAINTS))
    if "adapter" in line:
        yield from tensor_failures(model, Path(line["adapter"]))
    expected = load_file(line["logits"])
    for i, found in enumerate(logits(model.double(), case)):  # else PyTorch's own rounding would count as ours
        there = expected[f"logits.{i}"]
        if there.shape != found.shape:
            yield f"logits.{i} have the shape {tuple(there.shape)}, and in PEFT {tuple(found.shape)}"
        elif not float((there.double() - found.double()).abs().max()) <= line["tol"]:
            yield f"logits.{i} differ by {float((there.double() - found.double()).abs().max()):.3e}, above {line['tol']:.0e}"


def is_ok(line):
    reasons = []
    try:
        reasons.extend(failures(line))
    except Exception as e:  # PEFT raises for other shapes, damaged JSON and the like
        reasons.append(f"{type(e).__name__}: {str(e)[:300]}")
    for reason in reasons:
        print("FAIL", reason)
    print("NOT OK" if reasons else "OK", line.get("adapter", line["model"]), flush=True)
    return not reasons


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("batch", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    lines = [json.loads(text) for text in given.batch.read_text(encoding="utf-8").splitlines() if text.strip()]
    return 0 if all([is_ok(line) for line in lines]) else 1


if __name__ == "__main__":
    sys.exit(main())
