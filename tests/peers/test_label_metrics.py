#!/usr/bin/env python3
"""`tunewright metrics` on labels and probabilities, beside scikit-learn and uncertainty-calibration on the same rows.

Random data of another seed in every run: what the goldens hold once is asked here anew.  Needs
build/release/tunewright and the packages that tools/golden/metrics_labels.py names.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/golden"))
import metrics_labels as original  # noqa: E402

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
LABEL_METRICS = ["accuracy", "mcc"] + [f"{average}_{figure}" for average in original.AVERAGES
                                       for figure in ("precision", "recall", "f1")]
PROBABILITY_METRICS = ["roc_auc", "roc_auc_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted", "pr_auc", "log_loss", "brier"]
ROUNDS = 10


def ours(folder, rows, metrics, *flags):
    path = pathlib.Path(folder) / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    done = subprocess.run([PROGRAM, "metrics", "--in", str(path), "--metrics", ",".join(metrics), "--json", *flags],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {name: value["score"] for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def compare(got, wanted, names, tolerance, where):
    for name in names:
        assert abs(got[name] - wanted[name]) <= tolerance * max(1, abs(wanted[name])), (where, name, got[name], wanted[name])


def labels_agree(folder, random, where):
    labels = ["ham", "spam", "да", "😀"][:int(random.integers(1, 5))]
    count = int(random.integers(1, 300))
    truth = [str(x) for x in random.choice(labels, count)]
    answers = [str(x) for x in random.choice(labels + [original.INVALID], count)]
    rows = [{"prediction": a, "reference": t} for a, t in zip(answers, truth)]
    got = ours(folder, rows, LABEL_METRICS, "--set", "labels.labels=" + json.dumps(labels, ensure_ascii=False))
    compare(got, original.label_figures(sorted(labels), truth, answers), LABEL_METRICS, 1e-12, where)


def probabilities_agree(folder, random, where):
    count = int(random.integers(2, 6))
    references, values = original.some_probabilities(random, int(random.integers(40, 300)), count, int(random.integers(1, 7)))
    names = [f"label {i}" for i in range(count)]
    rows = [{"probabilities": dict(zip(names, row.tolist())), "reference": names[reference]}
            for reference, row in zip(references, values)]
    wanted = original.probability_figures(count, references, values)
    defined = [name for name in PROBABILITY_METRICS if wanted[name] is not None]
    compare(ours(folder, rows, defined), wanted, defined, 1e-12, where)

    confidences, outcomes = values.max(axis=1), (values.argmax(axis=1) == numpy.array(references)).astype(int)
    for bins in (10, 15):
        calibration = original.calibration_figures(confidences, outcomes, bins)
        got = ours(folder, rows, ["ece", "ece_equal_mass"], "--set", f"calibration.bins={bins}")
        compare(got, calibration, ["ece", "ece_equal_mass"], 1e-9, where)


def main():
    seed = int(os.environ.get("SEED", numpy.random.SeedSequence().entropy % 2 ** 32))
    random = numpy.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS):
            where = f"SEED={seed}, round {i}"
            labels_agree(folder, random, where)
            probabilities_agree(folder, random, where)
    print(f"ok: {ROUNDS} rounds of labels and probabilities (SEED={seed})")


if __name__ == "__main__":
    main()
