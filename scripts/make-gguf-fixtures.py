#!/usr/bin/env python3
"""Small GGUF files of all kinds that are read, made by llama.cpp's own gguf package, with what it decodes (gguf 0.19, sentencepiece 0.2, tokenizers 0.22).

    pip install gguf sentencepiece tokenizers
    python scripts/make-gguf-fixtures.py peft-models/src/test/resources/gguf

types.gguf has a tensor of each format and a value of each type, types.json what they are; q4_k.gguf a format that is not read. llama-*.gguf are models of the
Llama architecture with a tokenizer trained here on a few sentences; llama-*.json has checksums of their weights in single precision and Hugging Face's order, and the ids of some texts.
"""
import hashlib
import io
import json
import os
import struct
import sys

import numpy as np
import sentencepiece
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value
from gguf import GGUFWriter
from gguf.quants import dequantize, quantize
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

OUT = sys.argv[1]
os.makedirs(OUT, exist_ok=True)
RANDOM = np.random.default_rng(0)
FORMATS = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"]
LINES = """the small fox went over the river and found a lamp
a dog and a bear lost the boat under the hill in 1998
it's cold, then it's warm: 12 lamps, 345 boats!
she'd seen the river near the hill, and they've carried it
Once upon a time there was no end to the bright river""".splitlines()
TEXTS = [
    "the small fox",
    " the  river   1998\n\n\nit's 12345 lamps!",
    "Hello, World: café 中文 😀",
    "a  12\t3 <s> </s> they've",
    "",
    "   ",
    "fox<|end|>lamp  <|end|> 7",
]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def bits(values):
    return np.ascontiguousarray(values, "<f4").view("<u4").ravel().tolist()


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


def stored(values, name):
    """(bytes as the file has them, what they decode to)"""
    raw = quantize(np.ascontiguousarray(values, np.float32), Type[name])
    return raw, dequantize(raw, Type[name]).astype(np.float32).reshape(values.shape)


def add(writer, key, values, name):
    raw, decoded = stored(values, name)
    writer.add_tensor(key, raw, raw_dtype=Type[name])
    return decoded


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def types():
    w = GGUFWriter(os.path.join(OUT, "types.gguf"), "none")
    w.add_uint8("a.uint8", 255)
    w.add_int8("a.int8", -128)
    w.add_uint16("a.uint16", 65535)
    w.add_int16("a.int16", -32768)
    w.add_uint32("a.uint32", 2**32 - 1)
    w.add_int32("a.int32", -(2**31))
    w.add_float32("a.float32", 1e-5)
    w.add_bool("a.bool", True)
    w.add_string("a.string", "café 中文 😀")
    w.add_uint64("a.uint64", 2**64 - 1)
    w.add_int64("a.int64", -(2**63))
    w.add_float64("a.float64", 1e-300)
    w.add_array("a.strings", ["", "x", "Ġ"])
    w.add_array("a.int32s", [1, -2, 3])
    w.add_array("a.float32s", [0.5, -1.5])
    w.add_array("a.bools", [True, False])
    w.add_array("a.nested", [[1, 2], [3]])
    tensors = {}
    for name in FORMATS:
        values = RANDOM.normal(size=(3, 64)).astype(np.float32)
        values[0, 0] = 1e-8
        values[1, :32] = 0
        tensors[name] = {"shape": [3, 64], "bits": bits(add(w, name + ".weight", values, name))}
    w.add_tensor("vector", np.arange(32, dtype=np.float32))
    w.add_tensor("deep", np.arange(2 * 3 * 4 * 8, dtype=np.float32).reshape(2, 3, 4, 8))
    close(w)
    halves = np.arange(0, 2**16, dtype="<u2").view("<f2")
    rounded = RANDOM.normal(size=1024).astype(np.float32) * np.float32(10.0) ** RANDOM.integers(-9, 5, 1024).astype(np.float32)
    rounded = np.concatenate([rounded, np.float32([0, -0.0, 65504, 65519.99, 2.0**-24, 2.0**-25, 2.0**-25 * 1.01, 6.1e-5, np.inf, -np.inf])])
    json.dump(
        {
            "tensors": tensors,
            "halves": digest(halves[~np.isnan(halves)].astype("<f4")),
            "numbers": bits(rounded),
            "f16": rounded.astype("<f2").view("<u2").tolist(),
            "bf16": quantize(rounded, Type.BF16).view("<u2").ravel().tolist(),
        },
        open(os.path.join(OUT, "types.json"), "w"),
    )
    w = GGUFWriter(os.path.join(OUT, "q4_k.gguf"), "llama")
    w.add_tensor("token_embd.weight", np.zeros((1, 144), np.uint8), raw_dtype=Type.Q4_K)
    close(w)


