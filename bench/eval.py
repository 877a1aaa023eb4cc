#!/usr/bin/env python3
"""How fast is evaluation, beside lm-evaluation-harness with transformers, on the same items with the same numbers?

Three workloads in float32, both programs in one run of this script on the same task files:
  mails    which label is likelier, for held-out mails of the demo (or mail-like texts where the demo has not run)
  choices  multiple choice with four answers of several words
  answers  greedy answers of up to 48 tokens
The peer runs with each of --batch-sizes on a few items first, then with the fastest.  The peer's seconds are those of
simple_evaluate alone, its model loaded and warm; ours are the whole evaluation, loading the model and the reports included.
Figures that differ by more than 1e-3 are an error.  `least_seconds` is what the matrix products of the likelihoods take at
the rate of plain products of the same run, every text read once: on this machine no program is faster.  The last line of standard output is one JSON object.

Environment of the peer: tools/requirements-eval.txt on top of the peers' (--peer-python).
"""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

from common import MODEL, PROGRAM, ROOT, last_json, machine, run_measured
from products import matrix_rate, product_flop

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--mails", type=int, default=500)
parser.add_argument("--choices", type=int, default=1000)
parser.add_argument("--answers", type=int, default=64)
parser.add_argument("--batch-sizes", default="1,8,32")
parser.add_argument("--trial", type=int, default=32, help="items that a batch size is tried on")
parser.add_argument("--repeats", type=int, default=1)
parser.add_argument("--data", default="examples/spam_triage/data/test.jsonl")
parser.add_argument("--model", default=str(MODEL))
parser.add_argument("--peer-python", default=".deps/eval/bin/python")
arguments = parser.parse_args()

PEER = """
import json, os, sys, time
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
import lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
folder, model, tasks, sizes, trial, repeats = json.loads(sys.argv[1])
manager = TaskManager(include_path=folder, include_defaults=False)
peer = HFLM(pretrained=model, dtype="float32", device="cpu", batch_size=1)
asked = {}       # the tokens of a context: how many tokens each of its continuations has
of_peer = peer._loglikelihood_tokens

def noting(requests, *rest, **named):
    for _, context, continuation in requests:
        asked.setdefault(tuple(context), []).append(len(continuation))
    return of_peer(requests, *rest, **named)

peer._loglikelihood_tokens = noting

def run(task, size, limit=None):
    peer.batch_size_per_gpu = size
    asked.clear()
    begin = time.perf_counter()
    results = lm_eval.simple_evaluate(model=peer, tasks=[task], limit=limit, log_samples=False, bootstrap_iters=0, task_manager=manager)
    return time.perf_counter() - begin, results["results"][task]

out = {}
for task in tasks:
    trials = {size: run(task, size, trial)[0] for size in sizes}
    best = min(trials, key=trials.get)
    runs = [run(task, best) for _ in range(repeats)]
    figures = {k.replace(",none", ""): v for k, v in runs[0][1].items() if isinstance(v, float) and "stderr" not in k}
    out[task] = {"seconds": [s for s, _ in runs], "batch_size": best, "trials": trials, "figures": figures,
                 "asked": [[len(context), counts] for context, counts in asked.items()]}
print(json.dumps(out))
"""
WORDS = ("meeting invoice offer friend account password update free winner project report holiday order parcel thanks "
         "please click team budget schedule lottery bank secure answer question server release family weekend").split()


def held_out_mails(count, r):
    path = ROOT / arguments.data
    rows = [json.loads(line) for line in path.open(encoding="utf-8")] if path.exists() else []
    for row in rows[:count]:
        messages = row.get("messages") or [{"content": row["prompt"]}, {"content": row["completion"]}]
        yield {"mail": messages[-2]["content"], "label": messages[-1]["content"].strip()}
    for _ in range(count - len(rows)):
        body = " ".join(r.choices(WORDS, k=r.randint(60, 260)))
        yield {"mail": f"Subject: {' '.join(r.choices(WORDS, k=5))}\n\n{body}", "label": r.choice(["ham", "spam"])}


