#!/usr/bin/env python3
"""Golden cases of encoders: of six families, and of their heads for sequences, tokens, hidden tokens, answers and vectors.

    python scripts/make-encoder-goldens.py GOLDEN [--seed 11] [--only NAME ...]

Writes GOLDEN/models/NAME (random weights, as `save_pretrained` writes them) and GOLDEN/cases/NAME/{base,full_finetune,lora}, of one of
them lora_bias_all too, with what PyTorch, transformers and PEFT compute for them, in single precision; GOLDEN is such as
peft-tests/src/test/resources/golden. Everything is a function of the seed, and needs neither network nor GPU. Made with torch 2.13,
transformers 5.23 and PEFT 0.21.2.

A folder of cases holds case.json (inputs, token types, labels, tolerances) and tensors.safetensors:

- `logits.<i>` of sequence i: [labels] of sequences, [T, labels] of tokens, [T, V] of hidden tokens, [T, 2] of answers (first and last
  token), [C] of vectors, which have the length 1; `last_hidden.<i>` [T, C], which the head reads;
- `loss`: the mean over sequences, or over all tokens of the batch whose label is not -100. Of answers, the mean of both ends, each
  softmax over the tokens of its sequence. Of vectors, `labels[i]` says that input n + i is the positive of anchor i (n is half of the
  inputs), and `temperature` divides their products;
- `grad.<name>` of all parameters, or, of a large tensor, `grad_norm`, `grad_head` and `grad_tail` (64 elements each) and `grad_sample`
  (the elements i · size / 64). Parameters that the loss does not read are named by `without_gradient`;
- `sensitivity` in case.json: how far logits move when something of the model is wrong, which is checked to be far beyond the tolerance;
- `losses` before each step of AdamW, `after.<name>` and `after_logits.<i>` after the last, `merged.<name>` weights. In a model of
  answers the gradient of the output's bias is zero, as that of the keys' biases is, and AdamW makes steps of the rounding errors: it has
  no logits after training, and adapters that have such a bias are not trained.

transformers gives the vector of the padding token, and in RoBERTa that of its position, no gradient (`padding_idx`), also where the token
stands in a sequence: the rows that `padding_rows` in case.json names.

Tolerances are 30 times the distance to the same in double precision, and at least what FLOORS says. Sequences run one by one; that
padding changes nothing is checked, and so is the loss against that of transformers, except that of answers, which there has the padding
in its softmax.
"""

import argparse
import contextlib
import copy
import json
import math
import os
import shutil
import sys
import zlib

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps module names in sets
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"})

import peft
import torch
import transformers
from safetensors.torch import save_file
from torch.nn import functional
from transformers.models.deberta_v2 import modeling_deberta_v2

CLASSES = {
    "seq_cls": transformers.AutoModelForSequenceClassification,
    "token_cls": transformers.AutoModelForTokenClassification,
    "masked_lm": transformers.AutoModelForMaskedLM,
    "qa": transformers.AutoModelForQuestionAnswering,
    "embedding": transformers.AutoModel,
}
TASKS = {"seq_cls": "SEQ_CLS", "token_cls": "TOKEN_CLS", "qa": "QUESTION_ANS", "embedding": "FEATURE_EXTRACTION"}
LABELS = 3
MASK = 4  # and ids below it are special

BERT = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 24,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "pad_token_id": 0,
}
DEBERTA = BERT | {"relative_attention": True, "share_att_key": True, "pooler_hidden_act": "gelu"}
MODERN = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 20,
    "num_attention_heads": 4,
    "max_position_embeddings": 24,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
}
RAGGED = [9, 1, 5, 12]


def thetas(everywhere, nearby):
    return {
        "full_attention": {"rope_type": "default", "rope_theta": everywhere},
        "sliding_attention": {"rope_type": "default", "rope_theta": nearby},
    }


class Spec:
    """One model: its task and config, how long its sequences are, what its LoRA adapter is, and what could be wrong."""

    def __init__(self, task, config, lengths, lora, after, wrong, token_types=False, temperature=None, spelling=None, biases=False):
        self.task = task
        self.config = config
        self.lengths = lengths
        self.lora = lora
        self.after = after  # tensors that are compared after full fine-tuning
        self.wrong = wrong  # by what it is called: other values of the config, or a change of the model or of the case
        self.token_types = token_types
        self.temperature = temperature
        self.biases = biases  # whether there is an adapter that trains all biases too
        self.spelling = spelling or {}  # of fields of config.json, as older checkpoints have it


