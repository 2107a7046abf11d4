"""What make-config-cases.py writes into the fields of adapter_config.json of each method."""

import re

from config_cases.modules import each, kept_modules, layer_numbers, module_names, pattern_maps, regexes, ties, token_rows
from config_cases.texts import REMOVED

TASKS = [
    "SEQ_CLS",
    "SEQ_2_SEQ_LM",
    "CAUSAL_LM",
    "TOKEN_CLS",
    "QUESTION_ANS",
    "FEATURE_EXTRACTION",
    "causal_lm",
    "seq_cls",
    "IMAGE_CLASSIFICATION",
]
INITS = [
    "gaussian",
    "GAUSSIAN",
    "eva",
    "olora",
    "OLORA",
    "pissa",
    "PISSA",
    "pissa_niter_2",
    "pissa_niter_0",
    "pissa_niter_x",
    "pissa_niter_",
    "pissa_x",
    "corda",
    "loftq",
    "orthogonal",
    "mica",
    "MICA",
    "lora_ga",
    "default",
    "True",
    "kaiming",
    "lycoris",
    "zero",
    "bat",
]


def common(n, base_name):
    known = ["LORA", "lora", "ADALORA", "IA3", "PROMPT_TUNING", "LN_TUNING", "LOHA", "TRAINABLE_TOKENS", "NOTHING"]
    mapping = {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}
    return {
        "task_type": each("task_type", {t: t for t in TASKS}),
        "peft_type": each("peft_type", {t: t for t in known}),
        "auto_mapping": each("auto_mapping", {"written": mapping, "incomplete": {"base_model_class": "X"}}),
        "peft_version": each(
            "peft_version", {v: v for v in ("0.1.0", "0.17.1", "0.21.2", "99.0.0", "0.18.0.dev0", "0.18.0@abc", "v1", "1.x")}
        ),
        "base_model_name_or_path": each("base_model_name_or_path", {"base": base_name, "hub": "owner/name", "other": "_models/other"}),
        "revision": each("revision", {"main": "main", "commit": "0" * 40}),
    }