def trained(pre, words):
    """A tokenizer of bytes, and its merges."""
    t = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    t.pre_tokenizer = pre_tokenizers.Sequence(words)
    if pre == "qwen2":
        t.normalizer = normalizers.NFC()
    special = ["<s>", "</s>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    t.train_from_iterator(LINES * 3, trainer)
    return t


def pieces():
    """A tokenizer of SentencePiece, as Llama 1 and 2 have it."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 3), model_writer=out, vocab_size=340, model_type="bpe", byte_fallback=True, character_coverage=1.0,
        normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


def permute(w, heads):
    """LlamaModel.permute of convert_hf_to_gguf.py"""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def llama(name, formats, tied, tokenizer, settings=None, theta=10000.0, factors=None):
    hidden, inner, heads, keys, layers = 32, 64, 2, 1, 2
    size = hidden // heads
    w = GGUFWriter(os.path.join(OUT, name + ".gguf"), "llama")
    w.add_type("model")
    w.add_block_count(layers)
    w.add_context_length(128)
    w.add_embedding_length(hidden)
    w.add_feed_forward_length(inner)
    w.add_head_count(heads)
    w.add_head_count_kv(keys)
    w.add_rope_dimension_count(size)
    w.add_rope_freq_base(theta)
    w.add_layer_norm_rms_eps(1e-5)
    vocabulary = tokenizer(w)
    (settings or (lambda _: None))(w)
    tensors = {}
    count = [0]

    def tensor(key, hugging, shape, heads=0):
        values = (RANDOM.normal(size=shape) * 0.1).astype(np.float32)
        kind = formats[count[0] % len(formats)] if len(shape) > 1 else "F32"
        count[0] += len(shape) > 1
        decoded = add(w, key, permute(values, heads) if heads else values, kind)
        tensors[hugging] = {"type": kind, "shape": list(shape), "sha256": digest(unpermute(decoded, heads) if heads else decoded)}

    tensor("token_embd.weight", "model.embed_tokens.weight", (vocabulary, hidden))
    for i in range(layers):
        b, m = f"blk.{i}.", f"model.layers.{i}."
        tensor(b + "attn_norm.weight", m + "input_layernorm.weight", (hidden,))
        tensor(b + "attn_q.weight", m + "self_attn.q_proj.weight", (heads * size, hidden), heads)
        tensor(b + "attn_k.weight", m + "self_attn.k_proj.weight", (keys * size, hidden), keys)
        tensor(b + "attn_v.weight", m + "self_attn.v_proj.weight", (keys * size, hidden))
        tensor(b + "attn_output.weight", m + "self_attn.o_proj.weight", (hidden, heads * size))
        tensor(b + "ffn_norm.weight", m + "post_attention_layernorm.weight", (hidden,))
        tensor(b + "ffn_gate.weight", m + "mlp.gate_proj.weight", (inner, hidden))
        tensor(b + "ffn_up.weight", m + "mlp.up_proj.weight", (inner, hidden))
        tensor(b + "ffn_down.weight", m + "mlp.down_proj.weight", (hidden, inner))
    tensor("output_norm.weight", "model.norm.weight", (hidden,))
    if not tied:
        tensor("output.weight", "lm_head.weight", (vocabulary, hidden))
    if factors is not None:
        w.add_tensor("rope_freqs.weight", np.float32(factors))
    close(w)
    return tensors


def of_bytes(tokenizer, pre):
    def put(w):
        vocabulary = tokenizer.get_vocab()
        tokens = sorted(vocabulary, key=vocabulary.get)
        w.add_tokenizer_model("gpt2")
        if pre != "default":
            w.add_tokenizer_pre(pre)
        w.add_token_list(tokens)
        w.add_token_types([3 if i < 3 else 1 for i in range(len(tokens))])
        w.add_token_merges([" ".join(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]])
        w.add_bos_token_id(0)
        w.add_eos_token_id(1)
        w.add_eot_token_id(2)
        w.add_chat_template("{{ messages }}")
        return len(tokens)

    return put


def of_pieces(sp):
    def put(w):
        n = sp.get_piece_size()
        kinds = [2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 1 for i in range(n)]
        w.add_tokenizer_model("llama")
        w.add_tokenizer_pre("default")
        w.add_token_list([sp.id_to_piece(i) for i in range(n)])
        w.add_token_scores([sp.get_score(i) for i in range(n)])
        w.add_token_types(kinds)
        w.add_bos_token_id(sp.bos_id())
        w.add_eos_token_id(sp.eos_id())
        w.add_unk_token_id(sp.unk_id())
        return n

    return put


def llama3_factors(theta, size, factor, context):
    """LlamaModel.generate_extra_tensors of convert_hf_to_gguf.py"""
    freqs = 1.0 / (theta ** (np.arange(0, size, 2, dtype=np.float32) / np.float32(size)))
    out = []
    for freq in freqs.astype(np.float32):
        wavelength = 2 * np.pi / float(freq)
        if wavelength < context / 4:
            out.append(1)
        elif wavelength > context:
            out.append(factor)
        else:
            smooth = (context / wavelength - 1) / 3
            out.append(1 / ((1 - smooth) / factor + smooth))
    return out


def main():
    types()
    split = lambda pattern: pre_tokenizers.Split(Regex(pattern), "isolated")  # noqa: E731
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = {
        "smollm": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
        "gpt-2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
        "llama-bpe": [split(LLAMA3), level],
        "qwen2": [split(QWEN2), level],
        "default": [split(r"[\p{P}\$\+<=>\^~\|]+"), split(gpt2), split(r"\p{N}+"), split("[0-9][0-9][0-9]"), level],
    }
    formats = {"smollm": FORMATS, "gpt-2": ["F16"], "llama-bpe": ["BF16"], "qwen2": ["Q4_0"], "default": ["Q8_0"]}
    for pre, parts in words.items():
        tokenizer = trained(pre, parts)
        name = "llama-" + pre
        theta, factors = 10000.0, None
        if pre == "llama-bpe":
            theta = 500000.0
            factors = llama3_factors(theta, 16, 32.0, 8192)
        tensors = llama(name, formats[pre], pre != "gpt-2", of_bytes(tokenizer, pre), None, theta, factors)
        begin = [0] if pre == "llama-bpe" else []
        ids = [begin + tokenizer.encode(t, add_special_tokens=False).ids for t in TEXTS]
        save(name, tensors, ids)
    sp = pieces()
    tensors = llama("llama-pieces", ["Q4_1"], False, of_pieces(sp))
    texts = [t for t in TEXTS if "<" not in t]
    save("llama-pieces", tensors, [[sp.bos_id()] + sp.encode(t) for t in texts], texts)


def save(name, tensors, ids, texts=TEXTS):
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        json.dump({"tensors": tensors, "texts": texts, "ids": ids}, f)


main()
