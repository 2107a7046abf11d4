#!/usr/bin/env python3
"""Small tokenizers of every kind with the ids that transformers gives (transformers 5.23, tokenizers 0.23).

    python scripts/make-tokenizer-fixtures.py OUT [--all]

OUT is peft-models/src/test/resources/tokenizers. Each kind is trained here on a few sentences; OUT/KIND/tokenizer.json is the tokenizer, and
OUT/KIND/cases.json has directories around it (other files by name), with the ids of the texts of OUT/texts.json as AutoTokenizer gives them, or the
error. With --all every combination of settings is made, for a comparison that is not kept; the test says where (-Dpeft4j.tokenizers=OUT).
"""
import base64
import itertools
import json
import os
import random
import struct
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

transformers.logging.set_verbosity_error()

WORDS = """the a of one small fox dog bear boat lamp river hill saw found lost carried under over near and then it was cold warm bright
Hello World Once upon time there is no end to café naïve Straße İstanbul señor über""".split()
CHARACTERS = "北京大学中文日本語한국어привет мирשלום مرحبا हिन्दी ไทย 😀🎉👩‍👩‍👧🇫🇷 0123456789 .,!?'\"-–…()[]{}<>/\\@#$%^&*+=_|~`"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
DEEPSEEK = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

TEXTS = [
    "",
    " ",
    "Hello World",
    "hello café 中文 Hello",
    "Once upon a time there was a small fox.",
    "  two  spaces   and\ttabs\n\nlines\r\nend  ",
    "It's the dog's: they're, we've, I'm, he'll, she'd, 'S 'T",
    "Café cafe\u0301 naïve Straße İstanbul ﬁ ① ｆｕｌｌ ½ ａ",
    "北京大学 日本語テキスト 한국어 中文。、",
    "😀🎉 👩‍👩‍👧 🇫🇷 \U0001d53e \U00020000",
    "a\u0000b\u0001c\u007fd\u0085e\u200bf\u2028g\ufeffh\ufffdi",
    "e\u0301\u0301\u0301 \u0301x क्षि นี้ \u1112\u1161\u11ab",
    "שלום عليكم مرحبا हिन्दी ไทย",
    "1 12 123 1234 12345.678,90 3/4",
    "<s>Hello</s> [CLS] fox [SEP] [MASK] <|endoftext|> <mask> <pad> [PAD] <unk> [UNK]",
    "<s> <s></s>  <mask>  x [MASK]y <|im_start|>user <extra_id_0> ▁<PRE>",
    "x" * 120 + " " + "y" * 90,
    "▁under_score Ġ ▁▁ ``quoted'' \"straight\"",
    "https://example.org/a?b=c&d=%20 foo_bar-baz@x.y",
    "\n", "\t \n", "A", "é", "𝔾", "'", "''", " a", "a ", "a  b",
]


def corpus():
    draw = random.Random(5)
    lines = [" ".join(draw.choices(WORDS, k=9)) + draw.choice(".!?,") for _ in range(300)]
    return lines + list(CHARACTERS.split()) * 3 + ["".join(draw.choices(CHARACTERS, k=12)) for _ in range(60)]


