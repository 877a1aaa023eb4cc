#!/usr/bin/env python3
"""`runs` as a user runs it: the catalogue, comparison, lineage, audit trail, cards and exports."""
import json
import os
import re
import subprocess
import tempfile
import time

import test_train

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")


class Place(test_train.Place):
    def __init__(self, folder):
        super().__init__(folder)
        self.root = self.folder / "runs"

    def train(self, name, *flags, status=0, env=None, **changes):
        config = self.config(output_dir=str(self.root / name), **changes)
        return test_train.train(config, *flags, status=status, env={**os.environ, **(env or {})})

    def command(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert done.returncode == status, f"{arguments}: exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
        return done

    def runs(self, *arguments, status=0):
        return self.command("runs", *arguments, "--root", self.root, status=status)

    def json(self, *arguments, status=0):
        return json.loads(self.runs(*arguments, "--json", status=status).stdout.splitlines()[-1])

    def events(self):
        return [json.loads(line)["event"] for line in (self.root / "audit.jsonl").read_text().splitlines()]

    def evaluate(self, name, **more):
        config = self.folder / "eval.yaml"
        config.write_text(json.dumps({
            "model": {"path": str(self.folder / "model"), "adapter": str(self.root / name / "adapter")},
            "tasks": [{"name": "numbers", "type": "perplexity", "data": str(self.folder / "eval.jsonl")}],
            "output_dir": str(self.folder / "evals" / name), **more}))
        return config


def test_catalogue_and_comparison(place):
    place.train("a")
    place.train("b", training={"learning_rate": 1e-3}, report_to=["jsonl", "tensorboard", "wandb"])
    listed = place.json("list")["runs"]
    assert [run["name"] for run in listed] == ["b", "a"] or listed[0]["started"] == listed[1]["started"]
    assert all(run["status"] == "finished" and run["steps"] == 12 for run in listed), listed
    text = place.runs("list", "--filter", "learning_rate=0.001 and adapter=lora").stdout
    assert "\nb " in text and "\na " not in text, text
    by_loss = place.json("list", "--sort", "eval_loss", "--limit", "1")["runs"]
    assert by_loss[0]["eval_loss"] == min(run["eval_loss"] for run in listed)
    assert "did you mean 'eval_loss'" in place.runs("list", "--filter", "eval_los<1", status=2).stderr
    assert (place.root / "index.sqlite").exists()
    (place.root / "index.sqlite").write_bytes(b"damaged" * 100)
    assert sorted(run["name"] for run in place.json("list")["runs"]) == ["a", "b"]

    page = place.folder / "compare.html"
    text = place.runs("compare", "a", "b", "--out", page).stdout
    assert "training.learning_rate" in text and "┤" in text and re.search("[\u2801-\u28ff]", text), text
    html = page.read_text()
    assert html.count("<polyline") == 4 and "http" not in html and "<script" not in html
    compared = place.json("compare", "a", "b")
    assert compared["differences"]["training.learning_rate"] == {"a": 0.005, "b": 0.001}, compared["differences"]
    assert len(compared["curves"]["loss"]["a"]) == 12
    shown = place.json("show", "a")
    assert [event["event"] for event in shown["audit"]] == ["run_started", "run_finished"]
    assert "is no run of" in place.runs("show", "c", status=2).stderr


def test_sinks_leave_the_curve_as_it_is(place):
    """The same bits with and without sinks; each sink has every step; a server that is away costs nothing."""
    place.train("plain")
    done = place.train("all", report_to=["jsonl", "tensorboard", "wandb", "mlflow"],
                       tracking={"mlflow_uri": "http://127.0.0.1:9"})
    test_train.assert_same_run(place.root / "plain", place.root / "all")
    assert "runs export --to mlflow" in done.stderr, done.stderr
    assert list((place.root / "all/tensorboard").glob("events.out.tfevents.*"))
    assert list((place.root / "all/wandb").glob("offline-run-*/run-*.wandb"))
    refused = place.train("none", report_to=["mlflow"], status=2)
    assert "MLFLOW_TRACKING_URI" in refused.stderr and not (place.root / "none").exists()
    place.runs("export", "plain", "--to", "tensorboard")
    assert list((place.root / "plain/tensorboard").glob("events.out.tfevents.*"))
    assert "either --to" in place.runs("export", "plain", status=2).stderr


def test_lineage(place):
    place.train("a")
    merged = place.folder / "merged"
    place.command("merge", "--model", place.folder / "model", "--adapter", place.root / "a/adapter", "--out", merged)
    config = place.evaluate("a", gates={"numbers.loss": {"max": 100}})
    place.command("eval", config)
    place.command("eval", config, "--set", "gates={numbers.loss: {max: 0.001}}", status=3)
    assert place.events() == ["run_started", "run_finished", "merged", "evaluated", "gate", "evaluated", "gate"]
    assert place.json("list")["runs"][0]["gates"] == "failed"
    place.command("eval", config)
    listed = place.json("list", "--filter", "gates=passed")["runs"][0]
    assert listed["numbers.loss"] > 0, listed

    traced = place.json("trace", "a")
    kinds = {node["kind"]: node for node in traced["backward"]["next"]}
    assert kinds["base model"]["name"] == str(place.folder / "model")
    assert kinds["data"]["state"] == "unchanged" and kinds["evaluation data"]["name"].endswith("eval.jsonl")
    assert {node["kind"] for node in traced["forward"]["next"]} >= {"merged", "evaluated", "gate"}, traced["forward"]
    back = place.runs("trace", merged).stdout
    assert "train.jsonl" in back and "run " in back, back
    assert "merged" in place.runs("trace", place.folder / "train.jsonl").stdout
    prefix = kinds["data"]["sha256"][:10]
    assert place.json("trace", prefix)["forward"]["next"][0]["kind"] == "run"
    place.rows("train.jsonl", [{"prompt": "x", "completion": "y"}])
    assert "[changed]" in place.runs("trace", "a").stdout


def test_audit_trail(place):
    place.train("a")
    place.runs("approve", "a", "--by", "Ada", "--note", "looked at 50 answers")
    verified = place.json("verify")["trails"][0]
    assert verified["sound"] and verified["lines"] == 3 and verified["files_sound"] >= 8, verified
    assert place.json("list")["runs"][0]["approved_by"] == "Ada"
    place.runs("approve", "a", "--by", "Alan")
    assert place.json("list")["runs"][0]["approved_by"] == "Ada, Alan"
    place.runs("approve", "a", "--by", "Alan", "--revoke")
    assert place.json("list")["runs"][0]["approved_by"] == "Ada"
    verified = place.json("verify")["trails"][0]
    assert place.json("verify", "--head", verified["head_sha256"])["sound"]
    assert not place.json("verify", "--head", "0" * 64, status=3)["sound"]
    assert "--by" in place.runs("approve", "a", "--by", " ", status=2).stderr

    trail = place.root / "audit.jsonl"
    whole = trail.read_bytes()
    trail.write_bytes(whole.replace(b"Ada", b"Eve"))
    assert "line 3: was altered" in place.runs("verify", status=3).stdout
    lines = whole.splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert "line 2: 1 line(s) before this one are missing" in place.runs("verify", status=3).stdout
    trail.write_bytes(b"".join(lines[:-1]))
    assert "1 line(s) at the end are missing" in place.runs("verify", status=3).stdout
    trail.write_bytes(whole)

    weights = place.root / "a/adapter/adapter_model.safetensors"
    saved = weights.read_bytes()
    weights.write_bytes(saved[:-1] + bytes([saved[-1] ^ 1]))
    assert "adapter_model.safetensors is no longer the file" in place.runs("verify", status=3).stdout
    weights.write_bytes(saved)
    place.runs("verify")
    place.train("a", "--overwrite", training={"learning_rate": 1e-3})
    place.runs("verify")
    assert "approved_by" not in place.json("list")["runs"][0]


def test_trails_of_studies(place):
    place.train("study/a")
    merged = place.folder / "merged"
    place.command("merge", "--model", place.folder / "model", "--adapter", place.root / "study/a/adapter", "--out", merged)
    assert "merged" in place.runs("trace", "study/a").stdout
    assert "train.jsonl" in place.runs("trace", merged).stdout
    verified = place.json("verify")
    assert [trail["lines"] for trail in verified["trails"]] == [3], verified
    place.train("b")
    heads = [trail["head_sha256"] for trail in place.json("verify")["trails"]]
    assert len(heads) == 2 and place.json("verify", "--head", heads[0], "--head", heads[1])["sound"]
    trail = place.root / "study/audit.jsonl"
    trail.write_bytes(trail.read_bytes().replace(b"merged", b"martyr"))
    verified = place.json("verify", status=3)
    assert [one["sound"] for one in verified["trails"]] == [True, False], verified
    assert f"{trail}: line 3: was altered" in place.runs("verify", status=3).stdout


def test_cards(place):
    place.train("a", card={"license": "mit", "intended_use": "Spelling numbers."})
    card = (place.root / "a/README.md").read_text()
    assert card.startswith("---\nlicense: mit\nbase_model:") and "Spelling numbers." in card
    assert "Not evaluated" in card and "0 of 6 rows" in card and "model-index" in card, card
    place.command("eval", place.evaluate("a"))
    place.runs("card", "a")
    card = (place.root / "a/README.md").read_text()
    assert "| numbers | loss |" in card and "Not evaluated" not in card, card
    answers = place.folder / "answers.yaml"
    answers.write_text("annex_iv.5: We keep a risk register.\n")
    for name in ["doc.md", "doc.html"]:
        out = place.folder / name
        result = place.json("export", "a", "--compliance", "--out", out, "--answers", answers)
        assert result["points"] == 34 and "annex_iv.9" in result["missing"] and "annex_iv.5" not in result["missing"]
        text = out.read_text()
        assert "Article 10(2)(f)" in text and "MISSING" in text and "We keep a risk register." in text
    assert place.events()[-2:] == ["exported", "exported"]
    place.runs("verify")
    assert ".md or .html" in place.runs("export", "a", "--compliance", "--out", "x.docx", status=2).stderr


def test_inputs_of_evaluations(place):
    """Everything that a figure depends on is on record, and the baseline as such."""
    place.train("a")
    place.train("b", training={"learning_rate": 1e-3})
    for name in ["shots.jsonl", "asked.jsonl"]:
        place.rows(name, [{"prompt": f"{i} is ", "completion": "one"} for i in range(4)])
    (place.folder / "swaps.json").write_text('[["is", "was"]]')
    place.rows("docs.jsonl", [{"q": f"{i}?", "choices": ["yes", "no"], "label": i % 2} for i in range(3)])
    (place.folder / "_base").write_text("output_type: multiple_choice\ntest_split: test\ndoc_to_text: \"{{q}}\"\n"
                                        "doc_to_target: label\ndoc_to_choice: \"{{choices}}\"\n")
    (place.folder / "task.yaml").write_text("include: _base\ntask: tiny\ndataset_path: json\n"
                                            "dataset_kwargs: {data_files: {test: docs.jsonl}}\n")
    classify = {"data": str(place.folder / "asked.jsonl"), "labels": ["one", "two"]}
    config = place.evaluate("a", baseline={"path": str(place.folder / "model"), "adapter": str(place.root / "b/adapter")}, tasks=[
        {"name": "few", "type": "classification", **classify, "fewshot": 1, "fewshot_data": str(place.folder / "shots.jsonl")},
        {"name": "swapped", "type": "counterfactual", **classify, "swaps": str(place.folder / "swaps.json")},
        {"name": "tiny", "type": "lm_eval", "task": str(place.folder / "task.yaml")}],
        judge={"path": str(place.folder / "model"), "tasks": ["few"], "limit": 1})
    place.command("eval", config)
    line = json.loads((place.root / "audit.jsonl").read_text().splitlines()[-1])
    found = {(one["role"], one["path"].split("/")[-1] if one["role"] not in ("model", "baseline", "judge") else one["path"])
             for one in line["inputs"]}
    assert found == {
        ("model", "a/adapter/adapter_model.safetensors"), ("baseline", "b/adapter/adapter_model.safetensors"),
        ("data", "asked.jsonl"), ("data", "docs.jsonl"), ("fewshot_data", "shots.jsonl"), ("swaps", "swaps.json"),
        ("task", "task.yaml"), ("task", "_base"), ("judge", "../model/model.safetensors")}, found
    assert line["details"]["lower_is_better"]["few.accuracy"] is False, line["details"]
    assert "as the baseline" in place.runs("trace", "b").stdout
    place.runs("card", "b")
    assert "Not evaluated" in (place.root / "b/README.md").read_text()
    place.runs("export", "a", "--to", "tensorboard")
    line = json.loads((place.root / "audit.jsonl").read_text().splitlines()[-1])
    assert line["event"] == "exported" and "a/tensorboard/events.out" in line["artefacts"][0]["path"], line
    place.runs("verify")


def test_failures_are_on_record(place):
    done = place.train("bad", training={"learning_rate": 1e30}, status=2)
    assert place.events() == ["run_started", "run_failed"], (place.events(), done.stderr)
    assert place.json("list")["runs"][0]["status"] == "unfinished"
    # After the last step, while the results are written: a page that cannot be replaced.
    (place.root / "late/report.html/x").mkdir(parents=True)
    done = place.train("late", status=2)
    assert "report.html" in done.stderr, done.stderr
    assert place.events()[2:] == ["run_started", "run_failed"], place.events()
    # Where the trail cannot be written by then, the first error is told all the same.
    run = place.root / "mute"
    (run / "report.html/x").mkdir(parents=True)
    config = place.config(output_dir=str(run), training={"max_steps": 400, "eval_steps": 200, "save_steps": 200})
    running = subprocess.Popen(test_train.command(config), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not (run / "metrics.jsonl").exists():
        time.sleep(0.005)
    trail = place.root / "audit.jsonl"
    trail.unlink()
    trail.mkdir()
    told = running.communicate(timeout=120)[1]
    assert running.returncode == 2 and "while the failure was put on record" in told, told
    assert "report.html" in told, told


def main():
    tests = [test for name, test in globals().items() if name.startswith("test_") and callable(test)]
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(Place(folder))
    print(f"runs: {len(tests)} tests passed")


if __name__ == "__main__":
    main()
