"""Names of modules, and what the fields of adapter_config.json that name modules can hold. Used by make-config-cases.py.

A change is a map of fields to values.
"""

import re
from dataclasses import dataclass

from config_cases.texts import REGEXES


@dataclass(frozen=True)
class Names:
    """Module names of a base: the targets of the default adapter and other modules."""

    targets: list
    other: str  # a module of the same kind that is no target
    first: str  # the first target in block 0
    last: str  # the same in block 1
    layers: str  # the name of the list of blocks
    embedding: str
    embedding_path: str
    head: str
    norm: str  # the whole name of a norm in block 0
    norm_ending: str  # an ending of several norms that begins inside a name
    classifier: bool

    def one(self):
        return self.targets[0].split(".")[-1]

    def two(self):
        return self.targets[-1].split(".")[-1]

    def regex(self, template):
        return template.replace("ONE", self.one()).replace("TWO", self.two()).replace("UPPER", self.one().upper())


def regexes(field, names, wrap=lambda regex: regex):
    return [(f"{field}.regex-{label}", {field: wrap(names.regex(t))}) for label, t in REGEXES.items()]


def each(field, values):
    return [(f"{field}.{label}", {field: value}) for label, value in values.items()]


def with_layers(pattern):
    return {"layers_to_transform": [0], "layers_pattern": pattern}


MANY = [f"nothing_{i}" for i in range(20)]  # from 20 names on PEFT shortens a list


def module_names(n):
    """Lists and texts of module names."""
    bare, full = [t.split(".")[-1] for t in n.targets], [n.first, n.last]
    return {
        "one": [n.one()],
        "reversed": n.targets[::-1],
        "twice": n.targets + n.targets,
        "and-nothing": n.targets + ["nothing"],
        "and-empty": n.targets + [""],
        "and-null": n.targets + [None],
        "and-number": n.targets + [0],
        "nothing": ["nothing"],
        "empty": [""],
        "full-names": full,
        "full-name": [n.first],
        "full-and-one": [n.first, n.one()],
        "two-parts": [".".join(n.first.split(".")[-2:])],
        "with-number": [".".join(n.first.split(".")[-3:])],
        "part-of-name": [bare[0][1:]],
        "last-word": [bare[0].split("_")[-1]],
        "leading-dot": ["." + bare[0]],
        "trailing-dot": [bare[0] + "."],
        "regex-in-list": [".*" + bare[0]],
        "other-case": [bare[0].upper()],
        "spaces": [" " + bare[0] + " "],
        "parent": [n.first.rpartition(".")[0]] if "." in n.first else [n.first + ".nothing"],
        "other": [n.other],
        "embedding": [n.embedding],
        "embedding-path": [n.embedding_path],
        "head": [n.head],
        "embedding-and-head": [n.embedding, n.head],
        "targets-and-embedding": n.targets + [n.embedding],
        "targets-and-head": n.targets + [n.head],
        "targets-embedding-and-head": n.targets + [n.embedding, n.head],
        "norm": [n.norm],
        "norm-ending": [n.norm_ending],
        "peft-prefix": ["base_model.model." + n.first],
        "name-as-text": n.targets[0],
        "full-name-as-text": n.first,
        "all-linear": "all-linear",
        "all-linear-upper": "ALL-LINEAR",
        "all-linear-in-list": ["all-linear"],
        "dummy": "dummy-target-modules",
        "everything": ".*",
        "numbered": r".*\.0\..*",
        "layers-of-two": rf".*{n.layers}\.(0|1)\..*({'|'.join(map(re.escape, n.targets))})",
        "embedding-regex": rf".*{n.embedding}",
        "embedding-or-one-regex": rf".*({n.embedding}|{n.one()})",
        "head-regex": rf".*{n.head}",
        "map": {t: 1 for t in n.targets},
        "many": n.targets + MANY,
        "many-full-names": full + MANY,
        "many-and-empty": n.targets + ["", *MANY],
    }


