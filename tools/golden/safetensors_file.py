#!/usr/bin/env python3
"""Writes tests/golden/all_dtypes.safetensors with the safetensors library: one tensor of each dtype.

Run: .deps/peers/bin/python tools/golden/safetensors_file.py (from the repository's root).
"""
import importlib.metadata
import json
import pathlib

import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/all_dtypes.safetensors"
DTYPES = {
    "bool": torch.bool, "u8": torch.uint8, "i8": torch.int8, "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
    "i16": torch.int16, "u16": torch.uint16, "f16": torch.float16, "bf16": torch.bfloat16, "i32": torch.int32,
    "u32": torch.uint32, "f32": torch.float32, "i64": torch.int64, "u64": torch.uint64, "f64": torch.float64,
}


def main():
    values = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    tensors = {name: (values % 2 if dtype == torch.bool else values).to(dtype) for name, dtype in DTYPES.items()}
    tensors["empty"] = torch.zeros(0, 4)
    tensors["scalar"] = torch.tensor(1.5)
    safetensors.torch.save_file(tensors, OUT, metadata={"format": "pt"})
    note = {"script": "tools/golden/safetensors_file.py", "torch": torch.__version__,
            "safetensors": importlib.metadata.version("safetensors"), "seed": None}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
