#!/usr/bin/env python3
"""Writes tests/golden/gguf_types.safetensors: blocks of each GGUF storage type and their numbers.

Run: .deps/peers/bin/python tools/golden/gguf_types.py (from the repository's root).
Types that the `gguf` package quantises come from normal numbers; the others are random bytes whose
float16 scales are replaced by ordinary ones.
"""
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/gguf_types.safetensors"
SEED = 20261122
VALUES = 2048
# Where the float16 scales lie in a block.
SCALES = {"Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0]}
QUANTIZED = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def random_blocks(random, kind, offsets):
    block_values, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (VALUES // block_values, block_bytes), dtype=np.uint8)
    for offset in offsets:
        scale = (random.standard_normal(len(blocks)) * 0.02).astype(np.float16)
        blocks[:, offset:offset + 2] = scale.view(np.uint8).reshape(-1, 2)
    return blocks


def main():
    random = np.random.default_rng(SEED)
    tensors = {}
    for name in QUANTIZED:
        kind = gguf.GGMLQuantizationType[name]
        tensors[name] = gguf.quantize(random.standard_normal((8, VALUES // 8), dtype=np.float32) * 0.1, kind)
    for name, offsets in SCALES.items():
        tensors[name] = random_blocks(random, gguf.GGMLQuantizationType[name], offsets)
    out = {}
    for name, raw in tensors.items():
        out[name + ".bytes"] = np.ascontiguousarray(raw).view(np.uint8).reshape(-1)
        out[name + ".values"] = gguf.dequantize(raw, gguf.GGMLQuantizationType[name]).astype(np.float32).reshape(-1)
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)][::37]
    out["half.bytes"] = np.ascontiguousarray(finite).view(np.uint8)
    out["half.values"] = finite.astype(np.float32)
    save_file(out, OUT)
    note = {"script": "tools/golden/gguf_types.py", "gguf": importlib.metadata.version("gguf"), "numpy": np.__version__, "seed": SEED}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
