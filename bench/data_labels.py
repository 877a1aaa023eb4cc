#!/usr/bin/env python3
"""How fast are doubtful labels found, beside cleanlab, and are they the same?  JSON out.

Two questions, each answered by both sides from JSON Lines to JSON Lines.  `field`: rows with probabilities.
`classifier`: texts with a tenth of the labels swapped, where the peer is scikit-learn's cross-validated logistic
regression over hashed words and pairs, then cleanlab; which of the swapped labels each side finds is counted.

    pip install cleanlab==2.9.0 scikit-learn==1.7.2
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from common import PROGRAM, last_json, machine, median, run_measured

FOLDS = 5


def peer(kind, source, target):
    """Runs in the peer's process: seconds from file to file, without the imports."""
    import numpy
    from cleanlab.filter import find_label_issues
    begin = time.monotonic()
    rows = [json.loads(line) for line in open(source, encoding="utf-8")]
    names = sorted({row["label"] for row in rows})
    labels = numpy.array([names.index(row["label"]) for row in rows])
    if kind == "field":
        probabilities = numpy.array([[row["probabilities"][name] for name in names] for row in rows])
    else:
        from sklearn.feature_extraction.text import HashingVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_predict
        vectors = HashingVectorizer(n_features=2**16, ngram_range=(1, 2), alternate_sign=False, norm=None)
        counts = vectors.transform(row["text"] for row in rows)
        counts.data = numpy.log1p(counts.data)
        norms = numpy.sqrt(counts.multiply(counts).sum(axis=1))
        features = counts.multiply(1 / numpy.maximum(norms, 1e-300)).tocsr()
        probabilities = cross_val_predict(LogisticRegression(max_iter=1000), features, labels, cv=FOLDS,
                                          method="predict_proba", n_jobs=os.cpu_count())
    mask = find_label_issues(labels, probabilities)
    with open(target, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row, bad in zip(rows, mask) if not bad)
    print(json.dumps({"seconds": time.monotonic() - begin}))


def write_field_rows(path, count):
    draw = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            weights = [draw.expovariate(1) ** 3 for _ in range(3)]
            probabilities = {name: weight / sum(weights) for name, weight in zip("abc", weights)}
            label = draw.choices("abc", weights)[0] if draw.random() < 0.9 else draw.choice("abc")
            out.write(json.dumps({"id": i, "text": "a short text", "label": label, "probabilities": probabilities}) + "\n")


def write_texts(path, count):
    """Two topics that share half of their words."""
    draw = random.Random(2)
    words = [f"word{i}" for i in range(4000)]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            topic = draw.randrange(2)
            text = " ".join(words[min(int(draw.expovariate(1 / 400)), 1999) + (2000 * topic if draw.random() < 0.2 else 0)]
                            for _ in range(80))
            swapped = draw.random() < 0.1
            out.write(json.dumps({"id": i, "text": text, "label": "ab"[topic ^ swapped], "swapped": swapped}) + "\n")


def ids(path):
    return {json.loads(line)["id"] for line in open(path, encoding="utf-8")}


def found(source, kept):
    rows = [json.loads(line) for line in open(source, encoding="utf-8")]
    dropped = [row for row in rows if row["id"] not in kept]
    hits = sum(row["swapped"] for row in dropped)
    return {"precision": round(hits / max(len(dropped), 1), 4),
            "recall": round(hits / sum(row["swapped"] for row in rows), 4)}


def compare(kind, source, folder, repeats):
    ours, theirs, seconds = folder / "ours.jsonl", folder / "theirs.jsonl", {"tunewright": [], "peer": []}
    for _ in range(repeats):
        _, wall = run_measured([PROGRAM, "data", "run", "label-noise", "--in", source, "--out", ours,
                                "--set", f"folds={FOLDS}", "--json"])
        seconds["tunewright"].append(wall)
        done = subprocess.run([sys.executable, __file__, "--peer", kind, source, theirs], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr[-2000:])
        seconds["peer"].append(last_json(done.stdout)["seconds"])
    result = {side + "_seconds": median(values) for side, values in seconds.items()}
    result["times_faster"] = round(result["peer_seconds"] / result["tunewright_seconds"], 2)
    if kind == "field":
        return result | {"same_rows": ids(ours) == ids(theirs)}
    return result | {"tunewright": found(source, ids(ours)), "peer": found(source, ids(theirs))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", nargs=3, metavar=("KIND", "IN", "OUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer(*arguments.peer)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_field_rows(folder / "rows.jsonl", arguments.rows)
        write_texts(folder / "texts.jsonl", arguments.texts)
        result = {"bench": "data_labels", "machine": machine(), "rows": arguments.rows, "texts": arguments.texts,
                  "field": compare("field", folder / "rows.jsonl", folder, arguments.repeats),
                  "classifier": compare("classifier", folder / "texts.jsonl", folder, arguments.repeats)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
