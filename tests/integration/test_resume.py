#!/usr/bin/env python3
"""Stopped at any moment, by SIGKILL too, a run ends with the numbers of one that never was.

Everything that could make a difference is on: shuffling, packing, dropout, accumulation, files of
different weight, message weights and evaluation.
"""
import json
import os
import random
import re
import signal
import subprocess
import time

from test_train import (Place, assert_nothing_half_written, assert_same_run, command, exact, metrics, refuses, run_tests,
                        train)

RNG = random.Random(int(os.environ.get("TUNEWRIGHT_TEST_SEED", "4")))
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def full_config(place, name, adapter=None, **training):
    """Everything on; the files are written anew, always the same."""
    place.rows("sums.jsonl", [{"messages": [{"role": "user", "content": f"{i} + {i}"},
                                            {"role": "assistant", "content": NUMBERS[i % 10], "weight": 0.5 + i % 3}]}
                              for i in range(20)])
    settings = {"max_steps": 60, "eval_steps": 13, "save_steps": 7, "learning_rate": 2e-3, **training}
    return place.config(
        data={"train": [{"path": str(place.folder / "train.jsonl"), "weight": 2.0},
                        {"path": str(place.folder / "sums.jsonl"), "weight": 1.0}], "packing": True, "shuffle": True},
        adapter=adapter or {"r": 4, "lora_alpha": 8, "lora_dropout": 0.2}, training=settings,
        output_dir=str(place.run_folder(name)))


def start(config, *flags):
    return subprocess.Popen(command(config, *flags), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def steps_logged(run):
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def is_writing(run):
    folder = run / "checkpoints"
    return folder.is_dir() and any(".tmp-" in name for name in os.listdir(folder))


def kill_when(process, condition, timeout=60):
    """SIGKILL as soon as the condition holds; False where the process ends before."""
    deadline = time.time() + timeout
    while not condition():
        if process.poll() is not None:
            process.communicate()
            return False
        assert time.time() < deadline, "the moment did not come"
    process.kill()
    process.communicate()
    return True


def run_with_kills(config, run, moments):
    """Every start is the same command."""
    kills = 0
    for moment in moments:
        process = start(config, "--resume")
        before = steps_logged(run)
        kills += kill_when(process, lambda: moment(before))
    train(config, "--resume")
    return kills


def after_steps(run, count):
    return lambda before: steps_logged(run) >= before + count


def test_kills_at_random_moments(place):
    train(full_config(place, "whole"))
    config, run = full_config(place, "killed"), place.run_folder("killed")
    moments = [after_steps(run, RNG.randint(1, 14)) for _ in range(4)]
    moments += [lambda before: is_writing(run)] * 2
    assert run_with_kills(config, run, moments) >= 5
    assert_same_run(run, place.run_folder("whole"))
    assert_nothing_half_written(run)


def test_kills_of_full_fine_tuning(place):
    train(full_config(place, "whole", adapter={"type": "none"}, max_steps=30))
    config = full_config(place, "killed", adapter={"type": "none"}, max_steps=30)
    run = place.run_folder("killed")
    assert run_with_kills(config, run, [after_steps(run, 9), lambda before: is_writing(run)]) == 2
    whole = place.run_folder("whole")
    assert exact(run) == exact(whole)
    name = "model/model.safetensors"
    assert (run / name).read_bytes() == (whole / name).read_bytes()


def test_same_seed_same_bits(place):
    train(full_config(place, "first", max_steps=20))
    train(full_config(place, "second", max_steps=20))
    assert_same_run(place.run_folder("first"), place.run_folder("second"))
    train(full_config(place, "deterministic", max_steps=20, deterministic=True))
    assert_same_run(place.run_folder("first"), place.run_folder("deterministic"))


def test_number_of_threads(place):
    """Exact where the program's own kernels decide: the products here are too small for the library to
    divide them in another way."""
    for threads in ["1", "2"]:
        train(full_config(place, threads, max_steps=20), env={**os.environ, "OMP_NUM_THREADS": threads})
    assert_same_run(place.run_folder("1"), place.run_folder("2"))
    config, run = full_config(place, "mixed"), place.run_folder("mixed")
    for threads, warns in [("1", False), ("1", False), ("2", True)]:
        process = subprocess.Popen(command(config, "--resume"), stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "OMP_NUM_THREADS": threads})
        before = steps_logged(run)
        while process.poll() is None and steps_logged(run) < before + 5:
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
        assert ("and goes on on 2: the last bits" in said) == warns, said


