#!/usr/bin/env python3
"""`tunewright metrics` on labels and probabilities, beside scikit-learn, uncertainty-calibration, SciPy and, where it is
installed, netcal on the same rows.

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
import scipy.optimize
import scipy.special

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/golden"))
import metrics_labels as original  # noqa: E402

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
LABEL_METRICS = ["accuracy", "mcc"] + [f"{average}_{figure}" for average in original.AVERAGES
                                       for figure in ("precision", "recall", "f1")]
PROBABILITY_METRICS = ["roc_auc", "roc_auc_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted", "pr_auc", "log_loss", "brier"]
ROUNDS = 10
LEAST_PROBABILITY = 1e-12  # metrics: what a probability of 0 is taken for, and 1 less of 1


def printed(folder, rows, metrics, *flags):
    path = pathlib.Path(folder) / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    done = subprocess.run([PROGRAM, "metrics", "--in", str(path), "--metrics", ",".join(metrics), "--json", *flags],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def ours(folder, rows, metrics, *flags):
    return {name: value["score"] for name, value in printed(folder, rows, metrics, *flags).items()}


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
        on_edges = numpy.abs(confidences * bins - numpy.round(confidences * bins)) < 1e-9
        if "netcal_mce" in calibration and not on_edges.any():  # netcal gives an edge to the lower bin
            got = ours(folder, rows, ["mce", "ece"], "--set", f"calibration.bins={bins}")
            compare(got, {"mce": calibration["netcal_mce"], "ece": calibration["netcal_ece"]}, ["mce", "ece"], 1e-9, where)
    temperature_agrees(folder, rows, references, values, where)


def temperature_agrees(folder, rows, references, values, where):
    """SciPy's root of the slope of the loss over 1 / temperature, which is convex."""
    logits = numpy.log(numpy.clip(values, LEAST_PROBABILITY, 1))
    right = numpy.arange(len(references)), references

    def slope(inverse):
        return numpy.mean((scipy.special.softmax(logits * inverse, axis=1) * logits).sum(axis=1) - logits[right])

    got = printed(folder, rows, ["temperature"])["temperature"]
    if slope(1e-3) > 0 or slope(1e3) < 0:
        assert got["at_limit"], (where, got)
        return
    inverse = scipy.optimize.brentq(slope, 1e-3, 1e3, xtol=1e-15, rtol=1e-14, maxiter=1000)
    loss = -numpy.mean(scipy.special.log_softmax(logits * inverse, axis=1)[right])
    compare({"loss": got["loss_after"]}, {"loss": loss}, ["loss"], 1e-9, where)
    compare({"temperature": got["score"]}, {"temperature": 1 / inverse}, ["temperature"], 1e-7, where)  # a flat minimum


def platt_agrees(folder, random, where):
    """The minimum of scikit-learn's own loss: no slope in any direction, and no higher than where scikit-learn stops."""
    rows = int(random.integers(5, 200))
    positive = random.random(rows) < 0.4
    positive[:2] = [True, False]
    p = numpy.round(scipy.special.expit(random.normal(size=rows) * 2 + positive), int(random.integers(1, 7)))  # 0 and 1 too
    scores = scipy.special.logit(numpy.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    targets = numpy.where(positive, (positive.sum() + 1) / (positive.sum() + 2), 1 / ((~positive).sum() + 2))

    def loss(slope, intercept):
        z = slope * scores + intercept  # P = 1 / (1 + exp(z))
        return numpy.mean(targets * numpy.logaddexp(0, z) + (1 - targets) * numpy.logaddexp(0, -z))

    got = printed(folder, [{"probabilities": {"no": 1 - x, "yes": x}, "reference": "yes" if y else "no"}
                           for x, y in zip(p.tolist(), positive.tolist())], ["platt"])["platt"]
    found = loss(got["slope"], got["intercept"])
    assert abs(found - got["score"]) < 1e-9, (where, found, got)
    away = targets - scipy.special.expit(-(got["slope"] * scores + got["intercept"]))
    assert abs(numpy.mean(away)) < 1e-8 and abs(numpy.mean(away * scores)) < 1e-8, (where, got)
    assert found <= loss(*original._sigmoid_calibration(scores, positive.astype(int))) + 1e-12, (where, got)


def main():
    seed = int(os.environ.get("SEED", numpy.random.SeedSequence().entropy % 2 ** 32))
    random = numpy.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS):
            where = f"SEED={seed}, round {i}"
            labels_agree(folder, random, where)
            probabilities_agree(folder, random, where)
            platt_agrees(folder, random, where)
    print(f"ok: {ROUNDS} rounds of labels and probabilities (SEED={seed})")


if __name__ == "__main__":
    main()