def charsmap(rules):
    """A map as SentencePiece writes it: a double array over the bytes of the keys, and the texts they become."""
    texts, values = b"", {}
    for key, value in rules.items():
        values[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    units, used = [0] * 256, {0}
    states = {b"": 0}
    for depth in range(max(map(len, values))):
        for prefix in sorted({k[:depth] for k in values if len(k) > depth}):
            labels = sorted({k[depth] for k in values if len(k) > depth and k.startswith(prefix)})
            at = states[prefix]
            base = 256
            while any((base ^ l) in used for l in [0, *labels]):
                base += 256
            while len(units) < base + 256:
                units += [0] * 256
            used.update(base ^ l for l in [0, *labels])
            offset = base ^ at
            units[at] |= offset << 10 if offset < 1 << 21 else (offset >> 8) << 10 | 1 << 9
            if prefix in values:
                units[base] = values[prefix] | 1 << 31
                units[at] |= 1 << 8
            for l in labels:
                units[base ^ l] |= l
                states[prefix + bytes([l])] = base ^ l
    for key, value in values.items():
        at = states[key]
        if not units[at] >> 8 & 1:
            base = len(units)
            units += [0] * 256
            units[at] |= (base ^ at) << 10 | 1 << 8
            units[base] = value | 1 << 31
    blob = b"".join(struct.pack("<I", u & 0xFFFFFFFF) for u in units)
    return struct.pack("<I", len(blob)) + blob + texts


RULES = {"ﬁ": "fi", "①": "1", "½": "1/2", "\t": " ", "\n": " ", "\u200b": " ", "\u0001": "", "İ": "İ", "e\u0301": "é", "𝔾": "G"}
RULES |= {c: chr(ord(c) - 0xFEE0) for c in "ｆｕｌａ１"}


def bpe(normalizer, pre, post, decoder, special, byte_level=True, **model):
    t = Tokenizer(models.BPE(**model))
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, decoder
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else []
    size = 420 if byte_level else 700
    t.train_from_iterator(
        corpus(),
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=special,
            initial_alphabet=alphabet,
            show_progress=False,
            **{k: model[k] for k in ("continuing_subword_prefix", "end_of_word_suffix") if k in model},
        ),
    )
    t.post_processor = post(t) if post else None
    return t


def unigram(normalizer, pre, post, decoder, special, unk, **model):
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, decoder
    t.train_from_iterator(
        corpus(), trainers.UnigramTrainer(vocab_size=500, special_tokens=special, unk_token=unk, show_progress=False)
    )
    t.post_processor = post(t) if post else None
    return t


def template(single, pair=None):
    def make(t):
        names = [p.split(":")[0] for p in single.split() if not p.startswith("$")]
        return processors.TemplateProcessing(
            single=single, pair=pair or single + " $B:1", special_tokens=[(n, t.token_to_id(n)) for n in dict.fromkeys(names)]
        )

    return make


def wordpiece(normalizer, pre, special, post):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, decoders.WordPiece()
    t.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False))
    t.post_processor = post(t)
    return t


def wordlevel():
    t = Tokenizer(models.WordLevel(unk_token="<unk>"))
    t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFD(), normalizers.StripAccents(), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(True)]
    )
    t.train_from_iterator(corpus(), trainers.WordLevelTrainer(special_tokens=["<unk>", "<pad>"], show_progress=False))
    return t


def pieces(prefix, suffix=True):
    """Decoder of a SentencePiece BPE model."""
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if prefix else []))


def with_bytes(t):
    """A SentencePiece model with a token for each byte."""
    j = json.loads(t.to_str())
    vocab = j["model"]["vocab"]
    for b in range(256):
        vocab.setdefault(f"<0x{b:02X}>", len(vocab))
    j["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(j))


BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)]
BL = pre_tokenizers.ByteLevel


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def sequence(*parts):
    return pre_tokenizers.Sequence(list(parts))