def test_stop_within_a_long_step(place):
    """A step is an epoch here, each pass a row: the stop comes between two of them."""
    place.rows("train.jsonl", [{"prompt": f"{i} is ", "completion": NUMBERS[i % 10]} for i in range(1200)])
    settings = {"max_steps": 2, "gradient_accumulation_steps": 100000, "tokens_per_pass": 1, "eval_steps": 0}
    config, run = place.config(training=settings, data={"eval": []}), place.run_folder()
    process = start(config)
    deadline = time.time() + 120
    while steps_logged(run) == 0:
        assert process.poll() is None and time.time() < deadline, process.communicate()[1]
        time.sleep(0.01)
    time.sleep(0.1)
    begin = time.time()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    took, step_seconds = time.time() - begin, metrics(run)[0]["step_seconds"]
    assert process.returncode == 130 and "stopped after step 1;" in said, said
    assert took < 10 and took < step_seconds, (took, step_seconds)
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-000001"]
    train(config, "--resume")
    train(place.config(training=settings, data={"eval": []}, output_dir=str(place.run_folder("whole"))))
    assert_same_run(run, place.run_folder("whole"))


def test_one_command_for_every_start(place):
    config = full_config(place, "run", max_steps=8)
    for said in ["starting at step 1", "is finished after 8 steps"]:
        done = train(config, "--resume")
        assert said in done.stderr + done.stdout, done.stderr


def test_damaged_checkpoints_fall_back(place):
    train(full_config(place, "whole"))
    damages = {"flipped": lambda file: file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1])),
               "cut": lambda file: os.truncate(file, file.stat().st_size // 2), "gone": lambda file: file.unlink()}
    for name, damage in damages.items():
        config, run = full_config(place, name), place.run_folder(name)
        assert kill_when(start(config), lambda: (run / "checkpoints/step-000035").exists())
        newest = max((run / "checkpoints").glob("step-*"))
        damage(newest / "optimizer.safetensors")
        said = train(config, "--resume").stderr
        assert f"{newest.name}/optimizer.safetensors" in said and "going back to the checkpoint before it" in said, said
        assert int(re.search(r"resuming after step (\d+)", said)[1]) < int(newest.name[5:]), said
        assert_same_run(run, place.run_folder("whole"))


def test_rows_that_break_the_numbers(place):
    """A message weight that is far too large, under each policy."""
    def bad_rows():
        place.rows("train.jsonl", [{"messages": [{"role": "user", "content": str(i)},
                                                 {"role": "assistant", "content": NUMBERS[i % 10],
                                                  "weight": 3e38 if i == 5 else 1}]} for i in range(24)])

    def config(name, **training):
        return place.config(training={"max_steps": 16, "save_steps": 3, "eval_steps": 0, **training},
                            data={"eval": [], "packing": False}, output_dir=str(place.run_folder(name)))

    bad_rows()
    wrong = ["the loss is inf, with the rows", "train.jsonl row 5: the loss behind the output head (float32) is infinite"]
    refuses(config("stop"), message=[*wrong, "the weights were left as they are after step"])
    for policy in ["skip", "rollback"]:
        whole = place.run_folder(f"{policy}-whole")
        done = train(config(whole.name, on_nonfinite=policy), "--json")
        assert all(part in done.stderr for part in wrong), done.stderr
        report = json.loads((whole / "report.json").read_text())
        lines = metrics(whole)
        dropped = [line for line in lines if line["loss"] is None]
        assert report["skipped_steps"] == len(dropped) == dropped[-1]["skipped_steps"] > 0, report
        run = place.run_folder(policy)
        kills = [after_steps(run, RNG.randint(1, 8)), after_steps(run, RNG.randint(1, 8))]
        run_with_kills(config(policy, on_nonfinite=policy), run, kills)
        assert_same_run(run, whole)
        ledger = [json.loads(line) for line in (run / "ledger.jsonl").read_text().splitlines()]
        gone = [line["row"] for line in ledger if line["decision"] == "dropped"]
        assert gone == ([5] if policy == "rollback" else []), gone
        assert report["excluded_rows"] == [{"source": ledger[5]["source"], "row": row} for row in gone]
    train(config("stop", on_nonfinite="skip"), "--resume")
    assert_same_run(place.run_folder("stop"), place.run_folder("skip-whole"))


if __name__ == "__main__":
    run_tests(globals())
