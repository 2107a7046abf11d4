"""Where a reader may differ from PEFT, each with the reason. Used by make-config-cases.py; docs/METHODS.md has the same list.

A file that PEFT refuses may be opened where PEFT opens it once a field of training, or a rank of LoRA, is set right: what it computes is then clear. A
file that PEFT opens may be refused where its meaning is not computed, or where PEFT silently does without what the file is for.
"""

import json
import re

PROMPTS = ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING")
STARTS = {"eva_config": None, "corda_config": None, "lora_ga_config": None}
# Fields that count in training only, and values of them that PEFT takes.
TRAINING = {
    "LORA": {"lora_dropout": 0.0, **STARTS},
    "ADALORA": {
        "lora_dropout": 0.0,
        "bias": "none",
        "target_r": 8,
        "tinit": 0,
        "tfinal": 0,
        "deltaT": 1,
        "beta1": 0.85,
        "beta2": 0.85,
        "orth_reg_weight": 0.5,
        "total_step": 100,
        "monteclora_config": None,
        **STARTS,
    },
    "LOHA": {"rank_dropout": 0.0, "module_dropout": 0.0, "init_weights": True},
    "LOKR": {"rank_dropout": 0.0, "module_dropout": 0.0, "init_weights": True},
    "VERA": {"vera_dropout": 0.0, "d_initial": 0.1, "init_weights": True, "bias": "none"},
    "OFT": {"module_dropout": 0.0, "init_weights": True, "bias": "none"},
    "IA3": {"init_ia3_weights": True},
}


def shown(fields):
    return ", ".join(sorted(fields))


def same(a, b):
    return json.dumps(a) == json.dumps(b)  # 1 is not true


def whole(value):
    """The same with 2 instead of 2.0."""
    if isinstance(value, dict):
        return {k: whole(v) for k, v in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def mended(config, tensors):
    """What a file means whose fields of training, and ranks of LoRA, do not matter: a config and the reason, or none."""
    method = config.get("peft_type")
    right = dict(TRAINING.get(method, {})) if isinstance(method, str) else {}
    if method == "LORA":
        ranks = {}
        for name, tensor in tensors.items():
            layer = re.fullmatch(r"base_model\.model\.(.*)\.lora_(A(\.default)?\.weight|embedding_A(\.default)?)", name)
            if layer and tensor.dim() == 2 and tensor.shape[0] > 0:
                ranks[re.escape(layer[1])] = tensor.shape[0]
        right |= {"r": 8, "rank_pattern": ranks}
    if method == "LOKR":
        right |= whole({k: config[k] for k in ("r", "rank_pattern") if k in config})
    changed = {k: v for k, v in right.items() if k in config and not same(config[k], v) or k == "total_step" and k not in config}
    if method == "LORA":
        changed |= {"rank_pattern": right["rank_pattern"]}
    if not changed:
        return None, ""
    training = [k for k in changed if k not in ("r", "rank_pattern")]
    reasons = ["ranks of LoRA are those of the tensors"] if method == "LORA" else []
    if method == "LOKR" and len(training) < len(changed):
        reasons.append("a whole rank of LoKr may be written as 2.0")
    if training:
        reasons.append(f"only training makes use of {shown(training)}")
    return config | changed, "; ".join(reasons)


def not_computed(base, config, tensors):
    """Why a reader may refuse a file that PEFT opens; empty if it may not."""
    method = config.get("peft_type")
    kinds = {str(t.dtype).removeprefix("torch.") for t in tensors.values()}
    wrong = kinds - {"float32", "float16", "bfloat16", "float64"}
    if wrong:
        return f"{shown(wrong)} are no numbers of a weight"
    if method in PROMPTS:
        if config.get("task_type") is None:
            return "without task_type PEFT reads the rows of a prompt and never uses them"
        submodules = config.get("num_transformer_submodules")
        if config["task_type"] == "SEQ_2_SEQ_LM" or submodules not in (None, 1):
            return "there are no models with an encoder and a decoder"
        kept = [m for m in config.get("modules_to_save") or [] if isinstance(m, str)]
        heads = config["task_type"] in ("SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS")
        own = ("prompt_encoder", "prompt_encoder.default", "prompt_encoder.default.embedding")
        if heads and any(name.endswith(m) for m in kept for name in own):
            return "modules_to_save means the prompt encoder itself"
        if method == "PREFIX_TUNING" and base == "bert" and heads:
            if config["task_type"] != "SEQ_CLS" or any(m in "bert" or m in "dropout" for m in kept):
                return "PEFT computes another output than that of this classifier"
    targets = config.get("target_modules")
    if isinstance(targets, list) and any(not isinstance(t, str) for t in targets):
        return "target_modules has an entry that is no name, at which PEFT stops or not as its set is ordered"
    if method in ("LORA", "ADALORA"):
        fields = {f for f in ("layer_replication", "alora_invocation_tokens") if config.get(f)}
        if method == "LORA":
            fields |= {f for f in ("velora_config", "kasa_config", "arrow_config", "use_bdlora") if config.get(f) is not None}
            fields |= {f for f in ("monteclora_config",) if config.get(f) or config.get(f) == {}}
        if config.get("target_parameters"):
            fields.add("target_parameters")
        if fields:
            return f"{shown(fields)} change what is computed in a way that is refused by name"
    return ""
