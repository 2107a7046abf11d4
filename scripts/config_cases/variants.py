"""The adapters of make-config-cases.py: made by PEFT with random values, then changed in their config or their tensors."""

import copy
import dataclasses
import json
import random
import shutil
import warnings
import zlib

import peft
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import load_file

from config_cases.modules import Names
from config_cases.texts import EXTRA_KEYS, FILES, GENERIC, REMOVED
from config_cases.values import meaningful

BASES = {
    "llama": Names(
        ["q_proj", "v_proj"],
        "down_proj",
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.self_attn.q_proj",
        "layers",
        "embed_tokens",
        "model.embed_tokens",
        "lm_head",
        "model.layers.0.input_layernorm",
        "norm",
        False,
    ),
    "gpt2": Names(
        ["c_attn", "mlp.c_proj"],
        "c_fc",
        "transformer.h.0.attn.c_attn",
        "transformer.h.1.attn.c_attn",
        "h",
        "wte",
        "transformer.wte",
        "lm_head",
        "transformer.h.0.ln_1",
        "_1",
        False,
    ),
    "bert": Names(
        ["query", "value"],
        "intermediate.dense",
        "bert.encoder.layer.0.attention.self.query",
        "bert.encoder.layer.1.attention.self.query",
        "layer",
        "word_embeddings",
        "bert.embeddings.word_embeddings",
        "classifier",
        "bert.encoder.layer.0.output.LayerNorm",
        "Norm",
        True,
    ),
}
BASES["llama_tied"] = BASES["llama"]
TARGETS = {  # of default adapters that are not at the names above
    "IA3": {"llama": ["k_proj", "v_proj", "down_proj"], "bert": ["key", "value", "output.dense"]},
    "LN_TUNING": {
        "llama": ["input_layernorm", "post_attention_layernorm", "norm"],
        "gpt2": ["ln_1", "ln_2", "ln_f"],
        "bert": ["LayerNorm"],
    },
    "TRAINABLE_TOKENS": {"llama": ["embed_tokens"], "gpt2": ["wte"], "bert": ["word_embeddings"]},
} | {method: {"gpt2": ["lm_head"]} for method in ("LOHA", "LOKR", "OFT")}  # PEFT has none of them for Conv1D
DEFAULTS = {
    "LORA": {"r": 4, "lora_alpha": 8},
    "ADALORA": {"init_r": 4, "target_r": 2, "lora_alpha": 2, "total_step": 100, "tinit": 10, "tfinal": 20},
    "IA3": {},
    "PROMPT_TUNING": {"num_virtual_tokens": 3},
    "PREFIX_TUNING": {"num_virtual_tokens": 3},
    "P_TUNING": {"num_virtual_tokens": 3, "encoder_hidden_size": 8},
    "LN_TUNING": {},
    "TRAINABLE_TOKENS": {"token_indices": [5, 20]},
    "LOHA": {"r": 4, "alpha": 8},
    "LOKR": {"r": 2, "alpha": 4},
    "VERA": {"r": 4},
    "OFT": {"r": 0, "oft_block_size": 4},
}
PROMPTS = ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING")
KEPT_FIELDS = ("modules_to_save", "trainable_token_indices", "ensure_weight_tying", "task_type")  # with tensors besides the method's
SHARED_FIELDS = {  # mean the same for most methods
    "task_type",
    "peft_type",
    "auto_mapping",
    "peft_version",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "target_modules",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "modules_to_save",
}
BASE_FIELDS = {  # where a base that is no llama differs
    "bert": {"task_type", "modules_to_save", "token_indices"},
    "gpt2": {"fan_in_fan_out", "bias", "num_attention_heads", "token_dim"},
    "llama_tied": {"ensure_weight_tying", "trainable_token_indices", "modules_to_save", "token_indices"},
}


def in_two(key, middle):
    """A name with a part in front of a last part `weight` or `bias`, else behind it."""
    stem, _, leaf = key.rpartition(".")
    return f"{stem}.{middle}.{leaf}" if leaf in ("weight", "bias") else f"{key}.{middle}"


def magnitude(ending):
    return lambda k: k + ending if k.endswith("lora_magnitude_vector") else k


def prompt(name):
    return lambda k: name if k == "prompt_embeddings" else k


