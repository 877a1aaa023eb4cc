#!/usr/bin/env python3
"""eval as a user runs it, on a model whose answers and probabilities are known."""
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

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
    gate = place.report()["gates"][0]
    assert gate["limit"] == "at least 0.9" and gate["value"] == 1 and gate["low"] <= 1 <= gate["high"], gate
    done = place.eval(tasks, gates={"accuracy": {"not_worse_than": "baseline"}}, model=place.tuned(), baseline=place.base(), status=3)
    assert "0.8 worse than the baseline" in done.stdout, done.stdout
    place.refuses("gates.forgetting: no task computes this figure", tasks, gates={"forgetting": {"max_ppl_increase": 0.05}})


def test_verdict(place):
    """Five rows show nothing, sixty do; the model is compared with itself, which is no progress."""
    few = [place.triage(FOUR_OF_FIVE)]
    done = place.eval(few, baseline=place.tuned())
    assert "verdict: " in done.stdout, done.stdout
    report = place.report()
    assert report["tasks"][0]["mcnemar"]["only_model_right"] == 4
    rows = [{**asked("ok"), "source": "web" if i % 2 else "mail"} for i in range(60)]
    many = [place.triage(rows)]
    place.eval(many, model=place.tuned(), baseline=place.base())
    report = place.report()
    assert report["verdict"]["overall"] == "worse", report["verdict"]
    assert report["verdict"]["figures"]["triage.accuracy"]["adjusted_p_value"] < 0.01
    slices = report["tasks"][0]["slices"]
    assert {piece["value"] for piece in slices["slices"] if piece["field"] == "source"} == {"web", "mail"}, slices
    assert len(slices["worse_rows"]) == 60 and all(piece["verdict"] == "worse" for piece in slices["slices"])
    same = place.folder / "same"
    same.symlink_to(place.model)
    place.eval(many, baseline={"path": str(same)})
    report = place.report()
    assert report["verdict"]["overall"] == "no difference shown"
    assert report["tasks"][0]["metrics"]["accuracy"]["p_value"] == 1


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


def softmax(scores):
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(exponentials) for value in exponentials]


def chain_logprob(text):
    chain = [ord(c) for c in text] + [tiny_model.END]
    return sum(tiny_model.logprob(a, b) for a, b in zip(chain, chain[1:]))


def test_probabilities(place):
    """What the model says of its labels: from the first token that it writes, or from whole labels."""
    rows = [{"messages": [{"role": "user", "content": "well?"}, {"role": "assistant", "content": label}]} for label in ("Ok!", "Sure.") * 6]
    task = {"name": "sure", "type": "classification", "data": place.rows(rows), "labels": ["Ok!", "Sure."],
            "metrics": ["accuracy", "mcc", "brier", "log_loss", "ece", "roc_auc", "loss"]}
    expected = {"generation": softmax([tiny_model.logprob(ord("\n"), ord(c)) for c in "OS"]),
                "likelihood": softmax([chain_logprob("\nOk!"), chain_logprob("\nSure.")])}
    for method, (ok, sure) in expected.items():
        place.eval([{**task, "method": method}], baseline=place.tuned())
        found = place.report()["tasks"][0]
        metrics = found["metrics"]
        close(metrics["accuracy"]["value"], 0.5)
        close(metrics["mcc"]["value"], 0)
        close(metrics["brier"]["value"], (sure ** 2 + ok ** 2) / 2)
        close(metrics["log_loss"]["value"], -(math.log(ok) + math.log(sure)) / 2, 1e-4)
        close(metrics["ece"]["value"], ok - 0.5)
        close(metrics["roc_auc"]["value"], 0.5)
        assert metrics["ece"]["low"] <= metrics["ece"]["high"] and metrics["ece"]["signature"], metrics["ece"]
        calibration = found["model"]["calibration"]
        close(calibration["ece"], ok - 0.5)
        assert sum(bin["rows"] for bin in calibration["bins"]) == 12
        assert "Does it know what it knows?" in (place.out / "report.html").read_text()
        line = json.loads((place.out / "predictions.jsonl").read_text().splitlines()[0])
        close(line["probabilities"]["Ok!"], ok)
    task["labels"] = ["Ok!", "Sure.", "Oh"]
    place.refuses("two of the labels begin with the same token; write method: likelihood", [task])
    place.eval([{**task, "metrics": ["accuracy"]}])
    assert "calibration" not in place.report()["tasks"][0]["model"]


