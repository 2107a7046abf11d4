#!/usr/bin/env python3
"""What scikit-learn, SciPy, sacrebleu, seqeval, rouge_score and SQuAD's rules make of hand-written and of random predictions.

    pip install scikit-learn==1.9.1 scipy==1.17.1 sacrebleu==2.6.0 seqeval==1.2.2 rouge_score==0.1.2
    python scripts/make-metric-fixtures.py OUT

OUT is peft-models/src/test/resources/metrics. Each file has the versions that made it. A value that is not a number is null. The scripts of SQuAD are in no
package: their rules are said again here, in squad_words, squad1 and squad2.
"""
import json
import os
import platform
import random
import re
import string
import sys
import unicodedata
import warnings
from collections import Counter
from importlib.metadata import version

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenize import tokenize as rouge_tokens
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import accuracy_score as tag_accuracy
from seqeval.metrics import classification_report
from sklearn import metrics

warnings.filterwarnings("ignore")

TEXTS = [
    "",
    " ",
    "\n",
    "the",
    "A  The an",
    "Hello, World!",
    "The quick brown fox jumps over the lazy dog.",
    "It's the dog's: they're, we've (I'm) [he'll] {she'd}",
    "1,234.56 and 1.000,5 and .5 and 5. and 5, and 3-4 and a-b and -1",
    "...,,,---",
    "a.b,c-d 1.b,2-d a.1,b-2 9.,8,.7-.-6",
    "&quot;quoted&quot; &amp;amp; &lt;tag&gt; &amp;lt; &apos; & &QUOT;",
    "<skipped>gone<skip<skipped>ped>",
    "soft-\nbreak hard\nbreak - \nspace-\r\nreturn",
    "ends in a hyphen-",
    "ends in a hyphen-\n",
    " \t tabs\tand\u00a0no-break\u3000wide \u200b zero\u2028line\u0085next\x1cfile ",
    "北京大学，中文。日本語、テスト！ 한국어",
    "emoji 😀,😀.😀 👩‍👩‍👧🇫🇷!",
    "Café cafe\u0301 naïve Straße STRASSE İstanbul ıstanbul",
    "ΟΔΟΣ ΑΣ.Β ΑΣ-Β ΑΣ:Β ΑΣ'Β Σ ΑΣ\u0301 ΑΣ\u00adΒ ΑΣ1 Α1Σ 'ΑΣ' \u0345Σ ΑʰΣ",
    "Α々Σ ΑΣ々Α Α^Σ Α\u00b4Σ Α\u20ddΣ Α\u00b7Σ ΑΣ\u2019Α ΑΣ\uff1aΑ ΑΣ\u0903Α ΑΣ_Α 𐐀Σ Σ𐐀",
    "\u212aelvin \u017fort \ufb01ne \uff21\uff11 x\u00b2 \u00bd \u2167 \u0663 \u0966",
    "the\u0301 a\u0301 an\u200dthe the\u00b2 the_cat the-cat \u00abthe\u00bb a\u3002the an😀",
    "€5 £1.50 50% #1 @home a/b\\c ^~`|<>=+*$",
    "don\u2019t \u201cquote\u201d \u2013 \u2014 \u2026",
    "$1 \\1 $0 ${x}",
]
LETTERS = list("aAbBzZtheTHE019.,-'\"&;:/ \n_") + [
    "the ", " a ", "&quot;", "&amp;", "<skipped>", "-\n", "\t", "\x1f", "\u00a0", "\u2029", "\u3000", "\u200b", "Σ", "σ", "İ", "\u0307", "\u00ad", "é",
    "e\u0301", "中", "。", "😀", "\u200d", "½", "²", "\u0663", "Ⅷ", "\u02b0", "\u00b7", "\u2019", "$", "\\", "~", "ǅ", "𝒜", "𐐀",
]
WORDS = """the a an cat dog sat on mat under River hill, hill. ran 3.5 1,000 "yes" it's co-op & run; Paris (old) café 中文 😀 over again""".split()


def versions():
    return {
        "python": platform.python_version(),
        "unicode": unicodedata.unidata_version,
        **{p: version(p) for p in ["numpy", "scikit-learn", "scipy", "sacrebleu", "seqeval", "rouge_score"]},
    }


def number(value):
    return None if value is None or np.isnan(value) else float(value)


def scores(values):
    p, r, f, s = values
    return [number(p), number(r), number(f), None if s is None else int(s)]


def table(expected, predicted, **options):
    per = metrics.precision_recall_fscore_support(expected, predicted, average=None, zero_division=0, **options)
    rows = [scores(row) for row in zip(*per)]
    for average in ("micro", "macro", "weighted"):
        mean = metrics.precision_recall_fscore_support(expected, predicted, average=average, zero_division=0, **options)
        yield average, scores(mean[:3] + (sum(row[3] for row in rows),))
    yield "per", rows