def specs():
    bert, roberta, electra = transformers.BertConfig, transformers.RobertaConfig, transformers.ElectraConfig
    deberta, modern = transformers.DebertaV2Config, transformers.ModernBertConfig
    return {
        "roberta_small": Spec(
            "seq_cls",
            roberta(**(BERT | {"pad_token_id": 3, "type_vocab_size": 1, "num_labels": LABELS, "layer_norm_eps": 1e-5})),
            RAGGED,
            {"r": 3, "target_modules": ["word_embeddings", "query", "intermediate.dense"]},
            ["roberta.embeddings.position_embeddings.weight", "roberta.encoder.layer.1.output.dense.weight", "classifier.dense.weight"],
            {
                "the padding token is counted": counts_padding,
                "positions begin at 0": begins_at_0,
                "pad_token_id = 1": {"pad_token_id": 1},
            },
            biases=True,
        ),
        "electra_small": Spec(
            "masked_lm",
            electra(**BERT, embedding_size=10, type_vocab_size=2),
            RAGGED,
            {"r": 2, "target_modules": ["query", "embeddings_project", "dense"]},
            ["electra.embeddings_project.weight", "electra.embeddings.word_embeddings.weight", "generator_lm_head.bias"],
            {
                "token types are 0": one_type,
                "no norm in the head": lambda model, case: setattr(model.generator_predictions, "LayerNorm", torch.nn.Identity()),
                "no bias of the output": lambda model, case: model.generator_lm_head.bias.data.zero_(),
            },
            token_types=True,
        ),
        "distilbert_small": Spec(
            "token_cls",
            transformers.DistilBertConfig(vocab_size=50, dim=16, hidden_dim=24, n_layers=2, n_heads=4, max_position_embeddings=24,
                                          dropout=0.0, attention_dropout=0.0, num_labels=LABELS),
            RAGGED,
            {"r": 3, "target_modules": ["q_lin", "v_lin", "lin1"]},
            ["distilbert.embeddings.position_embeddings.weight", "distilbert.transformer.layer.1.ffn.lin2.weight", "classifier.bias"],
            {
                "positions begin at 1": lambda model, case: shift_positions(model.distilbert.embeddings),
                "activation = relu": {"activation": "relu"},
                "no norm of embeddings": lambda model, case: setattr(model.distilbert.embeddings, "LayerNorm", torch.nn.Identity()),
            },
        ),
        # distances of up to 3 have places of their own, of 4 to 15 share two, and behind 34 are beyond the last on both sides
        "deberta_small": Spec(
            "qa",
            deberta(**(DEBERTA | {"max_position_embeddings": 48}), position_buckets=6, max_relative_positions=16, norm_rel_ebd="layer_norm",
                    pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0, layer_norm_eps=1e-7),
            [40, 6, 1, 13],
            {"r": 3, "target_modules": ["query_proj", "key_proj"]},
            ["deberta.encoder.rel_embeddings.weight", "deberta.encoder.LayerNorm.weight", "deberta.encoder.layer.0.attention.self.key_proj.bias",
             "qa_outputs.weight"],
            {
                "pos_att_type = [c2p]": {"pos_att_type": ["c2p"]},
                "pos_att_type = [p2c]": {"pos_att_type": ["p2c"]},
                "position_buckets = -1": {"position_buckets": -1, "max_relative_positions": 6},
                "position_buckets = 5": {"position_buckets": 5},
                "max_relative_positions = 17": {"max_relative_positions": 17},
                "max_relative_positions = -1": {"max_relative_positions": -1},
                "norm_rel_ebd = none": {"norm_rel_ebd": "none"},
                "the sign of distances": lambda model, case: other_distances(lambda d: -d),
                "distances beyond the table have the last place but one": lambda model, case: other_distances(lambda d: d.clamp(-5, 5)),
            },
            spelling={"pos_att_type": "p2c|c2p"},
        ),
        # a table of 14 places, for distances of -7 to 6
        "deberta_c2p": Spec(
            "seq_cls",
            deberta(**DEBERTA, position_buckets=-1, max_relative_positions=7, pos_att_type=["c2p"], position_biased_input=True,
                    embedding_size=10, type_vocab_size=2, num_labels=LABELS, layer_norm_eps=1e-7),
            [9, 1, 20, 12],
            {"r": 3, "target_modules": ["key_proj", "value_proj", "embed_proj"]},
            ["deberta.encoder.rel_embeddings.weight", "deberta.embeddings.embed_proj.weight", "deberta.embeddings.token_type_embeddings.weight",
             "pooler.dense.weight"],
            {
                "pos_att_type = [c2p, p2c]": {"pos_att_type": ["c2p", "p2c"]},
                "no distances": lambda model, case: model.deberta.encoder.rel_embeddings.weight.data.zero_(),
                "distances beyond the table begin again": lambda model, case: other_distances(lambda d: (d + 7) % 14 - 7),
                "distances of 6 are the farthest": lambda model, case: other_distances(lambda d: d.clamp(-6, 6)),
                "the sign of distances": lambda model, case: other_distances(lambda d: -d),
                "no positions": lambda model, case: model.deberta.embeddings.position_embeddings.weight.data.zero_(),
                "token types are 0": one_type,
                "pooler_hidden_act = tanh": {"pooler_hidden_act": "tanh"},
            },
            token_types=True,
        ),
        "modernbert_small": Spec(
            "seq_cls",
            modern(**MODERN, num_hidden_layers=3, global_attn_every_n_layers=2, local_attention=6, norm_bias=True, attention_bias=True,
                   mlp_bias=True, classifier_bias=True, classifier_pooling="mean", num_labels=LABELS, rope_parameters=thetas(1500.0, 30.0)),
            [9, 1, 17, 12],
            {"r": 3, "target_modules": ["Wqkv", "Wi"]},
            ["model.layers.1.attn.Wqkv.weight", "model.layers.2.mlp.Wi.bias", "model.embeddings.norm.bias", "head.dense.weight"],
            {
                "local_attention = 4": {"local_attention": 4},
                "local_attention = 8": {"local_attention": 8},
                "all layers full": {"layer_types": ["full_attention"] * 3},
                "one theta": {"rope_parameters": thetas(1500.0, 1500.0)},
                "thetas in place of one another": {"rope_parameters": thetas(30.0, 1500.0)},
                "classifier_pooling = cls": {"classifier_pooling": "cls"},
                "no bias of norms": lambda model, case: zero_biases(model, "norm"),
                "no bias of attention": lambda model, case: zero_biases(model, "attn"),
                "no bias of feed-forwards": lambda model, case: zero_biases(model, "mlp"),
                "no bias of the head": lambda model, case: zero_biases(model, "head.dense"),
            },
        ),
        "modernbert_qa": Spec(
            "qa",
            modern(**MODERN, num_hidden_layers=2, global_attn_every_n_layers=2, local_attention=5, rope_parameters=thetas(700.0, 20.0)),
            [11, 1, 5, 14],
            {"r": 2, "target_modules": ["Wqkv", "Wo"]},
            ["model.layers.1.attn.Wqkv.weight", "model.layers.1.mlp_norm.weight", "classifier.weight"],
            {
                "local_attention = 3": {"local_attention": 3},
                "local_attention = 6": {"local_attention": 6},
                "one theta": {"rope_parameters": thetas(700.0, 700.0)},
                "no norm in the head": lambda model, case: setattr(model.head, "norm", torch.nn.Identity()),
            },
        ),
        "bert_vectors": Spec(
            "embedding",
            bert(**BERT, type_vocab_size=2),
            [9, 1, 5, 12, 6, 3, 8, 10],
            {"r": 3, "target_modules": ["query", "value"]},
            ["embeddings.word_embeddings.weight", "encoder.layer.1.output.LayerNorm.weight", "encoder.layer.0.intermediate.dense.weight"],
            {
                "the first token": lambda model, case: case.update(pooling=lambda h: h[0]),
                "the last token": lambda model, case: case.update(pooling=lambda h: h[-1]),
                "the greatest of each column": lambda model, case: case.update(pooling=lambda h: h.max(0).values),
                "not of length 1": lambda model, case: case.update(normalise=lambda v: v),
            },
            temperature=0.1,
        ),
    }


