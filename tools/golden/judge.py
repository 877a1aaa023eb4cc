#!/usr/bin/env python3
"""Makes tests/golden/judge.json: Cohen's kappa, plain and with quadratic weights, of random raters.

    pip install scikit-learn==1.9.1 && python tools/golden/judge.py
"""
import json
import math
import pathlib
import random
import warnings

import sklearn
from sklearn.metrics import cohen_kappa_score

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/judge.json"
SEED = 20261125


def kappa(first, second, categories, weights=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one category alone: not a number
        value = float(cohen_kappa_score(first, second, labels=list(range(categories)), weights=weights))
    return None if math.isnan(value) else value


def cases():
    r = random.Random(SEED)
    for categories in (2, 3, 5):
        for rows in (1, 2, 7, 60):
            for noise in (0.0, 0.3, 1.0):
                first = [r.randrange(categories) for _ in range(rows)]
                second = [r.randrange(categories) if r.random() < noise else x for x in first]
                yield first, second, categories
    yield [1, 1, 1], [1, 1, 1], 2
    yield [0, 0, 0], [1, 1, 1], 2


def main():
    found = [{"first": a, "second": b, "categories": k, "plain": kappa(a, b, k), "quadratic": kappa(a, b, k, "quadratic")}
             for a, b, k in cases()]
    OUT.write_text(json.dumps({"script": "tools/golden/judge.py", "scikit-learn": sklearn.__version__, "seed": SEED,
                               "kappa": found}, indent=None) + "\n")


if __name__ == "__main__":
    main()
