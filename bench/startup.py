#!/usr/bin/env python3
"""How long from the start of `tunewright train` to the end of a first step of 512 tokens?  JSON out."""
import argparse
import json
import pathlib
import tempfile

from common import MODEL, PROGRAM, machine, median, run_measured

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--repeats", type=int, default=5)
arguments = parser.parse_args()

seconds = []
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "rows.jsonl").write_text(json.dumps({"text": "A house stood by the river. " * 200}) + "\n")
    config = {"model": {"path": str(MODEL)},
              "data": {"train": [{"path": str(folder / "rows.jsonl")}], "max_length": 512, "shuffle": False},
              "training": {"max_steps": 1, "per_device_train_batch_size": 1, "save_steps": 0},
              "output_dir": str(folder / "run")}
    (folder / "train.yaml").write_text(json.dumps(config))
    for _ in range(arguments.repeats):
        # The whole process is timed: reading, rendering, the step, and writing the adapter too.
        seconds.append(round(run_measured([PROGRAM, "train", folder / "train.yaml", "--overwrite"])[1], 2))
        tokens = json.loads((folder / "run/metrics.jsonl").read_text().splitlines()[0])["tokens"]
print(json.dumps({"bench": "startup", "tokens": tokens, "median_seconds": median(seconds), "seconds": seconds,
                  "limit_seconds": 5, "machine": machine()}))
