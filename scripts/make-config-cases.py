#!/usr/bin/env python3
"""Adapter directories that vary every field of every config class of PEFT that is read here, and what PEFT does with each.

    python scripts/make-config-cases.py --out OUT [--seed 0] [--only LORA/llama.alpha_pattern ...] [--share 16] [--pairs 10] [--jobs 2]

Writes OUT/_models/BASE, OUT/METHOD/VARIANT/ (an adapter), OUT/METHOD/VARIANT-expected.json and OUT/summary.json. Most variants change
adapter_config.json beside the same tensors. Others are made and saved by PEFT with the value (-made), or the same with the value as it was
given instead of how PEFT writes it (-made-raw), or change tensors. In a file of expected values, `expect` is

- logits: PEFT opens the directory and computes `logits_after_last_token` (the first 8 logits behind the last token; all of a classifier);
- opens: it opens, and the numbers depend on random values that nothing in the directory fixes;
- refused: it raises `error`, while it opens the directory or (`raised_in`: forward) when it computes;
- opens or refused, logits or refused: as config_cases/policy.py says, with the `reason`. The logits, if there are some, are those of the one meaning
  that the file can have.

`warnings` are those of PEFT, `ignored_tensors` those of the file that nothing took, `missing_tensors` those that the file lacks by a
warning. Everything is a function of the seed. Of variants whose kind is elsewhere too, one in --share is made; the seed decides which.
"""

import argparse
import collections
import concurrent.futures
import copy
import json
import multiprocessing
import os
import shutil
import sys
import unittest.mock
import warnings
import zlib

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps module names in sets
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"})

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

from config_cases import policy
from config_cases.variants import BASES, DEFAULTS, Maker, stream

IDS = [[5, 9, 17, 3, 2], [7, 8, 20]]
FROM = f"PEFT {peft.__version__}, transformers {transformers.__version__}, float32"


def build_base(name, seed):
    """A tiny model with weights of a size that makes every module count."""
    sizes = {"vocab_size": 32, "bos_token_id": 1, "eos_token_id": 2}
    block = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24, "max_position_embeddings": 64}
    if name == "gpt2":
        config = transformers.GPT2Config(n_embd=16, n_layer=2, n_head=4, n_positions=64, **sizes)
        model = transformers.GPT2LMHeadModel(config)
    elif name == "bert":
        model = transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=32, num_labels=3, **block))
    else:
        config = transformers.LlamaConfig(num_key_value_heads=2, tie_word_embeddings=name == "llama_tied", **block, **sizes)
        model = transformers.LlamaForCausalLM(config)
    generator = stream(seed, "base/" + name)
    with torch.no_grad():
        for key, p in sorted(model.named_parameters()):
            norm = p.dim() == 1 and key.endswith("weight")
            p.copy_(torch.randn(p.shape, generator=generator) * 0.25 + (1 if norm else 0))
    return model


def load_base(name):
    kind = {"gpt2": transformers.GPT2LMHeadModel, "bert": transformers.BertForSequenceClassification}.get(
        name, transformers.LlamaForCausalLM
    )
    model = kind.from_pretrained("_models/" + name, dtype=torch.float32, attn_implementation="eager").eval()
    model.name_or_path = "_models/" + name
    return model


def logits(model, ids):
    out = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).logits[0]
    last = out if out.dim() == 1 else out[-1, :8]
    return [round(float(x), 6) for x in last]


