#!/usr/bin/env python3
"""Makes tests/golden/metrics_labels.json: figures of labels, probabilities and comparisons as their originals
give them, on random and hostile data.

    pip install scikit-learn==1.7.2 uncertainty-calibration==0.1.4 statsmodels==0.15.0 scipy==1.17.1
    pip install --no-deps netcal==1.3.6
    python tools/golden/metrics_labels.py
"""
import importlib.machinery
import json
import pathlib
import platform
import sys
import warnings
from importlib.metadata import version
from unittest.mock import MagicMock

import numpy
import scipy.optimize
import scipy.special
import scipy.stats
from sklearn import metrics
from sklearn.calibration import _sigmoid_calibration
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


class NothingOfTorch:
    """netcal imports torch, pyro and plotting for its scaling methods; its metrics need numpy and scipy alone."""
    NAMES = ("torch", "gpytorch", "pyro", "tikzplotlib", "tensorboard", "matplotlib")

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.NAMES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__, module.__name__, module.__all__ = spec, [], spec.name, []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, NothingOfTorch())
import calibration  # noqa: E402  (uncertainty-calibration)
try:
    from netcal.metrics import ECE, MCE
except ModuleNotFoundError:  # tests/peers/test_label_metrics.py does without; the golden file does not
    ECE = MCE = None

sys.meta_path.pop(0)
for _name in [name for name in sys.modules if name.split(".")[0] in NothingOfTorch.NAMES]:
    del sys.modules[_name]  # scipy asks whether its arguments are torch's

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/metrics_labels.json"
SEED = 20261125
INVALID = "?"  # an answer that is none of the labels
AVERAGES = ("micro", "macro", "weighted")


def label_figures(labels, truth, answers):
    """Of scikit-learn, with an invalid answer as a label that no average looks at."""
    figures = {"accuracy": float(metrics.accuracy_score(truth, answers)),
               "mcc": float(metrics.matthews_corrcoef(truth, answers))}
    for average in AVERAGES:
        scores = metrics.precision_recall_fscore_support(truth, answers, labels=labels, average=average, zero_division=0)
        figures.update({f"{average}_{name}": float(value) for name, value in zip(("precision", "recall", "f1"), scores)})
    return figures


def label_case(name, labels, truth, answers):
    classes = metrics.precision_recall_fscore_support(truth, answers, labels=labels, average=None, zero_division=0)
    table = metrics.confusion_matrix(truth, answers, labels=labels + [INVALID])
    return {"name": name, "labels": labels, "truth": truth, "answers": answers, **label_figures(labels, truth, answers),
            **{key: value.tolist() for key, value in zip(("precision", "recall", "f1", "support"), classes)},
            "confusion": table[:-1].tolist()}


def label_cases(random):
    four = ["a", "b", "c", "d"]

    def draw(names, count, weights=None):
        return [str(x) for x in random.choice(names, count, p=weights)]

    yield label_case("random", four, draw(four, 200), draw(four, 200))
    yield label_case("some invalid", four, draw(four, 200), draw(four + [INVALID], 200))
    yield label_case("skewed", ["a", "b"], draw(["a", "b"], 150, [0.9, 0.1]), draw(["a", "b"], 150, [0.8, 0.2]))
    yield label_case("one true class", four, ["b"] * 50, draw(four, 50))
    yield label_case("one class answered", four, draw(four, 50), ["c"] * 50)
    yield label_case("every answer invalid", ["a", "b"], draw(["a", "b"], 40), [INVALID] * 40)
    yield label_case("all right", ["a", "b"], ["a", "b", "a"], ["a", "b", "a"])
    yield label_case("all wrong", ["a", "b"], ["a", "b", "a"], ["b", "a", "b"])
    yield label_case("single row", ["a", "b"], ["a"], ["b"])
    yield label_case("labels never seen", four, draw(["a", "b"], 60), draw(["a", "b"], 60))
    yield label_case("not Latin", ["да", "не", "是"], draw(["да", "не", "是"], 90), draw(["да", "не", "是", INVALID], 90))


def probability_figures(labels, references, values):
    """None: the original has no number for it."""
    values, references = numpy.asarray(values), numpy.asarray(references)
    names = list(range(labels))

    def attempt(compute):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = float(compute())
            except ValueError:
                return None
        return None if numpy.isnan(value) else value

    seen = sorted(set(references.tolist())) == names
    figures = {"log_loss": attempt(lambda: metrics.log_loss(references, values, labels=names)),
               "brier": attempt(lambda: metrics.brier_score_loss(references, values, labels=names))
               if labels > 2 else attempt(lambda: metrics.brier_score_loss(references, values[:, 1], pos_label=1))}
    if labels == 2:
        auc = attempt(lambda: metrics.roc_auc_score(references, values[:, 1])) if seen else None
        figures.update({name: auc for name in ("roc_auc", "roc_auc_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted")})
        figures["pr_auc"] = attempt(lambda: metrics.average_precision_score(references, values[:, 1])) if 1 in references else None
        return figures
    for name, how, average in (("roc_auc", "ovr", "macro"), ("roc_auc_weighted", "ovr", "weighted"),
                               ("roc_auc_ovo", "ovo", "macro"), ("roc_auc_ovo_weighted", "ovo", "weighted")):
        figures[name] = attempt(lambda: metrics.roc_auc_score(references, values, multi_class=how, average=average, labels=names)) if seen else None
    hot = numpy.eye(labels)[references]
    figures["pr_auc"] = attempt(lambda: metrics.average_precision_score(hot, values, average="macro")) if seen else None
    return figures


