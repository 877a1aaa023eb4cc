#!/usr/bin/env python3
"""How fast and how exact is deduplication?  JSON out.

MinHash: planted near-duplicates whose true Jaccard similarity (lower-cased word 5-grams) is spread from 0.6 to 1, found
by tunewright, datatrove and datasketch; precision and recall by the true similarity, speed on the same file, two
processes or threads each (datasketch: one, it has no more).  datatrove splits words at white space here: its English
default, spaCy, is slower.

Exact: the same JSONL to JSONL job as DuckDB's, on long and on short rows.

Memory: the peak of dedup-exact and dedup-minhash on two sizes of input, and what that makes of 10 GB.
"""
import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

from common import PROGRAM, ROOT, last_json, machine, median

THRESHOLD = 0.8
WORKERS = 2


# Input

def vocabulary(r, size):
    return ["".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=r.choice([2, 3, 4, 4, 5, 6, 7, 8, 9]))) for _ in range(size)]


def shingles(words):
    return {tuple(words[i:i + 5]) for i in range(len(words) - 4)}


def plant(path, rows, seed):
    """Writes rows, a third of them copies of an earlier one with some words changed; returns {row: (original, similarity)}."""
    r = random.Random(seed)
    names = vocabulary(r, 20000)
    originals, planted, texts = [], {}, []
    for row in range(rows):
        if originals and r.random() < 1 / 3:
            origin = originals.pop(r.randrange(len(originals)))  # each is copied once: clusters are pairs
            words = list(texts[origin])
            changed = r.random() * 0.4 / 2 / (1 + 0.6)  # share of shingles that a similarity of 0.6 to 1 allows
            begin = r.randrange(len(words))
            for i in range(round(changed * len(words))):
                words[(begin + i) % len(words)] = r.choice(names)
            a, b = shingles(texts[origin]), shingles(words)
            planted[row] = (origin, len(a & b) / len(a | b))
        else:
            words = r.choices(names, k=r.randint(60, 300))
            originals.append(row)
        texts.append(words)
    with open(path, "w", encoding="utf-8") as file:
        for row, words in enumerate(texts):
            file.write(json.dumps({"id": row, "text": " ".join(words)}) + "\n")
    return planted


def write_bulk(path, megabytes, sentences, seed):
    """Rows of random sentences until so much is written; a fifth repeats an earlier row, half of these with another end."""
    r = random.Random(seed)
    names = vocabulary(r, 20000)
    pool = [" ".join(r.choices(names, k=15)) + "." for _ in range(50000)]
    recent, rows, written = [], 0, 0
    with open(path, "w", encoding="utf-8") as file:
        while written < megabytes * 1e6:
            if recent and r.random() < 0.2:
                text = r.choice(recent)
                if sentences > 1 and r.random() < 0.5:
                    text = text[:-20] + r.choice(names)
            else:
                text = " ".join(r.choices(pool, k=sentences)) + f" {rows}"
            recent.append(text) if len(recent) < 10000 else recent.__setitem__(rows % 10000, text)
            line = f'{{"id": {rows}, "text": "{text}"}}\n'
            file.write(line)
            written += len(line)
            rows += 1
    return rows


# Runs

def run(command, **options):
    """Standard output, wall seconds, and the peak resident bytes of the process itself."""
    begin = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *(int(kib) * 1024 for kib in re.findall(r"VmHWM:\s+(\d+)", status)), 0)
        except OSError:
            pass
        time.sleep(0.01)
    seconds = time.monotonic() - begin
    output, errors = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{errors[-2000:]}")
    return output, seconds, peak


def ours(step, path, *more):
    return run([PROGRAM, "data", "run", step, "--in", path, "--out", path.with_suffix(".out"), "--workers", WORKERS, "--json", *more])


def peer(name, path):
    output, _, _ = run([sys.executable, __file__, "--peer", name, "--in", path], env={**os.environ, "PYTHONPATH": str(ROOT / "bench")})
    return last_json(output)


