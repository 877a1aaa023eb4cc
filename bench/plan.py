#!/usr/bin/env python3
"""How near do the forecasts of `tunewright plan` come to what `tunewright train` then takes?  JSON out.

For each of twelve varied configurations: plan, then a real run of a few steps with evaluation and checkpoints, in this
order.  `peak_error` and `step_error` are forecast / found - 1; goals: peak within 10 %, step time within 20 %.  Besides
SmolLM2, models of other sizes are made with random weights (transformers writes them: .deps/peers).
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from common import MODEL, PROGRAM, ROOT, last_json, machine, median, run_measured

MAILS = ROOT / "examples/spam_triage/data"
MAKE_MODEL = """
import sys, torch, transformers
folder, hidden, inner, layers, heads, dtype, tied = sys.argv[1:]
torch.manual_seed(1)
config = transformers.LlamaConfig(vocab_size=49152, hidden_size=int(hidden), intermediate_size=int(inner),
    num_hidden_layers=int(layers), num_attention_heads=int(heads), num_key_value_heads=int(heads) // 2,
    max_position_embeddings=4096, tie_word_embeddings=tied == "True")
transformers.LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
"""
MODELS = {"small": (256, 768, 12, 4, "float32", True), "wide": (1280, 3456, 10, 10, "bfloat16", False),
          "deep": (512, 1408, 40, 8, "bfloat16", True)}


def configurations():
    """Name, model, and what differs from the defaults of `base`."""
    mails, text = "mails", "text"
    return [
        ("lora-mails-fp32", "smollm2", mails, {"model.dtype": "float32", "data.max_length": 384, "data.packing": False}),
        ("lora-mails-bf16", "smollm2", mails, {"model.dtype": "bfloat16", "data.max_length": 512}),
        ("lora-text-2048", "smollm2", text, {"model.dtype": "bfloat16", "data.max_length": 2048,
                                             "training.per_device_train_batch_size": 2}),
        ("full-fp32-adamw", "smollm2", text, {"model.dtype": "float32", "adapter.type": "none", "data.max_length": 512,
                                              "training.per_device_train_batch_size": 2}),
        ("full-bf16-8bit-checkpointed", "smollm2", text,
         {"model.dtype": "bfloat16", "adapter.type": "none", "training.optim": "adamw_8bit",
          "training.gradient_checkpointing": True, "data.max_length": 1024, "training.per_device_train_batch_size": 2}),
        ("freeze-muon", "smollm2", mails, {"model.dtype": "float32", "adapter.type": "freeze", "adapter.trainable_layers": 6,
                                           "training.optim": "muon", "data.max_length": 256}),
        ("lora-nf4-half-checkpointed", "smollm2", text,
         {"model.dtype": "bfloat16", "model.quantization": "nf4", "training.gradient_checkpointing": 15,
          "data.max_length": 512, "training.per_device_train_batch_size": 4}),
        ("lora-int8-small-passes", "smollm2", mails,
         {"model.dtype": "float32", "model.quantization": "int8", "training.tokens_per_pass": 512, "data.max_length": 512}),
        ("full-small-lion", "small", text, {"adapter.type": "none", "training.optim": "lion", "data.max_length": 256,
                                            "training.gradient_accumulation_steps": 2}),
        ("lora-wide-untied", "wide", text, {"data.max_length": 256, "training.per_device_train_batch_size": 4}),
        ("full-wide-adafactor", "wide", text,
         {"adapter.type": "none", "training.optim": "adafactor", "data.max_length": 256,
          "training.per_device_train_batch_size": 4, "training.bf16_update": "stochastic_rounding"}),
        ("lora-deep-long", "deep", text, {"data.max_length": 2048, "training.per_device_train_batch_size": 1,
                                          "adapter.r": 64, "training.tokens_per_pass": 0}),
    ]


def make_models(folder, names):
    for name in names:
        if name == "smollm2":
            continue
        out = folder / name
        run_measured([ROOT / ".deps/peers/bin/python", "-c", MAKE_MODEL, out, *MODELS[name]])
        for file in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]:
            (out / file).write_bytes((MODEL / file).read_bytes())


def write_text(path, rows, seed):
    words = "river number of the quiet answer green seven house and mountain paper letter window".split()
    generator = random.Random(seed)
    lines = [" ".join(generator.choice(words) for _ in range(generator.randint(20, 900))) for _ in range(rows)]
    path.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines))


def configuration(folder, model, data, changes, steps):
    config = {
        "model": {"path": str(MODEL if model == "smollm2" else folder / model)},
        "data": {"overflow": "truncate" if data == "mails" else "split",
                 "train": [{"path": str(MAILS / "train.jsonl" if data == "mails" else folder / "text.jsonl")}],
                 "eval": [{"path": str(MAILS / "validation.jsonl" if data == "mails" else folder / "text_eval.jsonl")}]},
        "adapter": {"type": "lora", "r": 16, "lora_alpha": 32},
        "training": {"max_steps": steps, "learning_rate": 1e-5, "eval_steps": 3, "save_steps": 2, "save_total_limit": 1},
        "output_dir": str(folder / "run"),
    }
    for key, value in changes.items():
        section, name = key.split(".")
        config[section][name] = value
    path = folder / "train.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


def compare(folder, name, model, data, changes, steps):
    path = configuration(folder, model, data, changes, steps)
    output, plan_seconds = run_measured([PROGRAM, "plan", path, "--json"])
    plan = last_json(output)
    output, seconds = run_measured([PROGRAM, "train", path, "--overwrite", "--json"])
    trained = last_json(output)
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    step_seconds = [line["step_seconds"] for line in lines if "loss" in line]
    mean = sum(step_seconds) / len(step_seconds)
    subprocess.run(["rm", "-rf", folder / "run"], check=True)

    def error(forecast, found):
        return round(forecast / found - 1, 3)
    return {"name": name, "plan_seconds": round(plan_seconds, 1),
            "peak_mib": round(trained["peak_memory_bytes"] / 2**20), "peak_error": error(plan["peak_memory_bytes"], trained["peak_memory_bytes"]),
            "step_seconds": round(mean, 3), "step_error": error(plan["step_seconds"], mean),
            "total_seconds": round(seconds, 1), "total_error": error(plan["total_seconds"], seconds),
            "steps": [round(value, 3) for value in step_seconds], "memory": plan["memory"], "time": plan["time"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--only", default="", help="names, comma between")
    arguments = parser.parse_args()
    chosen = [entry for entry in configurations() if not arguments.only or entry[0] in arguments.only.split(",")]
    if not chosen:
        sys.exit(f"--only: known are {', '.join(entry[0] for entry in configurations())}")
    results = []
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        write_text(folder / "text.jsonl", 120, 1)
        write_text(folder / "text_eval.jsonl", 8, 2)
        make_models(folder, {entry[1] for entry in chosen})
        for entry in chosen:
            results.append(compare(folder, *entry, arguments.steps))
            line = results[-1]
            print(f"{line['name']}: peak {line['peak_mib']} MiB {line['peak_error']:+.1%}, step {line['step_seconds']} s "
                  f"{line['step_error']:+.1%}, in all {line['total_seconds']} s {line['total_error']:+.1%}", flush=True)
    print(json.dumps({"bench": "plan", "steps": arguments.steps, "machine": machine(),
                      "peaks_within_10_percent": sum(abs(r["peak_error"]) <= 0.1 for r in results),
                      "times_within_20_percent": sum(abs(r["step_error"]) <= 0.2 for r in results),
                      "median_peak_error": median([abs(r["peak_error"]) for r in results]),
                      "median_step_error": median([abs(r["step_error"]) for r in results]),
                      "of": len(results), "results": results}))


if __name__ == "__main__":
    main()