FLOORS = {"logits_abs": 1e-4, "loss_abs": 2e-5, "grad_abs": 2e-5, "after_abs": 5e-5, "merged_abs": 1e-5}
ADAMW = {"name": "AdamW", "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}
FEW = 192  # elements of a tensor that is always stored as a whole
SAMPLES = 64


def generator(seed, name):
    return torch.Generator().manual_seed((zlib.crc32(name.encode()) ^ (seed * 2654435761)) & 0x7FFFFFFF)


def tolerances(noise):
    """30 times the noise, rounded up to one digit."""

    def rounded(value):
        power = 10.0 ** math.floor(math.log10(value))
        return float(f"{math.ceil(value / power - 1e-9) * power:.0e}")

    return {key: rounded(max(floor, 30 * noise.get(key.removesuffix("_abs"), 0))) for key, floor in FLOORS.items()}


def distance(a, b):
    return max(float((x.double() - y.double()).abs().max()) for x, y in zip(a, b, strict=True))


# ---------------------------------------------------------------- models


def make_model(name, spec, seed):
    """Writes random weights of a size that makes every module count."""
    path = "models/" + name
    shutil.rmtree(path, ignore_errors=True)
    model = CLASSES[spec.task].from_config(spec.config)
    random = generator(seed, path)
    with torch.no_grad():
        for key, p in model.named_parameters():
            r = torch.randn(p.shape, generator=random)
            if p.dim() == 1:
                p.copy_(1 + 0.25 * r if key.endswith("weight") else 0.2 * r)
            else:
                p.copy_((0.5 if "embeddings." in key else 0.3) * r)
    model.save_pretrained(path)
    if spec.spelling:
        with open(path + "/config.json", encoding="utf-8") as file:
            config = json.load(file) | spec.spelling
        with open(path + "/config.json", "w", encoding="utf-8") as out:
            out.write(json.dumps(config, indent=2, sort_keys=True) + "\n")
    readable(path)


def load(name, spec, **config):
    return CLASSES[spec.task].from_pretrained("models/" + name, dtype=torch.float32, attn_implementation="eager", **config).eval()


def readable(path):
    for folder, _, files in os.walk(path):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)