def peer_datatrove(path):
    import datatrove.utils.logging  # noqa: F401
    import importlib.metadata
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Split(WordTokenizer):
        def word_tokenize(self, text):
            return text.split()

        def sent_tokenize(self, text):
            return [text]

        def span_tokenize(self, text):
            return [(0, len(text))]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "in").mkdir()
        lines = path.read_text("utf-8").splitlines(keepends=True)
        for part in range(WORKERS):
            (folder / f"in/{part}.jsonl").write_text("".join(lines[part * len(lines) // WORKERS:(part + 1) * len(lines) // WORKERS]))
        config = MinhashConfig()
        reader = JsonlReader(str(folder / "in"))
        begin = time.monotonic()
        for stage, (tasks, pipeline) in enumerate([
                (WORKERS, [reader, MinhashDedupSignature(str(folder / "sigs"), config, language=Split())]),
                (config.num_buckets, [MinhashDedupBuckets(str(folder / "sigs"), str(folder / "buckets"), config=config)]),
                (1, [MinhashDedupCluster(str(folder / "buckets"), str(folder / "remove"), config=config)]),
                (WORKERS, [reader, MinhashDedupFilter(str(folder / "remove")), JsonlWriter(str(folder / "out"), compression=None)])]):
            LocalPipelineExecutor(pipeline, tasks=tasks, workers=WORKERS, logging_dir=str(folder / f"logs{stage}")).run()  # a stage with the logs of another counts as done
        seconds = time.monotonic() - begin
        # It leaves an id of 0 out.
        kept = {int(json.loads(line).get("id", 0)) for file in (folder / "out").glob("*.jsonl") for line in file.open()}
    return {"dropped": sorted(set(range(len(lines))) - kept), "seconds": seconds, "version": importlib.metadata.version("datatrove")}


def peer_datasketch(path):
    import importlib.metadata
    from datasketch import MinHash, MinHashLSH
    begin = time.monotonic()
    index, dropped = MinHashLSH(num_perm=112, params=(14, 8)), []
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        minhash = MinHash(num_perm=112)
        minhash.update_batch([" ".join(s).encode() for s in shingles(re.findall(r"\w+", row["text"].lower()))])
        if index.query(minhash):
            dropped.append(row["id"])
        index.insert(row["id"], minhash)
    return {"dropped": dropped, "seconds": time.monotonic() - begin, "version": importlib.metadata.version("datasketch")}


def peer_duckdb(path):
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET threads={WORKERS}; SET enable_progress_bar=false")
    seconds = {}
    for name, what in [("distinct", "DISTINCT text"), ("distinct_on", "DISTINCT ON (text) *")]:
        begin = time.monotonic()
        connection.execute(f"COPY (SELECT {what} FROM read_json('{path}', format='newline_delimited', columns={{id: 'BIGINT', text: 'VARCHAR'}})) "
                           f"TO '{path}.duckdb' (FORMAT json)")
        seconds[name] = time.monotonic() - begin
    return {"seconds": seconds, "rows": sum(1 for _ in open(f"{path}.duckdb")), "version": duckdb.__version__}


PEERS = {"datatrove": peer_datatrove, "datasketch": peer_datasketch, "duckdb": peer_duckdb}


# Questions

def quality(dropped, planted):
    """Of a pair the later row goes, or (datatrove does not say which) the earlier one."""
    dropped = set(dropped)
    found = {row for row, (origin, _) in planted.items() if row in dropped or origin in dropped}
    true = {row for row, (_, similarity) in planted.items() if similarity >= THRESHOLD}
    near = {row for row in true if planted[row][1] < THRESHOLD + 0.05}
    unplanted = len(dropped) - len(found)
    return {"dropped": len(dropped), "recall": round(len(found & true) / len(true), 4),
            "recall_from_0.80_to_0.85": round(len(found & near) / max(1, len(near)), 4),
            "precision": round(len(found & true) / max(1, len(found) + unplanted), 4)}


def minhash(folder, rows, repeats):
    path = folder / "planted.jsonl"
    planted = plant(path, rows, 1)
    size = path.stat().st_size
    seconds, plain_seconds = [], []
    for _ in range(repeats):
        _, wall, _ = ours("dedup-minhash", path, "--ledger", folder / "ledger.jsonl")
        seconds.append(wall)
    dropped = [entry["row"] for entry in map(json.loads, (folder / "ledger.jsonl").open()) if entry["decision"] == "dropped"]
    result = {"rows": rows, "bytes": size, "pairs_from_0.8": sum(s >= THRESHOLD for _, s in planted.values()), "planted_pairs": len(planted),
              "tunewright": {**quality(dropped, planted), "seconds": median(seconds), "all": seconds}}
    for _ in range(repeats):
        _, wall, _ = ours("dedup-minhash", path, "--ledger", folder / "ledger.jsonl", "--set", "arrangements=1")
        plain_seconds.append(wall)
    dropped = [entry["row"] for entry in map(json.loads, (folder / "ledger.jsonl").open()) if entry["decision"] == "dropped"]
    result["tunewright_14x8_once"] = {**quality(dropped, planted), "seconds": median(plain_seconds)}
    for name in ("datatrove", "datasketch"):
        found = peer(name, path)
        result[name] = {**quality(found["dropped"], planted), "seconds": round(found["seconds"], 2), "version": found["version"],
                        "times_slower": round(found["seconds"] / result["tunewright"]["seconds"], 1)}
    return result


def exact(folder, megabytes, repeats):
    results = {}
    for name, sentences in (("rows_of_900_bytes", 10), ("rows_of_110_bytes", 1)):
        path = folder / "bulk.jsonl"
        rows = write_bulk(path, megabytes, sentences, 2)
        mine, theirs = [], []
        for _ in range(repeats):
            output, wall, peak = ours("dedup-exact", path)
            mine.append(wall)
            theirs.append(peer("duckdb", path))
        if last_json(output)["written"] != theirs[0]["rows"]:
            sys.exit(f"rows differ: {last_json(output)['written']} and {theirs[0]['rows']}")
        distinct, distinct_on = (median([t["seconds"][kind] for t in theirs]) for kind in ("distinct", "distinct_on"))
        results[name] = {"rows": rows, "bytes": path.stat().st_size, "seconds": median(mine), "all": mine, "peak_bytes": peak,
                         "duckdb_distinct_text_seconds": distinct, "duckdb_distinct_on_text_all_columns_seconds": distinct_on,
                         "duckdb": theirs[0]["version"], "times_faster": round(distinct / median(mine), 2),
                         "times_faster_all_columns": round(distinct_on / median(mine), 2)}
    return results


def memory(folder, megabytes):
    results = {}
    sizes = [megabytes / 4, megabytes]
    measured = {step: [] for step in ("dedup-exact", "dedup-minhash")}
    for size in sizes:
        path = folder / "bulk.jsonl"
        rows = write_bulk(path, size, 10, 3)
        for step, found in measured.items():
            _, wall, peak = ours(step, path)
            found.append({"rows": rows, "bytes": path.stat().st_size, "seconds": round(wall, 2), "peak_bytes": peak})
    for step, (small, large) in measured.items():
        slope = (large["peak_bytes"] - small["peak_bytes"]) / (large["bytes"] - small["bytes"])
        results[step] = {"measured": [small, large], "bytes_a_row": round(slope * large["bytes"] / large["rows"], 1),
                         "at_10_GB": round(large["peak_bytes"] + slope * (10e9 - large["bytes"]))}
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10000, help="with planted near-duplicates")
    parser.add_argument("--megabytes", type=float, default=300, help="of the exact job")
    parser.add_argument("--memory-megabytes", type=float, default=1200)
    parser.add_argument("--only", choices=["minhash", "exact", "memory"])
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--in", dest="path", type=pathlib.Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer:
        return print(json.dumps(PEERS[a.peer](a.path)))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        questions = {"minhash": lambda: minhash(folder, a.rows, a.repeats), "exact": lambda: exact(folder, a.megabytes, a.repeats),
                     "memory": lambda: memory(folder, a.memory_megabytes)}
        results = {name: ask() for name, ask in questions.items() if a.only in (None, name)}
    print(json.dumps({"bench": "data_dedup", **results, "workers": WORKERS,
                      "goals": {"recall": 0.97, "precision": 0.99, "times_slower": 20, "exact_times_faster": 1, "peak_bytes": 1 << 30},
                      "machine": machine()}))


if __name__ == "__main__":
    main()
