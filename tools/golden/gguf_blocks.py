#!/usr/bin/env python3
"""Writes tests/golden/blocks_llama.gguf: a Llama of one layer, each matrix in another block format.

Run: .deps/peers/bin/python tools/golden/gguf_blocks.py (from the repository's root).
The K-quants, which the `gguf` package does not quantise, are random bytes with small scales.
"""
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np
from gguf_models import vocabulary

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/blocks_llama.gguf"
SEED = 20261122
HIDDEN, HEADS, KV_HEADS, HEAD_DIM, INTERMEDIATE = 256, 4, 2, 32, 64
MATRICES = {"attn_q": ("Q4_K", HEADS * HEAD_DIM, HIDDEN), "attn_k": ("Q6_K", KV_HEADS * HEAD_DIM, HIDDEN),
            "attn_v": ("Q4_0", KV_HEADS * HEAD_DIM, HIDDEN), "attn_output": ("Q8_0", HIDDEN, HEADS * HEAD_DIM),
            "ffn_gate": ("Q4_1", INTERMEDIATE, HIDDEN), "ffn_up": ("Q4_K", INTERMEDIATE, HIDDEN),
            "ffn_down": ("Q4_1", HIDDEN, INTERMEDIATE)}
# Where the float16 scales of a block lie, and how large they are.
SCALES = {"Q4_K": ([0, 2], 3e-4), "Q6_K": ([208], 3e-5)}


def blocks(random, name, rows, columns):
    kind = gguf.GGMLQuantizationType[name]
    if name not in SCALES:
        return gguf.quantize(random.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.1), kind)
    values, size = gguf.GGML_QUANT_SIZES[kind]
    raw = random.integers(0, 256, (rows * columns // values, size), dtype=np.uint8)
    offsets, deviation = SCALES[name]
    for offset in offsets:
        scale = (random.standard_normal(len(raw)) * deviation).astype(np.float16)
        raw[:, offset:offset + 2] = scale.view(np.uint8).reshape(-1, 2)
    return raw.reshape(rows, -1)


def main():
    random = np.random.default_rng(SEED)
    writer = gguf.GGUFWriter(str(OUT), "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_rope_freq_base(50000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens, types, merges = vocabulary()
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_tensor("token_embd.weight", blocks(random, "Q8_0", len(tokens), HIDDEN),
                      raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    for name, (kind, rows, columns) in MATRICES.items():
        writer.add_tensor(f"blk.0.{name}.weight", blocks(random, kind, rows, columns),
                          raw_dtype=gguf.GGMLQuantizationType[kind])
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    note = {"script": "tools/golden/gguf_blocks.py", "gguf": importlib.metadata.version("gguf"), "numpy": np.__version__, "seed": SEED}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
