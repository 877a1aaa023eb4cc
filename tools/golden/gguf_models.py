#!/usr/bin/env python3
"""Makes tiny GGUF models, and tests/golden/tiny_llama.gguf with the weights it stands for.

Run: .deps/peers/bin/python tools/golden/gguf_models.py (from the repository's root).
The rotary rows of q and k are put into GGUF's order here, from the definition: Hugging Face rotates
row i with row i + head_dim / 2, GGUF's Llama rotates neighbours.
"""
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/tiny_llama.gguf"
SEED = 20261122
LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, INTERMEDIATE = 2, 32, 4, 2, 8, 64


def byte_alphabet():
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in kept}
    for byte in range(256):
        letters.setdefault(byte, chr(256 + len(letters) - len(kept)))
    return [letters[byte] for byte in range(256)]


def vocabulary():
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + byte_alphabet() + ["th", "the", "Ġthe"]
    types = [3, 3, 3] + [1] * (len(tokens) - 3)
    return tokens, types, ["t h", "th e", "Ġ the"]


def to_pairs(weight, heads):
    """Rows of each head from halves to neighbours."""
    rows = weight.reshape(heads, 2, HEAD_DIM // 2, -1)
    return rows.transpose(0, 2, 1, 3).reshape(weight.shape)


def weights(kind, random):
    """Hugging Face's name -> (numbers, GGUF's name)."""
    vocab = len(vocabulary()[0])
    q, k = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    shapes = {"model.embed_tokens.weight": ((vocab, HIDDEN), "token_embd.weight")}
    for i in range(LAYERS):
        hf, short = f"model.layers.{i}.", f"blk.{i}."
        linear = {"self_attn.q_proj": ((q, HIDDEN), "attn_q"), "self_attn.k_proj": ((k, HIDDEN), "attn_k"),
                  "self_attn.v_proj": ((k, HIDDEN), "attn_v"), "self_attn.o_proj": ((HIDDEN, q), "attn_output"),
                  "mlp.gate_proj": ((INTERMEDIATE, HIDDEN), "ffn_gate"), "mlp.up_proj": ((INTERMEDIATE, HIDDEN), "ffn_up"),
                  "mlp.down_proj": ((HIDDEN, INTERMEDIATE), "ffn_down"),
                  "input_layernorm": ((HIDDEN,), "attn_norm"), "post_attention_layernorm": ((HIDDEN,), "ffn_norm")}
        if kind == "qwen3":
            linear |= {"self_attn.q_norm": ((HEAD_DIM,), "attn_q_norm"), "self_attn.k_norm": ((HEAD_DIM,), "attn_k_norm")}
        for name, (shape, other) in linear.items():
            shapes[hf + name + ".weight"] = (shape, short + other + ".weight")
        if kind == "qwen2":
            for name, size, other in (("q", q, "attn_q"), ("k", k, "attn_k"), ("v", k, "attn_v")):
                shapes[f"{hf}self_attn.{name}_proj.bias"] = ((size,), f"{short}{other}.bias")
    shapes["model.norm.weight"] = ((HIDDEN,), "output_norm.weight")
    if kind == "qwen3":
        shapes["lm_head.weight"] = ((vocab, HIDDEN), "output.weight")
    return {name: (random.standard_normal(shape, dtype=np.float32) * np.float32(0.3), other) for name, (shape, other) in shapes.items()}


def write_model(kind, path):
    """Writes the file and returns the float32 weights that a reader should see."""
    random = np.random.default_rng(SEED)
    writer = gguf.GGUFWriter(str(path), kind)
    writer.add_name("tiny")
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_rope_freq_base(50000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens, types, merges = vocabulary()
    writer.add_vocab_size(len(tokens))
    if kind == "llama":
        writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm" if kind == "llama" else "qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    seen = {}
    for name, (values, short) in weights(kind, random).items():
        stored = values
        if kind == "llama" and ("q_proj" in name or "k_proj" in name):
            stored = to_pairs(values, HEADS if "q_proj" in name else KV_HEADS)
        if "o_proj" in name:  # one quantised kind among the float32 ones, with no rotation in the way
            raw = gguf.quantize(stored, gguf.GGMLQuantizationType.Q8_0)
            values = gguf.dequantize(raw, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(short, raw, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(short, stored)
        seen[name] = np.ascontiguousarray(values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return seen


def main():
    expected = write_model("llama", OUT)
    save_file(expected, OUT.with_suffix(".safetensors"))
    note = {"script": "tools/golden/gguf_models.py", "gguf": importlib.metadata.version("gguf"), "numpy": np.__version__, "seed": SEED}
    OUT.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
