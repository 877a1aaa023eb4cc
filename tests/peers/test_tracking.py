#!/usr/bin/env python3
"""Reads what the sinks of report_to write with the real tensorboard, mlflow and wandb packages.

A tiny run is trained with all sinks on, against a real `mlflow server`; then each package's own reader must
give back every metric of metrics.jsonl, under its name, at its step.  The same after a resume, and after
`runs export` of a run that knew no server.
Run: .deps/eval/bin/python tests/peers/test_tracking.py [program] (from the repository's root; the environment
of tools/requirements-eval.txt).
"""
import json
import math
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import test_train  # noqa: E402

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TUNEWRIGHT", "build/release/tunewright")
test_train.PROGRAM = PROGRAM
SINKS = ["jsonl", "tensorboard", "mlflow", "wandb"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MlflowServer:
    """`mlflow server` with its files below `folder`; `through`: artefacts go through the server."""

    def __init__(self, folder, through):
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir()
        store = ["--artifacts-destination", str(folder / "artefacts")] if through else \
            ["--no-serve-artifacts", "--default-artifact-root", str(folder / "artefacts")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", *store,
             "--host", "127.0.0.1", "--port", self.url.rpartition(":")[2], "--workers", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.time() + 240
        while time.time() < deadline:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=5)
                return
            except OSError:
                assert self.process.poll() is None, "mlflow server does not start"
                time.sleep(0.5)
        raise AssertionError("mlflow server does not answer")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=60)


def expected(run):
    """{metric: {step: value}} of metrics.jsonl."""
    series = {}
    for line in test_train.metrics(run):
        for key, value in line.items():
            if key != "step" and value is not None:
                series.setdefault(key, {})[line["step"]] = value
    return series


def check_series(name, got, run, tolerance):
    want = expected(run)
    assert set(want) <= set(got), f"{name}: {sorted(got)} instead of {sorted(want)}"
    for key, points in want.items():
        assert set(got[key]) == set(points), f"{name}: {key}: steps {sorted(got[key])}"
        for step, value in points.items():
            assert math.isclose(got[key][step], value, rel_tol=tolerance, abs_tol=1e-12), (name, key, step, got[key][step], value)
    return sum(len(points) for points in want.values())


def check_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    got = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
    text = events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "learning_rate" in text, text
    return check_series("tensorboard", got, run, 1e-6)  # TensorBoard's scalars are float32


def check_wandb(run):
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore
    files = list((run / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 1, files
    store = DataStore()
    store.open_for_scan(str(files[0]))
    got, kinds, numbers = {}, [], []
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        kinds.append(kind)
        numbers.append(record.num)
        if kind == "run":
            config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
            assert config["training"]["max_steps"] == 12 and record.run.run_id in files[0].name, config
        if kind == "history":
            step = record.history.step.num
            for item in record.history.item:
                if not item.key.startswith("_"):
                    got.setdefault(item.key, {})[step] = json.loads(item.value_json)
        if kind == "exit":
            assert record.exit.exit_code == 0
    assert kinds[:2] == ["header", "run"] and kinds[-3:] == ["summary", "exit", "footer"], kinds
    assert numbers == list(range(1, len(numbers) + 1)) and kinds.count("history") == 12
    return check_series("wandb", got, run, 0)


def check_mlflow(run, server):
    from mlflow.tracking import MlflowClient
    client = MlflowClient(server.url)
    experiment = client.get_experiment_by_name("tunewright")
    runs = [r for r in client.search_runs([experiment.experiment_id]) if r.info.run_name == run.name]
    assert len(runs) == 1, [r.info.run_name for r in runs]
    found = runs[0]
    assert found.info.status == "FINISHED" and found.data.params["training.max_steps"] == "12", found
    got = {key: {m.step: m.value for m in client.get_metric_history(found.info.run_id, key)} for key in expected(run)}
    for key in got:  # each point once
        assert len(client.get_metric_history(found.info.run_id, key)) == len(got[key])
    names = {file.path for file in client.list_artifacts(found.info.run_id)}
    assert {"config.yaml", "manifest.json", "metrics.jsonl"} <= names, names
    return check_series("mlflow", got, run, 0)


def check(place, server):
    def train(name, *flags, status=0, **changes):
        config = place.config(output_dir=str(place.folder / name), tracking={"mlflow_uri": server.url}, **changes)
        return test_train.train(config, *flags, status=status)

    train("plain", report_to=["jsonl"])
    done = train("all", report_to=SINKS)
    assert "report_to" not in done.stderr, done.stderr
    test_train.assert_same_run(place.folder / "plain", place.folder / "all")
    counts = [check_tensorboard(place.folder / "all"), check_wandb(place.folder / "all"), check_mlflow(place.folder / "all", server)]
    # What an interrupted session logged is not there twice after a resume.
    config = place.config(output_dir=str(place.folder / "resumed"), tracking={"mlflow_uri": server.url}, report_to=SINKS)
    first = subprocess.Popen(test_train.command(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics = place.folder / "resumed/metrics.jsonl"
    while first.poll() is None and not (metrics.exists() and len(metrics.read_text().splitlines()) > 5):
        time.sleep(0.01)
    first.kill()
    first.wait()
    train("resumed", "--resume", report_to=SINKS)
    # A later export makes up for a server that was not known.
    subprocess.run([PROGRAM, "runs", "export", str(place.folder / "plain"), "--to", "mlflow"], check=True,
                   env={**os.environ, "MLFLOW_TRACKING_URI": server.url}, stdout=subprocess.DEVNULL)
    for name in ["tensorboard", "wandb"]:
        subprocess.run([PROGRAM, "runs", "export", str(place.folder / "plain"), "--to", name], check=True, stdout=subprocess.DEVNULL)
    for name in ["resumed", "plain"]:
        counts += [check_tensorboard(place.folder / name), check_wandb(place.folder / name), check_mlflow(place.folder / name, server)]
    return sum(counts)


def main():
    points = 0
    for through in [True, False]:
        with tempfile.TemporaryDirectory() as folder:
            place = test_train.Place(folder)
            server = MlflowServer(place.folder / "mlflow", through)
            try:
                points += check(place, server)
            finally:
                server.stop()
    print(f"tracking: {points} points read back by tensorboard, mlflow and wandb")


if __name__ == "__main__":
    main()
