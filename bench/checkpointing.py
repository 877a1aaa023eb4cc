#!/usr/bin/env python3
"""What do gradient_checkpointing's recomputed blocks cost in time, and save in memory?

Trains SmolLM2 for a few steps on rows of random words, all supervised, with and without, alternating in one run of this
script.  Goal: at most 35 % more time in full fine-tuning, 55 % with LoRA.  The last line of standard output is one JSON
object with each run and the ratios of the medians.
"""
import argparse
import json
import pathlib
import random
import tempfile

from common import MODEL, PROGRAM, machine, median, run_measured

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--modes", default="lora,full")
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--blocks", default="false,true", help="values of gradient_checkpointing, the first one the base")
parser.add_argument("--steps", type=int, default=3, help="counted steps, after one that warms up")
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--tokens", type=int, default=2048, help="of a step, which is one pass")
parser.add_argument("--length", type=int, default=512)
parser.add_argument("--optim", default="adamw")
arguments = parser.parse_args()
BLOCKS = [json.loads(value) for value in arguments.blocks.split(",")]


def write_rows(path):
    """More words than a row holds: each becomes rows of exactly `length` tokens."""
    words = ["river", "number", "of", "the", "quiet", "answer", "green", "seven", "house", "and", "mountain", "paper"]
    generator = random.Random(5)
    rows = (arguments.steps + 1) * arguments.tokens // arguments.length + 4
    text = [" ".join(generator.choice(words) for _ in range(arguments.length)) for _ in range(rows)]
    path.write_text("".join(json.dumps({"text": line}) + "\n" for line in text))


def run(mode, blocks, folder):
    out = folder / "run"
    config = {
        "model": {"path": str(MODEL), "dtype": arguments.dtype},
        "data": {"train": [{"path": str(folder / "rows.jsonl")}], "max_length": arguments.length, "overflow": "split"},
        "adapter": {"type": "lora" if mode == "lora" else "none", "r": 16, "lora_alpha": 32},
        "training": {"max_steps": arguments.steps + 1, "learning_rate": 1e-5, "lr_scheduler_type": "constant",
                     "warmup_ratio": 0, "per_device_train_batch_size": arguments.tokens // arguments.length,
                     "tokens_per_pass": arguments.tokens, "save_steps": 0, "optim": arguments.optim,
                     "gradient_checkpointing": blocks},
        "output_dir": str(out),
    }
    path = folder / "train.yaml"
    path.write_text(json.dumps(config))          # JSON is YAML
    run_measured([PROGRAM, "train", path, "--overwrite"])
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {"step_seconds": median([step["step_seconds"] for step in steps[1:]]),
            "tokens": steps[-1]["tokens"],
            "peak_memory_gib": round(steps[-1]["peak_memory_bytes"] / 2**30, 3),
            "losses": [step["loss"] for step in steps]}


result = {"bench": "checkpointing", "dtype": arguments.dtype, "steps": arguments.steps, "repeats": arguments.repeats,
          "tokens": arguments.tokens, "optim": arguments.optim, "machine": machine(), "modes": {}}
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    write_rows(folder / "rows.jsonl")
    for mode in arguments.modes.split(","):
        runs = {json.dumps(blocks): [] for blocks in BLOCKS}
        for _ in range(arguments.repeats):
            for blocks in BLOCKS:
                runs[json.dumps(blocks)].append(run(mode, blocks, folder))
        medians = {key: {field: median([entry[field] for entry in entries]) for field in ("step_seconds", "peak_memory_gib")}
                   for key, entries in runs.items()}
        base, first = next(iter(medians.values())), next(iter(runs.values()))[0]
        result["modes"][mode] = {
            "median": medians,
            "time_ratio": {key: round(value["step_seconds"] / base["step_seconds"], 3) for key, value in medians.items()},
            "memory_ratio": {key: round(value["peak_memory_gib"] / base["peak_memory_gib"], 3) for key, value in medians.items()},
            "same_losses": all(entry["losses"] == first["losses"] for entries in runs.values() for entry in entries),
            "runs": runs,
        }
        print(mode, result["modes"][mode]["time_ratio"], result["modes"][mode]["memory_ratio"], flush=True)
print(json.dumps(result))
