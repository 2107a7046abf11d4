#!/usr/bin/env python3
"""Model directories that vary every field of config.json of the families that are read here, and what transformers does with each.

    python scripts/make-model-cases.py --out OUT [--bases ../shared/cases/_models] [--only llama.rope ...]

Writes OUT/FAMILY/FIELD.VALUE/ (config.json and the weights of the base) and OUT/FAMILY/FIELD.VALUE-expected.json, in the layout that CasesTest
walks (-Dpeft4j.cases=OUT). Weights stay the same, so that a value matters only by what is computed. `expect` is

- logits: transformers opens the directory and computes what it computes without the change;
- logits or refused: it computes something else, or the value is one that is refused by name (REFUSED);
- opens or refused: some weights are not in the file and random, or the logits are not finite;
- refused: never written, since a directory that transformers refuses cannot be silently wrong; these are counted.
"""

import argparse
import collections
import contextlib
import io
import json
import math
import os
import pathlib
import resource
import shutil
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a field that is left out may make a model of billions

import torch
import transformers

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
warnings.simplefilter("ignore")

IDS = [[5, 9, 17, 3, 2], [7, 8, 20]]
KINDS = {
    "gpt2": transformers.AutoModelForCausalLM,
    "llama": transformers.AutoModelForCausalLM,
    "llama_tied": transformers.AutoModelForCausalLM,
    "bert": transformers.AutoModelForSequenceClassification,
}
ABSENT = object()
VALUES = [ABSENT, None, True, False, 0, 1, 2, 3, -1, 0.5, 1e-3, "", "text", "gelu", "relu", "silu", "swish", "tanh", [], [1], {}]
ACTIVATIONS = sorted(transformers.activations.ACT2FN)
ROPE = {"rope_theta": 10000.0}
ROPES = [
    {"rope_type": kind, "rope_theta": 10000.0, **more}
    for kind, more in [
        ("default", {}),
        ("default", {"factor": 2.0}),
        ("default", {"partial_rotary_factor": 0.5}),
        ("default", {"text": 1}),
        ("linear", {"factor": 2.0}),
        ("linear", {"factor": 1.0}),
        ("dynamic", {"factor": 2.0}),
        ("dynamic", {"factor": 4.0, "original_max_position_embeddings": 3}),
        ("yarn", {"factor": 2.0}),
        ("yarn", {"factor": 4.0, "original_max_position_embeddings": 16}),
        ("yarn", {"factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 16, "beta_slow": 2}),
        ("yarn", {"factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 1.5}),
        ("yarn", {"factor": 4.0, "original_max_position_embeddings": 16, "truncate": False}),
        ("longrope", {"factor": 2.0, "short_factor": [1.0, 2.0], "long_factor": [2.0, 4.0], "original_max_position_embeddings": 32}),
        ("longrope", {"factor": 2.0, "short_factor": [1.0, 1.0], "long_factor": [2.0, 4.0], "original_max_position_embeddings": 2}),
        ("llama3", {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}),
        ("llama3", {"factor": 2.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}),
        ("proportional", {"factor": 2.0}),
        ("text", {}),
    ]
]
SPECIAL = {
    "activation_function": ACTIVATIONS,
    "hidden_act": ACTIVATIONS,
    "rope_parameters": [*ROPES, {}, {"rope_type": "default"}, {"rope_theta": 500.0}, {"type": "linear", "factor": 2.0, **ROPE}],
    "rope_scaling": [*ROPES, {"type": "linear", "factor": 2.0}, {"type": "dynamic", "factor": 2.0}, {"rope_type": "linear", "type": "dynamic", "factor": 2.0}],
    "rope_theta": [500.0, 500, 1e6, "500"],
    "position_embedding_type": ["absolute", "relative_key", "relative_key_query"],
    "problem_type": ["regression", "single_label_classification", "multi_label_classification"],
    "architectures": [
        [name]
        for name in [
            "GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel", "GPT2ForSequenceClassification", "LlamaForCausalLM", "LlamaModel",
            "LlamaForSequenceClassification", "BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification",
            "BertForTokenClassification", "BertForQuestionAnswering", "BertForNextSentencePrediction", "BertLMHeadModel", "Other",
        ]
    ],
    "dtype": ["float16", "bfloat16", "float32", "float64", "auto", "int8"],
    "torch_dtype": ["float16", "bfloat16", "float32"],
    "id2label": [{"0": "a", "1": "b", "2": "c"}, {"0": "a", "1": "b"}, {"0": "a"}, {"0": "a", "2": "b", "1": "c"}, {"a": "b"}],
    "num_labels": [1, 2, 3, 4],
    "layer_norm_epsilon": [1e-5, 1e-2, 1, 0.0],
    "layer_norm_eps": [1e-12, 1e-2, 1, 0.0],
    "rms_norm_eps": [1e-6, 1e-2, 1, 0.0],
    "pad_token_id": [0, 2, 5, 31, 32],
    "n_inner": [24, 64, 16, None],
    "attn_implementation": ["eager", "sdpa"],
    "_attn_implementation": ["eager"],
    "pruned_heads": [{"0": [1]}, {}],
    "quantization_config": [{"quant_method": "gptq", "bits": 4}, {}],
    "sliding_window": [2, 4096],
    "layer_types": [["full_attention", "full_attention"], ["full_attention", "sliding_attention"]],
    "head_dim": [4, 8, 2],
    "num_key_value_heads": [2, 4, 1],
    "max_position_embeddings": [64, 4, 128, 3],
    "n_positions": [64, 4, 128],
    "n_ctx": [64, 3],
    "transformers_version": ["4.0.0", "5.23.0"],
}
MORE = {  # fields of other versions, and of every config
    "*": [
        "torch_dtype", "num_labels", "problem_type", "is_decoder", "is_encoder_decoder", "chunk_size_feed_forward", "tie_encoder_decoder",
        "cross_attention_hidden_size", "add_cross_attention", "pruned_heads", "quantization_config", "output_attentions",
        "output_hidden_states", "torchscript", "use_bfloat16", "return_dict", "use_return_dict", "task_specific_params", "sliding_window",
        "layer_types", "attn_implementation", "_attn_implementation", "finetuning_task", "tokenizer_class", "_name_or_path", "auto_map",
        "do_sample", "temperature", "max_length", "repetition_penalty", "no_such_field", "experts_implementation",
    ],
    "gpt2": ["n_ctx", "hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "hidden_act"],
    "llama": ["rope_theta", "rope_scaling", "partial_rotary_factor", "sliding_window", "residual_multiplier", "logits_scaling", "embedding_multiplier"],
    "bert": ["position_embedding_type", "attention_type", "embedding_size", "pooler_fc_size", "directionality", "gradient_checkpointing"],
}
MORE["llama_tied"] = MORE["llama"]


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


REFUSED = {  # what is no value of the field, and what is for other models although it computes the same here
    "architectures": lambda v: not isinstance(v, list) or any(not isinstance(n, str) or "For" in n for n in v),
    "is_encoder_decoder": lambda v: v is not False,
    "position_embedding_type": lambda v: v != "absolute",
    "problem_type": lambda v: v not in SPECIAL["problem_type"],
    "pruned_heads": bool,
    "rope_theta": lambda v: not number(v),
    "rope_parameters": lambda v: isinstance(v, dict) and v.get("rope_type", v.get("type")) == "dynamic",
    "rope_scaling": lambda v: isinstance(v, dict) and v.get("rope_type", v.get("type")) == "dynamic",
    "max_position_embeddings": lambda v: number(v) and v <= 0,
    "hidden_act": lambda v: v == "gelu_10",
    **{
        name: lambda v: number(v) and not 0 <= v < 1
        for name in ["attention_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob", "classifier_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop"]
    },
}


def show(value):
    text = "absent" if value is ABSENT else json.dumps(value)
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text)[:80] + ("" if len(text) < 40 else f"-{sum(map(ord, text))}")


def logits(family, directory):
    """Logits behind the last tokens, and whether anything in them is random."""
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        model, info = KINDS[family].from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
        model.eval()
        rows = []
        for ids in IDS:
            out = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
            out = out["logits"] if isinstance(out, dict) else out[0]
            last = out[0] if out[0].dim() == 1 else out[0][-1, :8]
            rows.append([round(float(x), 6) for x in last])
    return rows, bool(info["missing_keys"] or info["mismatched_keys"])


def cases(family, config):
    fields = list(dict.fromkeys([*config, *transformers.AutoConfig.for_model(config["model_type"]).to_dict(), *MORE["*"], *MORE[family]]))
    for field in fields:
        values = [*VALUES, *SPECIAL.get(field, [])]
        seen = set()
        for value in values:
            if value is ABSENT and field not in config:
                continue
            if family.startswith("llama") and field == "max_position_embeddings" and number(value) and 0 < value < len(IDS[0]):
                continue  # longer sequences are an error here
            name = show(value)
            if name not in seen and (value is ABSENT or field not in config or json.dumps(config[field]) != json.dumps(value)):
                seen.add(name)
                yield field + "." + name, field, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--bases", type=pathlib.Path, default=pathlib.Path("../shared/cases/_models"))
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    counts = collections.Counter()
    for family in KINDS:
        base = args.bases / family
        config = json.loads((base / "config.json").read_text())
        same, _ = logits(family, base)
        for name, field, value in cases(family, config):
            if args.only and not any((family + "." + name).startswith(o) for o in args.only):
                continue
            directory = args.out / family / name
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            shutil.copy(base / "model.safetensors", directory)
            changed = {**config, field: value}
            if value is ABSENT:
                del changed[field]
            (directory / "config.json").write_text(json.dumps(changed, indent=2))
            torch.manual_seed(0)
            try:
                rows, random = logits(family, directory)
            except Exception:  # whatever transformers raises
                counts["raises"] += 1
                shutil.rmtree(directory)
                continue
            expected = {"base": None, "ids": IDS, "logits_after_last_token": rows, "from": f"transformers {transformers.__version__}, float32"}
            flat = [x for row in rows for x in row]
            if random or not all(map(math.isfinite, flat)):
                expected["expect"] = "opens or refused"
                del expected["logits_after_last_token"]
            else:
                near = [len(a) for a in rows] == [len(a) for a in same] and all(abs(a - b) < 1e-5 for r, s in zip(rows, same) for a, b in zip(r, s))
                refused = value is not ABSENT and value is not None and REFUSED.get(field, lambda _: False)(value)
                expected["expect"] = "logits" if near and not refused else "logits or refused"
            counts[expected["expect"]] += 1
            (args.out / family / (name + "-expected.json")).write_text(json.dumps(expected))
    print(dict(counts))


if __name__ == "__main__":
    main()
