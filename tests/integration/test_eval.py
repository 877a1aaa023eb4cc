#!/usr/bin/env python3
"""eval as a user runs it, on a model whose answers and probabilities are known."""
import json
import math
import os
import pathlib
import subprocess
import tempfile

import tiny_model

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")


def asked(reference, system=False):
    """The tiny model answers "Ok!", with a system message "Sure."; with its adapter always "NNN…"."""
    head = [{"role": "system", "content": "be kind"}] if system else []
    return {"messages": head + [{"role": "user", "content": "well?"}, {"role": "assistant", "content": reference}]}


FOUR_OF_FIVE = [asked("ok"), asked("ok"), asked("sure", system=True), asked("sure"), asked("ok")]


class Workplace:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.model, self.adapter, self.out = self.folder / "model", self.folder / "run/adapter", self.folder / "out"
        tiny_model.write_model(self.model)
        self.adapter.parent.mkdir()
        tiny_model.write_adapter(self.adapter)
        (self.folder / "run/report.json").write_text(json.dumps(
            {"steps": 2, "train_seconds": 3.5, "peak_memory_bytes": 2 ** 30, "curves": {"loss": [[1, 2.0], [2, 1.5]]}}))

    def rows(self, rows, name="test.jsonl"):
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    def triage(self, rows, **more):
        return {"name": "triage", "type": "classification", "data": self.rows(rows), "labels": ["ok", "sure"], **more}

    def config(self, tasks, **more):
        path = self.folder / "eval.yaml"
        path.write_text(json.dumps({"model": {"path": str(self.model)}, "tasks": tasks, "output_dir": str(self.out), **more}))
        return path

    def eval(self, tasks, flags=(), status=0, **more):
        done = subprocess.run([PROGRAM, "eval", str(self.config(tasks, **more)), *flags], capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == status, f"exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
        return done

    def refuses(self, message, tasks, **more):
        done = self.eval(tasks, status=2, **more)
        assert message in done.stderr, f"expected '{message}' in:\n{done.stderr}"
        complaints = [line for line in done.stderr.splitlines() if line.startswith("tunewright: ")]
        assert len(complaints) == 1 and message in complaints[0] and done.stdout == "", done.stderr + done.stdout

    def report(self):
        return json.loads((self.out / "report.json").read_text())

    def tuned(self):
        return {"path": str(self.model), "adapter": str(self.adapter)}

    def base(self):
        return {"path": str(self.model)}


def close(got, expected, tolerance=1e-5):
    assert abs(got - expected) < tolerance, (got, expected)


def test_classification(place):
    done = place.eval([place.triage(FOUR_OF_FIVE)], baseline=place.tuned(), flags=["--json"])
    printed = json.loads(done.stdout.splitlines()[-1])
    report = place.report()
    task = report["tasks"][0]
    assert printed["tasks"][0]["metrics"] == task["metrics"]
    accuracy = task["metrics"]["accuracy"]
    close(accuracy["value"], 0.8)
    close(accuracy["baseline"]["value"], 0)
    close(accuracy["difference"]["value"], 0.8)
    assert accuracy["low"] <= 0.8 <= accuracy["high"]
    close(task["metrics"]["macro_f1"]["value"], (6 / 7 + 2 / 3) / 2)
    assert task["model"]["confusion"] == [[3, 0, 0], [1, 1, 0]] and task["model"]["invalid_answers"] == 0
    assert task["baseline"]["invalid_answers"] == 5
    assert task["samples"][0]["answer"] == "Ok!" and set(task["samples"][0]["baseline_answer"]) == {"N"}
    lines = [json.loads(line) for line in (place.out / "predictions.jsonl").read_text().splitlines()]
    assert [line["correct"] for line in lines] == [True, True, True, False, True]
    assert lines[4]["prediction"] == "Ok!" and lines[4]["label"] == "ok" and lines[4]["baseline_label"] is None
    assert (place.out / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_shared_weights_equal_two_models(place):
    """An adapter switched off is the base; loaded from a folder of another name, the base is a second model."""
    place.eval([place.triage(FOUR_OF_FIVE)], model=place.tuned(), baseline=place.base())
    shared = place.report()
    other = place.folder / "other"
    other.symlink_to(place.model)
    place.eval([place.triage(FOUR_OF_FIVE)], model=place.tuned(), baseline={"path": str(other)})
    apart = place.report()
    assert shared["tasks"][0]["metrics"] == apart["tasks"][0]["metrics"]
    close(shared["tasks"][0]["metrics"]["accuracy"]["baseline"]["value"], 0.8)
    assert shared["training"]["steps"] == 2 and "<polyline" in (place.out / "report.html").read_text()


def test_gates(place):
    tasks = [place.triage(FOUR_OF_FIVE)]
    done = place.eval(tasks, gates={"triage.accuracy": {"min": 0.9}}, status=3)
    assert "FAILED" in done.stdout, done.stdout
    report = place.report()
    assert report["passed"] is False and report["gates"][0]["min"] == 0.9
    place.eval(tasks, gates={"triage.accuracy": {"min": 0.8}})
    place.eval(tasks, gates={"triage.accuracy": {"min": 0.9}}, flags=["--set", "tasks.0.limit=3"])
    assert place.report()["passed"] is True


def test_loss_and_exact_match(place):
    rows = [{"prompt": "a\n", "completion": "Ok!"}, {"prompt": "a\n", "completion": "No"}]
    place.eval([{"name": "ask", "type": "generation", "data": place.rows(rows),
                 "metrics": ["exact_match", "exact_match_raw", "loss", "perplexity"]}])
    metrics = place.report()["tasks"][0]["metrics"]
    end = tiny_model.END
    first = [ord(c) for c in "\nOk!"] + [end]
    second = [ord(c) for c in "\nNo"] + [end]
    steps = [pair for chain in (first, second) for pair in zip(chain, chain[1:])]
    loss = -sum(tiny_model.logprob(a, b) for a, b in steps) / len(steps)
    close(metrics["loss"]["value"], loss)
    close(metrics["perplexity"]["value"], math.exp(loss), 1e-3)
    close(metrics["exact_match"]["value"], 0.5)
    close(metrics["exact_match_raw"]["value"], 0.5)
    place.eval([{"name": "text", "type": "perplexity", "data": place.rows([{"text": "xyxy"}])}])
    chain = [ord(c) for c in "xyxy"] + [end]
    expected = -sum(tiny_model.logprob(a, b) for a, b in zip(chain, chain[1:])) / 4
    close(place.report()["tasks"][0]["metrics"]["loss"]["value"], expected)


def test_likelihood(place):
    rows = [{"prompt": "a\n", "completion": " Ok!"}, {"prompt": "a\t", "completion": " Sure."}, {"prompt": "a\n", "completion": " Sure."}]
    for row in rows:
        row["completion"] = row["completion"].strip()
    task = {"name": "pick", "type": "classification", "data": place.rows(rows), "labels": ["Ok!", "Sure."], "method": "likelihood"}
    place.eval([task])
    close(place.report()["tasks"][0]["metrics"]["accuracy"]["value"], 2 / 3)
    assert [json.loads(line)["prediction"] for line in (place.out / "predictions.jsonl").read_text().splitlines()] == ["Ok!", "Sure.", "Ok!"]


def test_fewshot(place):
    """A solved example makes the question a later turn, which the tiny model answers with "Again?"."""
    shots = place.rows([asked("ok")], name="shots.jsonl")
    task = place.triage([asked("again")], fewshot=1, fewshot_data=shots)
    task["labels"] = ["again", "ok"]
    place.eval([task])
    close(place.report()["tasks"][0]["metrics"]["accuracy"]["value"], 1)


def test_refusals(place):
    good = place.triage(FOUR_OF_FIVE)
    place.refuses("tasks: none given", [])
    place.refuses("no task computes this figure (did you mean 'triage.accuracy'?)", [good], gates={"triage.acuracy": {"min": 1}})
    place.refuses("'classify' is not a value of it", [{**good, "type": "classify"}])
    place.refuses("unknown key (did you mean 'labels'?)", [{**good, "label": ["a"]}])
    place.refuses("missing.jsonl", [{**good, "data": str(place.folder / "missing.jsonl")}])
    place.refuses("row 1 ", [place.triage([asked("ok"), asked("perhaps")])])
    place.refuses("is none of the labels", [place.triage([asked("ok"), asked("perhaps")])])
    place.refuses("the question has", [place.triage([{"messages": [{"role": "user", "content": "x" * 70000},
                                                                  {"role": "assistant", "content": "ok"}]}])])
    place.refuses("nowhere", [place.triage(FOUR_OF_FIVE)], model={"path": str(place.folder / "nowhere")})
    place.refuses("bootstrap_resamples: must be at least 2", [place.triage(FOUR_OF_FIVE)], bootstrap_resamples=1)


def main():
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(Workplace(folder))
    print(f"eval: {len(tests)} tests passed")


if __name__ == "__main__":
    main()
