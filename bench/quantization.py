#!/usr/bin/env python3
"""What does a quantised frozen base cost in LoRA training, beside the dense one, and what does it save?

Each format trains the same adapter on the same e-mails, alternating in one run of this script; the
first step is left out.  Also: the change of the log-probabilities of held-out e-mails.  The last line
of standard output is one JSON object: each run, the medians, and their ratios to the dense base.
Goals for nf4: at most 1.25 times the time; at most 0.27 times the memory of the quantised matrices.
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

from common import MODEL, PROGRAM, ROOT, machine, median

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default=str(MODEL))
parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
parser.add_argument("--formats", default="null,nf4,int8", help="null is the dense base; also gguf")
parser.add_argument("--steps", type=int, default=5, help="counted steps, after one that warms up")
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--rows", type=int, default=8, help="e-mails a step")
parser.add_argument("--max-length", type=int, default=512)
parser.add_argument("--scored", type=int, default=20, help="e-mails whose log-probabilities are compared")
arguments = parser.parse_args()


def program(*command):
    done = subprocess.run([str(PROGRAM), *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def train(quantization, folder):
    config = {
        "model": {"path": arguments.model, "dtype": arguments.dtype, "quantization": quantization},
        "data": {"train": [{"path": "examples/spam_triage/data/train.jsonl"}], "max_length": arguments.max_length,
                 "overflow": "truncate", "packing": False, "shuffle": False},
        "adapter": {"type": "lora", "r": 16, "lora_alpha": 32},
        "training": {"max_steps": arguments.steps + 1, "per_device_train_batch_size": arguments.rows, "learning_rate": 2e-4,
                     "lr_scheduler_type": "constant", "warmup_ratio": 0, "save_steps": 0},
        "output_dir": str(folder / "run"),
    }
    (folder / "train.yaml").write_text(json.dumps(config))  # JSON is YAML
    done = program("train", folder / "train.yaml", "--overwrite")
    steps = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in steps if "loss" in line]
    size = re.search(r"linear layers in \w+ \(([\d.]+) (\wiB), ([\d.]+) bits", done.stderr)
    return {"step_seconds": median([step["step_seconds"] for step in steps[1:]]),
            "tokens": sum(step["tokens"] for step in steps[1:]),
            "peak_memory_mib": round(max(step["peak_memory_bytes"] for step in steps) / 2**20, 1),
            "matrices_mib": round(float(size[1]) * UNITS[size[2]] / 2**20, 1) if size else None,
            "bits_a_number": float(size[3]) if size else {"float32": 32, "bfloat16": 16}[arguments.dtype],
            "losses": [round(step["loss"], 5) for step in steps]}


def logprobs(quantization, folder):
    rows = (ROOT / "examples/spam_triage/data/test.jsonl").read_text(encoding="utf-8").splitlines()[:arguments.scored]
    texts = [json.dumps({"text": " ".join(m["content"] for m in json.loads(row)["messages"])[:1500]}) for row in rows]
    (folder / "texts.jsonl").write_text("\n".join(texts) + "\n")
    flags = ["--quantization", quantization] if quantization else []
    done = program("score", "--model", arguments.model, "--dtype", arguments.dtype, "--in", folder / "texts.jsonl", *flags)
    return [value for line in done.stdout.splitlines() for value in json.loads(line)["token_logprobs"][1:]]


def compare(got, dense):
    differences = sorted(abs(a - b) for a, b in zip(got, dense))
    return {"tokens": len(got), "mean_logprob": round(sum(got) / len(got), 4), "mean_logprob_dense": round(sum(dense) / len(dense), 4),
            "mean_absolute_difference": round(sum(differences) / len(differences), 4),
            "median_absolute_difference": round(differences[len(differences) // 2], 4)}


formats = [None if name == "null" else name for name in arguments.formats.split(",")]
result = {"bench": "quantization", "dtype": arguments.dtype, "model": pathlib.Path(arguments.model).name, "steps": arguments.steps,
          "repeats": arguments.repeats, "rows": arguments.rows, "max_length": arguments.max_length, "machine": machine()}
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    runs = {quantization: [] for quantization in formats}
    for repeat in range(arguments.repeats):
        for quantization in formats:
            runs[quantization].append(train(quantization, folder))
            print(f"{quantization or 'dense'} {repeat + 1}/{arguments.repeats}: {runs[quantization][-1]['step_seconds']} s a step", flush=True)
    medians = {q: {key: median([run[key] for run in runs[q]]) for key in ("step_seconds", "peak_memory_mib")} for q in formats}
    dense = logprobs(None, folder) if arguments.scored else None
    result["formats"] = {}
    for quantization in formats:
        entry = {"median": medians[quantization], "runs": runs[quantization]}
        if None in medians:
            entry["time_ratio"] = round(medians[quantization]["step_seconds"] / medians[None]["step_seconds"], 3)
            entry["matrices_ratio"] = round(runs[quantization][0]["bits_a_number"] / runs[None][0]["bits_a_number"], 3)
        if dense and quantization:
            entry["logprobs"] = compare(logprobs(quantization, folder), dense)
        result["formats"][quantization or "dense"] = entry
print(json.dumps(result))