def inputs(name, spec, seed):
    """Token ids, without special ones but those that the task needs, and labels of which some are not scored."""
    random = generator(seed, "inputs/" + name)

    def draw(most, count):
        return torch.randint(0, most, (count,), generator=random).tolist()

    ids = [[MASK + 1 + v for v in draw(spec.config.vocab_size - MASK - 1, n)] for n in spec.lengths]
    case = {"inputs": ids}
    if spec.token_types:
        case["token_type_ids"] = [[0] * ((len(s) + 1) // 2) + [1] * (len(s) // 2) for s in ids]
    if spec.config.pad_token_id == 3:  # within sequences, and seen by all others
        ids[0][4] = ids[3][2] = ids[3][7] = 3
    if spec.task == "masked_lm":  # of four tokens that are asked for, one stays
        labels = [[v if k % 3 == len(s) % 3 or len(s) == 1 else -100 for k, v in enumerate(s)] for s in ids]
        case["inputs"] = [[MASK if w != -100 and k % 4 != 3 else v for k, (v, w) in enumerate(zip(s, t))] for s, t in zip(ids, labels)]
    elif spec.task == "token_cls":
        labels = [[-100 if len(s) > 2 and k % 6 == 1 else v for k, v in enumerate(draw(LABELS, len(s)))] for s in ids]
    elif spec.task == "qa":
        labels = [sorted(draw(len(s), 2)) for s in ids]
    elif spec.task == "embedding":
        labels = list(range(len(ids) // 2))
        case |= {"temperature": spec.temperature}
    else:
        labels = draw(LABELS, len(ids))
    return case | {"labels": labels}


# ---------------------------------------------------------------- what is computed


def arguments_of(case, i):
    """What the model reads of one sequence; `positions` and the like are there where something is done wrong."""
    ids = case["inputs"][i]
    given = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    if "token_type_ids" in case:
        given["token_type_ids"] = torch.tensor([case["token_type_ids"][i]])
    if "positions" in case:
        given["position_ids"] = torch.tensor([case["positions"][i]])
    return given


def logits(model, spec, case):
    rows = []
    for i in range(len(case["inputs"])):
        out = model(**arguments_of(case, i))
        if spec.task == "embedding":
            pooled = case.get("pooling", lambda h: h.mean(0))(out.last_hidden_state[0])
            rows.append(case.get("normalise", lambda v: functional.normalize(v, dim=0))(pooled))
        elif spec.task == "qa":
            rows.append(torch.stack([out.start_logits[0], out.end_logits[0]], -1))
        else:
            rows.append(out.logits[0])
    return rows


def loss_of(rows, spec, case):
    """The mean over sequences, or over all scored tokens."""
    labels = case["labels"]
    if spec.task == "embedding":
        anchors, positives = torch.stack(rows).chunk(2)
        return functional.cross_entropy(anchors @ positives.T / spec.temperature, torch.tensor(labels))
    if spec.task == "qa":
        ends = [functional.cross_entropy(row.T, torch.tensor(span)) for row, span in zip(rows, labels)]
        return sum(ends) / len(ends)
    if spec.task == "seq_cls":
        return functional.cross_entropy(torch.stack(rows), torch.tensor(labels))
    return functional.cross_entropy(torch.cat(rows), torch.tensor(sum(labels, [])))


def check_padding(model, spec, case, rows, loss):
    """That a batch with padding behind its sequences gives the same, and the same loss as transformers computes."""
    longest = max(map(len, case["inputs"]))

    def padded(lists, value):
        return torch.tensor([s + [value] * (longest - len(s)) for s in lists])

    given = {
        "input_ids": padded(case["inputs"], spec.config.pad_token_id),
        "attention_mask": padded([[1] * len(s) for s in case["inputs"]], 0),
    }
    if "token_type_ids" in case:
        given["token_type_ids"] = padded(case["token_type_ids"], 0)
    if spec.task in ("seq_cls", "token_cls", "masked_lm"):
        given["labels"] = torch.tensor(case["labels"]) if spec.task == "seq_cls" else padded(case["labels"], -100)
    with torch.no_grad():
        out = model(**given)
    if spec.task == "embedding":
        mask = given["attention_mask"].unsqueeze(-1)
        found = list(functional.normalize((out.last_hidden_state * mask).sum(1) / mask.sum(1), dim=1))
    else:
        both = torch.stack([out.start_logits, out.end_logits], -1) if spec.task == "qa" else out.logits
        found = list(both) if spec.task == "seq_cls" else [both[i, : len(s)] for i, s in enumerate(case["inputs"])]
    moved = distance(found, rows)
    assert moved < 5e-5, f"padding changes logits by {moved}"
    if "labels" in given:
        assert abs(float(out.loss) - float(loss)) < 1e-5, f"transformers has the loss {float(out.loss)}, not {float(loss)}"


def gradients(model, spec, case):
    """Loss and gradients by the names under which tensors are saved."""
    loss = loss_of(logits(model, spec, case), spec, case)
    loss.backward()
    found = {saved(key): p.grad.clone() for key, p in model.named_parameters() if p.requires_grad and p.grad is not None}
    model.zero_grad(set_to_none=True)
    return loss.detach(), found


def saved(key):
    return key.replace(".modules_to_save", "").replace(".default", "")


def train(model, spec, case, optimizer):
    trained = {saved(key): p for key, p in model.named_parameters() if p.requires_grad}
    adam = torch.optim.AdamW(
        trained.values(),
        lr=optimizer["lr"],
        betas=optimizer["betas"],
        eps=optimizer["eps"],
        weight_decay=optimizer["weight_decay"],
        foreach=False,
    )
    losses = []
    for _ in range(optimizer["steps"]):
        adam.zero_grad(set_to_none=True)
        loss = loss_of(logits(model, spec, case), spec, case)
        loss.backward()
        losses.append(float(loss.detach()))
        adam.step()
    model.zero_grad(set_to_none=True)
    return torch.tensor(losses, dtype=torch.float64), {key: p.detach().clone() for key, p in trained.items()}


# ---------------------------------------------------------------- what could be wrong


def counts_padding(model, case):
    case["positions"] = [[model.config.pad_token_id + 1 + i for i in range(len(s))] for s in case["inputs"]]


def begins_at_0(model, case):
    case["positions"] = [list(range(len(s))) for s in case["inputs"]]


def one_type(model, case):
    case["token_type_ids"] = [[0] * len(s) for s in case["inputs"]]


def shift_positions(embeddings):
    embeddings.position_embeddings.weight.data = embeddings.position_embeddings.weight.data.roll(-1, 0)


def zero_biases(model, part):
    for key, p in model.named_parameters():
        if part in key and key.endswith("bias"):
            p.data.zero_()


def other_distances(change):
    """DeBERTa with other places of distances, as long as the result is open."""
    original = modeling_deberta_v2.build_relative_position

    @contextlib.contextmanager
    def replaced():
        modeling_deberta_v2.build_relative_position = lambda *given, **named: change(original(*given, **named))
        try:
            yield
        finally:
            modeling_deberta_v2.build_relative_position = original

    return replaced()


def sensitivity(name, spec, case, rows):
    """How far logits move when something is wrong."""
    moved = {}
    for text, change in spec.wrong.items():
        other, during = dict(case), None
        if callable(change):
            model = load(name, spec)
            during = change(model, other)
        else:
            config = transformers.AutoConfig.from_pretrained("models/" + name)
            for key, v in change.items():
                setattr(config, key, v)
            model = load(name, spec, config=config, ignore_mismatched_sizes=True)
            keep_tables(name, spec, model)
        with torch.no_grad(), during if hasattr(during, "__enter__") else contextlib.nullcontext():
            found = distance(logits(model, spec, other), rows)
        assert found > 20 * FLOORS["logits_abs"], f"{name}: {text} moves logits by {found} only"
        moved[text] = float(f"{found:.3g}")
    return moved


def keep_tables(name, spec, model):
    """Where another config asks for other rows, the rows that there are stay what they are."""
    right = dict(load(name, spec).named_parameters())
    for key, p in model.named_parameters():
        if p.shape != right[key].shape:
            rows = min(len(p), len(right[key]))
            p.data[:rows] = right[key].data[:rows]


# ---------------------------------------------------------------- what is stored


def store(name, spec, kind, case, tensors, noise, **more):
    path = f"cases/{name}/{kind}"
    os.makedirs(path, exist_ok=True)
    tensors = {key: t.detach().float().contiguous().clone() for key, t in sorted(tensors.items())}
    save_file(tensors, path + "/tensors.safetensors", metadata={"format": "pt"})
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "peft": peft.__version__}
    json_case = {"model": name, "model_dir": "models/" + name, "task": spec.task, "method": kind} | case
    json_case |= {"tolerances": tolerances(noise), "measured_noise": {key: float(f"{v:.2g}") for key, v in noise.items()}}
    json_case |= more | {"versions": versions}
    with open(path + "/case.json", "w", encoding="utf-8") as out:
        out.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(v)}" for key, v in json_case.items()) + "\n}\n")
    readable(path)
    size = sum(os.path.getsize(os.path.join(folder, f)) for folder, _, files in os.walk(path) for f in files)
    print(f"{path}: {size:,} bytes, noise {json_case['measured_noise']}")


def logits_tensors(rows, prefix="logits"):
    return {f"{prefix}.{i}": x for i, x in enumerate(rows)}


def gradient_tensors(found, whole):
    tensors = {}
    for key, g in found.items():
        flat = g.reshape(-1)
        if whole or flat.numel() <= FEW:
            tensors["grad." + key] = g
        else:
            tensors["grad_norm." + key] = g.double().norm()
            tensors["grad_head." + key] = flat[:SAMPLES]
            tensors["grad_tail." + key] = flat[-SAMPLES:]
            tensors["grad_sample." + key] = flat[torch.arange(SAMPLES) * flat.numel() // SAMPLES]
    return tensors


def forward_and_gradients(model, spec, case):
    """Logits, loss and gradients with their noise."""
    double = copy.deepcopy(model).double()
    with torch.no_grad():
        rows, rows64 = logits(model, spec, case), logits(double, spec, case)
    loss, found = gradients(model, spec, case)
    loss64, found64 = gradients(double, spec, case)
    check_padding(model, spec, case, rows, loss)
    noise = {
        "logits": distance(rows, rows64),
        "loss": abs(float(loss) - float(loss64)),
        "grad": distance(found.values(), found64.values()),
    }
    return rows, loss, found, noise


def training(model, spec, case, steps, rate, noise, compared=None):
    """Losses, and tensors and logits after some steps, with their noise; without logits where a bias of them is moved by rounding errors."""
    optimizer = ADAMW | {"steps": steps, "lr": rate}
    double = copy.deepcopy(model).double()
    losses, after = train(model, spec, case, optimizer)
    losses64, after64 = train(double, spec, case, optimizer)
    names = compared or after.keys()
    tensors = {"losses": losses} | {"after." + key: after[key] for key in names}
    noise |= {"after": max(distance([after[key] for key in names], [after64[key] for key in names]), distance([losses], [losses64]))}
    if spec.task != "qa":
        with torch.no_grad():
            rows, rows64 = logits(model, spec, case), logits(double, spec, case)
        noise |= {"logits": max(noise.get("logits", 0), distance(rows, rows64))}
        tensors |= logits_tensors(rows, "after_logits")
    return tensors, optimizer


def not_read(model, found):
    without = sorted(key for key, p in model.named_parameters() if p.requires_grad and saved(key) not in found)
    return {"without_gradient": without} if without else {}


def padding_rows(model):
    """Rows of tables to which torch gives no gradient."""
    rows = {key + ".weight": m.padding_idx for key, m in model.named_modules() if isinstance(m, torch.nn.Embedding) and m.padding_idx is not None}
    return {"padding_rows": rows}


def base_case(name, spec, seed):
    model, case = load(name, spec), inputs(name, spec, seed)
    rows, loss, found, noise = forward_and_gradients(model, spec, case)
    tensors = logits_tensors(rows) | gradient_tensors(found, whole=True) | {"loss": loss}
    with torch.no_grad():
        for i in range(len(rows)):
            tensors[f"last_hidden.{i}"] = model.base_model(**arguments_of(case, i)).last_hidden_state[0]
    more = {"sensitivity": sensitivity(name, spec, case, rows)} | padding_rows(model) | not_read(model, found)
    store(name, spec, "base", case, tensors, noise, **more)


def finetune_case(name, spec, seed):
    model, case = load(name, spec), inputs(name, spec, seed)
    loss, found = gradients(model, spec, case)
    noise = {"grad": distance(found.values(), gradients(copy.deepcopy(model).double(), spec, case)[1].values())}
    for key in spec.after:
        assert float(found[key].abs().max()) > 1e-4, f"{key} has no gradient, and would be moved by rounding errors"
    steps, optimizer = training(model, spec, case, 5, 2e-3, noise, spec.after)
    tensors = gradient_tensors(found, whole=False) | steps | {"loss": loss}
    more = {"optimizer": optimizer} | padding_rows(model) | not_read(model, found)
    store(name, spec, "full_finetune", case, tensors, noise, **more)


def lora_case(name, spec, seed, kind="lora", **options):
    path = f"cases/{name}/{kind}"
    case, before = inputs(name, spec, seed), load(name, spec)
    config = peft.LoraConfig(task_type=TASKS.get(spec.task), lora_alpha=6, **spec.lora, **options)
    model = peft.get_peft_model(load(name, spec), config).eval()
    random = generator(seed, path)
    with torch.no_grad():
        for key, p in sorted(model.named_parameters()):
            if p.requires_grad and "original_module" not in key:
                r = torch.randn(p.shape, generator=random)
                p.copy_(0.2 * r if "lora_" in key else p + 0.1 * r)
    model.save_pretrained(path + "/adapter", save_embedding_layers=False)
    os.remove(path + "/adapter/README.md")
    rows, loss, found, noise = forward_and_gradients(model, spec, case)
    with torch.no_grad():
        again = logits(peft.PeftModel.from_pretrained(load(name, spec), path + "/adapter").eval(), spec, case)
        effect = distance(rows, logits(before, spec, case))
    assert distance(again, rows) < 1e-6 and effect > 0.1, "the adapter was not saved, or does nothing"
    tensors = logits_tensors(rows) | gradient_tensors(found, whole=True) | merged(model) | {"loss": loss}
    more = {"effect_max_abs_logits": float(f"{effect:.3g}")}
    if spec.task != "qa" and not options:
        steps, optimizer = training(model, spec, case, 5, 5e-3, noise)
        tensors |= steps
        more |= {"optimizer": optimizer}
    store(name, spec, kind, case, tensors, noise, **more)


def merged(model):
    whole = copy.deepcopy(model)
    names = [key for key, module in whole.get_base_model().named_modules() if hasattr(module, "merge")]
    whole = whole.merge_and_unload()
    return {f"merged.{key}.weight": whole.get_submodule(key).weight for key in (names[0], names[-1])}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("golden")
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--only", nargs="*", default=[])
    given = arguments.parse_args()
    os.makedirs(given.golden, exist_ok=True)
    os.chdir(given.golden)  # so that files name models by relative paths
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name, spec in specs().items():
        if given.only and name not in given.only:
            continue
        shutil.rmtree("cases/" + name, ignore_errors=True)
        make_model(name, spec, given.seed)
        base_case(name, spec, given.seed)
        finetune_case(name, spec, given.seed)
        lora_case(name, spec, given.seed)
        if spec.biases:
            lora_case(name, spec, given.seed, "lora_bias_all", bias="all")


main()
