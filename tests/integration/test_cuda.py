#!/usr/bin/env python3
"""Training, scoring and answers on an NVIDIA device, against the processor; where there is none, that it is refused.

The same seed draws the same dropout masks on both, so that losses can be compared step by step.
"""
import json
import math
import shutil
import subprocess
import tempfile

from test_quantization import fails, losses, run
from test_train import Place, assert_same_run, refuses, run_tests, train


def has_device():
    """Whether the machine has a device that the program was built for; says which is missing."""
    smi = shutil.which("nvidia-smi")
    if not smi or subprocess.run([smi], capture_output=True).returncode != 0:
        print("no NVIDIA device on this machine (nvidia-smi): training on one is NOT tested", flush=True)
        return False
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        flags = ["--model", place.folder / "model", "--in", place.folder / "eval.jsonl", "--device", "cuda"]
        try:
            run("score", *flags)
        except AssertionError as error:
            assert "built without CUDA" in str(error), error
            print("the program was built without CUDA: training on the device is NOT tested", flush=True)
            return False
    return True


DEVICE = has_device()


def close(first, second, limit):
    assert len(first) == len(second) and all(map(math.isfinite, first))
    assert max(abs(a - b) for a, b in zip(first, second)) < limit, (first, second)


def trained(place, name, device, **model):
    folder = place.run_folder(name)
    config = place.config(model={"device": device, "quantization": None, "dtype": "float32", **model},
                          output_dir=str(folder))
    train(config, "--set", "training.deterministic=true")
    return folder


def test_without_a_device_cuda_is_refused(place):
    if DEVICE:
        return
    message = "model.device: cuda is asked for, but this machine has no CUDA device, or this program was built without CUDA"
    refuses(place.config(model={"device": "cuda"}), message=message)
    for command in ["score", "generate"]:
        fails(command, "--model", place.folder / "model", "--in", place.folder / "eval.jsonl", "--device", "cuda",
              message=message)


def test_losses_are_those_of_the_processor(place):
    if not DEVICE:
        return
    for quantization in [None, "nf4", "int8"]:
        here, there = (losses(trained(place, f"{device}-{quantization}", device, quantization=quantization))
                       for device in ["cpu", "cuda"])
        # Twelve steps amplify float32 sums in another order.
        close(here, there, 1e-3)


def test_half_precision_follows(place):
    if not DEVICE:
        return
    here = losses(trained(place, "float32", "cuda"))
    for dtype in ["bfloat16", "float16"]:
        close(here, losses(trained(place, dtype, "cuda", dtype=dtype)), 0.1)  # 8 bits of a loss of 5


def test_a_deterministic_run_is_repeated_bit_for_bit(place):
    if not DEVICE:
        return
    assert_same_run(trained(place, "first", "cuda"), trained(place, "second", "cuda"))


def test_full_fine_tuning(place):
    if not DEVICE:
        return
    found = []
    for device in ["cpu", "cuda"]:
        folder = place.run_folder(f"full-{device}")
        train(place.config(model={"device": device}, adapter={"type": "none"}, output_dir=str(folder)))
        found.append(losses(folder))
    close(*found, 1e-3)


def test_scores_and_answers_are_those_of_the_processor(place):
    if not DEVICE:
        return
    place.rows("ask.jsonl", [{"prompt": "3 is "}, {"prompt": "A longer text, then 7 is "}])
    found = []
    for device in ["cpu", "cuda"]:
        flags = ["--model", place.folder / "model", "--device", device]
        scored = run("score", *flags, "--in", place.folder / "eval.jsonl").stdout.splitlines()
        answers = run("generate", *flags, "--in", place.folder / "ask.jsonl", "--max-new-tokens", 12).stdout
        found.append(([json.loads(line)["logprob"] for line in scored], answers))
    close(found[0][0], found[1][0], 1e-3)
    assert found[0][1] == found[1][1], found


def test_blocks_of_gguf_stay_on_the_processor(place):
    if not DEVICE:
        return
    run("pull", "tests/golden/blocks_llama.gguf", "--keep-gguf", "--out", place.folder / "blocks")
    fails("score", "--model", place.folder / "blocks", "--quantization", "gguf", "--device", "cuda", "--in",
          place.folder / "eval.jsonl", message="decoded on the processor only; set model.device: cpu")


if __name__ == "__main__":
    run_tests(globals())