def classes(expected, predicted, count):
    return {
        "classes": count,
        "expected": expected,
        "predicted": predicted,
        "accuracy": number(metrics.accuracy_score(expected, predicted)),
        "matthews": number(metrics.matthews_corrcoef(expected, predicted)),
        "confusion": metrics.confusion_matrix(expected, predicted, labels=range(count)).tolist(),
        **dict(table(expected, predicted, labels=range(count))),
    }


def class_cases(rng):
    yield classes([0, 1, 2, 2], [0, 2, 2, 1], 3)
    yield classes([0], [0], 1)
    yield classes([1], [0], 5)
    yield classes([1, 1, 1], [1, 1, 1], 2)
    yield classes([0, 1, 0, 1], [1, 1, 1, 1], 2)
    yield classes([0, 1, 0, 1], [1, 0, 1, 0], 4)
    for _ in range(80):
        count, n = rng.randint(1, 9), rng.choice([1, 2, 5, 30, 120])
        used = rng.sample(range(count), rng.randint(1, count))
        expected = [rng.choice(used) for _ in range(n)]
        yield classes(expected, [e if rng.random() < 0.5 else rng.randrange(count) for e in expected], count)


def labels(expected, predicted):
    e, p = np.array(expected), np.array(predicted)
    # a single label would be taken for two classes, so the same rows stand with a second one that is left out again
    if e.shape[1] == 1:
        e, p = (np.hstack([m, np.zeros_like(m)]) for m in (e, p))
    return {
        "expected": expected,
        "predicted": predicted,
        "subset": number(metrics.accuracy_score(e, p)),
        **dict(table(e, p, labels=range(len(expected[0])))),
    }


def label_cases(rng):
    yield labels([[1, 0, 1], [0, 0, 0]], [[1, 0, 0], [0, 0, 0]])
    yield labels([[0, 0], [0, 0]], [[0, 0], [0, 0]])
    yield labels([[0, 0], [0, 0]], [[1, 0], [0, 0]])
    yield labels([[1], [0], [1]], [[1], [1], [0]])
    for _ in range(60):
        n, count, share = rng.choice([1, 3, 20, 60]), rng.randint(1, 7), rng.choice([0.05, 0.3, 0.8])
        expected = [[int(rng.random() < share) for _ in range(count)] for _ in range(n)]
        yield labels(expected, [[v if rng.random() < 0.7 else 1 - v for v in row] for row in expected])


def numbers(expected, predicted):
    several = len(expected) > 1
    return {
        "expected": expected,
        "predicted": predicted,
        "pearson": number(pearsonr(expected, predicted).statistic) if several else None,
        "spearman": number(spearmanr(expected, predicted).statistic) if several else None,
        "rmse": number(metrics.root_mean_squared_error(expected, predicted)),
        "mae": number(metrics.mean_absolute_error(expected, predicted)),
    }


