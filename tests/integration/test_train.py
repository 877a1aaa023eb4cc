#!/usr/bin/env python3
"""`train` as a user runs it: the run folder, interruption and resume, and every kind of bad input."""
import json
import math
import os
import pathlib
import random
import resource
import signal
import subprocess
import tempfile
import time

import tiny_model

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WIDTH, INNER, LAYERS = 32, 48, 2
EXACT_KEYS = ["step", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "supervised_tokens", "eval_loss"]


def write_random_model(folder):
    """A Llama of random weights over the bytes, with the tokenizer and template of tiny_model."""
    folder.mkdir(parents=True)
    rng = random.Random(7)

    def matrix(rows, columns):
        return [rows, columns], dict(enumerate(rng.gauss(0, 0.1) for _ in range(rows * columns)))

    tensors = {"model.embed_tokens.weight": matrix(tiny_model.TOKENS, WIDTH), "model.norm.weight": ([WIDTH], 1.0)}
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        for name, shape in [("self_attn.q_proj", (WIDTH, WIDTH)), ("self_attn.k_proj", (WIDTH // 2, WIDTH)),
                            ("self_attn.v_proj", (WIDTH // 2, WIDTH)), ("self_attn.o_proj", (WIDTH, WIDTH)),
                            ("mlp.gate_proj", (INNER, WIDTH)), ("mlp.up_proj", (INNER, WIDTH)),
                            ("mlp.down_proj", (WIDTH, INNER))]:
            tensors[f"{layer}{name}.weight"] = matrix(*shape)
        for name in ["input_layernorm", "post_attention_layernorm"]:
            tensors[f"{layer}{name}.weight"] = ([WIDTH], 1.0)
    tiny_model.write_safetensors(folder / "model.safetensors", tensors)
    tiny_model.write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": tiny_model.TOKENS,
        "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "tie_word_embeddings": True, "eos_token_id": tiny_model.END, "torch_dtype": "float32"})
    tiny_model.write_json(folder / "generation_config.json", {"eos_token_id": tiny_model.END})
    tiny_model.write_json(folder / "tokenizer.json", tiny_model.tokenizer())
    tiny_model.write_json(folder / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
    (folder / "chat_template.jinja").write_text(tiny_model.TEMPLATE)


class Place:
    """A folder with a model, rows, and a configuration."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        write_random_model(self.folder / "model")
        self.rows("train.jsonl", [{"prompt": f"{i} is ", "completion": NUMBERS[i % 10]} for i in range(24)])
        self.rows("eval.jsonl", [{"prompt": f"{i} is ", "completion": NUMBERS[i % 10]} for i in range(30, 36)])

    def rows(self, name, rows):
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        (self.folder / name).write_text(text)

    def config(self, **changes):
        config = {
            "model": {"path": str(self.folder / "model")},
            "data": {"train": [{"path": str(self.folder / "train.jsonl")}],
                     "eval": [{"path": str(self.folder / "eval.jsonl")}], "max_length": 64},
            "adapter": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.1},
            "training": {"max_steps": 12, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2,
                         "learning_rate": 5e-3, "eval_steps": 4, "save_steps": 4},
            "output_dir": str(self.folder / "run")}
        for key, value in changes.items():
            if isinstance(value, dict):
                config.setdefault(key, {}).update(value)
            else:
                config[key] = value
        path = self.folder / "train.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        return path

    def run_folder(self, name="run"):
        return self.folder / name


def command(config, *flags):
    return [PROGRAM, "train", str(config), *flags]


def train(config, *flags, status=0, **options):
    done = subprocess.run(command(config, *flags), capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == status, f"{flags}: exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
    return done


def refuses(config, *flags, message, **options):
    done = train(config, *flags, status=2, **options)
    parts = [message] if isinstance(message, str) else message
    for part in parts:
        assert part in done.stderr, f"expected {part!r} in:\n{done.stderr}"
    assert "terminate" not in done.stderr and "internal error" not in done.stderr, done.stderr


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def exact(run):
    return [{key: line.get(key) for key in EXACT_KEYS} for line in metrics(run)]


def assert_same_run(run, other):
    assert exact(run) == exact(other), "metrics differ"
    name = "adapter/adapter_model.safetensors"
    assert (run / name).read_bytes() == (other / name).read_bytes(), "adapters differ"


def assert_nothing_half_written(folder):
    leftovers = [path for path in folder.rglob("*") if ".tmp-" in path.name or ".old-" in path.name]
    assert not leftovers, leftovers


def test_run_folder(place):
    done = train(place.config(cost={"hourly": 3.6}), "--json")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["outcome"] == "finished" and result["steps"] == 12, result
    for part in ["of them train", "24 rows", "% of them supervised", "steps: 12"]:
        assert part in done.stderr, done.stderr
    run = place.run_folder()
    for name in ["config.yaml", "manifest.json", "metrics.jsonl", "ledger.jsonl", "report.html", "report.json", "README.md",
                 "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "checkpoints/step-000012/state.json"]:
        assert (run / name).exists(), name
    lines = metrics(run)
    steps, evals = [m for m in lines if "loss" in m], [m for m in lines if "eval_loss" in m]
    assert [m["step"] for m in steps] == list(range(1, 13)) and [m["step"] for m in evals] == [4, 8, 12]
    assert steps[-1]["loss"] < steps[0]["loss"], "it learns"
    assert all(abs(m["eval_perplexity"] - math.exp(m["eval_loss"])) < 1e-9 for m in evals)
    ledger = [json.loads(line) for line in (run / "ledger.jsonl").read_text().splitlines()]
    assert len(ledger) == 30 and [row["row"] for row in ledger[:24]] == list(range(24))
    manifest = json.loads((run / "manifest.json").read_text())
    assert len(manifest["data"]["train_sha256"]) == 64 and manifest["finished"]
    page = (run / "report.html").read_text()
    assert "<svg" in page and "polyline" in page and "http" not in page.replace("http-equiv", ""), "self-contained"
    assert (run / "README.md").read_text().startswith("---\nbase_model:")
    assert_nothing_half_written(run)


def test_a_second_run_is_refused_or_replaced(place):
    config = place.config()
    train(config)
    refuses(config, message=["--resume", "--overwrite"])
    refuses(config, "--resume", "--overwrite", message="give one of them")
    done = train(config, "--resume")
    assert "finished after 12 steps" in done.stdout, done.stdout
    before = exact(place.run_folder())
    train(config, "--overwrite")
    assert exact(place.run_folder()) == before, "the same run again"
    place.rows("train.jsonl", ["{broken"])
    refuses(config, "--overwrite", message="train.jsonl")
    assert exact(place.run_folder()) == before, "bad input leaves the old run alone"


def long_config(place, name, **training):
    return place.config(training={"max_steps": 160, "eval_steps": 40, "save_steps": 30, **training},
                        output_dir=str(place.run_folder(name)))


def stop_midway(config, run, steps, how):
    """Starts a run and sends a signal when it has logged `steps` steps; its exit status and messages."""
    process = subprocess.Popen(command(config), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.time() + 60
    log = run / "metrics.jsonl"
    while not (log.exists() and log.read_bytes().count(b"\n") >= steps):
        assert process.poll() is None, process.stderr.read()
        assert time.time() < deadline, "no progress"
        time.sleep(0.002)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_interruption(place):
    train(long_config(place, "whole"))
    for name, how, steps in [("interrupted", signal.SIGINT, 20), ("terminated", signal.SIGTERM, 70)]:
        config = long_config(place, name)
        status, said = stop_midway(config, place.run_folder(name), steps, how)
        assert status == 130 and "--resume" in said, (status, said)
        assert not (place.run_folder(name) / "adapter").exists()
        done = train(config, "--resume")
        assert "resuming after step" in done.stderr, done.stderr
        assert_same_run(place.run_folder(name), place.run_folder("whole"))


def test_interruption_before_the_first_step(place):
    cache = place.folder / "cache"
    place.rows("train.jsonl", [{"prompt": f"{i} is ", "completion": NUMBERS[i % 10] * 20} for i in range(400000)])
    process = subprocess.Popen(command(place.config(), "--set", f"data.cache={cache}"), stderr=subprocess.PIPE, text=True)
    while not (cache.exists() and any(cache.iterdir())):  # where the rows go as they are tokenised
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "stopped before anything was written" in said, (process.returncode, said)
    assert not place.run_folder().exists() and not any(cache.iterdir())


def test_kill(place):
    train(long_config(place, "whole"))
    config = long_config(place, "killed")
    status, _ = stop_midway(config, place.run_folder("killed"), 70, signal.SIGKILL)
    assert status == -signal.SIGKILL
    torn = place.run_folder("killed") / "metrics.jsonl"
    torn.write_bytes(torn.read_bytes() + b'{"step":9999,"los')  # cut off in the middle of a line
    train(config, "--resume")
    assert_same_run(place.run_folder("killed"), place.run_folder("whole"))
    assert_nothing_half_written(place.run_folder("killed"))


def test_resume_without_a_run(place):
    done = train(place.config(), "--resume")
    assert "starting at step 1" in done.stderr, done.stderr


def test_bad_configuration(place):
    run = place.run_folder()
    refuses(place.config(training={"learning_rat": 1e-4}), message="did you mean 'learning_rate'")
    refuses(place.config(), "--set", "training.learning_rate=-1", message="training.learning_rate: must be 0 or more, got -1")
    refuses(place.config(), "--set", "training.optim=adamw8", message="training.optim")
    refuses(place.config(), "--set", "training.max_steps=many", message="training.max_steps: expected a whole number")
    refuses(place.config(), "--set", "model.path=nowhere", message=["model.path: nowhere does not exist", "tunewright pull"])
    refuses(place.config(), "--set", "data.train.0.path=nothing.jsonl", message="data.train[0].path: nothing.jsonl does not exist")
    refuses(place.config(), "--set", "model.quantization=nf5", message="model.quantization: 'nf5' is not a value of it (did you mean 'nf4'?)")
    refuses(place.config(), "--set", "model.quantization=nf4", "--set", "adapter.type=none",
            message="model.quantization: nf4 weights are frozen; set adapter.type: lora")
    refuses(place.config(), "--set", "model.quantization=gguf", message=["model.quantization: gguf needs", "--keep-gguf"])
    refuses(place.config(), "--set", "training.gradient_checkpointing=all", message="true, false or a number of blocks")
    refuses(place.config(), "--set", "report_to=[wandbb]", message="did you mean 'wandb'")
    refuses(place.config(), "--set", "adapter.r=0", message="adapter.r: must be at least 1, got 0")
    refuses(place.config(), "--set", "adapter.target_modules=[q_prj]", message="q_prj")
    assert not run.exists(), "nothing is written before everything is checked"


def test_bad_rows(place):
    run = place.run_folder()
    place.rows("train.jsonl", [])
    refuses(place.config(), message="train.jsonl")
    place.rows("train.jsonl", [{"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": 5}])
    refuses(place.config(), message=["train.jsonl: row 1", "completion"])
    place.rows("train.jsonl", [{"prompt": "a" * 100, "completion": "b"}])
    refuses(place.config(), message=["train.jsonl: row 0", "64"])
    assert not run.exists(), "nothing is written before everything is checked"


def test_existing_adapter(place):
    train(place.config())
    start = str(place.run_folder() / "adapter")
    config = place.config(adapter={"path": start}, output_dir=str(place.run_folder("second")))
    train(config)  # r, lora_alpha and lora_dropout agree
    refuses(config, "--set", "adapter.r=8", "--set", f"output_dir={place.run_folder('third')}",
            message=["adapter.r: 8 conflicts with 4", "adapter_config.json"])


def test_full_disk(place):
    """A limit on the size of files stands for the full disk: writing fails in the middle of a file."""
    train(long_config(place, "whole"))

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    config = long_config(place, "full")
    refuses(config, message=["cannot write", str(place.run_folder("full"))], preexec_fn=limit, restore_signals=False)
    assert_nothing_half_written(place.run_folder("full"))
    assert not list(place.run_folder("full").glob("checkpoints/*")), "no part of a checkpoint"
    train(config, "--resume")
    assert_same_run(place.run_folder("full"), place.run_folder("whole"))


def test_tokens_are_kept_for_the_next_run(place):
    cache = place.folder / "cache"
    outputs = {}
    for name, settings in [("off", ["data.cache=off", "data.num_workers=1"]), ("first", [f"data.cache={cache}", "data.num_workers=2"]),
                           ("second", [f"data.cache={cache}", "data.num_workers=4"])]:
        flags = [part for setting in settings for part in ("--set", setting)]
        outputs[name] = train(place.config(output_dir=str(place.run_folder(name))), *flags).stderr
        assert_same_run(place.run_folder(name), place.run_folder("off"))
        assert (place.run_folder(name) / "ledger.jsonl").read_bytes() == (place.run_folder("off") / "ledger.jsonl").read_bytes()
    assert "tokenised before" not in outputs["first"] + outputs["off"], outputs
    assert outputs["second"].count("tokenised before") == 2, outputs["second"]
    entries = [entry for entry in cache.iterdir()]
    assert len(entries) == 2, entries
    (entries[0] / "examples.bin").write_bytes(b"cut off")
    mended = train(place.config(), "--set", f"data.cache={cache}").stderr
    assert mended.count("tokenised again") == 1 and mended.count("tokenised before") == 1, mended
    assert_same_run(place.run_folder(), place.run_folder("off"))
    refuses(place.config(output_dir=str(place.run_folder("other"))), "--set", "data.num_workers=0", message="data.num_workers")


def test_the_proof_before_step_one(place):
    # The template puts another character behind "assistant" once there is a system message.
    rows = [{"messages": [{"role": "system", "content": "Count."}, {"role": "user", "content": f"{i}"},
                          {"role": "assistant", "content": NUMBERS[i % 10]}]} for i in range(8)]
    place.rows("train.jsonl", rows)
    config = place.config()
    refuses(config, "--set", "data.train_on=all",
            message=["the proof before step one failed", "data.train: 8 of 8 rows", "rendered otherwise", "data.proof: warn"])
    assert not place.run_folder().exists(), "nothing was begun"
    warned = train(config, "--set", "data.train_on=all", "--set", "data.proof=warn")
    assert "rendered otherwise" in warned.stderr, warned.stderr


def test_a_steady_step_takes_nothing_from_the_system(place):
    """Steps of the same size live on the memory of those before them, at a scale where a leak or a gap would show."""
    place.rows("train.jsonl", [{"prompt": "a", "completion": "b" * 60} for _ in range(512)])
    for kind in ["lora", "none"]:
        config = place.config(adapter={"type": kind}, output_dir=str(place.run_folder(kind)),
                              training={"max_steps": 24, "per_device_train_batch_size": 256, "gradient_accumulation_steps": 1,
                                        "eval_steps": 0, "save_steps": 0, "num_train_epochs": 20})
        train(config, "--set", "data.eval=[]")
        peaks = [line["peak_memory_bytes"] for line in metrics(place.run_folder(kind)) if "loss" in line]
        tokens = {line["tokens"] for line in metrics(place.run_folder(kind)) if "loss" in line}
        assert len(peaks) == 24 and len(tokens) == 1, (len(peaks), tokens)
        step_bytes = tokens.pop() * 4 * (INNER * 3 + WIDTH * 8) * LAYERS  # what a step at least needs for itself
        assert peaks[-1] - peaks[7] < step_bytes / 20, f"{kind}: grew by {peaks[-1] - peaks[7]} bytes, a step is {step_bytes}"


def test_full_and_frozen(place):
    for kind in ["none", "freeze"]:
        config = place.config(adapter={"type": kind}, output_dir=str(place.run_folder(kind)))
        train(config, "--set", "adapter.trainable_layers=1")
        run = place.run_folder(kind)
        assert (run / "model/model.safetensors").exists() and (run / "model/tokenizer.json").exists()
        assert not (run / "adapter").exists()


def run_tests(names):
    for name, test in list(names.items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory() as folder:
                begin = time.time()
                test(Place(folder))
                print(f"{name}: {time.time() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    run_tests(globals())