KINDS = {
    "bert": lambda: wordpiece(
        normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), BERT, template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    ),
    "bert-cased": lambda: wordpiece(
        normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer(), BERT, lambda t: processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    ),
    "gpt2": lambda: bpe(None, BL(add_prefix_space=False), lambda t: processors.ByteLevel(trim_offsets=False), decoders.ByteLevel(), ["<|endoftext|>"]),
    "roberta": lambda: bpe(
        None, BL(add_prefix_space=False), lambda t: processors.RobertaProcessing(("</s>", 2), ("<s>", 0)), decoders.ByteLevel(), ROBERTA
    ),
    "llama": lambda: with_bytes(
        bpe(
            normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
            None,
            template("<s> $A"),
            pieces(True),
            ["<unk>", "<s>", "</s>"],
            byte_level=False,
            unk_token="<unk>",
            fuse_unk=True,
        )
    ),
    "llama-metaspace": lambda: with_bytes(
        bpe(
            None,
            pre_tokenizers.Metaspace("▁", "first", False),
            template("<s> $A </s>"),
            pieces(True),
            ["<unk>", "<s>", "</s>"],
            byte_level=False,
            unk_token="<unk>",
            fuse_unk=True,
        )
    ),
    "llama3": lambda: bpe(
        None,
        sequence(split(LLAMA3), BL(add_prefix_space=False, use_regex=False)),
        lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=False), template("<|begin_of_text|> $A")(t)]),
        decoders.ByteLevel(),
        ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
        ignore_merges=True,
    ),
    "qwen2": lambda: bpe(
        normalizers.NFC(),
        sequence(split(QWEN2), BL(add_prefix_space=False, use_regex=False)),
        lambda t: processors.ByteLevel(trim_offsets=False),
        decoders.ByteLevel(),
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    ),
    "neox": lambda: bpe(normalizers.NFC(), BL(add_prefix_space=False), lambda t: processors.ByteLevel(), decoders.ByteLevel(), ["<|endoftext|>", "<|padding|>"]),
    "modernbert": lambda: bpe(normalizers.NFC(), BL(add_prefix_space=False), template("[CLS] $A [SEP]"), decoders.ByteLevel(), BERT),
    "gemma": lambda: with_bytes(
        bpe(
            normalizers.Replace(" ", "▁"),
            pre_tokenizers.Split(" ", "merged_with_previous"),
            template("<bos> $A"),
            pieces(False),
            ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"],
            byte_level=False,
            unk_token="<unk>",
            fuse_unk=True,
        )
    ),
    "t5": lambda: unigram(
        normalizers.Precompiled(charsmap(RULES)),
        sequence(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", "always")),
        template("$A </s>"),
        decoders.Metaspace(),
        ["<pad>", "</s>", "<unk>"],
        "<unk>",
    ),
    "xlm-roberta": lambda: unigram(
        normalizers.Sequence([normalizers.Precompiled(charsmap(RULES)), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Metaspace("▁", "always"),
        template("<s> $A </s>"),
        decoders.Metaspace(),
        ROBERTA,
        "<unk>",
    ),
    "albert": lambda: unigram(
        normalizers.Sequence(
            [
                normalizers.Replace("``", '"'),
                normalizers.Replace("''", '"'),
                normalizers.NFKD(),
                normalizers.StripAccents(),
                normalizers.Lowercase(),
                normalizers.Precompiled(charsmap(RULES)),
            ]
        ),
        sequence(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()),
        template("[CLS] $A [SEP]"),
        decoders.Metaspace(),
        ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"],
        "<unk>",
    ),
    "wordlevel": wordlevel,
    "clip": lambda: bpe(
        normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
        sequence(split(CLIP, "removed", True), BL(add_prefix_space=False)),
        lambda t: processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), False, False),
        decoders.ByteLevel(),
        ["<|startoftext|>", "<|endoftext|>"],
        unk_token="<|endoftext|>",
        end_of_word_suffix="</w>",
    ),
    "bloom": lambda: bpe(None, sequence(split(BLOOM), BL(add_prefix_space=False, use_regex=False)), lambda t: processors.ByteLevel(), decoders.ByteLevel(), ["<unk>", "<s>", "</s>"]),
    "o200k": lambda: bpe(None, sequence(split(O200K), BL(add_prefix_space=False, use_regex=False)), lambda t: processors.ByteLevel(), decoders.ByteLevel(), ["<|endoftext|>"]),
    "deepseek": lambda: bpe(
        normalizers.Sequence([]),
        sequence(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), BL(add_prefix_space=False, use_regex=False)),
        template("<|endoftext|> $A"),
        decoders.ByteLevel(),
        ["<|endoftext|>"],
    ),
    "wordpiece-bpe": lambda: bpe(
        normalizers.Lowercase(),
        sequence(pre_tokenizers.CharDelimiterSplit("_"), pre_tokenizers.UnicodeScripts(), pre_tokenizers.WhitespaceSplit()),
        None,
        decoders.BPEDecoder("</w>"),
        ["<unk>", "</s>"],
        byte_level=False,
        unk_token="<unk>",
        continuing_subword_prefix="##",
        end_of_word_suffix="</w>",
    ),
    "fixed": lambda: bpe(
        normalizers.Sequence([normalizers.Strip(True, False), normalizers.NFKC(), normalizers.Replace("dog", "cat")]),
        sequence(pre_tokenizers.FixedLength(7), pre_tokenizers.Punctuation("merged_with_previous")),
        None,
        decoders.CTC("<pad>", " ", True),
        ["<unk>", "<pad>"],
        byte_level=False,
        unk_token="<unk>",
    ),
    "bytes": lambda: bpe(normalizers.ByteLevel(), split("Ġ", "merged_with_next"), None, decoders.ByteLevel(), ["</s>"]),
}