def lora_values(n):
    """Fields of LoRA alone; AdaLoRA inherits them."""
    parts = {
        "eva_config": {"rho": 2.0, "tau": 0.99},
        "corda_config": {"corda_method": "ipm"},
        "lora_ga_config": {"direction": "ArB2r"},
        "velora_config": {"num_groups": 4},
        "monteclora_config": {"num_samples": 2},
        "arrow_config": {"top_k": 1},
        "kasa_config": {"beta": 1e-4},
        "use_bdlora": {"nblocks": 2, "target_modules_bd_a": [n.one()]},
        "megatron_config": {"tensor_model_parallel_size": 1},
        "loftq_config": {"loftq_bits": 4, "loftq_iter": 1},
        "runtime_config": {"ephemeral_gpu_offload": True},
    }
    out = {field: each(field, {"written": value, "unknown-key": value | {"nothing": 1}}) for field, value in parts.items()}
    out["init_lora_weights"] = each("init_lora_weights", {i: i for i in INITS}) + [
        ("init_lora_weights.eva-config", {"init_lora_weights": "eva", "eva_config": parts["eva_config"]}),
        ("init_lora_weights.corda-config", {"init_lora_weights": "corda", "corda_config": parts["corda_config"]}),
        ("init_lora_weights.pissa-rslora", {"init_lora_weights": "pissa", "use_rslora": True, "rank_pattern": {n.one(): 2}}),
        ("init_lora_weights.orthogonal-odd", {"init_lora_weights": "orthogonal", "r": 3}),
        ("init_lora_weights.mica-embedding", {"init_lora_weights": "mica", "target_modules": n.targets + [n.embedding]}),
        ("init_lora_weights.pissa-embedding", {"init_lora_weights": "pissa", "target_modules": n.targets + [n.embedding]}),
        ("init_lora_weights.gaussian-embedding", {"init_lora_weights": "gaussian", "target_modules": n.targets + [n.embedding]}),
    ]
    out["r"] = each("r", {"4": 4, "2": 2, "3": 3, "16": 16, "64": 64, "digits": "4", "whole-float": 4.0})
    out["lora_alpha"] = each("lora_alpha", {"16": 16, "negative": -8, "float": 6.5, "huge": 10**12, "zero": 0, "digits": "8"})
    out["lora_dropout"] = each("lora_dropout", {"tenth": 0.1, "one": 1.0, "above-one": 1.5, "negative": -0.5})
    dora = {"use_dora": True}
    out["use_dora"] = [
        ("use_dora.true", dora),
        ("use_dora.rslora", dora | {"use_rslora": True}),
        ("use_dora.embedding", dora | {"target_modules": n.targets + [n.embedding]}),
        ("use_dora.bias-all", dora | {"bias": "all"}),
        ("use_dora.lora-bias", dora | {"lora_bias": True}),
        ("use_dora.megatron", dora | {"megatron_config": parts["megatron_config"]}),
        ("use_dora.mica", dora | {"init_lora_weights": "mica"}),
        ("use_dora.head", dora | {"target_modules": n.targets + [n.head]}),
    ]
    out["lora_bias"] = [
        ("lora_bias.true", {"lora_bias": True}),
        ("lora_bias.embedding", {"lora_bias": True, "target_modules": n.targets + [n.embedding]}),
        ("lora_bias.gaussian", {"lora_bias": True, "init_lora_weights": "gaussian"}),
        ("lora_bias.rslora", {"lora_bias": True, "use_rslora": True}),
    ]
    out["use_rslora"] = [("use_rslora.patterns", {"use_rslora": True, "alpha_pattern": {n.one(): 3}, "rank_pattern": {n.two(): 2}})]
    out["rank_pattern"] = pattern_maps(n, "rank_pattern", 2, 6)
    out["alpha_pattern"] = pattern_maps(n, "alpha_pattern", 24, 3) + regexes("alpha_pattern", n, lambda r: {r: 24})
    out["alora_invocation_tokens"] = each("alora_invocation_tokens", {"inside": [17, 3], "outside": [30, 31], "last": [2], "one": [9]})
    out["qalora_group_size"] = [("use_qalora.size-4", {"use_qalora": True, "qalora_group_size": 4})]
    replications = {"longer": [[0, 2], [0, 1]], "same": [[0, 2]], "shorter": [[0, 1]], "reversed": [[1, 2], [0, 1]], "wrong": [[0, 5]]}
    out["layer_replication"] = each("layer_replication", replications)
    out["target_parameters"] = [
        ("target_parameters.weight", {"target_parameters": [n.first + ".weight"]}),
        ("target_parameters.other", {"target_parameters": [n.other + ".weight"]}),
        ("target_parameters.no-targets", {"target_parameters": [n.other + ".weight"], "target_modules": []}),
        ("target_parameters.nothing", {"target_parameters": ["nothing.weight"]}),
    ]
    out["trainable_token_indices"] = token_rows(n)
    out["ensure_weight_tying"] = ties(n)
    return out


def adalora_values(n):
    mask = [True, False, True, False]
    first = n.first + ".lora_E"
    masks = {
        "one": {first: mask},
        "adapter-name": {first + ".default": mask},
        "both": {first: mask, n.last + ".lora_E": [False, False, False, True]},
        "all-true": {first: [True] * 4},
        "all-false": {first: [False] * 4},
        "numbers": {first: [1, 0, 1, 0]},
        "short": {first: [True, False]},
        "long": {first: [True] * 6},
        "empty": {first: []},
        "number": {first: 2},
        "no-suffix": {n.first: mask},
        "other-suffix": {n.first + ".lora_A": mask},
        "nothing": {"nothing.lora_E": mask},
        "regex": {".*": 2},
        "peft-prefix": {"base_model.model." + first: mask},
    }
    numbers = {"0": 0, "1": 1, "5": 5, "100": 100, "1000000": 1000000}
    fields = ("target_r", "tinit", "tfinal", "deltaT", "total_step")
    out = {field: each(field, numbers) for field in fields}
    out["init_r"] = each("init_r", {"4": 4, "2": 2, "0": 0, "12": 12, "4.0": 4.0})
    out["rank_pattern"] = each("rank_pattern", masks)
    out["tinit"] += [
        ("tinit.after-the-end", {"tinit": 90, "tfinal": 20, "total_step": 100}),
        ("tinit.at-the-end", {"tinit": 80, "tfinal": 20, "total_step": 100}),
        ("tinit.before-the-end", {"tinit": 79, "tfinal": 20, "total_step": 100}),
    ]
    for field in ("beta1", "beta2", "orth_reg_weight"):
        out[field] = each(field, {"1.5": 1.5, "0.0": 0.0, "-0.5": -0.5})
    return out