def test_text_metrics(place):
    """Any metric of the table is a figure with an interval and a gate; one of all answers together has no interval."""
    rows = [asked("Ok!"), asked("Ok?"), asked("No, never")]
    task = {"name": "ask", "type": "generation", "data": place.rows(rows),
            "metrics": ["bleu", "chrf", "rougeL", "length", "empty_rate", "distinct1"], "metric_options": {"bleu": {"tokenize": "char"}}}
    done = place.eval([task], baseline=place.tuned(), gates={"ask.length": {"max": 1}, "ask.distinct1": {"min": 0.9, "confident": True}},
                      status=3)
    metrics = place.report()["tasks"][0]["metrics"]
    assert "tok:char" in metrics["bleu"]["signature"] and metrics["bleu"]["low"] <= metrics["bleu"]["value"] <= metrics["bleu"]["high"]
    assert 0 < metrics["chrf"]["value"] < 100 and metrics["chrf"]["p_value"] < 1, metrics["chrf"]
    close(metrics["length"]["value"], 1)
    close(metrics["distinct1"]["value"], 2 / 6)
    assert metrics["distinct1"]["low"] is None and "p_value" not in metrics["distinct1"]
    gates = place.report()["gates"]
    assert gates[0]["passed"] and gates[1]["reason"] == "'ask.distinct1' has no interval to be confident of", gates
    assert "ask.length" not in place.report()["verdict"]["figures"] and "ask.distinct1: " in done.stdout
    assert "no interval" in (place.out / "report.html").read_text()


def test_groups(place):
    """Chance alone makes a gap: a group is called worse served only where chance does not explain it."""
    rows = [{**asked("ok" if i % 2 else "sure"), "sex": "f" if i % 2 else "m"} for i in range(40)]
    place.eval([place.triage(rows, group_by="sex")])
    found = place.report()["tasks"][0]["groups"]
    assert found["gap"]["value"] == 1 and found["p_value"] < 0.01 and found["groups"]["f"]["value"] == 1, found
    assert "Are groups served alike?" in (place.out / "report.html").read_text()


def test_approval(place):
    tasks = [place.triage(FOUR_OF_FIVE)]
    gates = {"approval": {"by": ["Ada"]}}
    done = place.eval(tasks, model=place.tuned(), gates=gates, status=3)
    assert "gate approval by at least 1 of Ada: FAILED: nobody approved these weights" in done.stdout, done.stdout
    (place.folder / "run/config.yaml").write_text("{}")
    approve = subprocess.run([PROGRAM, "runs", "approve", str(place.folder / "run"), "--by", "Ada"], capture_output=True, text=True, timeout=60)
    assert approve.returncode == 0, approve.stderr
    place.eval(tasks, model=place.tuned(), gates=gates)
    assert place.report()["gates"][0]["passed"] is True
    place.refuses("gates.approval: at_least 2 of 1 names can never be kept", tasks, gates={"approval": {"by": ["Ada"], "at_least": 2}})


def test_fewshot(place):
    """A solved example makes the question a later turn, which the tiny model answers with "Again?"."""
    shots = place.rows([asked("ok")], name="shots.jsonl")
    task = place.triage([asked("again")], fewshot=1, fewshot_data=shots)
    task["labels"] = ["again", "ok"]
    place.eval([task])
    close(place.report()["tasks"][0]["metrics"]["accuracy"]["value"], 1)


def ask(place, rows):
    return {"name": "ask", "type": "generation", "data": place.rows(rows), "metrics": ["exact_match"]}


def test_forgetting(place):
    """The adapter answers "NNNN…" to everything: it knows no text, and its answers never end."""
    tasks = [ask(place, [asked("Ok!")])]
    place.eval(tasks, model=place.tuned(), baseline=place.base(), forgetting=True)
    found = place.report()["forgetting"]
    assert found["metrics"]["ppl_increase"] > 0 and found["metrics"]["kl"] > 0.1, found["metrics"]
    assert found["baseline_format"] == {"probes": 12, "ended": 12, "leaked": 0, "kept": 12}
    assert found["format"]["ended"] == 0 and found["metrics"]["format_kept"] == 0
    close(found["ppl_increase"]["value"], found["perplexity"] / found["baseline_perplexity"] - 1)
    other = place.folder / "other"
    other.symlink_to(place.model)
    place.eval(tasks, model=place.tuned(), baseline={"path": str(other)}, forgetting=True)
    assert place.report()["forgetting"] == found, "models apart, and with shared weights"
    done = place.eval(tasks, model=place.base(), baseline={"path": str(other)}, forgetting=True)
    same = place.report()["forgetting"]["metrics"]
    assert same["kl"] == 0 and same["ppl_increase"] == 0 and same["same_top"] == 1, same
    assert "forgetting: perplexity of general text" in done.stdout
    place.refuses("forgetting: needs a baseline", tasks, forgetting=True)