def write_tasks(folder):
    r = random.Random(3)
    makers = {
        "mails": list(held_out_mails(arguments.mails, r)),
        "choices": [{"question": " ".join(r.choices(WORDS, k=r.randint(20, 60))) + "?", "label": r.randint(0, 3),
                     "choices": [" ".join(r.choices(WORDS, k=r.randint(3, 8))) for _ in range(4)]} for _ in range(arguments.choices)],
        "answers": [{"question": " ".join(r.choices(WORDS, k=r.randint(20, 60))) + "?", "answer": "yes"} for _ in range(arguments.answers)],
    }
    fields = {
        "mails": {"output_type": "multiple_choice", "doc_to_text": "Is this mail ham or spam?\n\n{{mail}}\n\nAnswer:",
                  "doc_to_choice": ["ham", "spam"], "doc_to_target": "label"},
        "choices": {"output_type": "multiple_choice", "doc_to_text": "Question: {{question}}\nAnswer:",
                    "doc_to_choice": "choices", "doc_to_target": "label"},
        "answers": {"output_type": "generate_until", "doc_to_text": "Question: {{question}}\nAnswer:", "doc_to_target": "answer",
                    "generation_kwargs": {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 48}},
    }
    used = [name for name, rows in makers.items() if rows]
    for name in used:
        data = folder / f"{name}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in makers[name]), encoding="utf-8")
        config = {"task": name, "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}}, "test_split": "test"}
        (folder / f"{name}.yaml").write_text(json.dumps({**config, **fields[name]}), encoding="utf-8")
    return {name: len(makers[name]) for name in used}


def run_tunewright(folder, task):
    config = {"model": {"path": arguments.model, "dtype": "float32"}, "output_dir": str(folder / f"out-{task}"), "bootstrap_resamples": 2,
              "tasks": [{"name": task, "type": "lm_eval", "task": str(folder / f"{task}.yaml")}]}
    (folder / "eval.json").write_text(json.dumps(config))
    output, _ = run_measured([PROGRAM, "eval", folder / "eval.json", "--json"])
    report = last_json(output)
    return {"seconds": report["seconds"], "metrics": report["tasks"][0]["metrics"]}


def compare(name, ours, theirs):
    """{figure: [ours, the peer's]}; figures that are not the same end the bench."""
    figures = {key: [ours[key]["value"], value] for key, value in theirs.items() if key in ours}
    if not figures or any(abs(a - b) > 1e-3 for a, b in figures.values()):
        sys.exit(f"eval: {name}: not the same numbers: {figures or (list(ours), list(theirs))}")
    return figures


def least_flop(asked):
    """Of the products for [tokens of a context, tokens of each continuation]: a context is read once, a last token never."""
    tokens = logits = pairs = 0
    for context, counts in asked:
        tokens += context + sum(count - 1 for count in counts)
        logits += sum(counts)
        pairs += context * (context + 1) // 2 + sum((count - 1) * (2 * context + count) // 2 for count in counts)
    return product_flop("forward", tokens, logits, pairs)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        tasks = write_tasks(folder)
        ours = {task: [run_tunewright(folder, task) for _ in range(arguments.repeats)] for task in tasks}
        sizes = [int(size) for size in arguments.batch_sizes.split(",")]
        given = json.dumps([str(folder), arguments.model, list(tasks), sizes, arguments.trial, arguments.repeats])
        peer = subprocess.run([arguments.peer_python, "-c", PEER, given], capture_output=True, text=True, cwd=ROOT)
        if peer.returncode != 0:
            sys.exit(peer.stderr[-3000:])
        theirs = last_json(peer.stdout)
    rate = matrix_rate(arguments.peer_python, "fp32", tokens=1024)
    result = {"bench": "eval", "machine": machine(), "matrix_gflops": round(rate, 1), "workloads": {}}
    for name, items in tasks.items():
        seconds = statistics.median(run["seconds"] for run in ours[name])
        other = statistics.median(theirs[name]["seconds"])
        figures = compare(name, ours[name][0]["metrics"], theirs[name]["figures"])
        result["workloads"][name] = {"items": items, "tunewright_seconds": round(seconds, 3), "peer_seconds": round(other, 3),
                                     "peer_batch_size": theirs[name]["batch_size"], "ratio": round(other / seconds, 2),
                                     "peer_trials": theirs[name]["trials"], "figures": figures}
        if theirs[name]["asked"]:
            least = least_flop(theirs[name]["asked"]) / rate / 1e9
            result["workloads"][name].update(least_seconds=round(least, 2), limit_ratio=round(other / least, 2))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
