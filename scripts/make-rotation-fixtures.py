#!/usr/bin/env python3
"""Angles of rotary positions for configs of many spellings, as transformers computes them.

    python scripts/make-rotation-fixtures.py peft-models/src/test/resources/rotations.json

A case is the fields of a config.json, the kind of layers that is asked for (or null), and for some lengths of a sequence the angles per position, and the factor
of cosines and sines. Each length is computed by a new model. Made with torch 2.13 and transformers 5.23; nothing in it is random.
"""

import json
import os
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

BASE = {
    "vocab_size": 53,
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
PAIRS = 8
SHORT = [1 + 0.1 * i for i in range(PAIRS)]
LONG = [1 + 0.7 * i for i in range(PAIRS)]
LONGROPE = {"type": "longrope", "short_factor": SHORT, "long_factor": LONG}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
PHI3 = {"model_type": "phi3", "original_max_position_embeddings": 16}
NESTED = {
    "full_attention": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 16, "rope_theta": 300.0},
    "sliding_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 20.0},
}
GEMMA = {"model_type": "gemma3_text", "head_dim": 16, "layer_types": ["sliding_attention", "full_attention"]}
MODERN = {"model_type": "modernbert", "layer_types": ["full_attention", "sliding_attention"]}


def of(model_type, scaling, **more):
    return {"model_type": model_type, "rope_theta": 500.0, "rope_scaling": scaling} | more


def configs():
    """What a case is called, its fields, and its kind of layers."""
    yield "llama, yarn of version 4", of("llama", {"type": "yarn"} | {k: v for k, v in YARN.items() if k != "rope_type"}), None
    yield "qwen2, yarn of version 5", {"model_type": "qwen2", "rope_parameters": YARN | {"rope_theta": 1e6}}, None
    yield "smollm3, yarn without the first length", of("smollm3", {"rope_type": "yarn", "factor": 2.0}), None
    yield "mistral, yarn with the first length beside it", of("mistral", YARN, original_max_position_embeddings=32), None
    yield "yarn without a factor", of("llama", YARN | {"factor": None}), None
    yield "yarn, betas", of("llama", YARN | {"beta_fast": 8, "beta_slow": 2}), None
    yield "yarn, betas of 0 are the usual ones", of("llama", YARN | {"beta_fast": 0, "beta_slow": 0}), None
    yield "yarn, attention_factor", of("llama", YARN | {"attention_factor": 0.75}), None
    yield "yarn, mscale", of("llama", YARN | {"mscale": 0.707, "mscale_all_dim": 1.3}), None
    yield "yarn, mscale alone counts for nothing", of("llama", YARN | {"mscale": 0.707}), None
    yield "yarn, not truncated", of("llama", YARN | {"truncate": False, "beta_fast": 2}), None
    yield "yarn, a factor below 1", of("llama", YARN | {"factor": 0.5}), None
    yield "yarn, a ramp without width", of("llama", YARN | {"beta_fast": 1, "beta_slow": 1, "truncate": False}), None
    yield "both types, of which the newer counts", of("llama", YARN | {"type": "linear"}), None
    yield "both spellings, of which the older counts", of("llama", YARN, rope_parameters={"rope_type": "default", "rope_theta": 9.0}), None
    yield "an empty older spelling", of("llama", {}, rope_parameters=YARN | {"rope_theta": 9.0}), None
    yield "dynamic", of("llama", {"type": "dynamic", "factor": 3.0}), None
    yield "dynamic, qwen2", {"model_type": "qwen2", "rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}, None
    yield "llama, longrope with a factor", of("llama", LONGROPE | {"factor": 5.0, "original_max_position_embeddings": 16}), None
    yield "phi3, as the configs of 128k tokens", of("phi3", LONGROPE) | PHI3, None
    yield "phi3, attention_factor", of("phi3", LONGROPE | {"attention_factor": 1.5}) | PHI3, None
    yield "phi3, called yarn", of("phi3", LONGROPE | {"type": "yarn"}) | PHI3, None
    yield "phi3, the first length in the scaling alone", of("phi3", LONGROPE | {"original_max_position_embeddings": 16}), None
    half = {"short_factor": SHORT[:4], "long_factor": LONG[:4], "rope_type": "longrope", "rope_theta": 100.0, "partial_rotary_factor": 0.5}
    yield "phi3, a part of the head", {"rope_parameters": half} | PHI3, None
    yield "gemma3, full", GEMMA | {"rope_parameters": NESTED}, "full_attention"
    yield "gemma3, window", GEMMA | {"rope_parameters": NESTED}, "sliding_attention"
    yield "gemma3, full of version 4", GEMMA | {"rope_theta": 500.0, "rope_scaling": {"rope_type": "yarn", "factor": 8.0}}, "full_attention"
    yield "gemma3, window of version 4", GEMMA | {"rope_local_base_freq": 30.0, "rope_scaling": {"rope_type": "yarn", "factor": 8.0}}, "sliding_attention"
    yield "modernbert, full", MODERN | {"rope_parameters": NESTED}, "full_attention"
    yield "modernbert, window", MODERN | {"rope_parameters": NESTED}, "sliding_attention"


def angles(config, kind, length):
    rotation = transformers.AutoModel.from_config(config).rotary_emb
    more = {} if kind is None else {"layer_type": kind}
    rotation(torch.zeros(1, 1, 1), torch.arange(length)[None], **more)
    before = "" if kind is None else kind + "_"
    return getattr(rotation, before + "inv_freq").tolist(), float(getattr(rotation, before + "attention_scaling"))


def main():
    transformers.logging.set_verbosity_error()
    cases = []
    for name, fields, kind in configs():
        fields = BASE | fields
        lengths = []
        for length in (1, 16, 17, 64, 65, 100):
            with tempfile.TemporaryDirectory() as folder:
                with open(folder + "/config.json", "w", encoding="utf-8") as file:
                    json.dump(fields, file)
                config = transformers.AutoConfig.from_pretrained(folder)
            found, factor = angles(config, kind, length)
            lengths.append({"length": length, "factor": factor, "angles": found})
        if all(e["angles"] == lengths[0]["angles"] for e in lengths):
            lengths = lengths[:1] + lengths[-1:]
        cases.append({"name": name, "config": fields, "kind": kind, "lengths": lengths})
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


main()
