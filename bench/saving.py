#!/usr/bin/env python3
"""What do checkpoints beside training and `training.deterministic` cost a step?  JSON out.

The same short run three times, LoRA or full fine-tuning: without a checkpoint, with one after every step, and
deterministic.  `seconds`: of the median step; `wait`: that training waited for a checkpoint's copy and for the write
before it, each step.
"""
import argparse
import json
import pathlib
import tempfile

from common import MODEL, PROGRAM, last_json, machine, median, run_measured

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--adapter", choices=["lora", "none"], default="lora")
parser.add_argument("--steps", type=int, default=8)
parser.add_argument("--rows", type=int, default=4, help="rows of 128 tokens a step")
arguments = parser.parse_args()


def run(folder, name, training):
    out = folder / name
    config = {"model": {"path": str(MODEL)}, "data": {"train": [{"path": str(folder / "rows.jsonl")}], "max_length": 128,
                                                      "packing": False},
              "adapter": {"type": arguments.adapter}, "output_dir": str(out),
              "training": {"max_steps": arguments.steps, "per_device_train_batch_size": arguments.rows, "save_steps": 0,
                           **training}}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    output, wall = run_measured([PROGRAM, "train", path, "--json"])
    assert last_json(output)["steps"] == arguments.steps
    report = json.loads((out / "report.json").read_text())
    steps = [json.loads(line)["step_seconds"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {"seconds": median(steps[1:]), "wait": round(report["save_seconds"] / arguments.steps, 4), "wall": round(wall, 2),
            "losses": report["curves"]["loss"]}


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    rows = [{"input_ids": [(7 * i + j) % 4000 + 100 for j in range(128)], "labels": [(7 * i + j) % 4000 + 100 for j in range(128)]}
            for i in range(64)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = {name: run(folder, name, training) for name, training in
               [("plain", {}), ("saving", {"save_steps": 1}), ("deterministic", {"deterministic": True})]}
losses = [result.pop("losses") for result in results.values()]
print(json.dumps({**machine(), "adapter": arguments.adapter, "same_losses": losses[0] == losses[1] == losses[2], **results}))