def first_lines(error):
    """The first line, and the next one where that ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines()] or [""]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def once(base, folder, seed):
    """What PEFT does with a directory, with random values of a seed where it lacks some."""
    torch.manual_seed(seed)
    stage, ignored = "opening", []
    set_state = peft.peft_model.set_peft_model_state_dict

    def watched(*args, **kwargs):
        result = set_state(*args, **kwargs)
        ignored.extend(k for k in result.unexpected_keys if k != "prompt_embeddings")
        return result

    watch = unittest.mock.patch.object(peft.peft_model, "set_peft_model_state_dict", watched)
    with warnings.catch_warnings(record=True) as caught, torch.no_grad(), watch:
        warnings.simplefilter("always")
        try:
            model = peft.PeftModel.from_pretrained(copy.deepcopy(base), folder).eval()
            stage = "forward"
            rows = [logits(model, ids) for ids in IDS]
            out = {"expect": "logits", "ids": IDS, "logits_after_last_token": rows}
        except Exception as e:  # of any kind: what PEFT raises is what is recorded
            out = {"expect": "refused", "raised_in": stage, "error": f"{type(e).__name__}: {first_lines(e)}", "ids": IDS}
    told = [w for w in caught if "/peft/" in w.filename and not issubclass(w.category, (FutureWarning, DeprecationWarning))]
    notes = list(dict.fromkeys(first_lines(w.message) for w in told))
    missing = [n for n in notes if n.startswith("Found missing adapter keys")]
    if notes:
        out["warnings"] = notes
    if missing:
        out["missing_tensors"] = [k.strip(" '") for k in missing[0].split("[", 1)[1].rsplit("]", 1)[0].split(",")]
    if ignored:
        out["ignored_tensors"] = ignored
    return out


def read(base, base_name, folder):
    """Expected values of a directory."""
    out = once(base, folder, 1)
    if out["expect"] == "logits" and once(base, folder, 2).get("logits_after_last_token") != out["logits_after_last_token"]:
        out["expect"] = "opens"
    return judged(base, folder, {"base": "_models/" + base_name} | out)


def judged(base, folder, out):
    """The same by the policy: where a reader may differ."""
    if out["expect"].endswith(" or refused"):
        return out
    if out["expect"] == "opens":
        out = {k: v for k, v in out.items() if k != "logits_after_last_token"}
    try:
        with open(folder + "/adapter_config.json", encoding="utf-8") as f:
            config = json.load(f)
    except ValueError:
        return out
    if not isinstance(config, dict):
        return out
    tensors = load_file(folder + "/adapter_model.safetensors")
    if out["expect"] == "refused":
        means, reason = policy.mended(config, tensors)
        if means is None:
            return out
        scratch = f"_scratch/judged.{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch)
        os.link(folder + "/adapter_model.safetensors", scratch + "/adapter_model.safetensors")
        with open(scratch + "/adapter_config.json", "w", encoding="utf-8") as f:
            json.dump(means, f)
        again = once(base, scratch, 1)
        if again["expect"] == "logits" and "missing_tensors" not in again:
            again.pop("warnings", None)
            return out | again | {"expect": "opens or refused", "reason": reason}
        return out
    reason = policy.not_computed(os.path.basename(out["base"]), config, tensors)
    return out | {"expect": out["expect"] + " or refused", "reason": reason} if reason else out


class Writer:
    """Writes directories; files of the same tensors are links to one."""

    def __init__(self):
        self.folders, self.written, self.files = set(), set(), {}

    def content(self, tensors):
        return tuple((k, t.dtype, t.shape, t.contiguous().view(-1).view(torch.uint8).numpy().tobytes()) for k, t in sorted(tensors.items()))

    def write(self, folder, variant):
        """Whether this is no repetition of a directory that was written before."""
        content = hash(self.content(variant.tensors))
        if (variant.config, content) in self.written:
            return False
        if folder in self.folders:
            raise ValueError(f"two variants are called {folder}")
        self.folders.add(folder)
        self.written.add((variant.config, content))
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(folder + "/adapter_config.json", "w", encoding="utf-8", newline="") as f:
            f.write(variant.config)
        file = folder + "/adapter_model.safetensors"
        if content in self.files:
            os.link(self.files[content], file)
        else:
            save_file(variant.tensors, file, metadata={"format": "pt"})
            self.files[content] = file
        return True


def run(task):
    """All variants of a method on a base; counts by outcome."""
    method, base_name, args = task
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    base, writer, counts = load_base(base_name), Writer(), collections.Counter()

    def wanted(name, repeats):
        place = f"{method}/{base_name}.{name}"
        if args.only and not place.startswith(tuple(args.only)):
            return False
        return not repeats or zlib.crc32(f"{args.seed}/{place}".encode()) % args.share == 0

    for variant in Maker(method, base_name, base, args.seed, wanted).wanted_variants(args.pairs):
        place = f"{method}/{base_name}.{variant.name}"
        if writer.write(place, variant):
            expected = read(base, base_name, place) | {"from": f"{FROM}; {variant.about}"}
            with open(place + "-expected.json", "w", encoding="utf-8") as f:
                json.dump(expected, f, ensure_ascii=False)
            counts[expected["expect"]] += 1
    return method, base_name, counts


def judge(task):
    """Judges the cases of a method on a base that are there already."""
    method, base_name, _ = task
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    base, counts = load_base(base_name), collections.Counter()
    for name in sorted(os.listdir(method)):
        if not name.startswith(base_name + ".") or not name.endswith("-expected.json"):
            continue
        with open(f"{method}/{name}", encoding="utf-8") as f:
            expected = json.load(f)
        folder = f"{method}/{name.removesuffix('-expected.json')}"
        expected = judged(base, folder, expected)
        with open(f"{method}/{name}", "w", encoding="utf-8") as f:
            json.dump(expected, f, ensure_ascii=False)
        counts[expected["expect"]] += 1
    return method, base_name, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of METHOD/BASE.VARIANT")
    parser.add_argument("--share", type=int, default=16, help="one in so many of the variants whose kind is elsewhere too; 1: all")
    parser.add_argument("--pairs", type=int, default=10, help="random pairs of changes for each method and base")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--judge", action="store_true", help="make nothing, and judge what is in OUT by the policy again")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    os.chdir(args.out)  # PEFT writes the path of the base into configs
    for name in BASES if not args.judge else ():
        build_base(name, args.seed).save_pretrained("_models/" + name)
    if not args.only and not args.judge:
        for method in DEFAULTS:
            shutil.rmtree(method, ignore_errors=True)
    tasks = [(method, base, args) for method in DEFAULTS for base in BASES]
    if args.only:
        tasks = [t for t in tasks if any(f"{t[0]}/{t[1]}.".startswith(o) or o.startswith(f"{t[0]}/{t[1]}.") for o in args.only)]
    summary = {}
    with concurrent.futures.ProcessPoolExecutor(args.jobs, multiprocessing.get_context("spawn")) as pool:
        for method, base, counts in pool.map(judge if args.judge else run, tasks):
            summary.setdefault(method, {})[base] = counts
            print(method, base, dict(counts), flush=True)
    for method, bases in summary.items():
        bases["all"] = sum(bases.values(), collections.Counter())
        print(method, dict(bases["all"]))
    print("total", dict(sum((bases["all"] for bases in summary.values()), collections.Counter())))
    shutil.rmtree("_scratch", ignore_errors=True)
    with open("summary.json", "w", encoding="utf-8") as f:
        json.dump(summary, f, indent=1)


if __name__ == "__main__":
    main()