def layer_numbers(n):
    numbers = {
        "0": 0,
        "1": 1,
        "-1": -1,
        "5": 5,
        "0-in-list": [0],
        "1-in-list": [1],
        "both": [0, 1],
        "twice": [1, 1],
        "5-in-list": [5],
        "-1-in-list": [-1],
        "0-and-5": [0, 5],
        "text": "0",
        "text-in-list": ["0"],
        "float-in-list": [0.0],
        "half-in-list": [0.5],
        "true-in-list": [True],
        "null-in-list": [None],
        "list-in-list": [[0]],
        "number-map": {"0": 1},
    }
    out = each("layers_to_transform", numbers)
    out.append(("layers_to_transform.0-full-names", {"layers_to_transform": [0], "target_modules": [n.first, n.last]}))
    out.append(("layers_to_transform.0-many-full-names", {"layers_to_transform": [0], "target_modules": [n.first, n.last, *MANY]}))
    out.append(("layers_to_transform.0-two-parts", {"layers_to_transform": 0, "target_modules": [".".join(n.first.split(".")[-2:])]}))
    out.append(("layers_to_transform.0-regex", {"layers_to_transform": [0], "target_modules": n.regex(".*ONE")}))
    out.append(("layers_to_transform.empty-regex", {"layers_to_transform": [], "target_modules": n.regex(".*ONE")}))
    patterns = {
        "name": n.layers,
        "name-in-list": [n.layers],
        "empty-text": "",
        "empty-list": [],
        "null": None,
        "nothing": "nothing",
        "nothing-first": ["nothing", n.layers],
        "nothing-last": [n.layers, "nothing"],
        "path": n.first.split(f".{n.layers}.")[0] + "." + n.layers,
        "path-with-number": n.layers + ".0",
        "part": n.layers[1:] or "x",
        "dot": n.layers[0] + ".*",
        "any": ".*",
        "group": f"({n.layers})",
        "named-group": f"(?P<a_b>{n.layers})",
        "idx-group": f"(?P<idx>{n.layers})",
        "set": f"[{n.layers[0]}]{n.layers[1:]}",
        "alternative-first": f"{n.layers}|nothing",
        "alternative-last": f"nothing|{n.layers}",
        "grouped-alternative": f"(?:nothing|{n.layers})",
        "ignore-case": f"(?i){n.layers.upper()}",
        "comment": f"{n.layers}(?#blocks)",
        "no-minimum": n.layers + "{,1}",
        "end": n.layers + "$",
        "unbalanced": f"({n.layers}",
        "empty-in-list": [""],
        "null-in-list": [None],
        "number": 0,
        "map": {n.layers: 1},
        "wildcard": r"\w+",
        "quoted": f"\\Q{n.layers}\\E",
        "bracket": n.layers + "[[]?",
        "with-dots": f".{n.layers}",
    }
    out += [(f"layers_pattern.{label}", with_layers(p)) for label, p in patterns.items()]
    out += [(f"layers_pattern.{label}-for-1", {"layers_to_transform": 1, "layers_pattern": p}) for label, p in list(patterns.items())[:9]]
    out.append(("layers_pattern.alone", {"layers_pattern": n.layers}))
    out.append(("layers_pattern.no-layers", {"layers_to_transform": [], "layers_pattern": n.layers}))
    out.append(("layers_pattern.regex-targets", {"layers_pattern": n.layers, "target_modules": n.regex(".*ONE")}))
    out.append(("layers_pattern.empty-regex-targets", {"layers_pattern": "", "target_modules": n.regex(".*ONE")}))
    return out


def pattern_maps(n, field, value, other):
    """Keys and values of rank_pattern and alpha_pattern."""
    one, two = n.one(), n.two()
    maps = {
        "one": {one: value},
        "two": {one: value, two: other},
        "full-name": {n.first: value},
        "full-names": {n.first: value, n.last: other},
        "ending": {".".join(n.first.split(".")[-2:]): value},
        "with-number": {".".join(n.first.split(".")[-3:]): value},
        "layer-only": {f"{n.layers}.0": value},
        "layer-regex": {rf"{n.layers}\.0\..*": value},
        "caret-full-name": {"^" + n.first: value},
        "caret-name": {"^" + one: value},
        "dollar": {one + "$": value},
        "part": {one[1:]: value},
        "last-word": {one.split("_")[-1]: value},
        "nothing": {"nothing": value},
        "nothing-and-one": {"nothing": other, one: value},
        "empty": {"": value},
        "peft-prefix": {"base_model.model." + n.first: value},
        "adapter-name": {n.first + ".default": value},
        "all": {".*": value},
        "all-first": {".*": value, one: other},
        "all-last": {one: other, ".*": value},
        "overlapping": {one: value, n.first: other},
        "overlapping-reversed": {n.first: other, one: value},
        "dots": {n.first.replace(".", "?"): value},
        "alternatives": {f"{one}|{two}": value},
        "null": {one: None},
        "zero": {one: 0},
        "negative": {one: -1},
        "whole-float": {one: float(value)},
        "half": {one: 2.5},
        "true": {one: True},
        "digits": {one: str(value)},
        "list": {one: [value]},
        "nothing-is-null": {"nothing": None},
        "target-entry": {n.targets[-1]: value},
    }
    return each(field, maps)


