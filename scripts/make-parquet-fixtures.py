#!/usr/bin/env python3
"""Small Parquet files with their rows as JSON (pyarrow 26.0).

    python scripts/make-parquet-fixtures.py OUT

OUT is peft-parquet/src/test/resources/parquet. TABLE-VARIANT.parquet is to be read as TABLE.jsonl. The data are made up here.
"""
import datetime
import decimal
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = ["good", "bad", "Grüße", "東京", "", "a\tb\nc", "🦜", "an answer that is a little longer than the others are"]
CODECS = ["none", "snappy", "gzip", "zstd", "lz4"]


class Raw(str):
    """A text that is JSON already."""


def to_json(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class Table:
    """Columns that are written, with what is to be read of them."""

    def __init__(self, out, name):
        self.out, self.name, self.arrays, self.expected = out, name, {}, {}

    def column(self, name, kind, values, expected=None):
        self.arrays[name] = pa.array(values, kind)
        self.expected[name] = values if expected is None else expected
        return self

    def write(self, variant, **options):
        options = {"compression": "none", "row_group_size": 1 << 20, **options}
        pq.write_table(pa.table(self.arrays), os.path.join(self.out, f"{self.name}-{variant}.parquet"), **options)
        return self

    def write_rows(self):
        with open(os.path.join(self.out, self.name + ".jsonl"), "w", encoding="utf-8") as file:
            for row in zip(*self.expected.values()):
                file.write(to_json(dict(zip(self.expected, row))) + "\n")


def flat(out):
    table = Table(out, "flat")
    table.column("text", pa.string(), [f"{WORDS[i * i % 8]} {i // 3}" for i in range(60)])
    table.column("label", pa.int64(), [i % 3 for i in range(60)])
    for codec in CODECS:
        for version in ("1.0", "2.0"):
            table.write(f"{codec}-{version[0]}", compression=codec, data_page_version=version, use_dictionary=version == "1.0")
    table.write("groups", compression="snappy", row_group_size=17)
    table.write("pages", row_group_size=40, data_page_size=64, write_batch_size=5, dictionary_pagesize_limit=100)
    table.write("pages-2", data_page_version="2.0", compression="zstd", data_page_size=64, write_batch_size=5)
    table.write("checksums", write_page_checksum=True, compression="gzip", data_page_version="2.0")
    table.write("late", use_dictionary=True, dictionary_pagesize_limit=16, data_page_size=32, write_batch_size=8)
    table.write_rows()


def nullable(out):
    table = Table(out, "nullable")
    table.column("text", pa.string(), [None if i % 7 == 3 or 20 < i < 40 else WORDS[i % 8] for i in range(50)])
    table.column("label", pa.int32(), [None if i % 2 else -i for i in range(50)])
    table.column("score", pa.float64(), [None if i > 5 else i / 8 for i in range(50)])
    table.column("sure", pa.bool_(), [[None, True, False][i % 3] for i in range(50)])
    table.column("nothing", pa.null(), [None] * 50)
    table.column("empty", pa.string(), [None] * 50)
    table.write("dictionary", compression="snappy")
    table.write("plain", use_dictionary=False, data_page_version="2.0")
    table.write("groups", compression="zstd", row_group_size=7, data_page_size=16, write_batch_size=3)
    table.write_rows()


def chat(out):
    message = pa.struct([pa.field("role", pa.string(), nullable=False), ("content", pa.string())])
    chats = [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
        [],
        None,
        [{"role": "user", "content": None}],
        [{"role": "system", "content": "Be brief."}, None, {"role": "assistant", "content": ""}],
        [{"role": ["user", "assistant"][i % 2], "content": WORDS[i % 8]} for i in range(20)],
    ]
    table = Table(out, "chat")
    table.column("messages", pa.list_(message), chats)
    table.column("id", pa.string(), [f"chat {i}" for i in range(6)])
    table.column("more", pa.struct([("source", pa.string()), ("tags", pa.list_(pa.string()))]),
                 [{"source": "made up", "tags": ["a", None]}, None, {"source": None, "tags": None}, {"source": "b", "tags": []}, None, None])
    table.write("dictionary", compression="snappy")
    table.write("old", compression="zstd", use_compliant_nested_type=False, row_group_size=2)
    table.write("pages", use_dictionary=False, data_page_version="2.0", data_page_size=16, write_batch_size=2)
    table.write_rows()


def conversations(out):
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    table = Table(out, "conversations")
    table.column("messages", pa.list_(message), [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": f"Hello {i}."}] for i in range(3)])
    table.write("dictionary", compression="zstd").write_rows()


def lists(out):
    table = Table(out, "lists")
    table.column("tokens", pa.list_(pa.string()), [["New", "York"], [], None, ["a", None], ["b"] * 9])
    table.column("tags", pa.large_list(pa.int32()), [[1, 2], [], [None], None, list(range(-4, 5))])
    table.column("grid", pa.list_(pa.list_(pa.int64())), [[[1], [], [2, 3]], [], [None], [[None]], None])
    table.column("pair", pa.list_(pa.float32(), 2), [[0.5, 1.0], [2.0, 3.0], None, [4.0, None], [5.0, 6.0]])
    table.column("deep", pa.list_(pa.struct([("x", pa.list_(pa.struct([("y", pa.list_(pa.bool_()))])))])),
                 [[{"x": [{"y": [True, False]}, {"y": None}]}], [{"x": None}, None], [{"x": []}], [], [{"x": [None, {"y": []}]}]])
    maps = [[("a", 1), ("b", None)], [], None, [("", 0)], [("c", 3)]]
    table.column("map", pa.map_(pa.string(), pa.int64()), maps, [None if m is None else dict(m) for m in maps])
    twice = [[("a", 1), ("b", 2), ("a", 3)], [], None, [("c", None), ("c", 4)], [("d", 5), ("d", None)]]
    table.column("twice", pa.map_(pa.string(), pa.int64()), twice, [None if m is None else dict(m) for m in twice])
    numbered = [[(1, {"x": "one"})], None, [], [(-1, None)], [(2, {"x": None}), (3, {"x": "three"})]]
    table.column("numbered", pa.map_(pa.int32(), pa.struct([("x", pa.string())])), numbered,
                 [None if m is None else {str(k): v for k, v in m} for m in numbered])
    table.write("dictionary", compression="snappy")
    table.write("old", use_compliant_nested_type=False, use_dictionary=False)
    table.write("pages", compression="lz4", data_page_version="2.0", data_page_size=8, write_batch_size=1, row_group_size=3)
    table.write_rows()


def moment(ticks, per_second, zone=""):
    seconds, rest = divmod(ticks, per_second)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).isoformat()
    digits = str(rest).zfill(len(str(per_second)) - 1).rstrip("0") if rest else ""
    return text + ("." + digits if digits else "") + zone


def kinds(out):
    table = Table(out, "kinds")
    for bits in (8, 16, 32, 64):
        table.column(f"int{bits}", getattr(pa, f"int{bits}")(), [0, -(1 << bits - 1), (1 << bits - 1) - 1])
        table.column(f"uint{bits}", getattr(pa, f"uint{bits}")(), [0, 1, (1 << bits) - 1])
    nan, inf = float("nan"), float("inf")
    table.column("half", pa.float16(), [0.5, -65504.0, nan], [0.5, -65504.0, None])
    table.column("float", pa.float32(), [0.1, 3.4028235e38, -inf], [0.1, 3.4028235e38, None])
    table.column("double", pa.float64(), [0.1, 2.5e-300, nan], [0.1, 2.5e-300, None])
    table.column("bool", pa.bool_(), [True, False, True])
    table.column("binary", pa.binary(), [b"\x00\xff\x10", b"", b"text"], ["AP8Q", "", "text"])
    table.column("fixed", pa.binary(3), [b"abc", b"\x00\x00\x00", b"\xff\xff\xff"], ["abc", "\0\0\0", "////"])
    table.column("large", pa.large_string(), ["a", "", "Grüße"])
    table.column("view", pa.string_view(), ["a", "more than twelve bytes", ""])
    table.column("category", pa.dictionary(pa.int8(), pa.string()), ["yes", "no", "yes"])
    table.column("day", pa.date32(), [0, -1, 19782], ["1970-01-01", "1969-12-31", "2024-02-29"])
    table.column("time_ms", pa.time32("ms"), [0, 1, 86399999], ["00:00:00", "00:00:00.001", "23:59:59.999"])
    table.column("time_us", pa.time64("us"), [0, 60000000, 1500000], ["00:00:00", "00:01:00", "00:00:01.5"])
    table.column("time_ns", pa.time64("ns"), [0, 1, 3600000000000], ["00:00:00", "00:00:00.000000001", "01:00:00"])
    for unit, per_second in (("ms", 1000), ("us", 10**6), ("ns", 10**9)):
        ticks = [0, -1, 1709210096 * per_second + 7]
        table.column(f"local_{unit}", pa.timestamp(unit), ticks, [moment(t, per_second) for t in ticks])
        table.column(f"instant_{unit}", pa.timestamp(unit, "UTC"), ticks, [moment(t, per_second, "Z") for t in ticks])
    for name, kind in (("short", pa.decimal128(7, 2)), ("middle", pa.decimal128(16, 2)), ("long", pa.decimal128(38, 2)), ("wide", pa.decimal256(60, 2))):
        values = [decimal.Decimal("1.50"), decimal.Decimal("-12345.67"), decimal.Decimal(10) ** (kind.precision - 3)]
        table.column(name, kind, values, [Raw(format(v, ".2f")) for v in values])
    id = bytes(range(16))
    table.column("id", pa.uuid(), [id, bytes(16), None], ["00010203-0405-0607-0809-0a0b0c0d0e0f", "00000000-0000-0000-0000-000000000000", None])
    table.write("dictionary", compression="snappy")
    table.write("plain", use_dictionary=False, store_decimal_as_integer=True, data_page_version="2.0")
    table.write_rows()

    ticks = [0, 1709210096000000007, -1]
    old = Table(out, "int96").column("time", pa.timestamp("ns"), ticks, [moment(t, 10**9) for t in ticks])
    old.write("old", use_deprecated_int96_timestamps=True).write_rows()


def encodings(out):
    table = Table(out, "encodings")
    n = 300
    table.column("small", pa.int32(), [i * i % 17 - 8 for i in range(n)])
    table.column("large", pa.int64(), [(-1) ** i * (1 << i % 63) for i in range(n)])
    table.column("length", pa.string(), [WORDS[i % 8] * (i % 4) for i in range(n)])
    table.column("prefix", pa.string(), [f"Berlin, {WORDS[i // 40]} {i}" for i in range(n)])
    table.column("split_float", pa.float32(), [i / 16 for i in range(n)])
    table.column("split_double", pa.float64(), [None if i % 5 == 0 else i / 3 for i in range(n)])
    table.column("split_int", pa.int64(), [i << 30 for i in range(n)])
    table.column("runs", pa.bool_(), [None if i % 50 == 49 else i // 30 % 2 == 0 for i in range(n)])
    how = {"small": "DELTA_BINARY_PACKED", "large": "DELTA_BINARY_PACKED", "length": "DELTA_LENGTH_BYTE_ARRAY", "prefix": "DELTA_BYTE_ARRAY",
           "split_float": "BYTE_STREAM_SPLIT", "split_double": "BYTE_STREAM_SPLIT", "split_int": "BYTE_STREAM_SPLIT", "runs": "RLE"}
    table.write("one", use_dictionary=False, column_encoding=how)
    table.write("pages", use_dictionary=False, column_encoding=how, data_page_version="2.0", compression="zstd", data_page_size=100, write_batch_size=20)
    table.write_rows()


def preferences(out):
    table = Table(out, "preferences")
    table.column("prompt", pa.string(), ["2 + 2?", "Name a colour."])
    table.column("chosen", pa.string(), ["4", "Red."])
    table.column("rejected", pa.string(), ["5", "Seven."])
    table.write("dictionary", compression="zstd").write_rows()


def hostile(out):
    """Small files that would become large."""
    large = pa.table({"text": ["a" * (64 << 20)]})
    pq.write_table(large, os.path.join(out, "hostile-bytes.parquet"), compression="zstd", use_dictionary=False, write_statistics=False)
    many = pa.table({"number": pa.array([7] * 8_000_000, pa.int32())})
    pq.write_table(many, os.path.join(out, "hostile-values.parquet"), compression="none", row_group_size=8_000_000)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for make in (flat, nullable, chat, conversations, preferences, lists, kinds, encodings, hostile):
        make(out)
    empty = pa.table({"text": pa.array([], pa.string())})
    pq.write_table(empty, os.path.join(out, "empty.parquet"))
    pq.write_table(pa.table({"text": ["a"]}), os.path.join(out, "brotli.parquet"), compression="brotli")


if __name__ == "__main__":
    main()
