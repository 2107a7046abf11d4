#!/usr/bin/env python3
"""What Python's re says to expressions as they may be in adapter_config.json.

    python scripts/make-pattern-table.py > peft-core/src/test/resources/python-patterns.json

For every expression: the numbers of the names that it matches whole (target_modules), and as a key of rank_pattern; null where Python refuses it.
"""

import json
import random
import re
import sys
import warnings

NAMES = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "aa",
    "aab",
    "abab",
    "A",
    "a.b",
    "0",
    "a0",
    "x-y",
    "a_b",
    "[",
    "a&b",
    "{2}",
    "a{,2}",
    "lm_head",
    "score",
    "model.embed_tokens",
    "model.layers.0.self_attn.q_proj",
    "model.layers.1.self_attn.v_proj",
    "model.layers.10.mlp.down_proj",
    "transformer.h.1.attn.c_attn",
    "bert.encoder.layer.0.attention.self.query",
]
WRITTEN = r"""
.*|.*proj|.*\.(q|v)_proj|.*layers\.[01]\..*|(?!.*mlp).*proj|(?=.*q_).*|.*(?<=q_)proj|.*(?<!q_)proj|q_proj|^q_proj|q_proj$|.*q_proj$|lm_head|lm.head
model\.layers\.\d+\.mlp\.\w+|model\.layers\.(0|1)\..*attn.*|[a-z]+|[a-z_.\d]+|[^a]|[^a-z]*|\w+|\W|\d|\D+|\S+|\s|a\Z|a\z|\Aa|\ba\b|\Ba|.\Bb|a\b\.b
a{2}|a{2,}|a{,2}|a{,}|a{1,2}b|a{2,1}|a{|a{}|a{x}|a{,2|{2}|{|}|a}|\{2\}|{,2}|({2})|(|{2})|a{1000}|a{1001}|a{99999}|a{0}|a{00002}
a*?|a+?b|a??b|a{1,2}?b|a*+a|a++b|a?+a|a{1,2}+b|a**|a*?*|a+*|a{2}{2}|a{2}*|a*{2}|a?{2}|*a|+|?|(*)|(+a)|(?*)|^*|$*|$+|\b*|\A+|\Z?|(?:^)*|(?=a)*a|(?=a)+a|(?!b)*a
(?:a|b)+|(?>a+)b|(?>a+)a|(?P<x>a)(?P=x)|(?P<x>a)\1|(?P<a_b>a)|(?P<1a>a)|(?P<>a)|(?P<x>a)(?P<x>b)|(?P=x)|(?P=)|(?P<x|(?P<x>|(?P>x)|(?P|(?<x>a)|(?'x'a)
(a)\1|(a)\2|\1|\1(a)|(a\1)|(a)(b)\2\1|(a)|(a))|(()|((a)b)\1|(a)(?:b)\1|(?:a)\1|(a|b)\1|(a)?\1|(a)?b\1|(((((((((a)))))))))\9|(((((((((((a)))))))))))\11|(a)\10|(a)\1(?:0)?
(a)?(?(1)b|a)|(a)?(?(1)b)|(?P<n>a)?(?(n)b|b)|(?(1)a|b)|(a)(?(2)b)|(a)(?(0)b)|(a)(?(1)b|c|d)|(a)?b(?(1)a|)|(a)?(?(1))|(?(x)a)|(a(?(1)b|c))|(a)?(?(1)b
(?i)a|(?i)AB|(?i:A)b|(?i:AB)|(?-i:a)|(?i-i:a)|(?i)(?-i:a)|a(?i)|(?i)|(?i)|((?i)a)|(?x) a b |(?x)a#b|(?x: a )b|(?x:a #)|(?s).|(?s:.)|(?m)^a$|(?m:^a$)|(?a)\w|(?u)\w|(?au)a|(?L)a|(?a:\w)|(?u:\w)|(?au:a)|(?L:a)
(?i|(?i-)a|(?-)a|(?i-:a)|(?-i)a|(?i-s:A)|(?ii)A|(?imsx)A|(?d)a|(?U)a|(?x)(?i)A|(?x) (?i)A|(?i)(?x) A |(?#)a|(?#comment)a|a(?#c)*|a(?#|(?#c)(?i)A|(?i)(?#c)(?m)A|(?:)(?i)A|(?i)|(?^a)|(?|a)|(?&a)|(?R)|(?1)|(?+1)
(?<=a)b|a(?<=a)b|a(?<=ab?)b|a(?<=a*)b|a(?<=a|b)b|a(?<=a|ab)b|a(?<!b)b|a(?<=a{1})b|a(?<=a{1,2})b|a(?<=^a)b|a(?<=)b|a(?<=(?=b))b|a(?<=.)b|ab(?<=[ab]{2})|a(?<=(?:a))b|a(?<=(a))b|a(?<x)|a(?<
[a|[]a]|[]]|[]|[^]|[^]]|[[]|[[]]|[a[.]]|[[a]b]|[a&&b]|[a&&[b]]|[&]|[a-]|[-a]|[a-b-c]|[b-a]|[a-\d]|[\d-a]|[\d-]|[\w-\d]|[\w.]+|[\b]|[\B]|[\A]|[\Z]|[\z]|[\a]|[^-a]|[--a]|[a--]|[a||b]|[a~~b]|[\[]|[\]]|[^\w]|[^\W]+|[\s\S]+|[{]2[}]
\.|\a|\f|\n|\t|\v|\r|\x61|\x6|\x|\x{61}|\u0061|\u006|\U00000061|\U0000006|\U00110000|\U99999999|\N{LATIN SMALL LETTER A}|\N{NO SUCH NAME}|\N|\N{|\0|\01|\012|\141|\377|\400|\777|\08|\18|\8|\9|\e|\c|\cA|\h|\H|\R|\X|\K|\G|\Q|\Qa\E|\E|\p|\p{L}|\pL|\P{L}|\k|\k<x>|\y|\_|\-|\&|\ |\"|\/|\<|\é
[\x61]|[\x{61}]|[\u0061]|[\141]|[\1]|[\8]|[\400]|[\N{LATIN SMALL LETTER A}]|[\h]|[\p{L}]|[\Q]|[\R]|[\e]|[\c]
a||b|(|a)|(a|)|a|ab?|(?:a|)b|(?:)|()|()+|(a*)*|(a*)+|(?:a|a)*b|(a+)+|(?:(?:a{2}){2}){2}|[ab]{1,2}?|.{0,3}|.{3}|\w{1,3}\.\w|a\
""".strip()
PIECES = [*"ab.|*+?()[]{}^$-&0", "(?:", "(?=", "(?!", "(?<=", "(?P<g>", "(?P=g)", "(?i:", "(?x:", "(?(1)", "\\", "\\.", "\\w", "\\d", "\\1", "{2}", "{,2}", "{1,}", "[^", "a-", "_proj", ".*", "(a)", "[ab]", " "]


