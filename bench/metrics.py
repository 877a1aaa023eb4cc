#!/usr/bin/env python3
"""How fast are corpora scored, beside sacrebleu and rouge-score, on one thread?  JSON out.

10,000 pairs of random sentences, 5 to 45 words, the prediction some edits away from its reference.  Ours is
the whole command with its start and the reading of the file; the peer's clock runs on the scoring alone, with
the rows in memory and its modules loaded.  Scores are compared on the way.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import time

from common import PROGRAM, ROOT, last_json, machine, median, run_measured

sys.path.insert(0, str(ROOT / "tools/golden"))


def rows_of(count):
    draw = random.Random(1)
    # Zipf's law over made-up words, with marks as prose has them.
    words = ["".join(draw.choice("etaoinshrdlucmfwygpbvk") for _ in range(draw.randrange(2, 10))) for _ in range(8000)]
    weights = [1 / (i + 1) for i in range(len(words))]

    def sentence():
        picked = draw.choices(words, weights, k=draw.randrange(5, 46))
        return [word + draw.choice([""] * 12 + [",", "."]) for word in picked[:-1]] + [picked[-1] + "."]

    def changed(words):
        words = list(words)
        for _ in range(max(1, len(words) // 5)):
            at = draw.randrange(len(words))
            kind = draw.randrange(4)
            if kind == 0 and len(words) > 2:
                words.pop(at)
            elif kind == 1:
                words.insert(at, draw.choice(sentence()))
            elif kind == 2:
                words[at] = draw.choice(sentence())
            else:
                run = words[at:at + 3]
                del words[at:at + 3]
                to = draw.randrange(len(words) + 1)
                words[to:to] = run
        return words

    rows = []
    for _ in range(count):
        reference = sentence()
        rows.append({"prediction": " ".join(changed(reference)), "reference": " ".join(reference)})
    return rows


def peers():
    from rouge_score import rouge_scorer
    from sacrebleu.metrics import BLEU, CHRF, TER

    def corpus(metric):
        return lambda predictions, references: metric.corpus_score(predictions, [references]).score

    def rouge(name):
        scorer = rouge_scorer.RougeScorer([name], use_stemmer=True)
        return lambda predictions, references: sum(
            scorer.score(reference, prediction)[name].fmeasure for prediction, reference in zip(predictions, references)) / len(predictions)

    return {"bleu": corpus(BLEU()), "chrf": corpus(CHRF()), "chrf++": corpus(CHRF(word_order=2)), "ter": corpus(TER()),
            **{name: rouge(name) for name in ("rouge1", "rouge2", "rougeL", "rougeLsum")}}


def measure(name, peer, program, path, rows, repeats):
    def once():
        output, seconds = run_measured([program, "metrics", "--in", path, "--metrics", name, "--json"])
        return seconds, last_json(output)[name]["score"]

    runs = [once() for _ in range(repeats)]
    begin = time.monotonic()
    expected = peer([row["prediction"] for row in rows], [row["reference"] for row in rows])
    peer_seconds = time.monotonic() - begin
    assert abs(runs[0][1] - expected) < 1e-9, (name, runs[0][1], expected)
    seconds = median([run[0] for run in runs])
    return {"metric": name, "seconds": seconds, "peer_seconds": round(peer_seconds, 3), "ratio": round(peer_seconds / seconds, 1), "score": expected}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--metrics", nargs="*")
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    from importlib.metadata import version
    rows = rows_of(arguments.rows)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        results = [measure(name, peer, arguments.program, path, rows, arguments.repeats)
                   for name, peer in peers().items() if not arguments.metrics or name in arguments.metrics]
    print(json.dumps({"bench": "metrics", "rows": len(rows), "results": results, "goal_ratio": 10,
                      "peer": f"sacrebleu {version('sacrebleu')}, rouge-score {version('rouge-score')}", "machine": machine()}))


if __name__ == "__main__":
    main()
