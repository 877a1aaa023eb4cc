#!/usr/bin/env python3
"""How long from the start of `tunewright train` to the end of a first step of 512 tokens?  JSON out.

`median_seconds` runs from the command to the step's line in metrics.jsonl, `whole_seconds` on to the end of the
process, with checkpoint, adapter and report written.  `product_seconds` is what the step's matrix products alone
take at the rate of plain products of the same run: on this machine no program is faster.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from common import MODEL, PROGRAM, ROOT, machine, median
from products import DTYPES, matrix_rate, rows_flop


def first_step(config, metrics):
    """Seconds to the step's line, and to the end of the process."""
    begin = time.monotonic()
    process = subprocess.Popen([PROGRAM, "train", config, "--overwrite"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, cwd=ROOT)
    stepped = None
    while process.poll() is None:
        if stepped is None and metrics.exists() and metrics.stat().st_size:
            stepped = time.monotonic() - begin
        time.sleep(0.005)
    if process.returncode != 0 or stepped is None:
        sys.exit(f"train ended with {process.returncode}:\n{process.stderr.read()[-2000:]}")
    return stepped, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", choices=DTYPES, default="fp32")
    parser.add_argument("--peer-python", default=".deps/peers/bin/python")
    arguments = parser.parse_args()
    runs, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "rows.jsonl").write_text(json.dumps({"text": "A house stood by the river. " * 200}) + "\n")
        config = {"model": {"path": str(MODEL), "dtype": DTYPES[arguments.dtype]},
                  "data": {"train": [{"path": str(folder / "rows.jsonl")}], "max_length": 512, "shuffle": False},
                  "training": {"max_steps": 1, "per_device_train_batch_size": 1, "save_steps": 0}}
        for repeat in range(arguments.repeats):
            rates.append(matrix_rate(arguments.peer_python, arguments.dtype, tokens=512))
            out = folder / f"run{repeat}"
            (folder / "train.yaml").write_text(json.dumps(config | {"output_dir": str(out)}))  # JSON is YAML
            runs.append(first_step(folder / "train.yaml", out / "metrics.jsonl"))
            tokens = json.loads((out / "metrics.jsonl").read_text().splitlines()[0])["tokens"]
    print(json.dumps({"bench": "startup", "tokens": tokens, "dtype": DTYPES[arguments.dtype],
                      "median_seconds": median([run[0] for run in runs]), "whole_seconds": median([run[1] for run in runs]),
                      "seconds": [round(run[0], 2) for run in runs], "limit_seconds": 5, "matrix_gflops": median(rates),
                      "product_seconds": round(rows_flop("lora", [(512, 512)]) / median(rates) / 1e9, 2), "machine": machine()}))


if __name__ == "__main__":
    main()
