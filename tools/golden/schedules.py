#!/usr/bin/env python3
"""Writes tests/golden/schedules.json: learning-rate factors of transformers' get_*_schedule.

Run with the peers environment: .deps/peers/bin/python tools/golden/schedules.py
"""
import json
import math
import pathlib

import torch
import transformers
from transformers import optimization

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/schedules.json"
TOTALS = [1, 7, 40]
CASES = [
    {"lr_scheduler_type": name, "warmup_ratio": ratio, "min_lr_ratio": least, "decay_ratio": 0.25}
    for name, least in [("linear", 0.0), ("cosine", 0.0), ("cosine", 0.1), ("constant", 0.0),
                        ("constant_with_warmup", 0.0), ("warmup_stable_decay", 0.0), ("warmup_stable_decay", 0.2)]
    for ratio in [0.0, 0.03, 0.3]
]


def schedule(optimizer, case, total):
    warmup = math.ceil(total * case["warmup_ratio"])
    least, name = case["min_lr_ratio"], case["lr_scheduler_type"]
    if name == "linear":
        return optimization.get_linear_schedule_with_warmup(optimizer, warmup, total)
    if name == "cosine" and least:
        return optimization.get_cosine_with_min_lr_schedule_with_warmup(optimizer, warmup, total, min_lr_rate=least)
    if name == "cosine":
        return optimization.get_cosine_schedule_with_warmup(optimizer, warmup, total)
    if name == "constant":
        return optimization.get_constant_schedule(optimizer)
    if name == "constant_with_warmup":
        return optimization.get_constant_schedule_with_warmup(optimizer, warmup)
    decay = min(math.ceil(total * case["decay_ratio"]), total - warmup)
    return optimization.get_wsd_schedule(optimizer, warmup, decay, num_training_steps=total, min_lr_ratio=least,
                                         warmup_type="linear", decay_type="cosine")


def factors(case, total):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = schedule(optimizer, case, total)
    found = []
    for _ in range(total + 2):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def main():
    cases = [case | {"total_steps": total, "factors": factors(case, total)} for case in CASES for total in TOTALS]
    note = {"script": "tools/golden/schedules.py", "transformers": transformers.__version__, "torch": torch.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.write_text('{"note": ' + json.dumps(note) + ',\n"cases": [\n' + lines + "\n]}\n")
    print(OUT.name, len(cases), "cases,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
