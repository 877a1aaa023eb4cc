#!/usr/bin/env python3
"""`plan` as a user runs it: the forecast beside a real run, what fits, what it costs, and what `train` refuses."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile

import tiny_model

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
WIDTH, INNER, LAYERS = 192, 512, 6
# Peaks of a process of some 400 MiB; the bench holds real models to 10 %.
PEAK_TOLERANCE = 0.1
# Steps of milliseconds on a machine that does other things too: the forecast must have their size, no more.
TIME_FACTOR = 4


def shapes(layers, width=WIDTH, inner=INNER):
    """Of every weight, by name."""
    result = {"model.embed_tokens.weight": [tiny_model.TOKENS, width], "model.norm.weight": [width]}
    for i in range(layers):
        layer = f"model.layers.{i}."
        for name, shape in [("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [width // 2, width]),
                            ("self_attn.v_proj", [width // 2, width]), ("self_attn.o_proj", [width, width]),
                            ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]),
                            ("mlp.down_proj", [width, inner]), ("input_layernorm", [width]),
                            ("post_attention_layernorm", [width])]:
            result[f"{layer}{name}.weight"] = shape
    return result


def write_texts(folder, layers, width=WIDTH, inner=INNER):
    tiny_model.write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": tiny_model.TOKENS, "hidden_size": width,
        "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 2,
        "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": True, "eos_token_id": tiny_model.END, "torch_dtype": "float32"})
    tiny_model.write_json(folder / "generation_config.json", {"eos_token_id": tiny_model.END})
    tiny_model.write_json(folder / "tokenizer.json", tiny_model.tokenizer())
    tiny_model.write_json(folder / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
    (folder / "chat_template.jinja").write_text(tiny_model.TEMPLATE)


def write_model(folder):
    folder.mkdir(parents=True)
    tensors = {name: (shape, 1.0 if len(shape) == 1 else 0.01) for name, shape in shapes(LAYERS).items()}
    tiny_model.write_safetensors(folder / "model.safetensors", tensors)
    write_texts(folder, LAYERS)


def write_giant(folder, gib):
    """A model of many blocks whose file is a hole: it has its size and takes no place."""
    folder.mkdir(parents=True)
    width, inner = 4 * WIDTH, 4 * INNER
    block = sum(4 * shape[0] * (shape[1] if len(shape) == 2 else 1)
                for name, shape in shapes(1, width, inner).items() if name.startswith("model.layers"))
    layers = gib * 2**30 // block
    header, offset = {}, 0
    for name, shape in shapes(layers, width, inner).items():
        size = 4 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    write_texts(folder, layers, width, inner)


class Place:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        write_model(self.folder / "model")
        words = "river number of the quiet answer green seven house and mountain paper".split()
        for name, rows in [("train.jsonl", 48), ("eval.jsonl", 6)]:
            lines = [json.dumps({"text": " ".join(words[(i * j) % 12] for j in range(20 + 7 * i % 90))}) for i in range(1, rows + 1)]
            (self.folder / name).write_text("\n".join(lines) + "\n")

    def config(self, **changes):
        config = {
            "model": {"path": str(self.folder / "model"), "dtype": "float32"},
            "data": {"train": [{"path": str(self.folder / "train.jsonl")}],
                     "eval": [{"path": str(self.folder / "eval.jsonl")}], "max_length": 256, "cache": "off"},
            "adapter": {"r": 8, "lora_alpha": 16},
            "training": {"max_steps": 6, "per_device_train_batch_size": 8, "tokens_per_pass": 2048, "eval_steps": 3, "save_steps": 2},
            "output_dir": str(self.folder / "run")}
        for key, value in changes.items():
            if isinstance(value, dict):
                config.setdefault(key, {}).update(value)
            else:
                config[key] = value
        path = self.folder / "train.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        return path


def run(name, config, *flags, status=0):
    # Two threads everywhere: on more, a model as small as this one is mostly threads.
    done = subprocess.run([PROGRAM, name, str(config), *flags], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "2"})
    assert done.returncode == status, f"{name} {flags}: exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
    assert "internal error" not in done.stderr, done.stderr
    return done


def plan(config, *flags):
    return json.loads(run("plan", config, "--json", *flags).stdout.splitlines()[-1])


def refuses(name, config, *flags, message):
    said = run(name, config, *flags, status=2).stderr
    for part in [message] if isinstance(message, str) else message:
        assert part in said, f"expected {part!r} in:\n{said}"


def assert_near(forecast, trained, metrics):
    peak = trained["peak_memory_bytes"]
    # A snapshot lies beside the next pass only where writing it takes until then: with a model this small, it may not.
    memory = forecast["memory"]
    least = max(memory["training_bytes"], memory["evaluation_bytes"])
    assert least * (1 - PEAK_TOLERANCE) < peak < forecast["peak_memory_bytes"] * (1 + PEAK_TOLERANCE), (memory, peak)
    steps = [line["step_seconds"] for line in metrics if "loss" in line]
    mean = sum(steps) / len(steps)
    assert 1 / TIME_FACTOR < forecast["step_seconds"] / mean < TIME_FACTOR, (forecast["step_seconds"], steps)
    assert forecast["run"]["steps"] == len(steps)
    assert forecast["run"]["evaluations"] == sum("eval_loss" in line for line in metrics)


def test_forecast_beside_a_run(place):
    for changes in [{}, {"adapter": {"type": "none"}, "training": {"gradient_checkpointing": 3, "tokens_per_pass": 1024}},
                    {"adapter": {"type": "freeze", "trainable_layers": 2}}]:
        config = place.config(**changes)
        forecast = plan(config)
        assert not (place.folder / "run").exists(), "a plan must not touch output_dir"
        assert not list(place.folder.glob(".tunewright-plan*")), "left behind"
        trained = json.loads(run("train", config, "--json", "--overwrite").stdout.splitlines()[-1])
        metrics = [json.loads(line) for line in (place.folder / "run/metrics.jsonl").read_text().splitlines()]
        assert_near(forecast, trained, metrics)
        memory = forecast["memory"]
        assert forecast["measured"] and forecast["fits"]
        assert forecast["peak_memory_bytes"] == max(memory[f"{part}_bytes"] for part in ["loading", "training", "evaluation", "saving"])
        assert forecast["total_seconds"] > 6 * forecast["step_seconds"]
        subprocess.run(["rm", "-rf", str(place.folder / "run")], check=True)


def test_text_and_progress(place):
    done = run("plan", place.config(cost={"hourly": 1.9}))
    for part in ["run: 6 steps of", "memory", "training", "weights", "evaluation", "saving", "that are free", "time",
                 "6 steps", "tokens/s", "total", "cost", "EUR"]:
        assert part in done.stdout, done.stdout
    assert "GiB" in done.stdout and "####" in done.stdout, done.stdout
    help_text = run("plan", "--help").stdout
    assert "Examples:" in help_text and "--measure" not in help_text, help_text


def test_cost(place):
    forecast = plan(place.config(cost={"hourly": 3600, "currency": "CHF"}))
    cost = forecast["cost"]
    assert cost["currency"] == "CHF" and abs(cost["now"] - forecast["total_seconds"]) < 1e-6 * cost["now"], forecast
    cost = plan(place.config(cost={"hourly": 2, "cheap_hourly": 0, "cheap_hours": "00:00-12:00, 12:00-24:00"}))["cost"]
    assert cost["now"] == 0 and cost["best"] == 0 and cost["best_start_in_seconds"] == 0, cost
    assert plan(place.config(cost={"hourly": 0, "cheap_hours": ""}))["cost"] is None
    refuses("plan", place.config(cost={"cheap_hours": "late"}), message="cost.cheap_hours: expected hours as 22:00-06:00, got 'late'")
    refuses("plan", place.config(cost={"cheap_hours": "", "cheap_hourly": -1}), message="cost.cheap_hourly: must be 0 or more")
    (place.folder / "train.yaml").unlink()


def test_fit(place):
    config = place.config()
    as_it_is = plan(config, "--fit", "64GiB")
    assert as_it_is["fit"] == {"limit_bytes": 64 * 2**30, "fits": True, "proposals": []}, as_it_is["fit"]
    limit = (as_it_is["peak_memory_bytes"] - 30 * 2**20) // 2**20
    forecast = plan(config, "--fit", f"{limit}MiB")
    fit = forecast["fit"]
    assert not fit["fits"] and fit["proposals"], fit
    first = fit["proposals"][0]
    assert list(first["changes"]) == ["training.tokens_per_pass"], "the cheapest change comes first"
    assert all(proposal["peak_memory_bytes"] <= limit * 2**20 for proposal in fit["proposals"]), fit
    flags = [word for key, value in first["changes"].items() for word in ["--set", f"{key}={value}"]]
    trained = json.loads(run("train", config, "--json", *flags).stdout.splitlines()[-1])
    assert trained["peak_memory_bytes"] <= limit * 2**20 * (1 + PEAK_TOLERANCE), trained
    nothing = run("plan", config, "--fit", "64MiB")
    assert "nothing that can be changed here is enough" in nothing.stdout, nothing.stdout
    refuses("plan", config, "--fit", "much", message="--fit: expected a size as 8GiB or 500MB, got 'much'")


def test_refusal(place):
    total = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) // 2**20
    write_giant(place.folder / "giant", gib=total + 8)
    config = place.config(model={"path": str(place.folder / "giant")}, training={"tokens_per_pass": 512},
                          output_dir=str(place.folder / "giant-run"))
    refuses("train", config, message=["memory: this run needs at least", "GiB are there", "Lower training.tokens_per_pass",
                                      "plan CONFIG --fit", "--force"])
    assert not (place.folder / "giant-run").exists()
    text = run("plan", config).stdout
    assert "MORE THAN THE" in text, text
    # Forced, it goes on to the weights, of which one is wrong here: nothing is loaded then.
    config_file = place.folder / "giant/config.json"
    changed = json.loads(config_file.read_text())
    changed["num_hidden_layers"] += 1
    config_file.write_text(json.dumps(changed))
    refuses("train", config, "--force", message="which config.json asks for")


def test_errors(place):
    refuses("plan", place.folder / "nowhere.yaml", message="nowhere.yaml")
    refuses("plan", place.config(model={"path": str(place.folder / "model")}), "--set", "training.optm=lion",
            message="did you mean 'optim'?")
    done = subprocess.run([PROGRAM, "plan"], capture_output=True, text=True)
    assert done.returncode == 2 and "CONFIG is missing" in done.stderr, done.stderr


def main():
    for test in [test_forecast_beside_a_run, test_text_and_progress, test_cost, test_fit, test_refusal, test_errors]:
        with tempfile.TemporaryDirectory() as folder:
            test(Place(folder))
        print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