RENAMES = {
    "default": lambda k: in_two(k, "default"),
    "other-adapter": lambda k: in_two(k, "other"),
    "weight": lambda k: k if k.endswith(("weight", "bias")) else k + ".weight",
    "default-weight": lambda k: k if k.endswith(("weight", "bias")) else k + ".default.weight",
    "without-weight": lambda k: k.removesuffix(".weight"),
    "without-prefix": lambda k: k.removeprefix("base_model.model."),
    "one-prefix": lambda k: k.replace("base_model.model.", "base_model.", 1),
    "two-prefixes": lambda k: "base_model.model." + k,
    "module-prefix": lambda k: "module." + k,
    "compiled-prefix": lambda k: k.replace("base_model.model.", "base_model.model._orig_mod.", 1),
    "saved": lambda k: k if ".lora_" in k or k == "prompt_embeddings" else in_two(k, "modules_to_save.default"),
    "magnitude-weight": magnitude(".weight"),
    "magnitude-default": magnitude(".default"),
    "magnitude-default-weight": magnitude(".default.weight"),
    "prompt-encoder": prompt("prompt_encoder.default.embedding.weight"),
    "prompt-prefix": prompt("base_model.prompt_embeddings"),
    "other-case": lambda k: k.replace("lora_A", "lora_a").replace("ia3_l", "IA3_l"),
}


@dataclasses.dataclass
class Variant:
    """A directory: the text of the config, tensors, what is special about it, and whether variants of the same kind are elsewhere."""

    name: str
    config: str
    tensors: dict
    about: str
    repeats: bool = False


def stream(seed, name):
    return torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))


def text(config):
    return json.dumps(config, indent=2) + "\n"


def told(change):
    return "; ".join(f"{k} removed" if v is REMOVED else f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in change.items())


def sort_names(config):
    """PEFT writes sets as lists in any order."""
    for field in ("target_modules", "exclude_modules", "feedforward_modules"):
        if isinstance(config.get(field), list) and all(isinstance(x, str) for x in config[field]):
            config[field].sort()
    return config


def randomise(model, generator):
    """Values of trained adapters: no part is without effect."""
    for key, p in sorted(model.named_parameters()):
        if p.requires_grad and not any(part in key for part in ("mlp_head", "lstm_head", "transform.")):  # networks that are not saved
            noise = torch.randn(p.shape, generator=generator)
            whole = any(part in key for part in ("magnitude", "modules_to_save", "ln_tuning", "trainable_tokens", ".bias", "base_layer"))
            with torch.no_grad():
                p.copy_((0.15 if "oft_R" in key else 0.3) * noise + (p if whole else 1 if "ia3_l" in key else 0))