def some_probabilities(random, rows, labels, digits):
    """Rows of decimal numbers that add up to 1; few digits make many ties."""
    whole = 10 ** digits
    parts = numpy.floor(whole * scipy.special.softmax(random.normal(size=(rows, labels)) * 2, axis=1)).astype(int)
    parts[:, -1] = whole - parts[:, :-1].sum(axis=1)
    values = parts / whole
    references = [int(random.choice(labels, p=row / row.sum())) for row in values]
    return references, values


def probability_case(name, references, values):
    labels = values.shape[1]
    return {"name": name, "labels": labels, "references": list(references), "values": values.ravel().tolist(),
            **probability_figures(labels, references, values)}


def probability_cases(random):
    for labels in (2, 3, 5):
        yield probability_case(f"{labels} labels", *some_probabilities(random, 150, labels, 4))
        yield probability_case(f"{labels} labels with ties", *some_probabilities(random, 150, labels, 1))
    certain = numpy.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    yield probability_case("certain and wrong", [0, 1, 1, 0], certain)
    yield probability_case("certain and right", [0, 1, 0, 1], certain)
    yield probability_case("all alike", [0, 1, 2, 1], numpy.full((4, 3), [0.25, 0.25, 0.5]))
    yield probability_case("one class", [1, 1, 1], numpy.array([[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]]))
    yield probability_case("a label never seen", [0, 1, 0, 1], some_probabilities(random, 4, 3, 2)[1])


def quantile_error(confidences, outcomes, bins):
    """None where netcal itself refuses: equal confidences over more than a bin make an empty one."""
    try:
        return float(ECE(bins, equal_intervals=False).measure(confidences, outcomes))
    except ValueError:
        return None


def calibration_figures(confidences, outcomes, bins):
    confidences, outcomes = numpy.asarray(confidences, dtype=float), numpy.asarray(outcomes, dtype=int)
    figures = {"ece": float(calibration.get_ece(confidences, outcomes, num_bins=bins)),
               "ece_equal_mass": float(calibration.get_ece_em(confidences, outcomes, num_bins=bins))}
    if ECE is None:
        return figures
    return {**figures,
            "netcal_ece": float(ECE(bins).measure(confidences, outcomes)),
            "netcal_ece_equal_mass": quantile_error(confidences, outcomes, bins),
            "netcal_mce": float(MCE(bins).measure(confidences, outcomes))}


def calibration_cases(random):
    for rows, bins in ((200, 10), (200, 15), (37, 10), (150, 1), (5, 10)):
        confidences = numpy.round(random.beta(3, 1, rows), 5)
        outcomes = (random.random(rows) < confidences ** 2).astype(int)
        area, tenth = calibration.utils.get_selective_stats(confidences, outcomes)
        distinct = len(set(confidences.tolist())) == rows
        yield {"name": f"{rows} rows in {bins} bins", "bins": bins, "confidences": confidences.tolist(),
               "outcomes": outcomes.tolist(), **calibration_figures(confidences, outcomes, bins),
               "selective_area": float(area) if distinct else None,
               "selective_tenth": float(tenth) if distinct else None}
    # On every edge of ten bins, at both ends, and many alike.
    edges = [i / 10 for i in range(11)] * 3 + [0.3] * 20 + [1.0] * 5
    outcomes = [int(x) for x in random.random(len(edges)) < 0.6]
    yield {"name": "on the edges", "bins": 10, "confidences": edges, "outcomes": outcomes,
           **calibration_figures(edges, outcomes, 10), "selective_area": None, "selective_tenth": None}


def temperature_case(random, rows, labels, scale):
    references, values = some_probabilities(random, rows, labels, 4)
    logits = numpy.round(scale * numpy.log(numpy.clip(values, 1e-3, 1)), 4)

    def loss(inverse):
        return -numpy.mean(scipy.special.log_softmax(logits * inverse, axis=1)[numpy.arange(rows), references])

    def slope(inverse):
        weights = scipy.special.softmax(logits * inverse, axis=1)
        return numpy.mean((weights * logits).sum(axis=1) - logits[numpy.arange(rows), references])

    inverse = scipy.optimize.brentq(slope, 1e-3, 1e3, xtol=1e-15, rtol=1e-15, maxiter=1000)
    return {"labels": labels, "references": references, "logits": logits.ravel().tolist(), "temperature": 1 / inverse,
            "loss_before": float(loss(1)), "loss_after": float(loss(inverse))}


