#!/usr/bin/env python3
"""Log-probabilities and greedy answers beside transformers, in float32.

Tiny random models of every architecture, then SmolLM2 (models/smollm2-135m-instruct, or the folder
given as the argument).  Tolerance of a log-probability: 1e-4, the sums being taken in another order.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
import tiny_model  # noqa: E402

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
TOLERANCE = 1e-4
NEW_TOKENS = 200
TEXTS = [
    "The quick brown fox jumps over the lazy dog, and 12345 other animals watched it from the hill.",
    "def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\n",
    "Größenwahn, naïveté, 東京タワー, Москва, 🦊🚀 and the end\u0301.",
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\nParis.<|im_end|>\n",
    "Subject: WIN $$$ NOW!!!\n\nDear friend, you have been selected.  " * 30,
]
PROMPTS = [
    "Once upon a time, in a village by the sea, there lived an old fisherman who",
    "The history of the steam engine begins in",
    "<|im_start|>user\nWrite a long story about a robot who learns to paint.<|im_end|>\n<|im_start|>assistant\n",
]
SMALL = {"vocab_size": tiny_model.TOKENS, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
         "initializer_range": 0.2, "eos_token_id": tiny_model.END, "bos_token_id": None, "pad_token_id": None}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 512, "rope_theta": 10000.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024, "rope_theta": 10000.0}
LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
ARCHITECTURES = {
    "llama": (transformers.LlamaConfig, {}),
    "llama tied, head_dim 32": (transformers.LlamaConfig, {"tie_word_embeddings": True, "head_dim": 32}),
    "llama biases": (transformers.LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    "llama llama3 rope": (transformers.LlamaConfig, {"rope_parameters": LLAMA3}),
    "llama yarn rope": (transformers.LlamaConfig, {"rope_parameters": YARN}),
    "llama linear rope": (transformers.LlamaConfig, {"rope_parameters": LINEAR}),
    "mistral": (transformers.MistralConfig, {"sliding_window": None}),
    "mistral window 16": (transformers.MistralConfig, {"sliding_window": 16}),
    "qwen2": (transformers.Qwen2Config, {}),
    "qwen3": (transformers.Qwen3Config, {"head_dim": 32}),
}


def run(command, folder, rows, *flags):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))
        file.flush()
        done = subprocess.run([PROGRAM, command, "--model", folder, "--dtype", "float32", "--in", file.name, *flags],
                              capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def peer_logprobs(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].float()
    return logits[:-1].log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()


def peer_greedy(model, ids, stop_ids):
    with torch.no_grad():
        out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                             do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=stop_ids, pad_token_id=0,
                             top_p=None, top_k=None, temperature=None, repetition_penalty=1.0)
    return [i for i in out[0, len(ids):].tolist() if i not in stop_ids]


def compare(name, folder, model, tokenizer, stop_ids):
    scored = run("score", folder, [{"text": text} for text in TEXTS])
    worst, tokens = 0.0, 0
    for text, row in zip(TEXTS, scored):
        assert row["ids"] == tokenizer.encode(text, add_special_tokens=False).ids, f"{name}: other ids for {text!r}"
        expected = peer_logprobs(model, row["ids"])
        worst = max([worst, *(abs(a - b) for a, b in zip(row["token_logprobs"][1:], expected, strict=True))])
        tokens += len(expected)
    assert worst <= TOLERANCE, f"{name}: log-probabilities differ by {worst}"
    answers = run("generate", folder, [{"prompt": p} for p in PROMPTS], "--max-new-tokens", str(NEW_TOKENS), "--ids")
    for prompt, row in zip(PROMPTS, answers):
        ids = tokenizer.encode(prompt, add_special_tokens=False).ids
        expected = peer_greedy(model, ids, stop_ids)
        assert row["ids"] == expected, f"{name}: other tokens after {prompt!r}:\n{row['ids']}\n{expected}"
    counts = [row["completion_tokens"] for row in answers]
    print(f"{name}: {tokens} log-probabilities, largest difference {worst:.1e}; greedy answers of {counts} tokens equal",
          flush=True)
    return counts


def random_weights_(model):
    """Norms and biases too: freshly made ones are all 1 and 0."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.uniform_(0.5, 1.5)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.3)


def check_tiny():
    for name, (config_class, extra) in ARCHITECTURES.items():
        torch.manual_seed(3)
        config = config_class(**{**SMALL, **extra})
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        random_weights_(model)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            path = pathlib.Path(folder)
            tiny_model.write_json(path / "tokenizer.json", tiny_model.tokenizer())
            tiny_model.write_json(path / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
            compare(name, folder, model, load_tokenizer(folder), [tiny_model.END])
            check_scores_repeat(name, folder)


def check_scores_repeat(name, folder):
    """Groups of rows run side by side: what only now and then goes wrong between them shows in fresh processes."""
    rows = [{"text": text} for text in TEXTS]
    first, *others = [run("score", folder, rows) for _ in range(5)]
    assert all(other == first for other in others), f"{name}: scores that are not those of the run before"


def load_tokenizer(folder):
    import tokenizers
    return tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")


def check_smollm2(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = load_tokenizer(folder)
    with open(f"{folder}/generation_config.json", encoding="utf-8") as file:
        eos = json.load(file)["eos_token_id"]
    stop_ids = sorted(set(eos if isinstance(eos, list) else [eos]) | {tokenizer.token_to_id("<|im_end|>")})
    counts = compare("SmolLM2-135M-Instruct", folder, model, tokenizer, stop_ids)
    assert max(counts) == NEW_TOKENS, counts


def main():
    torch.set_grad_enabled(False)
    transformers.utils.logging.disable_progress_bar()
    check_tiny()
    check_smollm2(sys.argv[1] if len(sys.argv) > 1 else "models/smollm2-135m-instruct")


if __name__ == "__main__":
    main()
