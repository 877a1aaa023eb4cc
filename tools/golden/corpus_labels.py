#!/usr/bin/env python3
"""Makes tests/golden/corpus_labels.json: what cleanlab, scikit-learn, scipy and numpy say about labels.

    pip install cleanlab==2.9.0 scikit-learn==1.7.2 && python tools/golden/corpus_labels.py

Confident learning on random probabilities with planted noise (no two equal ones: which of those cleanlab
picks depends on the processor), the two classifiers, class weights, association, and greedy k-center.
"""
import json
import pathlib
import platform
import warnings

import cleanlab
import numpy
import scipy
import sklearn
from cleanlab.count import calibrate_confident_joint, compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy.stats.contingency import association
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.utils.class_weight import compute_class_weight

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/corpus_labels.json"
SEED = 20261125
FILTERS = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
           "low_normalized_margin", "low_self_confidence"]
PRUNING = FILTERS[:3]
QUALITIES = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
random = numpy.random.default_rng(SEED)


def noisy(rows, classes, noise, sharpness=2.0, weights=None, digits=6):
    """Labels of which a share is wrong, and probabilities that mostly know the true ones."""
    truth = random.choice(classes, rows, p=weights)
    logits = random.normal(size=(rows, classes))
    logits[numpy.arange(rows), truth] += sharpness
    probabilities = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
    wrong = random.random(rows) < noise
    labels = numpy.where(wrong, random.choice(classes, rows), truth)
    return labels, probabilities.round(digits)


def issues(labels, probabilities, **options):
    mask = find_label_issues(labels, probabilities, n_jobs=1, **options)
    return {"options": options, "rows": numpy.flatnonzero(mask).tolist()}


def case(name, labels, probabilities):
    joint, _ = compute_confident_joint(labels, probabilities, calibrate=False, return_indices_of_off_diagonals=True)
    runs = [issues(labels, probabilities, filter_by=name) for name in FILTERS]
    for name_ in PRUNING:
        for fraction in (0.0, 0.3, 0.7):
            runs.append(issues(labels, probabilities, filter_by=name_, frac_noise=fraction))
        for least in (0, 3, 12):
            runs.append(issues(labels, probabilities, filter_by=name_, min_examples_per_class=least))
    return {"name": name, "labels": labels.tolist(), "probabilities": probabilities.tolist(),
            "thresholds": get_confident_thresholds(labels, probabilities).tolist(), "joint": joint.tolist(),
            "calibrated": calibrate_confident_joint(joint, labels).tolist(), "issues": runs,
            "quality": {method: get_label_quality_scores(labels, probabilities, method=method).tolist()
                        for method in QUALITIES}}


def cases():
    yield case("two classes", *noisy(150, 2, 0.2))
    yield case("two classes, heavy noise", *noisy(120, 2, 0.6, sharpness=1))
    yield case("three classes, skewed", *noisy(150, 3, 0.15, weights=[0.8, 0.15, 0.05]))
    yield case("five classes", *noisy(120, 5, 0.25))
    yield case("twelve classes", *noisy(100, 12, 0.2, sharpness=3))
    yield case("a model that knows nothing", *noisy(80, 3, 0.1, sharpness=0))
    yield case("a sure model", *noisy(80, 3, 0.1, sharpness=9))
    labels, probabilities = noisy(60, 4, 0.2)
    yield case("a class without rows", numpy.where(labels == 2, 1, labels), probabilities)
    labels[:] = numpy.where(labels == 3, 0, labels)
    labels[7] = 3
    yield case("a class of one row", labels, probabilities)
    yield case("six rows", *noisy(6, 2, 0.5))
    yield case("wrong all over", *(lambda l, p: ((l + 1) % 3, p))(*noisy(60, 3, 0.0, sharpness=4)))


def classifiers():
    rows, features, classes = 60, 25, 3
    labels = random.choice(classes, rows, p=[0.5, 0.3, 0.2])
    rate = 0.3 + 2.0 * (random.random((classes, features)) < 0.2)
    counts = random.poisson(rate[labels])
    counts[:, 11] = 0
    counts[5] = 0
    train = numpy.arange(rows) % 3 != 0
    bayes = MultinomialNB(alpha=1.0).fit(counts[train], labels[train])
    lines = numpy.log1p(counts)
    lines = lines / numpy.maximum(numpy.linalg.norm(lines, axis=1, keepdims=True), 1e-300)
    logistic = {}
    for strength in (0.1, 1.0, 10.0):
        model = LogisticRegression(C=strength, tol=1e-12, max_iter=100000).fit(lines[train], labels[train])
        logistic[str(strength)] = model.predict_proba(lines[~train]).tolist()
    return {"counts": counts.tolist(), "labels": labels.tolist(), "train": numpy.flatnonzero(train).tolist(),
            "naive_bayes": bayes.predict_proba(counts[~train]).tolist(), "logistic_regression": logistic}


def class_weights():
    labels = [str(x) for x in random.choice(["a", "b", "c"], 90, p=[0.7, 0.2, 0.1])]
    names = sorted(set(labels))
    weights = compute_class_weight("balanced", classes=numpy.array(names), y=labels)
    return {"labels": labels, "weights": dict(zip(names, weights.tolist()))}


def associations():
    for shape in ((2, 2), (3, 2), (4, 5)):
        table = random.integers(1, 40, shape)
        yield {"table": table.tolist(), "cramers_v": float(association(table, method="cramer"))}


def greedy_k_center(points, count):
    """Farthest first, beginning at the point nearest to the mean; Euclidean."""
    points = numpy.asarray(points)
    chosen = [int(numpy.argmin(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(numpy.argmax(nearest)))
        nearest = numpy.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return chosen


def k_center():
    points = random.normal(size=(60, 4)).round(3)
    return {"points": points.tolist(), "chosen": greedy_k_center(points, 12)}


def main():
    warnings.simplefilter("ignore")
    golden = {"made_by": "tools/golden/corpus_labels.py", "cleanlab": cleanlab.__version__,
              "scikit_learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__,
              "python": platform.python_version(), "seed": SEED, "confident_learning": list(cases()),
              "classifiers": classifiers(), "class_weights": class_weights(), "associations": list(associations()),
              "k_center": k_center()}
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(golden, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