def platt_case(random, rows, scale, shift):
    positive = (random.random(rows) < 0.4).astype(int)
    scores = numpy.round(scale * (random.normal(size=rows) + 1.3 * positive) + shift, 4)
    found = {"scores": scores.tolist(), "positive": positive.tolist()}
    for name, targets in (("smoothed", numpy.where(positive, (positive.sum() + 1) / (positive.sum() + 2),
                                                   1 / ((1 - positive).sum() + 2))), ("plain", positive.astype(float))):
        # scikit-learn's own loss, to the last digit: it stops at a gradient of 1e-6.
        unit = (scores - scores.mean()) / scores.std()

        def gradient(ab):
            p = scipy.special.expit(-(ab[0] * unit + ab[1]))
            return [numpy.sum((targets - p) * unit), numpy.sum(targets - p)]

        root = scipy.optimize.root(gradient, [-1.0, 0.0], tol=1e-15)
        assert max(map(abs, gradient(root.x))) < 1e-11, root
        slope = root.x[0] / scores.std()
        found[name] = {"slope": float(slope), "intercept": float(root.x[1] - slope * scores.mean())}
    found["scikit_learn"] = [float(x) for x in _sigmoid_calibration(scores, positive)]
    return found


def interval_case(random, name, data, statistic):
    result = scipy.stats.bootstrap((data,), statistic, n_resamples=499, vectorized=False, method="percentile", rng=random)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bca = scipy.stats.bootstrap((data,), statistic, n_resamples=0, vectorized=False, method="BCa",
                                    bootstrap_result=result, rng=random)
    return {"name": name, "data": data.tolist(), "figures": result.bootstrap_distribution.tolist(),
            "value": float(statistic(data)),
            "left_out": [float(statistic(numpy.delete(data, i))) for i in range(len(data))],
            "percentile": list(map(float, result.confidence_interval)), "bca": list(map(float, bca.confidence_interval))}


def statistics_cases(random):
    pairs = [(0, 0), (1, 0), (0, 5), (3, 3), (10, 2), (25, 40), (500, 430), (1, 1000)]
    tests = []
    for b, c in pairs:
        table = [[10, b], [c, 10]]
        differing = b + c > 0
        corrected = mcnemar(table, exact=False, correction=True) if differing else None
        tests.append({"only_candidate": b, "only_baseline": c,
                      "exact_p": float(mcnemar(table, exact=True).pvalue) if differing else 1.0,
                      "statistic": float(corrected.statistic) if differing else 0.0,
                      "corrected_p": float(corrected.pvalue) if differing else 1.0})
    intervals = [{"successes": s, "rows": n, "confidence": c,
                  "interval": [float(x) for x in proportion_confint(s, n, alpha=1 - c, method="wilson")]}
                 for s, n in ((0, 1), (1, 1), (0, 50), (50, 50), (7, 10), (893, 1000)) for c in (0.9, 0.95, 0.99)]
    families = [[0.01], [0.04, 0.01, 0.03, 0.005], [0.5, 0.5, 0.5], [0.0, 1.0, 0.2], random.random(12).round(4).tolist()]
    return {"mcnemar": tests, "wilson": intervals,
            "holm": [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in families],
            "normal": [[p, float(scipy.special.ndtri(p))] for p in (1e-12, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 1 - 1e-9)],
            "intervals": [interval_case(random, "mean of a skewed sample", random.exponential(size=40).round(4), numpy.mean),
                          interval_case(random, "variance", random.normal(size=25).round(4), numpy.var),
                          interval_case(random, "share", (random.random(60) < 0.85).astype(float), numpy.mean)]}


def main():
    if ECE is None:
        sys.exit("the golden file needs netcal: pip install --no-deps netcal==1.3.6")
    random = numpy.random.default_rng(SEED)
    golden = {"made_by": "tools/golden/metrics_labels.py", "seed": SEED, "python": platform.python_version(),
              "versions": {name: version(name) for name in ("scikit-learn", "netcal", "uncertainty-calibration",
                                                            "statsmodels", "scipy", "numpy")},
              "labels": list(label_cases(random)), "probabilities": list(probability_cases(random)),
              "calibration": list(calibration_cases(random)),
              "temperature": [temperature_case(random, 150, 3, 0.5), temperature_case(random, 80, 2, 3.0),
                              temperature_case(random, 100, 5, 1.0)],
              "platt": [platt_case(random, 120, 1.0, 0.0), platt_case(random, 150, 40.0, -300.0)],
              "statistics": statistics_cases(random)}
    text = json.dumps(golden, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    assert len(text) < 200_000, len(text)
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
