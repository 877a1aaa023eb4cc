#!/usr/bin/env python3
"""What SmolLM2 says of a row does not depend on the rows beside it: the original is the same model, one row at a time.

float32: the log-probabilities of a row within 1e-5 a token on average, and none off by more than 5e-5 (unlikely tokens have
log-probabilities near -20, and sums are taken in another order); the same answers and labels for 1 and for 64 rows at a time; with
`deterministic: true` the same bits.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
MODEL = sys.argv[1] if len(sys.argv) > 1 else "models/smollm2-135m-instruct"
TOLERANCE, WORST = 1e-5, 5e-5
ROWS, ALONE = 64, 6
EVALUATED, FEW = 12, 4  # apart, on one thread each, takes long
WORDS = ("meeting invoice offer friend account password update free winner project report holiday order parcel thanks please click "
         "team budget schedule lottery bank secure answer question server release family weekend 東京 naïve 12,345").split()


def words(draw, least, most):
    return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}\n{done.stderr[-2000:]}"
    return done.stdout


def scores(folder, rows):
    out = folder / "scores.jsonl"
    run("score", "--model", MODEL, "--in", write(folder / "rows.jsonl", rows), "--out", out)
    return [json.loads(line) for line in out.read_text().splitlines()]


def check_scores(folder):
    draw = random.Random(1)
    rows = [{"prompt": words(draw, 1, 120), "completion": " " + words(draw, 1, 60)} for _ in range(ROWS)]
    together = scores(folder, rows)
    worst = mean = 0.0
    for i in range(ALONE):
        alone = scores(folder, rows[i:i + 1])[0]
        assert len(alone["ids"]) == len(together[i]["ids"]) and alone["is_greedy"] == together[i]["is_greedy"]
        differences = [abs(a - b) for a, b in zip(alone["token_logprobs"], together[i]["token_logprobs"])]
        worst, mean = max(worst, *differences), max(mean, sum(differences) / len(differences))
    print(f"batching: {ROWS} rows beside {ALONE} alone: log-probabilities differ by {mean:.1e} a token (allowed {TOLERANCE:.0e}), "
          f"one by {worst:.1e} (allowed {WORST:.0e})")
    assert mean < TOLERANCE and worst < WORST, (mean, worst)


def evaluate(folder, name, **more):
    config = folder / "eval.json"
    out = folder / name
    config.write_text(json.dumps({"model": {"path": MODEL, "dtype": "float32"}, "output_dir": str(out), "bootstrap_resamples": 2, **more}))
    run("eval", config)
    requests = {path.name: path.read_text().splitlines() for path in (out / "requests").iterdir()}
    return [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()], requests


def check_evaluation(folder):
    draw = random.Random(2)
    rows = [{"prompt": f"Question: {words(draw, 3, 90)}?\nAnswer:", "completion": " " + draw.choice(["ham", "spam"])} for _ in range(EVALUATED)]
    data = write(folder / "test.jsonl", rows)
    tasks = [{"name": "write", "type": "generation", "data": data, "max_new_tokens": 12, "metrics": ["exact_match", "loss"]},
             {"name": "pick", "type": "classification", "data": data, "labels": ["ham", "spam"], "method": "likelihood"}]
    together, _ = evaluate(folder, "together", tasks=tasks)
    apart, requests = evaluate(folder, "apart", tasks=tasks, deterministic=True)
    assert len(together) == len(apart) == 2 * EVALUATED
    assert [line["prediction"] for line in together] == [line["prediction"] for line in apart], "answers depend on the batch"
    loss = max(abs(a["loss"] - b["loss"]) for a, b in zip(together, apart) if "loss" in a)
    sure = max(abs(a["probabilities"]["ham"] - b["probabilities"]["ham"]) for a, b in zip(together, apart) if "probabilities" in a)
    assert loss < WORST and sure < TOLERANCE, (loss, sure)
    few, of_few = evaluate(folder, "few", tasks=[{**task, "limit": FEW} for task in tasks], deterministic=True)
    for name, lines in of_few.items():
        assert set(lines) <= set(requests[name]), f"{name}: not the same bits with fewer rows"
    print(f"batching: {2 * EVALUATED} rows at once and apart: the same answers, loss within {loss:.1e} a token, probabilities within {sure:.1e}; "
          f"deterministic: {len(few)} rows the same bits alone and beside {2 * EVALUATED}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_scores(pathlib.Path(folder))
        check_evaluation(pathlib.Path(folder))


if __name__ == "__main__":
    main()