def kept_modules(n):
    """modules_to_save, which is matched by endings of whole names."""
    block = n.norm.split(f".{n.layers}.")[0] + f".{n.layers}.0"
    lists = {
        "head": [n.head],
        "head-twice": [n.head, n.head],
        "embedding": [n.embedding],
        "embedding-path": [n.embedding_path],
        "embedding-and-head": [n.embedding, n.head],
        "head-and-embedding": [n.head, n.embedding],
        "head-ending": [n.head[1:]],
        "norm": [n.norm],
        "norm-name": [n.norm.split(".")[-1]],
        "norm-ending": [n.norm_ending],
        "norm-number": [".".join(n.norm.split(".")[-2:])],
        "nothing": ["nothing"],
        "nothing-and-norm": ["nothing", n.norm],
        "target": [n.one()],
        "target-full-name": [n.first],
        "block": [block],
        "target-ending": [n.one()[1:]],
        "other": [n.other],
        "blocks": [n.layers],
        "parent": [n.first.rpartition(".")[0] or n.first],
        "empty": [""],
        "letter": ["m"],
        "null": [None],
        "number": [0],
        "regex": [".*" + n.norm_ending],
        "regex-dot": [n.norm.replace(".", "?")],
        "regex-unbalanced": ["(" + n.head],
        "regex-alternative": [f"{n.head}|nothing"],
        "regex-bracket": ["[[]?" + n.head],
        "regex-named-group": [f"(?P<a_b>{n.head})"],
        "leading-dot": ["." + n.head],
        "adapter-name": ["default"],
        "peft-prefix": ["base_model.model." + n.norm],
        "map": {n.head: 1},
        "name-as-text": n.head,
        "classifier": ["classifier"],
        "score": ["score"],
        "both-heads": ["classifier", "score"],
        "dropout": ["dropout"],
    }
    return each("modules_to_save", lists)


def token_rows(n):
    rows = {
        "one": [5],
        "two": [5, 20],
        "unsorted": [20, 5],
        "twice": [5, 5],
        "negative": [-1],
        "out-of-range": [99],
        "floats": [5.0],
        "digits": ["5"],
        "true": [True],
        "null-in-list": [None],
        "nested": [[5, 20]],
        "embedding": {n.embedding: [5, 20]},
        "embedding-path": {n.embedding_path: [5, 20]},
        "embedding-ending": {n.embedding[1:]: [5]},
        "head": {n.head: [5, 20]},
        "both-same": {n.embedding: [5, 20], n.head: [5, 20]},
        "map-of-number": {n.embedding: 5},
        "both-different": {n.embedding: [5, 20], n.head: [7]},
        "head-first": {n.head: [5, 20], n.embedding: [5, 20]},
        "nothing": {"nothing": [5]},
        "map-of-null": {n.embedding: None},
        "nothing-and-embedding": {n.embedding: [5], "nothing": [7]},
        "target": {n.one(): [3]},
        "empty-in-map": {n.embedding: []},
        "empty-name": {"": [5]},
        "number": 5,
        "both-paths": {n.embedding_path: [5, 20], n.head: [5, 20]},
        "same-table-twice": {n.embedding: [5], n.embedding_path: [20]},
    }
    out = each("trainable_token_indices", rows)
    for label in ("two", "head", "both-same", "both-different", "both-paths"):
        out.append((f"ensure_weight_tying.tokens-{label}", {"ensure_weight_tying": True, "trainable_token_indices": rows[label]}))
    out.append(
        ("trainable_token_indices.beside-kept-embedding", {"trainable_token_indices": {n.embedding: [5]}, "modules_to_save": [n.embedding]})
    )
    out.append(("trainable_token_indices.beside-kept-path", {"trainable_token_indices": [5], "modules_to_save": [n.embedding]}))
    out.append(("trainable_token_indices.beside-kept-head", {"trainable_token_indices": [5], "modules_to_save": [n.head]}))
    out.append(("trainable_token_indices.beside-target", {"trainable_token_indices": [5], "target_modules": n.targets + [n.embedding]}))
    return out


def ties(n):
    tied = {"ensure_weight_tying": True}
    targets = {
        "embedding": n.targets + [n.embedding],
        "head": n.targets + [n.head],
        "both": n.targets + [n.embedding, n.head],
        "path": n.targets + [n.embedding_path],
        "regex": rf".*({n.one()}|{n.embedding})",
        "regex-head": rf".*({n.one()}|{n.head})",
        "regex-names": f"{n.embedding}|{n.head}",
        "all-linear": "all-linear",
    }
    kept = {
        "embedding": [n.embedding],
        "head": [n.head],
        "both": [n.embedding, n.head],
        "path": [n.embedding_path],
        "norm": [n.norm],
        "empty": [],
    }
    out = [(f"ensure_weight_tying.targets-{label}", tied | {"target_modules": t}) for label, t in targets.items()]
    out += [(f"ensure_weight_tying.kept-{label}", tied | {"modules_to_save": m}) for label, m in kept.items()]
    out.append(("ensure_weight_tying.kept-and-targets", tied | {"modules_to_save": [n.head], "target_modules": n.targets + [n.embedding]}))
    out.append(("ensure_weight_tying.rslora-embedding", tied | {"use_rslora": True, "target_modules": n.targets + [n.embedding]}))
    out.append(("ensure_weight_tying.dora-embedding", tied | {"use_dora": True, "target_modules": n.targets + [n.embedding]}))
    return out