class Maker:
    """Makes the variants of one method on one base.

    wanted tells by the name of a variant and whether it repeats others if it is to be made.
    """

    def __init__(self, method, base_name, base, seed, wanted):
        self.method, self.base_name, self.base, self.seed, self.wanted = method, base_name, base, seed, wanted
        names = BASES[base_name]
        targets = TARGETS.get(method, {}).get(base_name.removesuffix("_tied"), names.targets)
        if targets != names.targets:
            places = [k for k, _ in base.named_modules() if ("." + k).endswith("." + targets[0])]
            names = dataclasses.replace(names, targets=targets, first=places[0], last=places[-1])
        self.names = names
        self.prefix = "base_model." if method in PROMPTS else "base_model.model."
        self.config_class = PEFT_TYPE_TO_CONFIG_MAPPING[method]
        self.fields = [f.name for f in dataclasses.fields(self.config_class)]
        self.own = set(self.fields) - SHARED_FIELDS if method != "LORA" else set(self.fields)
        if method == "ADALORA":
            self.own -= {f.name for f in dataclasses.fields(PEFT_TYPE_TO_CONFIG_MAPPING["LORA"])} - {"r", "lora_alpha", "rank_pattern"}
        elif method in ("LOHA", "LOKR"):
            self.own -= {"rank_pattern", "alpha_pattern"}
        elif method == "PROMPT_TUNING":
            self.own |= {"task_type", "modules_to_save"}
        self.table = meaningful(method, names, "_models/" + base_name)
        self.config, self.tensors = self.make("default", {})
        self.shapes = {k: t.shape for k, t in self.tensors.items()}
        self.noise = self.base_tensors()
        self.all_tensors = self.tensors | {self.prefix + k: t for k, t in self.noise.items()} | self.token_tensors()

    def make(self, name, overrides):
        """An adapter that PEFT makes and saves: config and tensors."""
        given = DEFAULTS[self.method] | {"task_type": "SEQ_CLS" if self.names.classifier else "CAUSAL_LM"}
        if "target_modules" in self.fields:
            given["target_modules"] = list(self.names.targets)
        if self.method == "IA3":
            given["feedforward_modules"] = [self.names.targets[-1]]
        given |= {k: v for k, v in overrides.items() if v is not REMOVED}
        torch.manual_seed(zlib.crc32(f"{self.seed}/{name}".encode()))
        folder = f"_scratch/{self.method}.{self.base_name}"
        shutil.rmtree(folder, ignore_errors=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = peft.get_peft_model(copy.deepcopy(self.base), self.config_class(**copy.deepcopy(given)))
            randomise(model, stream(self.seed, f"{self.method}/{self.base_name}/{name}"))
            model.save_pretrained(folder)
        with open(folder + "/adapter_config.json") as f:
            config = sort_names(json.load(f))
        return config, load_file(folder + "/adapter_model.safetensors")

    def base_tensors(self):
        """Changed tensors of modules of the base: those that the fields name, block 0, and the last ones."""
        n, state = self.names, self.base.state_dict()
        block = n.norm.rpartition(".")[0]
        keys = [k for k in state if k.startswith((n.embedding_path + ".", n.head + ".", n.norm + ".", n.first + ".", block + "."))]
        keys += [k for k in state if k.endswith((n.other + ".weight", n.norm_ending + ".weight"))] + list(state)[-3:]
        generator = stream(self.seed, f"base tensors/{self.base_name}")
        return {k: state[k] + 0.2 * torch.randn(state[k].shape, generator=generator) for k in dict.fromkeys(keys)}

    def token_tensors(self):
        generator = stream(self.seed, f"tokens/{self.base_name}")
        name = f"{self.prefix}%s.token_adapter.trainable_tokens_delta"
        return {name % table: torch.randn(2, 16, generator=generator) * 0.5 for table in (self.names.embedding_path, self.names.head)}

    def wanted_variants(self, pairs):
        """All variants that are wanted, with a number of random pairs of changes."""
        for source in (self.variants(), self.pairs(pairs)):
            yield from (v for v in source if self.wanted(v.name, v.repeats))

    def variants(self):
        yield Variant("default", text(self.config), self.tensors, "the adapter that the others are changes of")
        for field in self.fields:
            repeats = self.repeats(field)
            for label, value in GENERIC.items():
                yield from self.changed(f"{field}.is-{label}", {field: value}, repeats, field)
            for name, change in self.changes(field):
                yield from self.changed(name, change, repeats, field)
                yield from self.remade(name, change, repeats)
        elsewhere = (self.method, self.base_name) != ("LORA", "llama")
        for label, keys in EXTRA_KEYS.items():
            yield self.edited("extra-keys." + label, keys, repeats=elsewhere)
        for label, write in FILES.items():
            yield Variant("file." + label, write(text(self.config)), self.tensors, "another way to write the file", elsewhere)
        yield from self.tensor_edits("tensors", self.config, self.tensors)
        yield from self.older()
        yield from self.other_adapters()

    def repeats(self, field):
        """Whether a field means the same for another method or on another base."""
        if self.base_name != "llama":
            return field not in BASE_FIELDS[self.base_name] or field not in self.own
        return field not in self.own

    def changes(self, field):
        return [c for c in self.table.get(field, []) if set(c[1]) <= set(self.fields)]

    def edited(self, name, change, config=None, tensors=None, repeats=False):
        config = {k: v for k, v in ((config or self.config) | change).items() if v is not REMOVED}
        return Variant(name, text(config), tensors or self.tensors, told(change), repeats)

    def changed(self, name, change, repeats, field):
        """A change of the config beside the tensors, and beside many more where other modules count."""
        yield self.edited(name, change, repeats=repeats)
        if field in KEPT_FIELDS:
            variant = self.edited(name + "-all-tensors", change, tensors=self.all_tensors, repeats=repeats)
            variant.about += "; with tensors of the base and of tokens"
            yield variant

    def remade(self, name, change, repeats=False):
        """The same change in an adapter that PEFT makes with it, where that has other tensors."""
        if not self.wanted(name + "-made", repeats) and not self.wanted(name + "-made-raw", repeats):
            return
        try:
            config, tensors = self.make(name, change)
        except Exception:  # PEFT makes no such adapter; how it reads one is in the other variant
            return
        if {k: t.shape for k, t in tensors.items()} != self.shapes:
            yield Variant(name + "-made", text(config), tensors, "made by PEFT with " + told(change), repeats)
            yield self.edited(name + "-made-raw", change, config, tensors, repeats)

    def pairs(self, number):
        """Two changes at once."""
        every = [c for field in self.fields if field != "peft_type" for c in self.changes(field)]
        chance = random.Random(f"{self.seed}/{self.method}/{self.base_name}")
        for i in range(number):
            change = {k: v for _, c in chance.sample(every, 2) for k, v in c.items()}
            yield self.edited(f"pair.{i:03}", change)
            yield from self.remade(f"pair.{i:03}", change)

    def older(self):
        """Configs of older versions, which had fewer fields."""
        target = [
            "target_modules",
            "r",
            "lora_alpha",
            "lora_dropout",
            "fan_in_fan_out",
            "bias",
            "modules_to_save",
            "feedforward_modules",
            "alpha",
        ]
        own = [
            "token_indices",
            "init_r",
            "oft_block_size",
            "prompt_tuning_init",
            "prefix_projection",
            "encoder_reparameterization_type",
            "encoder_hidden_size",
        ]
        prompts = ["num_virtual_tokens", "token_dim", "num_transformer_submodules", "num_attention_heads", "num_layers"]
        names = ["peft_type", "base_model_name_or_path", "task_type", "inference_mode", *target, *own, *prompts]
        first = {k: self.config[k] for k in names if k in self.config}
        least = ("peft_type", "target_modules", "num_virtual_tokens", "token_indices", "total_step", "oft_block_size")
        least = {k: self.config[k] for k in least if k in self.config}
        sized = least | {k: self.config[k] for k in DEFAULTS[self.method]}
        task = {"task_type": self.config["task_type"]}
        for name, config, about in (
            ("first-fields", first, "the fields of the first versions"),
            ("first-keys", first | EXTRA_KEYS["early-versions"], "fields that were taken out since"),
            ("least", least, "the fewest fields"),
            ("least-and-task", least | task, "the fewest fields and the task"),
            ("sizes", sized, "the fields that are no defaults"),
            ("sizes-and-task", sized | task, "the fields that are no defaults and the task"),
        ):
            yield Variant("older." + name, text(config), self.tensors, about)

    def other_adapters(self):
        """Adapters that have more tensors than the default one."""
        n = self.names
        for label, change in {
            "kept-norm": {"modules_to_save": [n.norm]},
            "kept-head": {"modules_to_save": [n.head]},
            "kept-embedding": {"modules_to_save": [n.embedding]},
            "dora": {"use_dora": True},
            "biases": {"bias": "all"},
            "embedding": {"target_modules": n.targets + [n.embedding]},
            "head-target": {"target_modules": n.targets + [n.head]},
            "tokens": {"trainable_token_indices": [5, 20]},
            "layer-biases": {"lora_bias": True},
            "no-projection": {"save_projection": False},
        }.items():
            if not set(change) <= set(self.fields):
                continue
            try:
                config, tensors = self.make(label, change)
            except Exception:  # not on this base
                continue
            yield Variant(label, text(config), tensors, "made by PEFT with " + told(change))
            yield from self.tensor_edits(label, config, tensors)
            for field in set(change) - {"target_modules"}:
                for kind in ("removed", "null", "empty-text", "empty-list", "false", "empty-map"):
                    yield self.edited(f"{label}.{field}-{kind}", {field: GENERIC[kind]}, config, tensors, self.base_name != "llama")
            for task in ("SEQ_CLS", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION", None):
                yield self.edited(f"{label}.task-{task}", {"task_type": task}, config, tensors, self.base_name == "gpt2")

    def tensor_edits(self, label, config, tensors):
        """The same config beside changed tensors."""
        own = [k for k in sorted(tensors) if k not in self.tensors] or sorted(tensors)
        repeats = self.base_name != "llama" or tensors is not self.tensors and self.method != "LORA"

        def variant(name, changed, about, known=repeats):
            changed = {k: t if t is tensors.get(k) else t.contiguous().clone() for k, t in changed.items()}
            return Variant(f"{label}.{name}", text(config), changed, about, known)

        for kind in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.int32):
            name = str(kind).removeprefix("torch.")
            yield variant(name, {k: t.to(kind) for k, t in tensors.items()}, f"all tensors are {name}")
        for place, key in (("first", own[0]), ("last", own[-1])):
            t = tensors[key]
            yield variant(f"{place}-bfloat16", tensors | {key: t.bfloat16()}, f"{key} is bfloat16")
            yield variant(f"{place}-missing", {k: x for k, x in tensors.items() if k != key}, f"{key} is missing")
            yield variant(f"{place}-longer", tensors | {key: torch.cat([t, t])}, f"{key} is twice as long")
            yield variant(f"{place}-shorter", tensors | {key: t[:1]}, f"{key} has one row")
            yield variant(
                f"{place}-turned", tensors | {key: t.T if t.dim() == 2 else t[None]}, f"{key} is turned round, or has one more dimension"
            )
            yield variant(f"{place}-flat", tensors | {key: t.flatten()}, f"{key} has one dimension")
            yield variant(f"{place}-scalar", tensors | {key: t.flatten()[0]}, f"{key} has no dimension")
            yield variant(f"{place}-empty", tensors | {key: t[:0]}, f"{key} has no row")
        yield variant("block-missing", {k: t for k, t in tensors.items() if ".0." not in k}, "tensors of block 0 are missing")
        yield variant("all-missing", {}, "no tensors")
        for name, rename in RENAMES.items():
            renamed = {rename(k): t for k, t in tensors.items()}
            if renamed.keys() != tensors.keys():
                halves = {k: t * 0.5 for k, t in renamed.items() if k not in tensors}
                yield variant("named-" + name, renamed, "names of tensors are changed")
                yield variant("named-also-" + name, halves | tensors, "beside halved tensors of other names")
        yield from self.additions(tensors, variant, repeats)

    def additions(self, tensors, variant, repeats):
        """Tensors that the config does not ask for, by the names of the base and of PEFT's wrappers."""
        n, prefix = self.names, self.prefix
        other = "base_model.model." if self.method in PROMPTS else "base_model."
        for k, t in self.noise.items():
            layer, _, leaf = k.rpartition(".")
            main = layer in (n.norm, n.head, n.embedding_path, n.first)
            known = repeats or not main and self.method != "LORA"
            yield variant("with." + k, tensors | {prefix + k: t}, f"with {k} of the base", known)
            yield variant(
                f"with.{layer}.base_layer.{leaf}",
                tensors | {f"{prefix}{layer}.base_layer.{leaf}": t},
                f"with base_layer.{leaf} of {layer}",
                known,
            )
            if not main:
                continue
            for inner in ("original_module", "modules_to_save", "modules_to_save.default", "ln_tuning_layers", "token_adapter.base_layer"):
                yield variant(
                    f"with.{layer}.{inner}.{leaf}", tensors | {f"{prefix}{layer}.{inner}.{leaf}": t}, f"with {inner}.{leaf} of {layer}"
                )
            larger = torch.cat([t, t])
            yield variant("with-larger." + k, tensors | {prefix + k: larger}, f"with a larger {k}")
            yield variant(
                "with-larger-base." + k,
                tensors | {f"{prefix}{layer}.base_layer.{leaf}": larger},
                f"with a larger base_layer.{leaf} of {layer}",
            )
            yield variant("with-bare." + k, tensors | {k: t}, f"with {k} without a prefix")
            yield variant("with-other-prefix." + k, tensors | {other + k: t}, f"with {other}{k}")
        yield variant("with-all", self.all_tensors | tensors, "with many tensors of the base and of tokens", False)
        yield variant("with-unknown", tensors | {prefix + "nothing.weight": torch.ones(3)}, "with a tensor of no module")
        yield variant(
            "with-unknown-part", tensors | {f"{prefix}{n.first}.lora_Z.weight": torch.ones(3)}, "with an unknown part of a target"
        )
        yield variant(
            "with-buffer", tensors | {prefix + "model.rotary_emb.inv_freq": torch.ones(2)}, "with a buffer that the base does not save"
        )
