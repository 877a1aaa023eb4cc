#!/usr/bin/env python3
"""Every command on a quantised base: training, evaluation, scoring, answers, merging, and GGUF blocks."""
import json
import math
import os
import pathlib
import subprocess
import tempfile

from test_train import Place, metrics, train

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
BLOCKS = "tests/golden/blocks_llama.gguf"


def run(*arguments, status=0, stdin=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{arguments}: exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
    return done


def fails(*arguments, message):
    done = run(*arguments, status=2)
    assert message in done.stderr, f"expected {message!r} in:\n{done.stderr}"


def losses(folder):
    return [line["loss"] for line in metrics(folder) if "loss" in line]


def trained(place, quantization):
    """Twenty steps over a quantised base; the run folder."""
    folder = place.run_folder(quantization)
    config = place.config(model={"quantization": quantization}, training={"max_steps": 20, "learning_rate": 2e-2}, output_dir=str(folder))
    done = train(config)
    assert f"linear layers in {quantization}" in done.stderr, done.stderr
    return folder


def scores(place, *flags):
    done = run("score", "--model", place.folder / "model", "--in", place.folder / "eval.jsonl", *flags)
    return [json.loads(line)["logprob"] for line in done.stdout.splitlines()]


def test_loss_falls_and_the_adapter_serves_both_bases(place):
    for quantization in ["nf4", "int8"]:
        folder = trained(place, quantization)
        fallen = losses(folder)
        assert len(fallen) == 20 and all(map(math.isfinite, fallen))
        assert max(fallen[-3:]) < 0.9 * fallen[0], fallen
        adapter = ["--adapter", folder / "adapter"]
        quantized = scores(place, *adapter, "--quantization", quantization)
        dense = scores(place, *adapter)
        assert sum(quantized) > sum(scores(place)), "the adapter helps"
        # Weights of deviation 0.1 through two layers: the adapter, trained on rounded weights, works on exact ones.
        assert max(abs(a - b) for a, b in zip(quantized, dense)) < 1.0, (quantized, dense)
        assert quantized != dense
        config = json.loads((folder / "adapter/adapter_config.json").read_text())
        assert config["peft_type"] == "LORA" and len(config["target_modules"]) == 7


def test_merging_needs_the_dense_base(place):
    folder = trained(place, "nf4")
    base = ["--model", place.folder / "model", "--adapter", folder / "adapter"]
    fails("merge", *base, "--out", place.folder / "merged", "--quantization", "nf4",
          message="a quantised base cannot take the adapter's update; merge it into the model without quantization")
    run("merge", *base, "--out", place.folder / "merged")
    done = run("score", "--model", place.folder / "merged", "--in", place.folder / "eval.jsonl")
    merged = [json.loads(line)["logprob"] for line in done.stdout.splitlines()]
    # W + s·BA is rounded once to float32.
    assert all(abs(a - b) < 1e-3 for a, b in zip(merged, scores(place, "--adapter", folder / "adapter")))


def test_resume_is_exact_and_knows_the_format(place):
    whole = trained(place, "nf4")
    config = place.config(model={"quantization": "nf4"}, training={"max_steps": 20, "learning_rate": 2e-2},
                          output_dir=str(place.run_folder("cut")))
    train(config)
    cut = place.run_folder("cut")
    lines = (cut / "metrics.jsonl").read_text()
    # As if it had been killed after step 8: what came later is gone.
    for later in cut.glob("checkpoints/step-*"):
        if int(later.name[5:]) > 12:
            subprocess.run(["rm", "-r", str(later)], check=True)
    subprocess.run(["rm", "-r", str(cut / "adapter")], check=True)
    for name in ["report.json", "report.html", "README.md"]:
        (cut / name).unlink()
    done = train(config, "--resume", "--set", "model.quantization=int8", status=2)
    assert 'with another model.quantization: "nf4", now "int8"' in done.stderr, done.stderr
    train(config, "--resume")
    assert losses(cut) == losses(whole)
    assert lines.count("\n") == (cut / "metrics.jsonl").read_text().count("\n")


def test_evaluation_and_answers(place):
    place.rows("ask.jsonl", [{"prompt": "3 is "}])
    place.rows("texts.jsonl", [{"text": f"{i} is a number"} for i in range(4)])
    evaluation = place.folder / "eval.yaml"
    perplexities = {}
    for quantization in ["null", "nf4", "int8"]:
        flags = [] if quantization == "null" else ["--quantization", quantization]
        done = run("generate", "--model", place.folder / "model", "--in", place.folder / "ask.jsonl", "--max-new-tokens", "4", *flags)
        assert json.loads(done.stdout)["completion_tokens"] <= 4
        run("chat", "--model", place.folder / "model", "--max-new-tokens", "4", *flags, stdin="Hello\n")
        model = {"path": str(place.folder / "model"), "quantization": None if quantization == "null" else quantization}
        evaluation.write_text(json.dumps({
            "model": model, "baseline": None, "output_dir": str(place.folder / f"eval-{quantization}"),
            "tasks": [{"name": "text", "type": "perplexity", "data": str(place.folder / "texts.jsonl")}]}))
        report = json.loads(run("eval", evaluation, "--json").stdout.splitlines()[-1])
        perplexities[quantization] = json.dumps(report)
    assert len(set(perplexities.values())) == 3, "each format has numbers of its own"


def test_gguf_blocks(place):
    fails("pull", place.folder / "model", "--keep-gguf", "--out", place.folder / "none", message="brings no .gguf")
    run("pull", BLOCKS, "--out", place.folder / "plain")
    fails("pull", BLOCKS, "--keep-gguf", "--out", place.folder / "plain", message="exists without model.gguf; --overwrite")
    fails("score", "--model", place.folder / "plain", "--quantization", "gguf", "--in", place.folder / "eval.jsonl",
          message="--keep-gguf")
    blocks = place.folder / "blocks"
    run("pull", BLOCKS, "--keep-gguf", "--out", blocks)
    assert (blocks / "model.gguf").read_bytes() == pathlib.Path(BLOCKS).read_bytes()
    place.rows("text.jsonl", [{"text": "A house stood by the river."}])
    flags = ["--model", blocks, "--in", place.folder / "text.jsonl"]
    dense, quantized = (json.loads(run("score", *flags, *more).stdout)["token_logprobs"][1:]
                        for more in ([], ["--quantization", "gguf"]))
    # The same numbers, summed in another order.
    assert all(abs(a - b) < 1e-4 for a, b in zip(dense, quantized))
    config = place.config(model={"path": str(blocks), "quantization": "gguf"}, training={"max_steps": 20, "learning_rate": 2e-2})
    assert "linear layers in gguf" in train(config).stderr
    fallen = losses(place.run_folder())
    assert max(fallen[-3:]) < 0.9 * fallen[0], fallen
    run("merge", "--model", blocks, "--adapter", place.run_folder() / "adapter", "--out", place.folder / "merged")


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory() as folder:
                test(Place(folder))
                print(name, flush=True)


if __name__ == "__main__":
    main()
