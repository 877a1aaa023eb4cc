#!/usr/bin/env python3
"""Tiny random models of each architecture, and what transformers computes with them.

Writes tests/golden/model_NAME.safetensors (weights, logits, a greedy continuation, gradients) and
model_NAME.json (the config.json, and what made it); for one of them also a PEFT adapter with its logits.

    .deps/peers/bin/python tools/golden/models.py
"""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SEED = 20261122
SIZES = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, hidden_act="silu",
             bos_token_id=None, eos_token_id=None, pad_token_id=None)
LLAMA = dict(SIZES, model_type="llama", architectures=["LlamaForCausalLM"])

CASES = {
    # rope_theta and rope_scaling are the older spelling, rope_parameters that of transformers 5.
    "llama": dict(LLAMA, rope_theta=5000.0, tie_word_embeddings=False, attention_bias=True, mlp_bias=True),
    "llama_tied_linear": dict(LLAMA, tie_word_embeddings=True, rope_theta=10000.0,
                              rope_scaling={"type": "linear", "factor": 2.5}),
    "llama_dynamic": dict(LLAMA, max_position_embeddings=12,
                          rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}),
    "llama_llama3": dict(LLAMA, tie_word_embeddings=True, rope_theta=500000.0,
                         rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                       "high_freq_factor": 4.0, "original_max_position_embeddings": 16}),
    "llama_yarn": dict(LLAMA, rope_parameters={"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0,
                                               "original_max_position_embeddings": 16}),
    "llama_yarn_mscale": dict(LLAMA, rope_theta=10000.0,
                              rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
                                            "mscale": 0.7, "mscale_all_dim": 0.9, "beta_fast": 16, "beta_slow": 2,
                                            "truncate": False}),
    "mistral": dict(SIZES, model_type="mistral", architectures=["MistralForCausalLM"], sliding_window=6, head_dim=16,
                    rope_theta=10000.0),
    "qwen2": dict(SIZES, model_type="qwen2", architectures=["Qwen2ForCausalLM"], use_sliding_window=True,
                  sliding_window=5, max_window_layers=1, rope_theta=1000000.0, tie_word_embeddings=False),
    "qwen3": dict(SIZES, model_type="qwen3", architectures=["Qwen3ForCausalLM"], head_dim=16, tie_word_embeddings=True,
                  rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
}
GRADIENTS = ("embed_tokens.weight", "layers.0.self_attn.k_proj.weight", "layers.0.self_attn.k_proj.bias",
             "layers.0.self_attn.q_norm.weight", "layers.0.input_layernorm.weight", "layers.1.mlp.down_proj.weight",
             "model.norm.weight")


def make_model(config):
    """Weights wide enough that attention is far from uniform."""
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config), attn_implementation="eager",
                                             dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=1.0 if "norm" in name else 0.0, std=0.25)
    return model


def golden(model, config):
    ids = [torch.randint(0, config["vocab_size"], (n,)) for n in (24, 9)]
    out = {f"weight/{n}": p.detach().clone() for n, p in model.named_parameters()}
    for i, sequence in enumerate(ids):
        out[f"ids/{i}"] = sequence
        out[f"logits/{i}"] = model(sequence[None]).logits[0].detach()
    prompt = ids[0][:5]
    out["greedy"] = model.generate(prompt[None], attention_mask=torch.ones(1, 5, dtype=torch.long), do_sample=False,
                                   max_new_tokens=20, pad_token_id=0)[0, 5:]
    loss = torch.nn.functional.cross_entropy(model(ids[0][None]).logits[0, :-1], ids[0][1:], reduction="sum")
    loss.backward()
    out["loss"] = loss.detach()
    for name, parameter in model.named_parameters():
        if name.endswith(GRADIENTS):
            out[f"gradient/{name}"] = parameter.grad.clone()
    model.zero_grad()
    return out


def adapter_golden(model, out, folder):
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM",
                             rank_pattern={"q_proj": 2}, alpha_pattern={"down_proj": 3}, use_rslora=True)
    adapted = peft.get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    ids = out["ids/0"]
    logits = adapted(ids[None]).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="sum")
    loss.backward()
    out["adapter/logits"] = logits.detach()
    for name, parameter in adapted.named_parameters():
        if "layers.0.self_attn.q_proj.lora" in name or "layers.1.mlp.down_proj.lora" in name:
            out[f"adapter/gradient/{name.replace('.default', '')}"] = parameter.grad.clone()
    shutil.rmtree(folder, ignore_errors=True)
    adapted.peft_config["default"].base_model_name_or_path = "llama"
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


def main():
    for name, config in CASES.items():
        torch.manual_seed(SEED)
        model = make_model(config)
        out = golden(model, config)
        if name == "llama":
            adapter_golden(model, out, GOLDEN / "adapter_llama")
        path = GOLDEN / f"model_{name}.safetensors"
        save_file({k: v.contiguous() for k, v in out.items()}, path)
        note = {"script": "tools/golden/models.py", "seed": SEED, "torch": torch.__version__,
                "transformers": transformers.__version__, "peft": peft.__version__, "config": config}
        path.with_suffix(".json").write_text(json.dumps(note, indent=2) + "\n")
        print(path.name, path.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
