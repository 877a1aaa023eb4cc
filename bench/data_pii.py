#!/usr/bin/env python3
"""How fast, how complete and how careful is the step `pii`, beside presidio's recognizers?  JSON out.

    pip install presidio-analyzer==2.2.366 && python bench/data_pii.py [--prose FILE…]

Both sides look for the step's default entities that presidio has a pattern recognizer for, on the
same rows and all cores: presidio's recognizers alone (no spaCy model, which would only cost it time),
in a process a core, on a part of the rows that takes a while, with nothing read or written.  Ours
is the whole command, files included.  Precision and recall: exact spans on planted text, presidio
without a threshold and at 0.4.  --prose: files with a line of ordinary text a line; how many lines
does each change?
"""
import argparse
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time

from common import PROGRAM, ROOT, last_json, machine, median, run_measured

sys.path.insert(0, str(ROOT / "tools/golden"))
ENTITIES = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "MAC_ADDRESS", "CRYPTO")
THRESHOLD = 0.4  # the step's, and where presidio puts a telephone number
WORDS = ("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you "
         "were her all she there would their we him been has when who will more no if out so said what up its about into than them "
         "can only other new some could time these two may then do first any my now such like our over man me even most made").split()

_recognizers = None


def recognizers():
    global _recognizers
    if _recognizers is None:
        import logging
        logging.disable(logging.CRITICAL)
        import corpus_pii
        _recognizers = [r for r in corpus_pii.recognizers() if r.supported_entities[0] in ENTITIES]
        corpus_pii.spans(_recognizers, "a@example.com")  # its suffix list is read once
    return _recognizers


def presidio_spans(text):
    import corpus_pii
    return corpus_pii.spans(recognizers(), text)


def scores(rows, spans_of):
    counts = {entity: [0, 0, 0] for entity in ENTITIES}
    for row, spans in zip(rows, map(spans_of, rows)):
        truth = {(t["entity"], t["start"], t["end"]) for t in row["truth"]}
        for entity in ENTITIES:
            right = {t for t in truth if t[0] == entity}
            found = {s for s in spans if s[0] == entity}
            for i, size in enumerate((len(right), len(found), len(right & found))):
                counts[entity][i] += size
    return {entity: {"precision": round(hit / found, 4) if found else 0, "recall": round(hit / true, 4) if true else 0,
                     "f1": round(2 * hit / (true + found), 4) if true + found else 0} for entity, (true, found, hit) in counts.items()}


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def step(folder, rows, name, *settings):
    source, target = folder / f"{name}.jsonl", folder / f"{name}.out.jsonl"
    if rows is not None:
        write_rows(source, rows)
    command = [PROGRAM, "data", "run", "pii", "--in", source, "--out", target, "--json"]
    output, seconds = run_measured(command + [f"--set={setting}" for setting in settings])
    return last_json(output), seconds, target


def quality(folder, seed):
    from pii_planted import planted
    rows = planted(seed, 100, 5)
    _, _, target = step(folder, rows, "planted", "action=annotate", f"entities=[{','.join(ENTITIES)}]")
    annotated = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    ours = {row["text"]: {(s["entity"], s["start"], s["end"]) for s in row.get("pii", [])} for row in annotated}
    theirs = {row["text"]: presidio_spans(row["text"]) for row in rows}
    spans = {"ours": lambda row: ours[row["text"]],
             "presidio": lambda row: {tuple(s[:3]) for s in theirs[row["text"]]},
             "presidio_at_threshold": lambda row: {tuple(s[:3]) for s in theirs[row["text"]] if s[3] >= THRESHOLD}}
    return {"rows": len(rows), "seed": seed, **{name: scores(rows, spans_of) for name, spans_of in spans.items()}}


def long_rows(count, seed):
    """Paragraphs of common words, one in five with something planted."""
    from pii_planted import planted
    generator = random.Random(seed)
    values = [row["text"] for row in planted(seed, 100, 2)]
    rows = []
    for _ in range(count):
        text = " ".join(generator.choices(WORDS, k=generator.randint(40, 160)))
        rows.append({"text": f"{text} {generator.choice(values)} {text[:50]}" if generator.random() < 0.2 else text})
    return rows


def speed(folder, megabytes, repeats, cores):
    rows = long_rows(2000, 11)
    bytes_a_round = sum(len(row["text"].encode()) for row in rows)
    rounds = max(1, round(megabytes * 1e6 / bytes_a_round))
    write_rows(folder / "speed.jsonl", rows * rounds)
    ours, theirs = [], []
    with multiprocessing.Pool(cores, initializer=recognizers) as pool:
        pool.map(presidio_spans, ["x"] * cores * 4)
        for _ in range(repeats):
            _, seconds, _ = step(folder, None, "speed", f"entities=[{','.join(ENTITIES)}]")
            ours.append(bytes_a_round * rounds / seconds / 1e6)
            begin = time.monotonic()
            pool.map(presidio_spans, [row["text"] for row in rows], chunksize=50)
            theirs.append(bytes_a_round / (time.monotonic() - begin) / 1e6)
    return {"megabytes": round(bytes_a_round * rounds / 1e6, 1), "megabytes_per_second": median(ours),
            "presidio_megabytes_per_second": median(theirs), "ratio": round(median(ours) / median(theirs), 1), "goal_ratio": 50}


def prose(folder, paths, limit, cores):
    lines = [line for path in paths for line in pathlib.Path(path).read_text("utf-8").splitlines() if line.strip()]
    result, _, _ = step(folder, [{"text": line} for line in lines], "prose", "threshold=0.4")
    sample = lines if len(lines) <= limit else random.Random(5).sample(lines, limit)
    with multiprocessing.Pool(cores, initializer=recognizers) as pool:
        found = pool.map(presidio_spans, sample, chunksize=100)
    changed = sum(1 for spans in found if spans)
    surely = sum(1 for spans in found if any(s[3] >= THRESHOLD for s in spans))
    return {"lines": len(lines), "changed": result["changed"], "percent": round(100 * result["changed"] / len(lines), 4),
            "reasons": result["reasons"], "presidio_lines": len(sample), "presidio_percent": round(100 * changed / len(sample), 4),
            "presidio_percent_at_threshold": round(100 * surely / len(sample), 4), "goal_percent": 0.5}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prose", nargs="*", default=[])
    parser.add_argument("--prose-lines", type=int, default=200000, help="that presidio reads at most")
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    cores = os.cpu_count()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        result = {"bench": "data_pii", "cores": cores, "presidio": importlib.metadata.version("presidio-analyzer"),
                  "speed": speed(folder, arguments.megabytes, arguments.repeats, cores), "planted": quality(folder, 99)}
        if arguments.prose:
            result["prose"] = prose(folder, arguments.prose, arguments.prose_lines, cores)
    print(json.dumps({**result, "machine": machine()}))


if __name__ == "__main__":
    main()
