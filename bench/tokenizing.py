#!/usr/bin/env python3
"""How fast is mixed text tokenised, on one thread and on all cores, beside `tokenizers`?  JSON out.

Prose of several languages, program text and e-mails, in lines.  The peer is given each thread count
its best way: encode_batch_fast (no offsets) over batches of 1,000 lines, RAYON_NUM_THREADS set, in a
process of its own.  Both sides have the text in memory and keep no ids.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from common import MODEL, PROGRAM, ROOT, last_json, machine, median, run_measured

BATCH = 1000


def peer_rate(path):
    """Runs in the peer's process: MB/s of this file."""
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    text = pathlib.Path(path).read_text("utf-8")
    lines = text.split("\n")[:-1]
    tokens, begin = 0, time.monotonic()
    for i in range(0, len(lines), BATCH):
        for encoding in tokenizer.encode_batch_fast(lines[i:i + BATCH], add_special_tokens=False):
            tokens += len(encoding)
    seconds = time.monotonic() - begin
    print(json.dumps({"megabytes_per_second": len(text.encode()) / seconds / 1e6, "tokens": tokens,
                      "tokenizers": tokenizers.__version__}))


def mixed_lines():
    sys.path.insert(0, str(ROOT / "tests/peers"))
    os.chdir(ROOT)
    import test_tokenizer
    test_tokenizer.CACHE.mkdir(parents=True, exist_ok=True)
    yield from test_tokenizer.prose_lines()
    yield from test_tokenizer.code_lines()
    mails = ROOT / "examples/spam_triage/data/train.jsonl"
    if mails.exists():
        for row in map(json.loads, mails.read_text("utf-8").splitlines()):
            yield from row.get("prompt", "").splitlines() if isinstance(row.get("prompt"), str) else []
            for message in row.get("messages", []):
                yield from message["content"].splitlines()


def write_mixed_text(path, megabytes):
    lines = [line.replace("\r", " ") for line in mixed_lines() if line.strip()]
    random.Random(1).shuffle(lines)
    written = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(line + "\n")
            written += len(line.encode()) + 1
            if written >= megabytes * 1e6:
                break
    return written


def measure(path, threads, repeats):
    ours, theirs = [], []
    for _ in range(repeats):
        output, _ = run_measured([PROGRAM, "tokenize", "--model", MODEL, "--in", path, "--measure", "--threads", threads,
                                  "--json"])
        ours.append(last_json(output))
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false"}
        output, _ = run_measured([sys.executable, __file__, "--peer", path], env=environment)
        theirs.append(last_json(output))
    if ours[0]["tokens"] != theirs[0]["tokens"]:
        sys.exit(f"token counts differ: {ours[0]['tokens']} and {theirs[0]['tokens']}")
    rate = [median([run["megabytes_per_second"] for run in runs]) for runs in (ours, theirs)]
    return {"threads": threads, "megabytes_per_second": rate[0], "peer_megabytes_per_second": rate[1],
            "ratio": round(rate[0] / rate[1], 2),
            "all": [[round(run["megabytes_per_second"], 2) for run in runs] for runs in (ours, theirs)],
            "peer": f"tokenizers {theirs[0]['tokenizers']}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=8, help="of text")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer_rate(arguments.peer)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mixed.txt"
        written = write_mixed_text(path, arguments.megabytes)
        counts = sorted({1, os.cpu_count()})
        results = [measure(path, threads, arguments.repeats) for threads in counts]
    print(json.dumps({"bench": "tokenize", "bytes": written, "results": results, "goal_ratio_one_thread": 8,
                      "machine": machine()}))


if __name__ == "__main__":
    main()
