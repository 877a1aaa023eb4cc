#!/usr/bin/env python3
"""Writes tests/golden/optimizers.safetensors: where 25 steps of each optimizer lead, by its original where there is one.

    adamw, sgd, sgd_momentum, muon   torch.optim 2.13 (muon: its products in bfloat16, as torch does them)
    adafactor                        transformers' Adafactor as its Trainer sets it up
    adamw_8bit                       bitsandbytes' AdamW8bit on the CPU
    lion                             algorithm 2 of Chen et al. (2023), written out below

The gradients are a formula that the test computes too.  Run with the peers environment, and bitsandbytes beside it:

    .deps/peers/bin/pip install --no-deps --target .deps/bitsandbytes bitsandbytes==0.50.2
    PYTHONPATH=.deps/bitsandbytes .deps/peers/bin/python tools/golden/optimizers.py
"""
import json
import pathlib

import bitsandbytes
import numpy
import safetensors.torch
import torch
import transformers
from torch.optim import _muon
from transformers.optimization import Adafactor

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/optimizers.safetensors"
STEPS, KEPT = 25, (1, 5, 25)
SHAPES = {"wide": (17, 40), "tall": (40, 17), "vector": (33,)}   # the vector is not decayed
LARGE = {"matrix": (70, 61), "vector": (33,)}                    # 4,270 numbers: 16 blocks of 256 and a part of one
RATE, DECAY, BETAS, EPSILON = 0.01, 0.1, (0.9, 0.99), 1e-7


def noise(shape, salt):
    """Numbers of 24 bits in [-1, 1), the same on every machine."""
    h = (numpy.arange(numpy.prod(shape), dtype=numpy.uint64) * 2654435761 + salt * 40503 * 65537) % 2**32
    for _ in range(2):
        h = ((h ^ (h >> 16)) * 0x45D9F3B) % 2**32
    h = h ^ (h >> 16)
    return torch.from_numpy(((h >> 8).astype(numpy.float64) / 2**23 - 1).astype(numpy.float32)).reshape(shape)


def gradient(shape, step, index):
    """A direction that stays, and noise; the size varies by step."""
    scale = (1.0, 0.25, 0.5)[step % 3]
    return (noise(shape, 1000 + index) * 0.5 + noise(shape, step * 10 + index)) * scale


class Lion:
    def __init__(self, groups, lr, betas):
        self.groups, self.lr, self.betas = groups, lr, betas
        self.means = {}

    def step(self):
        beta1, beta2 = self.betas
        for group in self.groups:
            for parameter in group["params"]:
                mean = self.means.setdefault(parameter, torch.zeros_like(parameter))
                update = torch.sign(beta1 * mean + (1 - beta1) * parameter.grad)
                parameter.data -= self.lr * (update + group["weight_decay"] * parameter.data)
                self.means[parameter] = beta2 * mean + (1 - beta2) * parameter.grad


def float32_newton_schulz(grad, ns_coefficients, ns_steps, eps):
    class Float32(torch.Tensor):
        def bfloat16(self):
            return self.clone()
    return _muon._zeropower_via_newtonschulz(grad.as_subclass(Float32), ns_coefficients, ns_steps, eps).as_subclass(torch.Tensor)


def muon(adjust):
    def make(groups):
        matrices = [p for group in groups for p in group["params"] if p.dim() == 2]
        rest = [p for group in groups for p in group["params"] if p.dim() != 2]
        return [torch.optim.Muon(matrices, lr=RATE, weight_decay=DECAY, adjust_lr_fn=adjust),
                torch.optim.AdamW(rest, lr=RATE, betas=BETAS, eps=EPSILON, weight_decay=0.0)]
    return make


MAKERS = {
    "adamw": lambda groups: [torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPSILON)],
    "sgd": lambda groups: [torch.optim.SGD(groups, lr=RATE)],
    "sgd_momentum": lambda groups: [torch.optim.SGD(groups, lr=RATE, momentum=0.8)],
    "adafactor": lambda groups: [Adafactor(groups, lr=RATE, scale_parameter=False, relative_step=False)],
    "lion": lambda groups: [Lion(groups, RATE, BETAS)],
    "muon": muon("original"),
    "muon_rms": muon("match_rms_adamw"),
    "adamw_8bit": lambda groups: [bitsandbytes.optim.AdamW8bit(groups, lr=RATE, betas=BETAS, eps=EPSILON)],
}


def run(name, saved):
    shapes = LARGE if name == "adamw_8bit" else SHAPES
    parameters = {key: torch.nn.Parameter(noise(shape, 77 + index)) for index, (key, shape) in enumerate(shapes.items())}
    groups = [{"params": [p for p in parameters.values() if p.dim() == 2], "weight_decay": DECAY},
              {"params": [p for p in parameters.values() if p.dim() != 2], "weight_decay": 0.0}]
    optimizers = MAKERS[name](groups)
    for step in range(1, STEPS + 1):
        for index, parameter in enumerate(parameters.values()):
            parameter.grad = gradient(tuple(parameter.shape), step, index)
        for optimizer in optimizers:
            optimizer.step()
        if step in KEPT:
            for key, parameter in parameters.items():
                saved[f"{name}.{step}.{key}"] = parameter.detach().clone()
            if name == "adamw_8bit":
                state = optimizers[0].state[parameters["matrix"]]
                for key in ("state1", "state2", "absmax1", "absmax2"):
                    saved[f"{name}.{step}.{key}"] = state[key].clone()
                saved.update({f"{name}.{key}": state[key].clone() for key in ("qmap1", "qmap2")})


def main():
    saved = {}
    for name in MAKERS:
        run(name, saved)
    saved["orthogonalised.tall"] = float32_newton_schulz(noise((40, 17), 5), (3.4445, -4.7750, 2.0315), 5, 1e-7).contiguous()
    safetensors.torch.save_file(saved, OUT, metadata={"format": "pt"})
    note = {"script": "tools/golden/optimizers.py", "torch": torch.__version__, "transformers": transformers.__version__,
            "bitsandbytes": bitsandbytes.__version__, "steps": STEPS, "kept": KEPT,
            "options": {"learning_rate": RATE, "weight_decay": DECAY, "adam_beta1": BETAS[0], "adam_beta2": BETAS[1],
                        "adam_epsilon": EPSILON}}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(OUT.name, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
