#!/usr/bin/env python3
"""Writes tests/golden/optimizer.safetensors: ten steps of torch.optim.AdamW with clipping on random gradients.

Run with the peers environment: .deps/peers/bin/python tools/golden/optimizer.py
"""
import json
import pathlib

import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/optimizer.safetensors"
SEED, STEPS = 20261122, 10
OPTIONS = {"learning_rate": 1e-2, "adam_beta1": 0.9, "adam_beta2": 0.99, "adam_epsilon": 1e-7, "weight_decay": 0.1,
           "max_grad_norm": 3.0}
SHAPES = {"matrix": (7, 5), "norm": (5,)}  # the norm is not decayed


def main():
    torch.manual_seed(SEED)
    parameters = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in SHAPES.items()}
    saved = {f"initial.{name}": parameter.detach().clone() for name, parameter in parameters.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [parameters["matrix"]], "weight_decay": OPTIONS["weight_decay"]},
         {"params": [parameters["norm"]], "weight_decay": 0.0}],
        lr=OPTIONS["learning_rate"], betas=(OPTIONS["adam_beta1"], OPTIONS["adam_beta2"]), eps=OPTIONS["adam_epsilon"])
    norms = []
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = torch.randn(SHAPES[name]) * (2.0 if step % 2 else 0.2)  # every second step is clipped
            saved[f"gradient.{step}.{name}"] = parameter.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), OPTIONS["max_grad_norm"]))
        optimizer.step()
        for name, parameter in parameters.items():
            saved[f"after.{step}.{name}"] = parameter.detach().clone()
    saved["norms"] = torch.stack(norms)
    safetensors.torch.save_file(saved, OUT, metadata={"format": "pt"})
    note = {"script": "tools/golden/optimizer.py", "torch": torch.__version__, "seed": SEED, "steps": STEPS, "options": OPTIONS}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(OUT.name, OUT.stat().st_size, "bytes; norms", [round(norm.item(), 2) for norm in norms])


if __name__ == "__main__":
    main()
