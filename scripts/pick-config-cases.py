#!/usr/bin/env python3
"""A few hundred of the directories of make-config-cases.py, for the tests that everybody runs.

    python scripts/pick-config-cases.py FROM OUT [--bytes 1600000]

Takes one directory of every field of every method; for every field one of each kind of outcome, of LoRA where it has one. The smallest files
come first. Whatever was in OUT is replaced.
"""

import argparse
import json
import os
import shutil
import zlib


def tree(folder):
    """Sizes of the files of a folder."""
    return [os.path.getsize(os.path.join(place, file)) for place, _, files in os.walk(folder) for file in files]


def size(folder):
    """Bytes of a directory and of what is expected of it."""
    return sum(tree(folder)) + os.path.getsize(folder + "-expected.json")


def outcome(expected):
    """What happens, as far as a reader has to do different things."""
    lost = ["ignored"] * bool(expected.get("ignored_tensors")) + ["missing"] * bool(expected.get("missing_tensors"))
    return expected["expect"], expected.get("raised_in", ""), *lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases")
    parser.add_argument("out")
    parser.add_argument("--bytes", type=int, default=1_600_000)
    args = parser.parse_args()
    found = []
    for method in sorted(m for m in os.listdir(args.cases) if m.isupper()):
        for file in sorted(os.listdir(os.path.join(args.cases, method))):
            if file.endswith("-expected.json"):
                name = f"{method}/{file.removesuffix('-expected.json')}"
                with open(os.path.join(args.cases, method, file), encoding="utf-8") as f:
                    expected = json.load(f)
                field = file.split(".")[1].removesuffix("-expected")
                found.append((size(os.path.join(args.cases, name)) // 1024, zlib.crc32(name.encode()), name, method, field, outcome(expected)))
    found.sort()
    lora = [c for c in found if c[3] == "LORA"]
    left = args.bytes - sum(tree(os.path.join(args.cases, "_models")))
    picked, seen = [], set()
    for cases, key in ((found, lambda c: c[3:5]), (lora, lambda c: c[4:]), (found, lambda c: c[4:])):
        for case in cases:
            bytes_of = size(os.path.join(args.cases, case[2]))
            if key(case) not in seen and case[2] not in picked and bytes_of <= left:
                seen.update([case[3:5], case[4:]])
                picked.append(case[2])
                left -= bytes_of
    shutil.rmtree(args.out, ignore_errors=True)
    shutil.copytree(os.path.join(args.cases, "_models"), os.path.join(args.out, "_models"))
    for name in picked:
        shutil.copytree(os.path.join(args.cases, name), os.path.join(args.out, name))
        shutil.copy(os.path.join(args.cases, name + "-expected.json"), os.path.join(args.out, name + "-expected.json"))
    print(len(picked), "of", len(found), "cases,", args.bytes - left, "bytes")


if __name__ == "__main__":
    main()