def prompt_values(n):
    init = "prompt_tuning_init"
    text = {init: "TEXT", "prompt_tuning_init_text": "some words", "tokenizer_name_or_path": "_models/llama"}
    tokens = "num_virtual_tokens"
    return {
        tokens: each(tokens, {"3": 3, "2": 2, "4": 4, "6": 6, "1": 1, "digits": "3", "whole-float": 3.0}),
        "token_dim": each("token_dim", {"16": 16, "8": 8, "4": 4, "32": 32, "digits": "16"}),
        "num_layers": each("num_layers", {"2": 2, "1": 1, "4": 4, "digits": "2"}),
        "num_attention_heads": each("num_attention_heads", {"4": 4, "2": 2, "1": 1, "8": 8, "16": 16, "3": 3, "32": 32}),
        "num_transformer_submodules": each("num_transformer_submodules", {"1": 1, "2": 2, "3": 3}),
        "encoder_hidden_size": each("encoder_hidden_size", {"8": 8, "16": 16, "32": 32}),
        "encoder_num_layers": each("encoder_num_layers", {"1": 1, "2": 2, "3": 3, "0": 0}),
        "encoder_dropout": each("encoder_dropout", {"0.5": 0.5, "1.5": 1.5}),
        "encoder_reparameterization_type": each("encoder_reparameterization_type", {t: t for t in ("MLP", "LSTM", "mlp", "GRU")}),
        "prefix_projection": [
            ("prefix_projection.true", {"prefix_projection": True}),
            ("prefix_projection.size", {"prefix_projection": True, "encoder_hidden_size": 8}),
        ],
        "init_weights": each("init_weights", {"zero": "zero", "ZERO": "ZERO", "other": "random"}),
        init: each(init, {t: t for t in ("RANDOM", "SAMPLE_VOCAB", "TEXT", "random", "OTHER")})
        + [
            (f"{init}.text", text),
            (f"{init}.text-without-tokenizer", {init: "TEXT", "prompt_tuning_init_text": "some words"}),
            (f"{init}.text-with-empty-tokenizer", text | {"tokenizer_name_or_path": ""}),
            (f"{init}.text-without-text", text | {"prompt_tuning_init_text": None}),
            (f"{init}.text-with-empty-text", text | {"prompt_tuning_init_text": ""}),
            (f"{init}.text-with-arguments", text | {"tokenizer_kwargs": {"use_fast": True}}),
            (f"{init}.random-with-arguments", {init: "RANDOM", "tokenizer_kwargs": {"use_fast": True}}),
            (f"{init}.random-with-text", {init: "RANDOM", "prompt_tuning_init_text": "some words"}),
        ],
    }