def test_what_was_asked_is_kept(place):
    """The general set and a local judge are in the record, and what an interrupted evaluation left of them is not asked again."""
    tasks = [ask(place, [asked("Ok!"), asked("No")])]
    more = {"model": place.tuned(), "baseline": place.base(), "forgetting": True, "judge": {"path": str(place.model)}}
    place.eval(tasks, **more)
    report, requests = place.report(), place.out / "requests"
    lines = {name: (requests / f"{name}.jsonl").read_text().splitlines() for name in
             ("forgetting.general.model", "forgetting.general.baseline", "judge.local.first")}
    assert len(lines["forgetting.general.model"]) == 60 + 240 + 12 == len(lines["forgetting.general.baseline"])
    assert len(lines["judge.local.first"]) > 0
    # What is left of them under the names that an evaluation under way has: some rows, one of another value.
    running = subprocess.Popen([PROGRAM, "eval", str(place.config(tasks, **more))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < deadline:
        if any(path.stat().st_size for path in requests.glob("forgetting.general.baseline-*.jsonl")):
            break
        time.sleep(0.002)
    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=60)[1]
    assert running.returncode in (130, 0), errors
    if running.returncode == 130:
        done = place.eval(tasks, **more)
        assert "forgetting.general, model: going on behind 312 results" in done.stderr, done.stderr
    again = place.report()
    assert again["forgetting"] == report["forgetting"] and again["judge"] == report["judge"]
    place.refuses("task forgetting.name: 'forgetting' opens the names", [{**tasks[0], "name": "forgetting"}])


def test_local_judge(place):
    """Every digit is as likely as the others for the tiny model: the mean of the scale, and no preference."""
    tasks = [ask(place, [asked("Ok!"), asked("No")])]
    place.eval(tasks, model=place.tuned(), baseline=place.base(), judge={"path": str(place.model)}, seed=7)
    assert place.report()["config"]["seed"] == 7, "eval's own key, not train's"
    judged = place.report()["judge"]["tasks"][0]
    close(judged["model"]["score"]["value"], 3)
    assert judged["model"]["invalid"] == 0 and judged["pairwise"]["position_bias_rate"] == 1
    assert judged["pairwise"]["wins"] == 0 and judged["pairwise"]["win_rate"]["value"] == 0.5
    assert place.report()["verdict"]["figures"]["ask.judge_win_rate"]["verdict"] == "no difference shown"
    place.eval(tasks, model=place.tuned(), baseline=place.base(), judge={"path": str(place.model)},
               gates={"ask.judge_win_rate": {"min": 0.6}, "judge_score": {"min": 2}}, status=3)
    assert [gate["passed"] for gate in place.report()["gates"]] == [True, False] or [gate["passed"] for gate in place.report()["gates"]] == [False, True]
    page = (place.out / "report.html").read_text()
    assert "What the judge says" in page and "<script" not in page
    assert "win rate 50.0 %" in (place.out / "report.md").read_text()


def test_judge_endpoint(place):
    server = subprocess.Popen([sys.executable, "tests/data/local_server.py"], stdout=subprocess.PIPE, text=True)
    try:
        root = f"http://127.0.0.1:{int(server.stdout.readline())}/judge/"
        judge = {"endpoint": root + "honest", "model": "m", "cache": str(place.folder / "cache.jsonl"), "retries": 0}
        tasks = [ask(place, [asked("Ok!"), asked("No")])]
        place.eval(tasks, baseline=place.tuned(), judge=judge)
        judged = place.report()["judge"]
        close(judged["tasks"][0]["model"]["score"]["value"], 1)
        assert judged["tasks"][0]["pairwise"]["ties"] == 2 and judged["cached"] == 0, judged
        place.eval(tasks, baseline=place.tuned(), judge=judge)
        assert place.report()["judge"]["cached"] == judged["requests"]
        place.eval(tasks, judge={**judge, "endpoint": root + "garbage"})
        judged = place.report()["judge"]["tasks"][0]
        assert judged["model"]["score"] is None and judged["model"]["invalid_rate"] == 1, judged
        place.refuses("the judge gives no answer", tasks, judge={**judge, "endpoint": root + "refusing"})
        place.refuses("judge.tasks: no task with answers is named 'aks' (did you mean 'ask'?)", tasks,
                      judge={**judge, "tasks": ["aks"]})
        place.refuses("judge: expected either an endpoint", tasks, judge={"rubric": "x"})
        place.refuses("judge: no task of type generation", [place.triage(FOUR_OF_FIVE)], judge=judge)
    finally:
        server.kill()


def test_coherence(place):
    """"Ok!" is one sentence, which hangs together with nothing; two sentences are what the model's chain writes on."""
    rows = [{"prompt": "The cat sat. The cat slept.\n", "completion": "Ok!"}]
    task = {"name": "ask", "type": "generation", "data": place.rows(rows)}
    place.eval([task])
    groups = {entry["group"] for entry in place.report()["tasks"][0]["quality"]}
    assert groups == {"accuracy", "diversity"}, groups
    metrics = place.folder / "predictions.jsonl"
    metrics.write_text(json.dumps({"prediction": "The cat sat. The cat slept."}) + "\n")
    done = subprocess.run([PROGRAM, "metrics", "--in", str(metrics), "--metrics", "coherence_linked", "--json"], capture_output=True,
                          text=True, timeout=60)
    assert json.loads(done.stdout)["coherence_linked"]["score"] == 1, done.stdout + done.stderr


def test_choice(place):
    rows = [{"prompt": "a", "choices": ["\nOk!", "\nSure.", "#Again?"], "answer": answer, "kind": kind}
            for answer, kind in ((0, "x"), ("B", "x"), ("#Again?", "y"))]
    task = {"name": "pick", "type": "choice", "data": place.rows(rows), "target_delimiter": "", "group_by": "kind",
            "metrics": ["acc", "acc_norm", "acc_mutual_info"]}
    place.eval([task], flags=["--set", "deterministic=true"])
    scores = [sum(tiny_model.logprob(ord(a), ord(b)) for a, b in zip("a" + choice, choice)) for choice in rows[0]["choices"]]
    best = scores.index(max(scores))
    by_byte = [score / len(choice) for score, choice in zip(scores, rows[0]["choices"])]
    metrics = place.report()["tasks"][0]["metrics"]
    close(metrics["acc"]["value"], 1 / 3)
    close(metrics["acc/y"]["value"], best == 2)
    close(metrics["acc_gap"]["value"], abs((best == 2) - (best != 2) / 2))
    close(metrics["acc_norm"]["value"], 1 / 3)
    requests = [json.loads(line) for line in (place.out / "requests/pick.model.jsonl").read_text().splitlines()]
    assert len(requests) == 3 and len(by_byte) == 3
    for (logprob, greedy), expected in zip(requests[0]["result"]["continuations"], scores):
        close(logprob, expected, 1e-4)


def test_rolling_perplexity(place):
    place.eval([{"name": "text", "type": "perplexity", "data": place.rows([{"text": "xyxy"}]),
                 "metrics": ["token_perplexity", "word_perplexity"]}])
    chain = [ord(c) for c in "xyxy"]
    total = -math.log(tiny_model.TOKENS) + sum(tiny_model.logprob(a, b) for a, b in zip(chain, chain[1:]))
    metrics = place.report()["tasks"][0]["metrics"]
    close(metrics["token_perplexity"]["value"], math.exp(-total / 4), 1e-3)
    assert abs(metrics["word_perplexity"]["value"] / math.exp(-total) - 1) < 1e-3


def test_an_interrupted_evaluation_goes_on(place):
    rows = [{"messages": [{"role": "user", "content": f"forever {i}"}, {"role": "assistant", "content": "xy"}]} for i in range(120)]
    task = {"name": "ask", "type": "generation", "data": place.rows(rows), "max_new_tokens": 100}
    config = place.config([task])
    running = subprocess.Popen([PROGRAM, "eval", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    partial = lambda: [path for path in (place.out / "requests").glob("ask.model-*.jsonl") if path.stat().st_size]
    deadline = time.monotonic() + 60
    while not partial() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=60)[1]
    assert running.returncode == 130, errors
    before = partial()[0].read_text().splitlines()
    assert 0 < len(before) < 120
    assert "going on behind" in place.eval([task]).stderr
    after = (place.out / "requests/ask.model.jsonl").read_text().splitlines()
    assert after[:len(before)] == before and len(after) == 120 and not partial()
    assert len((place.out / "predictions.jsonl").read_text().splitlines()) == 120


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
    place.refuses("metric_options: format_schema: needs a schema", [{**ask(place, [asked("ok")]), "metrics": ["format_schema"]}])
    place.refuses("calibration.bins: must be at least 1", [{**place.triage(FOUR_OF_FIVE), "metrics": ["ece"],
                                                           "metric_options": {"calibration": {"bins": 0}}}])
    place.refuses("method: means nothing to this type of task", [{**ask(place, [asked("ok")]), "method": "likelihood"}])
    place.refuses("fewshot_data: names examples, but fewshot says how many", [{**good, "fewshot_data": good["data"]}])
    place.refuses("bootstrap_resamples: must be at least 2", [place.triage(FOUR_OF_FIVE)], bootstrap_resamples=1)


def main():
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(Workplace(folder))
    print(f"eval: {len(tests)} tests passed")


if __name__ == "__main__":
    main()
