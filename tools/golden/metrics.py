#!/usr/bin/env python3
"""Makes tests/golden/metrics.json: classification figures of scikit-learn on random and hostile labels,
and answers normalised as the SQuAD 1.1 evaluation does.

    pip install scikit-learn==1.7.2 && python tools/golden/metrics.py
"""
import json
import pathlib
import platform
import re
import string

import numpy
import sklearn
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/metrics.json"
SEED = 20261122
LABELS = ["a", "b", "c", "d"]
INVALID = "?"  # an answer that is none of the labels


def case(name, labels, truth, answers):
    def scores(average):
        return metrics.precision_recall_fscore_support(truth, answers, labels=labels, average=average, zero_division=0)

    precision, recall, f1, support = scores(None)
    table = [[sum(t == r and a == p for t, a in zip(truth, answers)) for p in labels + [INVALID]] for r in labels]
    assert [line[:-1] for line in table] == metrics.confusion_matrix(truth, answers, labels=labels).tolist()
    return {"name": name, "labels": labels, "truth": truth, "answers": answers,
            "accuracy": float(metrics.accuracy_score(truth, answers)), "macro_f1": float(scores("macro")[2]),
            "micro_f1": float(scores("micro")[2]), "weighted_f1": float(scores("weighted")[2]),
            "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
            "confusion": table}


def cases():
    random = numpy.random.default_rng(SEED)

    def draw(names, count, weights=None):
        return [str(x) for x in random.choice(names, count, p=weights)]

    yield case("random", LABELS, draw(LABELS, 300), draw(LABELS, 300))
    yield case("some invalid", LABELS, draw(LABELS, 200), draw(LABELS + [INVALID], 200))
    yield case("skewed", ["a", "b"], draw(["a", "b"], 150, [0.9, 0.1]), draw(["a", "b"], 150, [0.8, 0.2]))
    yield case("one true class", LABELS, ["b"] * 50, draw(LABELS, 50))
    yield case("one class answered", LABELS, draw(LABELS, 50), ["c"] * 50)
    yield case("every answer invalid", ["a", "b"], draw(["a", "b"], 40), [INVALID] * 40)
    yield case("all right", ["a", "b"], ["a", "b", "a"], ["a", "b", "a"])
    yield case("ties", ["a", "b"], ["a", "b", "a", "b"], ["a", "a", "b", "b"])
    yield case("single row", ["a", "b"], ["a"], ["b"])
    yield case("a label never seen", LABELS, draw(["a", "b"], 60), draw(["a", "b"], 60))


def squad_normalised(text):
    """The definition of the SQuAD 1.1 evaluation: lower case, no punctuation, no articles, single spaces."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


TEXTS = ["The Cat.", "  an  apple, a day ", "theatre", "A", "", "the", "U.S.A.", "O'Neill's", "naïve ÉCOLE", "ΟΔΟΣ ΟΔΟΣ.",
         "a_an the_the", "x\ta\n\u00a0the\u2003y", "the—end", "“The” end", "a1 an2 the3", "ein a-b", "İstanbul", "a\u0301 b",
         "²a the½ a", "1,000.50 the dollars", "\x1ca\x1dthe\x1e b", "日本 the 語", "the\u200bend", "AN HONEST answer!"]


def main():
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump({"made_by": "tools/golden/metrics.py", "scikit_learn": sklearn.__version__, "numpy": numpy.__version__,
                   "python": platform.python_version(), "seed": SEED, "cases": list(cases()),
                   "normalised": [[text, squad_normalised(text)] for text in TEXTS]}, out, ensure_ascii=False)
        out.write("\n")


if __name__ == "__main__":
    main()