def shape_values(n):
    """LoHa, LoKr, VeRA and OFT."""
    oft = {"4": 4, "8": 8, "2": 2, "3": 3, "5": 5, "16": 16, "17": 17, "64": 64}
    return {
        "r": each("r", {"1": 1, "4": 4, "2": 2, "3": 3, "8": 8, "16": 16}),
        "alpha": each("alpha", {"16": 16, "negative": -8, "float": 6.5, "zero": 0}),
        "rank_pattern": pattern_maps(n, "rank_pattern", 2, 6),
        "alpha_pattern": pattern_maps(n, "alpha_pattern", 24, 3) + regexes("alpha_pattern", n, lambda r: {r: 24}),
        "rank_dropout": each("rank_dropout", {"0.5": 0.5, "1.5": 1.5, "-0.5": -0.5}),
        "module_dropout": each("module_dropout", {"0.5": 0.5, "1.0": 1.0, "1.5": 1.5, "-0.5": -0.5}),
        "vera_dropout": each("vera_dropout", {"0.5": 0.5, "1.5": 1.5, "-0.5": -0.5}),
        "decompose_both": [
            ("decompose_both.true", {"decompose_both": True}),
            ("decompose_both.rank-1", {"decompose_both": True, "r": 1}),
            ("decompose_both.factor", {"decompose_both": True, "r": 1, "decompose_factor": 8}),
        ],
        "decompose_factor": each("decompose_factor", {"2": 2, "3": 3, "4": 4, "8": 8, "16": 16, "100": 100, "-2": -2}),
        "projection_prng_key": each("projection_prng_key", {"1": 1, "7": 7, "-1": -1, "big": 2**63, "float": 7.0}),
        "save_projection": [
            ("save_projection.false", {"save_projection": False}),
            ("save_projection.false-key-7", {"save_projection": False, "projection_prng_key": 7}),
            ("save_projection.false-other-rank", {"save_projection": False, "r": 3}),
            ("save_projection.false-one-target", {"save_projection": False, "target_modules": [n.one()]}),
        ],
        "d_initial": each("d_initial", {"1.0": 1.0, "0.0": 0.0}),
        "oft_block_size": each("oft_block_size", oft)
        + [(f"oft_block_size.rank-{label}", {"r": value, "oft_block_size": 0}) for label, value in oft.items()]
        + [("oft_block_size.both", {"r": 4, "oft_block_size": 4}), ("oft_block_size.neither", {"r": 0, "oft_block_size": 0})],
        "coft": [
            ("coft.true", {"coft": True}),
            ("coft.eps", {"coft": True, "eps": 0.5}),
            ("coft.small-eps", {"coft": True, "eps": 1e-3, "block_share": True}),
            ("coft.zero-eps", {"coft": True, "eps": 0}),
        ],
        "block_share": [
            ("block_share.true", {"block_share": True}),
            ("block_share.rank", {"block_share": True, "r": 4, "oft_block_size": 0}),
            ("block_share.exact", {"block_share": True, "use_cayley_neumann": False}),
        ],
        "use_cayley_neumann": [
            ("use_cayley_neumann.false", {"use_cayley_neumann": False}),
            ("use_cayley_neumann.old-version", {"use_cayley_neumann": True, "peft_version": "0.17.0"}),
            ("use_cayley_neumann.no-version", {"use_cayley_neumann": True, "peft_version": REMOVED}),
            ("use_cayley_neumann.wrong-version", {"use_cayley_neumann": True, "peft_version": "text"}),
            ("use_cayley_neumann.false-wrong-version", {"use_cayley_neumann": False, "peft_version": "text"}),
        ],
        "num_cayley_neumann_terms": each("num_cayley_neumann_terms", {str(t): t for t in (1, 2, 3, 4, 5, 6, 8, 2.5)}),
        "init_weights": each("init_weights", {"lycoris": "lycoris", "LYCORIS": "LYCORIS"}),
    }


def feedforward(n):
    field = "feedforward_modules"
    values = {
        "default": [n.targets[-1]],
        "last-part": [n.two()],
        "first-target": [n.targets[0]],
        "all-targets": n.targets,
        "full-name": [n.last],
        "nothing": ["nothing"],
        "ending": [n.two()[1:]],
        "letter": n.two()[-1:],
        "name-as-text": n.two(),
        "full-name-as-text": n.last,
        "everything": ".*",
        "empty-in-list": [""],
        "null-in-list": [None],
    }
    wide = {"target_modules": n.regex(rf".*({'|'.join(map(re.escape, n.targets))})")}
    out = each(field, values) + regexes(field, n)
    out += [(f"{field}.{label}-regex-targets", wide | {field: v}) for label, v in values.items()]
    out.append((f"{field}.no-targets", {"target_modules": None, field: None}))
    out.append((f"{field}.default-of-targets", {"target_modules": None, field: [n.targets[-1]]}))
    out.append((f"{field}.null-other-targets", {"target_modules": [n.targets[0]], field: None}))
    return out


def meaningful(method, n, base_name):
    """Changes for each field of a method as (name, change), without those of fields that it does not have."""
    table = common(n, base_name)
    table["modules_to_save"] = kept_modules(n)
    table["target_modules"] = each("target_modules", module_names(n)) + regexes("target_modules", n)
    table["exclude_modules"] = each("exclude_modules", module_names(n)) + regexes("exclude_modules", n)
    table["layers_to_transform"] = layer_numbers(n)
    only = method.lower() + "_only"
    table["bias"] = each("bias", {b: b for b in ("none", "all", "lora_only", only, "x_only", "_only", "ALL", "None", "only")})
    table["fan_in_fan_out"] = []
    table["token_indices"] = [
        (f"token_indices.{a.split('.')[1]}", {"token_indices": c["trainable_token_indices"]}) for a, c in token_rows(n)[:14]
    ]
    table["feedforward_modules"] = feedforward(n)
    if method in ("LORA", "ADALORA"):
        table |= lora_values(n)
        if method == "ADALORA":
            table |= adalora_values(n)
    elif method in ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING"):
        table |= prompt_values(n)
    else:
        table |= shape_values(n)
    return table
