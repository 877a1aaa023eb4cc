#!/usr/bin/env python3
"""Training compared with transformers + PEFT: the same adapter, rows and order give the same losses.

Run from the top of the checkout: .deps/peers/bin/python tests/peers/test_training.py [--tiny]
"""
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model

PROGRAM = pathlib.Path(os.environ.get("TUNEWRIGHT", "build/release/tunewright")).resolve()
SMOL = pathlib.Path("models/smollm2-135m-instruct").resolve()
TOKENIZER = pathlib.Path("tests/data/tiny_chat").resolve()
STEPS, MICRO_BATCH, ACCUMULATION = 20, 2, 2
TOLERANCE = 1e-4  # float32, sums in another order, over 20 steps of Adam
NORM_TOLERANCE = 2e-3  # relative: a norm is a sum over all gradients, at weights that differ by the same
OPTIONS = {"adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8, "weight_decay": 0.05, "max_grad_norm": 1.0}


def make_tiny(folder):
    torch.manual_seed(11)
    config = transformers.LlamaConfig(
        vocab_size=288, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=True)
    model = transformers.LlamaForCausalLM(config)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    for file in TOKENIZER.iterdir():
        shutil.copy(file, folder / file.name)


def make_rows(count, vocabulary, seed):
    """Rows of token ids in a simple order, the first tokens not supervised; weights stay 1."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        length, step = rng.randrange(8, 24), rng.randrange(1, 5)
        start = rng.randrange(10, vocabulary - 200)
        ids = [start + i * step for i in range(length)]
        asked = rng.randrange(1, length // 2)
        rows.append({"input_ids": ids, "labels": [-100] * asked + ids[asked:]})
    return rows


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def load_base(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def make_adapter(base, folder):
    torch.manual_seed(5)
    model = get_peft_model(load_base(base), LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear",
                                                       task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(folder)


def loss_sum(model, rows):
    """Sum of the losses of padded rows, and the number of targets."""
    longest = max(len(row["input_ids"]) for row in rows)
    pad = lambda values, filler: values + [filler] * (longest - len(values))
    ids = torch.tensor([pad(row["input_ids"], 0) for row in rows])
    labels = torch.tensor([pad(row["labels"], -100) for row in rows])[:, 1:]
    mask = torch.tensor([pad([1] * len(row["input_ids"]), 0) for row in rows])
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), reduction="sum",
                                             ignore_index=-100)
    return loss, int((labels != -100).sum())


def peer_losses(model, rows, learning_rate):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": [p for p in trained if p.ndim >= 2], "weight_decay": OPTIONS["weight_decay"]},
              {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(OPTIONS["adam_beta1"], OPTIONS["adam_beta2"]),
                                  eps=OPTIONS["adam_epsilon"])
    schedule = transformers.get_cosine_schedule_with_warmup(optimizer, math.ceil(0.1 * STEPS), STEPS)
    losses, norms, position = [], [], 0
    model.train()
    for _ in range(STEPS):
        batches = []
        for _ in range(ACCUMULATION):
            batches.append([rows[(position + i) % len(rows)] for i in range(MICRO_BATCH)])
            position += MICRO_BATCH
        total = sum(sum(label != -100 for label in row["labels"][1:]) for batch in batches for row in batch)
        loss = 0.0
        for batch in batches:
            part = loss_sum(model, batch)[0] / total
            part.backward()
            loss += part.item()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, OPTIONS["max_grad_norm"]).item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss)
    return losses, norms


@torch.no_grad()
def peer_evaluation(model, rows):
    model.eval()
    sums = [loss_sum(model, [row]) for row in rows]
    return sum(loss.item() for loss, _ in sums) / sum(count for _, count in sums)


def our_run(place, base, adapter, learning_rate):
    config = {
        "model": {"path": str(base), "dtype": "float32"},
        "data": {"train": [{"path": str(place / "train.jsonl")}], "eval": [{"path": str(place / "eval.jsonl")}],
                 "max_length": 64, "packing": False, "shuffle": False},
        "adapter": adapter,
        "training": {"max_steps": STEPS, "per_device_train_batch_size": MICRO_BATCH,
                     "gradient_accumulation_steps": ACCUMULATION, "learning_rate": learning_rate, "warmup_ratio": 0.1,
                     "eval_steps": 0, "save_steps": 0, "load_best_model_at_end": False, **OPTIONS},
        "output_dir": str(place / "run")}
    (place / "train.yaml").write_text(json.dumps(config))
    subprocess.run([PROGRAM, "train", place / "train.yaml", "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in (place / "run/metrics.jsonl").read_text().splitlines()]


def largest_difference(ours, theirs):
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    return max(abs(a - b) for a, b in zip(ours, theirs))


def compare(name, place, base, kind, learning_rate):
    vocabulary = transformers.AutoConfig.from_pretrained(base).vocab_size
    rows, held_out = make_rows(12, vocabulary, 1), make_rows(4, vocabulary, 2)
    write_rows(place / "train.jsonl", rows)
    write_rows(place / "eval.jsonl", held_out)
    if kind == "lora":
        make_adapter(base, place / "start")
        model = PeftModel.from_pretrained(load_base(base), place / "start", is_trainable=True)
        metrics = our_run(place, base, {"path": str(place / "start")}, learning_rate)
    else:
        model = load_base(base)
        metrics = our_run(place, base, {"type": "none"}, learning_rate)
    theirs, norms = peer_losses(model, rows, learning_rate)
    ours = [line["loss"] for line in metrics if "loss" in line]
    if kind == "lora":
        trained = PeftModel.from_pretrained(load_base(base), place / "run/adapter")
    else:
        trained = load_base(place / "run/model")
    reopened = abs(peer_evaluation(trained, held_out) - metrics[-1]["eval_loss"])
    loss_difference = largest_difference(ours, theirs)
    norm_difference = max(abs(line["grad_norm"] - norm) / norm for line, norm in zip((m for m in metrics if "loss" in m), norms))
    print(f"{name}, {kind}: {STEPS} steps, loss {ours[0]:.4f} -> {ours[-1]:.4f}; largest difference of the losses "
          f"{loss_difference:.1e}, of the gradient norms {norm_difference:.1e} (relative); evaluation of the result "
          f"opened by the peer {reopened:.1e}", flush=True)
    return loss_difference < TOLERANCE and reopened < TOLERANCE and norm_difference < NORM_TOLERANCE


def main():
    torch.set_num_threads(1)
    bases = {"tiny Llama": None} if "--tiny" in sys.argv else {"tiny Llama": None, "SmolLM2-135M": SMOL}
    fine = True
    for name, base in bases.items():
        for kind, rate in [("lora", 2e-3 if base is None else 2e-4), ("full", 2e-3 if base is None else 1e-5)]:
            with tempfile.TemporaryDirectory() as folder:
                place = pathlib.Path(folder)
                if base is None:
                    make_tiny(place / "base")
                fine &= compare(name, place, base or place / "base", kind, rate)
    sys.exit(0 if fine else "the losses differ by more than the tolerance")


if __name__ == "__main__":
    main()