def written():
    """Expressions that are a part of a line between bars, and those that contain bars: each line also as a whole, and each pair of neighbours."""
    for line in WRITTEN.splitlines():
        parts = line.split("|")
        yield from parts
        yield from (f"{a}|{b}" for a, b in zip(parts, parts[1:]))
        yield from (f"{a}|{b}|{c}" for a, b, c in zip(parts, parts[1:], parts[2:]))


def made(count):
    """Expressions of random pieces, most of which Python takes."""
    source, taken, refused = random.Random(0), 0, 0
    while taken < count or refused < count // 2:
        pattern = "".join(source.choices(PIECES, k=source.randint(2, 9)))
        wrong = answer(pattern, re.fullmatch) is None
        if wrong and refused < count // 2:
            refused += 1
            yield pattern
        elif not wrong and taken < count:
            taken += 1
            yield pattern


def answer(pattern, match):
    try:
        return [i for i, name in enumerate(NAMES) if match(pattern, name)]
    except re.error:
        return None
    except (OverflowError, RecursionError):
        return None


def main():
    warnings.simplefilter("ignore")
    patterns = list(dict.fromkeys([*written(), *made(400)]))
    rows = [[p, answer(p, re.fullmatch), answer(rf"(.*\.)?({p})$", re.match)] for p in patterns]
    lines = ",\n".join(json.dumps(row) for row in rows)
    print(f'{{"from": "Python {sys.version.split()[0]}", "names": {json.dumps(NAMES)}, "patterns": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