def config(model_type=None, **more):
    return {"config.json": {**({"model_type": model_type} if model_type else {}), **more}}


def settings(**fields):
    return {"tokenizer_config.json": fields}


def token(content, **more):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, **more}


def grid(**values):
    for chosen in itertools.product(*values.values()):
        yield {k: v for k, v in zip(values, chosen) if v != "absent"}


def variants(kind, everything):
    """Directories around a tokenizer: (name, files)."""
    yield "alone", {}
    family = {"bert": "bert", "bert-cased": "bert", "gpt2": "gpt2", "llama": "llama", "llama-metaspace": "llama", "llama3": "llama"}.get(kind)
    if family:
        yield "config", config(family)
    if kind.startswith("bert"):
        flags = grid(
            do_lower_case=["absent", True, False], strip_accents=["absent", None, True, False], tokenize_chinese_chars=["absent", True, False]
        )
        for f in flags if everything else itertools.islice(flags, 0, None, 5):
            yield "BertTokenizer " + json.dumps(f), config("bert") | settings(tokenizer_class="BertTokenizer", **f)
        for name in ["BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend", "NoSuchTokenizer", "PreTrainedTokenizer"]:
            yield name, config("bert") | settings(tokenizer_class=name, do_lower_case=False, strip_accents=False)
        yield "class in config", config("llama", tokenizer_class="BertTokenizer") | settings(do_lower_case=False)
        yield "other cls", config("bert") | settings(cls_token="[MASK]", sep_token=token("[PAD]"))
        yield "unk", config("bert") | settings(unk_token="[MASK]")
        yield "null flag", config("bert") | settings(do_lower_case=None)
        yield "text flag", config("bert") | settings(do_lower_case="yes")
        yield "new tokens", config("bert") | settings(additional_special_tokens=["<x>", "fox"], image_token="lamp")
        yield "decoder", config("bert") | settings(added_tokens_decoder={"2": token("[CLS]", special=True), "7": token("fox", single_word=True, normalized=True), "900": token("zzz")})
        yield "gpt", config("gpt2") | settings(tokenizer_class="BertTokenizer")
        yield "clean up", config("bert") | settings(tokenizer_class="PreTrainedTokenizerFast", clean_up_tokenization_spaces=True)
        yield "add eos", config("bert") | settings(add_bos_token=True, add_eos_token=True, bos_token="[CLS]", eos_token="[SEP]")
    if kind in ("gpt2", "roberta", "neox", "bloom", "modernbert"):
        classes = ["GPT2Tokenizer", "GPT2TokenizerFast", "RobertaTokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizerFast", "BartTokenizer", "BloomTokenizerFast"]
        for name in classes if everything else classes[:5]:
            flags = grid(add_prefix_space=["absent", True, False], trim_offsets=["absent", False], add_bos_token=["absent", True], add_eos_token=["absent", True])
            for f in flags if everything else itertools.islice(flags, 0, None, 7):
                yield name + " " + json.dumps(f), config("llama") | settings(tokenizer_class=name, **f)
        yield "tokens", config("gpt2") | settings(eos_token="</s>", bos_token=token("<s>"), pad_token="<pad>", unk_token=token("Ġ"))
        yield "null", config("gpt2") | settings(eos_token=None, add_prefix_space=None)
        yield "null eos", config("gpt2") | settings(eos_token=None)
    if kind.startswith("llama") or kind == "gemma":
        for name in ["LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "PreTrainedTokenizerFast", "GemmaTokenizer"]:
            flags = grid(add_prefix_space=["absent", None, True, False], legacy=["absent", True, False], add_bos_token=["absent", False, True], add_eos_token=["absent", True])
            for f in flags if everything else itertools.islice(flags, 0, None, 13):
                yield name + " " + json.dumps(f), config("llama") | settings(tokenizer_class=name, bos_token="<s>", eos_token="</s>", **f)
        yield "map", config("llama") | settings(tokenizer_class="LlamaTokenizer") | {"special_tokens_map.json": {"eos_token": "</s>", "pad_token": token("[PAD]"), "additional_special_tokens": ["<x>"]}}
        yield "map without class", config("llama") | {"special_tokens_map.json": {"eos_token": {"content": "</s>", "lstrip": True}, "fill_token": "Hello"}}
        yield "added", config("llama") | {"added_tokens.json": {"Hello": 9001, "fox": 9000}, "special_tokens_map.json": {"extra_special_tokens": ["Hello", "fox"]}}
    if kind == "llama3":
        yield "llama class", config("llama") | settings(tokenizer_class="LlamaTokenizer", add_prefix_space=True)
        yield "gpt2 class", config("llama") | settings(tokenizer_class="GPT2Tokenizer", bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")
    if kind == "qwen2":
        for family, name in itertools.product(["qwen2", "qwen3", "llama"], ["Qwen2Tokenizer", "Qwen2TokenizerFast", "PreTrainedTokenizerFast", None]):
            for f in grid(add_prefix_space=["absent", None, True, False], eos_token=["absent", "<|im_end|>"]) if everything else [{}, {"add_prefix_space": True}]:
                yield f"{family} {name} {json.dumps(f)}", config(family) | settings(**({"tokenizer_class": name} if name else {}), **f)
    if kind in ("t5", "xlm-roberta", "albert"):
        for name in ["T5Tokenizer", "XLMRobertaTokenizer", "PreTrainedTokenizerFast"]:
            for f in grid(add_prefix_space=["absent", True, False], extra_ids=["absent", 0, 3]) if everything else [{}, {"add_prefix_space": False, "extra_ids": 2}]:
                yield name + " " + json.dumps(f), config("bert") | settings(tokenizer_class=name, **f)
        yield "extras", config("t5") | settings(additional_special_tokens=["<extra_id_0>", "<extra_id_1>"])
    if kind == "modernbert":
        yield "modernbert", config("modernbert") | settings(tokenizer_class="BertTokenizer")


def answer(tokenizer_json, files):
    with tempfile.TemporaryDirectory() as d:
        for name, content in {"tokenizer.json": tokenizer_json, **files}.items():
            with open(os.path.join(d, name), "w") as f:
                json.dump(content, f)
        try:
            t = AutoTokenizer.from_pretrained(d)
            ids = [t.encode(x) for x in TEXTS]
            plain = [t.encode(x, add_special_tokens=False) for x in TEXTS]
            decoded = [t.decode(x, skip_special_tokens=True) for x in ids]
            return {"class": type(t).__name__, "ids": ids, "plain": plain, "decoded": decoded, "eos": t.eos_token_id, "size": len(t)}
        except BaseException as e:  # a panic of the library is no Exception
            return {"error": f"{type(e).__name__}: {str(e)[:120]}"}


def main(out, everything):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "texts.json"), "w") as f:
        json.dump({"texts": TEXTS}, f, indent=0)
    total = 0
    for kind, make in KINDS.items():
        folder = os.path.join(out, kind)
        os.makedirs(folder, exist_ok=True)
        content = json.loads(make().to_str())
        with open(os.path.join(folder, "tokenizer.json"), "w") as f:
            json.dump(content, f, ensure_ascii=True, separators=(",", ":"))
        known, cases = {}, []
        for name, files in variants(kind, everything):
            a = answer(content, files)
            key = json.dumps(a, sort_keys=True)  # many settings give the same ids
            cases.append({"name": name, "files": files, "answer": known.setdefault(key, len(known))})
        with open(os.path.join(folder, "cases.json"), "w") as f:
            json.dump({"answers": [json.loads(k) for k in known], "cases": cases}, f, ensure_ascii=True, separators=(",", ":"))
        total += len(cases)
        print(kind, len(content["model"]["vocab"]), "tokens,", len(cases), "directories,", len(known), "answers")
    print(total, "directories,", total * len(TEXTS), "texts")


if __name__ == "__main__":
    main(sys.argv[1], "--all" in sys.argv)
