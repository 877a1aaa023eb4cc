#!/usr/bin/env python3
"""Writes tests/golden/sampling.json: what transformers' logits processors leave of random logits.

Run with the peers environment: .deps/peers/bin/python tools/golden/sampling.py
"""
import json
import pathlib

import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

SEED = 20261122
VOCABULARY = 48
CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 1.0, "top_k": 1000},
    {"temperature": 1.0, "top_p": 0.9},
    {"temperature": 1.5, "top_p": 0.3},
    {"temperature": 1.0, "top_p": 0.0},
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 0.8, "min_p": 0.3},
    {"temperature": 1.0, "repetition_penalty": 1.3},
    {"temperature": 1.0, "repetition_penalty": 0.8},
    {"temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.1},
    {"temperature": 1.3, "top_k": 30, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
    {"temperature": 1.0, "top_k": 4, "ties": True},
    {"temperature": 1.0, "top_p": 0.5, "ties": True},
]


def processors_of(model, case):
    """The list that generate() itself would use, in its order."""
    options = {"top_k": 0, "top_p": 1.0} | {k: v for k, v in case.items() if k != "ties"}
    config = GenerationConfig(do_sample=True, **options)
    return model._get_logits_processor(generation_config=config, input_ids_seq_length=0)


def main():
    torch.manual_seed(SEED)
    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                         num_attention_heads=2)
    model = LlamaForCausalLM(config)
    cases = []
    for case in CASES:
        logits = torch.randn(VOCABULARY) * 3
        if case.get("ties"):
            logits = logits.round()
        context = torch.randint(0, VOCABULARY, (12,))
        processed = processors_of(model, case)(context[None], logits[None].clone())[0]
        cases.append({
            "options": {k: v for k, v in case.items() if k != "ties"},
            "logits": logits.tolist(),
            "context": context.tolist(),
            "probabilities": [round(p, 9) for p in processed.softmax(-1).tolist()],
        })
    note = {"script": "tools/golden/sampling.py", "transformers": transformers.__version__,
            "torch": torch.__version__, "seed": SEED}
    path = pathlib.Path(__file__).parents[2] / "tests/golden/sampling.json"
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text('{"note": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(note), lines))


if __name__ == "__main__":
    main()