def number_cases(rng):
    yield numbers([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    yield numbers([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    yield numbers([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    yield numbers([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])
    yield numbers([2.5], [2.0])
    yield numbers([1.0, 2.0], [5.0, 4.0])
    yield numbers([0.0, -0.0, 1.0, -1.0], [2.0, 1.0, 1.0, -0.0])
    yield numbers([1e-300, 3e-300, 2e-300], [1e-300, 2e-300, 3e-300])
    yield numbers([1e150, -1e150, 5e149], [-5e149, 1e150, 2e150])
    for _ in range(80):
        n, scale = rng.choice([2, 3, 10, 100]), rng.choice([1e-3, 1.0, 1e6])
        offset = rng.choice([0.0, 10.0 * scale])
        expected = [offset + scale * rng.gauss(0, 1) for _ in range(n)]
        predicted = [v + scale * rng.gauss(0, 1) for v in expected]
        if rng.random() < 0.5:
            expected = [scale * round(v / scale) for v in expected]
            predicted = [scale * round(v / scale * 2) / 2 for v in predicted]
        yield numbers(expected, predicted)


def squad_words(text):
    plain = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def overlap(gold, words, of_nothing):
    if not gold and not words:
        return of_nothing
    same = sum((Counter(gold) & Counter(words)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(words), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def squad(gold, text, of_nothing):
    words = squad_words(text)
    return max(float(g == words) for g in gold), max(overlap(g, words, of_nothing) for g in gold)


def squad1(answers, text):
    return squad([squad_words(a) for a in answers], text, 0.0)


def squad2(answers, text):
    return squad([w for w in map(squad_words, answers) if w] or [[]], text, 1.0)


def group(values):
    return [len(values)] + [float(np.mean(column)) for column in zip(*values)] if values else [0, None, None]


def answers(gold, predicted):
    second = [squad2(g, p) for g, p in zip(gold, predicted)]
    return {
        "answers": gold,
        "predicted": predicted,
        "squad1": group([squad1(g, p) for g, p in zip(gold, predicted)]) if all(gold) else None,
        "squad2": group(second),
        "answerable": group([s for s, g in zip(second, gold) if g]),
        "unanswerable": group([s for s, g in zip(second, gold) if not g]),
    }


def sentence(rng, longest):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, longest)))


def changed(rng, text):
    """Words left out, put in and exchanged."""
    out = []
    for word in text.split():
        draw = rng.random()
        out += [] if draw < 0.1 else [rng.choice(WORDS)] if draw < 0.2 else [word, word] if draw < 0.25 else [word]
    return " ".join(out)


def answer_cases(rng):
    yield answers([["the Cat"], ["a dog", "Dogs"], ["42"]], ["Cat!", "the dogs", "forty two"])
    yield answers([["the"], [""], ["the", "cat"]], ["a", "", "an"])
    yield answers([[], ["cat"], [], ["the"]], ["", "", "cat", "the."])
    yield answers([[], []], ["", "the"])
    yield answers([["x x y"], ["a b c d", "c d"]], ["x y y", "d c b"])
    yield answers([[t] for t in TEXTS], TEXTS)
    yield answers([[t, t[::-1]] for t in TEXTS], TEXTS[1:] + TEXTS[:1])
    for _ in range(60):
        gold = [[sentence(rng, 6) for _ in range(rng.choice([0, 1, 1, 1, 3]))] for _ in range(rng.randint(1, 8))]
        yield answers(gold, [changed(rng, rng.choice(g)) if g and rng.random() < 0.8 else sentence(rng, 3) for g in gold])


def entities(expected, predicted):
    report = classification_report(expected, predicted, output_dict=True, zero_division=0)
    rows = {name: scores([r["precision"], r["recall"], r["f1-score"], r["support"]]) for name, r in report.items()}
    averages = {a: rows.pop(a + " avg") for a in ("micro", "macro", "weighted")}
    return {
        "expected": expected,
        "predicted": predicted,
        "accuracy": number(tag_accuracy(expected, predicted)),
        **averages,
        "per": rows,
    }


def entity_cases(rng):
    yield entities([["O", "B-PER", "I-PER", "O"]], [["O", "B-PER", "I-PER", "O"]])
    yield entities([["B-PER", "I-PER"]], [["I-PER", "I-PER"]])
    yield entities([["B-PER", "I-LOC", "I-LOC"]], [["B-PER", "I-PER", "B-LOC"]])
    yield entities([["B-PER", "B-PER"], ["I-PER"]], [["B-PER", "I-PER"], ["B-PER"]])
    yield entities([["O", "O"], []], [["O", "B-ORG"], []])
    yield entities([["B-ORG", "O"]], [["O", "O"]])
    yield entities([["B", "I", "O", "B-A-B", "I-A-B", "I-A"]], [["B-", "I-_", "O", "I-A-B", "I-A-B", "B-A"]])
    yield entities([["B-X", "S-X", "B-X", "I-X", "S-X"]], [["B-X", "I-X", "B-X", "I-X", "I-X"]])
    yield entities([["S-X", "E-X", "B-X", "E-X", "I-X", "E-X"]], [["S-X", "S-X", "I-X", "E-X", "E-X", "O"]])
    for i in range(90):
        tags = ["O"] + [f"{p}-{t}" for p in ("BI" if i < 60 else "BIES") for t in ("PER", "LOC", "ORG", "Zeit")][: rng.choice([3, 6, 16])]
        tags += ["O"] * rng.randint(0, 4)
        expected = [[rng.choice(tags) for _ in range(rng.choice([0, 1, 4, 15]))] for _ in range(rng.randint(1, 6))]
        expected[0] = ["B-PER"] + expected[0]
        yield entities(expected, [[t if rng.random() < 0.7 else rng.choice(tags) for t in row] for row in expected])


def generated(predicted, references):
    most = max(map(len, references))
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    bleu = BLEU().corpus_score(predicted, streams)
    rouge = RougeScorer(["rougeL"], use_stemmer=False)
    best = [rouge.score_multi(r, p)["rougeL"] for r, p in zip(references, predicted)]
    return {
        "predicted": predicted,
        "references": references,
        "bleu": number(bleu.score),
        "precisions": [number(p) for p in bleu.precisions],
        "penalty": number(bleu.bp),
        "lengths": [bleu.sys_len, bleu.ref_len],
        "rouge": [float(np.mean([getattr(b, name) for b in best])) for name in ("precision", "recall", "fmeasure")],
    }


def generated_cases(rng):
    yield generated(["The cat sat on the mat."], [["The cat sat on the mat."]])
    yield generated(["The cat sat on the mat."], [["There is a cat on the mat.", "The cat is on the mat!"]])
    yield generated([""], [["something"]])
    yield generated(["something"], [[""]])
    yield generated(["", ""], [[""], ["", ""]])
    yield generated(["a b"], [["a b"]])
    yield generated(["one two three"], [["one two three"]])
    yield generated(["the the the the the the the"], [["the cat is on the mat", "there is a cat on the mat"]])
    yield generated(["a b c d e f", "x"], [["a c b d f e", "f e d c b a"], ["x y z"]])
    yield generated(["c b a d", "n o"], [["a b c d e", "a b c", "a b"], ["n"]])
    yield generated(TEXTS, [[t] for t in TEXTS])
    yield generated(TEXTS, [[t, t[::-1]] for t in TEXTS[1:] + TEXTS[:1]])
    for _ in range(70):
        references = [[sentence(rng, 14) for _ in range(rng.choice([1, 1, 2, 4]))] for _ in range(rng.randint(1, 6))]
        yield generated([changed(rng, rng.choice(r)) for r in references], references)
    for words in (2, 3, 12, 200):  # longer than a word of the machine, and than two
        for n in (63, 64, 65, 128, 400):
            text = [str(rng.randrange(words)) for _ in range(n)]
            other = [t if rng.random() < 0.7 else str(rng.randrange(words)) for t in text[rng.randrange(9):]]
            yield generated([" ".join(other)], [[" ".join(text)]])


def texts(text):
    return {
        "text": text,
        "lower": text.lower(),
        "split": text.split(),
        "bleu": Tokenizer13a()(text.rstrip()).split(),
        "rouge": rouge_tokens(text, None),
        "squad": squad_words(text),
    }


def text_cases(rng):
    yield from map(texts, TEXTS)
    for _ in range(400):
        yield texts("".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 24))))


def retrieval(similarity, relevant):
    reciprocal, recall = [], {k: [] for k in (1, 2, 3, 10)}
    for row, wanted in zip(similarity, relevant):
        order = sorted(range(len(row)), key=lambda i: (-row[i], i in wanted))
        places = [order.index(w) + 1 for w in wanted]
        reciprocal.append(1 / min(places))
        for k, values in recall.items():
            values.append(sum(p <= k for p in places) / len(wanted))
    if all(len(w) == 1 for w in relevant) and len(similarity[0]) > 1:  # the same by scikit-learn, whose ranks of ties are the last too
        there = np.array([[int(i in w) for i in range(len(row))] for row, w in zip(similarity, relevant)])
        value = metrics.label_ranking_average_precision_score(there, np.array(similarity))
        assert abs(value - np.mean(reciprocal)) < 1e-12, (value, np.mean(reciprocal))
    return {
        "similarity": similarity,
        "relevant": relevant,
        "mrr": float(np.mean(reciprocal)),
        "recall": {k: float(np.mean(values)) for k, values in recall.items()},
    }


def retrieval_cases(rng):
    yield retrieval([[0.9, 0.1, 0.5], [0.2, 0.3, 0.1]], [[0], [2]])
    yield retrieval([[1.0, 1.0, 1.0, 1.0]], [[0]])
    yield retrieval([[1.0, 1.0, 1.0, 0.0]], [[2, 0]])
    yield retrieval([[0.0, -0.0, 0.0]], [[1]])
    yield retrieval([[0.5]], [[0]])
    for i in range(60):
        n, count = rng.randint(1, 12), rng.randint(2, 20)
        digits = rng.choice([1, 6])
        similarity = [[round(rng.uniform(-1, 1), digits) for _ in range(count)] for _ in range(n)]
        yield retrieval(similarity, [rng.sample(range(count), 1 if i < 30 else rng.randint(1, count)) for _ in range(n)])


def main(out):
    makers = {
        "classes": class_cases,
        "labels": label_cases,
        "numbers": number_cases,
        "answers": answer_cases,
        "entities": entity_cases,
        "generated": generated_cases,
        "texts": text_cases,
        "retrieval": retrieval_cases,
    }
    os.makedirs(out, exist_ok=True)
    for seed, (name, make) in enumerate(makers.items()):
        cases = list(make(random.Random(seed)))
        with open(os.path.join(out, name + ".json"), "w") as file:
            file.write('{"versions": ' + json.dumps(versions()) + ',\n"cases": [\n')
            file.write(",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in cases) + "\n]}\n")
        print(name, len(cases))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
