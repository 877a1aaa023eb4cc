#!/usr/bin/env python3
"""Writes tests/golden/quantized.safetensors: matrices that bitsandbytes quantises to nf4 and int8.

Run with the peers environment and bitsandbytes 0.50.2 beside it:
  .deps/peers/bin/python -m pip install --no-deps --target build/bitsandbytes bitsandbytes==0.50.2
  PYTHONPATH=build/bitsandbytes .deps/peers/bin/python tools/golden/quantized.py

bitsandbytes defines nf4 on the flattened matrix.  Its routine for the CPU with AVX-512 dequantises
matrices whose rows do not end with a block of 64 as if they did, so the matrices are flattened
before it sees them.
"""
import json
import pathlib

import bitsandbytes
import bitsandbytes.functional as F
import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/quantized.safetensors"
SEED = 20261122
# Rows of whole blocks; rows that share blocks; a last block that is not full.
SHAPES = {"whole": (86, 192), "shared": (24, 96), "partial": (9, 34)}


def matrix(shape, generator):
    """Normal numbers whose size differs from row to row, a zero row and one wild number."""
    values = torch.randn(shape, generator=generator) * torch.logspace(-3, 0, shape[0]).unsqueeze(1)
    values[shape[0] // 2] = 0
    values[1, 3] = 7.5
    return values


def nf4(values):
    packed, state = F.quantize_4bit(values.flatten(), blocksize=64, compress_statistics=True, quant_type="nf4")
    assert state.nested and state.state2.blocksize == 256
    return {"codes": packed.flatten(), "absmax_codes": state.absmax.flatten(), "absmax_scales": state.state2.absmax,
            "absmax_mean": state.offset.reshape(1), "values": F.dequantize_4bit(packed, state).reshape(values.shape)}


def int8(values):
    codes, absmax, _ = F.int8_vectorwise_quant(values)
    codes[absmax == 0] = 0  # 0 * infinity there, which int8 cannot hold
    return {"codes": codes, "absmax": absmax, "values": F.int8_vectorwise_dequant(codes, absmax)}


def main():
    generator = torch.Generator().manual_seed(SEED)
    saved = {"nf4_levels": F.get_4bit_type("nf4", device="cpu"), "dynamic_levels": F.create_dynamic_map(signed=True)}
    for name, shape in SHAPES.items():
        values = matrix(shape, generator)
        saved[f"{name}.matrix"] = values
        for kind, quantize in (("nf4", nf4), ("int8", int8)):
            saved |= {f"{name}.{kind}.{part}": tensor for part, tensor in quantize(values.clone()).items()}
    saved = {name: tensor.detach().clone().contiguous() for name, tensor in saved.items()}
    safetensors.torch.save_file(saved, OUT, metadata={"format": "pt"})
    note = {"script": "tools/golden/quantized.py", "torch": torch.__version__, "bitsandbytes": bitsandbytes.__version__,
            "seed": SEED, "shapes": SHAPES}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")


if __name__ == "__main__":
    main()
