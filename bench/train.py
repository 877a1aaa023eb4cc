#!/usr/bin/env python3
"""How fast does LoRA train on real e-mails, beside transformers + PEFT, and in how much memory?

Both programs train the same weights on the same rows in the same order, 8 rows a step, alternating
in one run of this script.  tokens/s leave padding and the first step out, on both sides.  The last
line of standard output is one JSON object with each run and the ratios of the medians, and how much
of the rate of plain matrix products, measured in the same run on the model's own shapes, the step
reaches: the limit that no program on this machine passes.
"""
import argparse
import json
import pathlib
import tempfile

from common import MODEL, PROGRAM, ROOT, last_json, machine, median, run_measured
from products import DTYPES, RANK, matrix_rate, rows_flop

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", default="examples/spam_triage/data/train.jsonl", help="rows of messages, or {prompt, completion}")
parser.add_argument("--dtypes", default="fp32,bf16")
parser.add_argument("--mode", choices=["lora", "full"], default="lora")
parser.add_argument("--steps", type=int, default=5, help="counted steps, after one that warms up")
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--max-length", type=int, default=512)
parser.add_argument("--batch", type=int, default=8, help="rows a step")
parser.add_argument("--all-supervised", action="store_true", help="every row is max-length tokens of e-mail, all supervised")
parser.add_argument("--group-by-length", action="store_true", help="the peer sorts the rows, and so do we")
parser.add_argument("--peer-python", default=".deps/peers/bin/python")
arguments = parser.parse_args()


def product_gflop_of_token(data):
    """What a step must multiply, on average of a token."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))

    def length(text):
        return len(tokenizer.encode(text, add_special_tokens=False).ids)
    rows = []
    for line in data.read_text(encoding="utf-8").splitlines()[arguments.batch:(arguments.steps + 1) * arguments.batch]:
        row = json.loads(line)
        answer = length(row["completion"]) + 1
        rows.append((min(length(row["prompt"]) + answer, arguments.max_length), answer))
    return rows_flop(arguments.mode, rows) / sum(tokens for tokens, _ in rows) / 1e9


def peer(dtype, data):
    command = [arguments.peer_python, "bench/peer_hf.py", "--model", MODEL, "--data", data, "--mode", arguments.mode,
               "--dtype", dtype, "--max-length", arguments.max_length, "--batch", arguments.batch, "--steps", arguments.steps]
    result = last_json(run_measured(command)[0])
    return {"tokens_per_second": result["tokens_per_second"], "peak_memory_gib": result["peak_rss_gib"],
            "seconds_to_first_step": result["seconds_to_first_step"], "losses": result["losses"]}


def ours(dtype, data, folder):
    out = pathlib.Path(folder) / "run"
    config = {
        "model": {"path": str(MODEL), "dtype": DTYPES[dtype]},
        "data": {"train": [{"path": str(data)}], "max_length": arguments.max_length, "overflow": "truncate",
                 "packing": False, "shuffle": False},
        "adapter": {"type": "lora" if arguments.mode == "lora" else "none", "r": RANK, "lora_alpha": 32},
        "training": {"max_steps": arguments.steps + 1, "per_device_train_batch_size": arguments.batch, "learning_rate": 2e-4,
                     "lr_scheduler_type": "constant", "warmup_ratio": 0, "save_steps": 0},
        "output_dir": str(out),
    }
    path = pathlib.Path(folder) / "train.yaml"
    path.write_text(json.dumps(config))          # JSON is YAML
    run_measured([PROGRAM, "train", path, "--overwrite"])
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in steps if "loss" in line]
    counted = steps[1:]
    return {"tokens_per_second": round(sum(s["tokens"] for s in counted) / sum(s["step_seconds"] for s in counted), 1),
            "peak_memory_gib": round(max(s["peak_memory_bytes"] for s in steps) / 2**30, 3),
            "losses": [round(s["loss"], 5) for s in steps]}


def full_rows(rows, needed):
    """The e-mails end to end, cut into rows that are max_length tokens with their end."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    encoded = tokenizer.encode("\n\n".join(m["content"] for row in rows for m in row["messages"]), add_special_tokens=False)
    size = arguments.max_length - 1
    texts = [tokenizer.decode(encoded.ids[i * size:(i + 1) * size], skip_special_tokens=False) for i in range(needed)]
    return [{"prompt": "", "completion": text} for text in texts]


def rows_for_both(folder):
    """The rows of the bench as strings that both sides tokenise alike: the rendered conversation and its answer."""
    needed = (arguments.steps + 1) * arguments.batch
    if arguments.all_supervised:
        rows = [json.loads(line) for line in (ROOT / arguments.data).read_text(encoding="utf-8").splitlines()]
        path = pathlib.Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in full_rows(rows, needed)))
        return path
    rows = [json.loads(line) for line in (ROOT / arguments.data).read_text(encoding="utf-8").splitlines()[:needed]]
    folder = pathlib.Path(folder)
    if "messages" in rows[0]:
        (folder / "questions.jsonl").write_text("".join(json.dumps({"messages": row["messages"][:-1]}) + "\n" for row in rows))
        rendered, _ = run_measured([PROGRAM, "template", "--model", MODEL, "--in", folder / "questions.jsonl", "--generation-prompt"])
        rows = [{"prompt": json.loads(line)["text"], "completion": row["messages"][-1]["content"]}
                for row, line in zip(rows, rendered.splitlines())]
    if arguments.group_by_length:
        rows.sort(key=lambda row: -len(row["prompt"]))
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


result = {"bench": "train", "mode": arguments.mode, "steps": arguments.steps, "repeats": arguments.repeats,
          "max_length": arguments.max_length, "batch": arguments.batch, "group_by_length": arguments.group_by_length,
          "all_supervised": arguments.all_supervised, "machine": machine(), "dtypes": {}}
with tempfile.TemporaryDirectory() as folder:
    data = rows_for_both(folder)
    for dtype in arguments.dtypes.split(","):
        runs, rates = {"tunewright": [], "peer": []}, []
        for repeat in range(arguments.repeats):
            rates.append(matrix_rate(arguments.peer_python, dtype, tokens=1024))
            runs["tunewright"].append(ours(dtype, data, folder))
            rates.append(matrix_rate(arguments.peer_python, dtype, tokens=1024))
            runs["peer"].append(peer(dtype, data))
            print(f"{dtype} {repeat + 1}/{arguments.repeats}: tunewright {runs['tunewright'][-1]['tokens_per_second']} tokens/s, "
                  f"peer {runs['peer'][-1]['tokens_per_second']} tokens/s", flush=True)
        medians = {side: {key: median([run[key] for run in runs[side]]) for key in ("tokens_per_second", "peak_memory_gib")}
                   for side in runs}
        reached = medians["tunewright"]["tokens_per_second"] * product_gflop_of_token(data)
        result["dtypes"][dtype] = {
            "median": medians,
            "matrix_gflops": median(rates),
            "product_gflops": round(reached, 1),
            "share_of_matrix_rate": round(reached / median(rates), 3),
            "speed_ratio": round(medians["tunewright"]["tokens_per_second"] / medians["peer"]["tokens_per_second"], 3),
            "memory_ratio": round(medians["tunewright"]["peak_memory_gib"] / medians["peer"]["peak_memory_gib"], 3),
            "runs": runs,
        }
print(json.dumps(result))
