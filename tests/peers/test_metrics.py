#!/usr/bin/env python3
"""The command `metrics` beside sacrebleu, rouge-score, NLTK's METEOR, seqeval and jsonschema, on fresh random
and hostile rows each time (the seed is printed; TUNEWRIGHT_SEED sets it).

Needs the packages of tools/requirements-eval.txt and build/release/tunewright.
"""
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/golden"))
import metrics_text_cases as cases  # noqa: E402

PROGRAM = os.environ.get("TUNEWRIGHT", str(ROOT / "build/release/tunewright"))
TOLERANCE = {"bleu": 1e-9, "chrf": 1e-9, "chrf++": 1e-9, "ter": 1e-9, "self_bleu": 1e-9, "meteor": 1e-12, "entity_f1": 1e-15}


def run(*arguments):
    return subprocess.run([PROGRAM, "metrics", *map(str, arguments)], capture_output=True, text=True)


def score(path, names, options):
    settings = []
    for family, values in options.items():
        for key, value in values.items():
            settings += ["--set", f"{family}.{key}={json.dumps(value)}"]
    process = run("--in", path, "--metrics", names, "--json", *settings)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.strip().splitlines()[-1], parse_constant=lambda name: sys.exit(f"{name} was printed"))


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def compare(path, rows, expected_scores, count):
    write(path, rows)
    for expected in expected_scores:
        name = expected["metric"]
        if expected.get("swapped"):
            write(path, cases.swapped(rows))
        result = score(path, name, expected["options"])[name]
        tolerance = TOLERANCE.get(name, 1e-12)
        assert math.isclose(result["score"], expected["score"], rel_tol=0, abs_tol=tolerance), (name, expected, result)
        if "signature" in expected:
            assert result["signature"] == expected["signature"], (expected, result)
        if expected.get("swapped"):
            write(path, rows)
        count[name] = count.get(name, 0) + 1


def check_texts(folder, draw, count):
    for rows in (cases.texts(draw, 40), cases.hostile_texts(draw, 80), cases.texts(draw, 15, variable=True)):
        compare(folder / "rows.jsonl", rows, cases.text_scores(rows), count)


def check_tags(folder, draw, count):
    for kind in [*cases.SCHEMES, "noise", "outside"]:
        rows = cases.tags(draw, 60, kind)
        compare(folder / "tags.jsonl", rows, cases.tag_scores(rows, kind), count)


SCHEMAS = [
    {"type": "object", "required": ["label"], "properties": {"label": {"enum": ["ham", "spam"]}, "p": {"type": "number", "minimum": 0, "maximum": 1}},
     "additionalProperties": False},
    {"type": "array", "items": {"type": ["integer", "string"], "pattern": "^[a-z]+$", "exclusiveMinimum": 3}, "maxItems": 3, "minItems": 1},
    {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "[0-9]"},
    {"properties": {"a": {"properties": {"b": {"const": {"x": [1, 2.0]}}}, "required": ["b"]}}, "additionalProperties": {"type": "null"}}]


def value(draw, depth=0):
    plain = [None, True, False, 0, 1, 1.0, 2.5, 7, "", "ham", "a1", "日本", "abcde", {"x": [1, 2]}]
    kind = draw.randrange(4) if depth < 3 else 0
    if kind == 2:
        return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    if kind == 3:
        return {draw.choice(["label", "p", "a", "b", "x"]): value(draw, depth + 1) for _ in range(draw.randrange(4))}
    return draw.choice(plain)


def parsed(text):
    try:
        return json.loads(text, parse_constant=lambda name: json.loads("not JSON")), True
    except ValueError:
        return None, False


def check_schemas(folder, draw, count):
    for schema in SCHEMAS:
        texts = [json.dumps(value(draw), ensure_ascii=draw.random() < 0.5) for _ in range(400)]
        texts += ["", "{", "NaN", "[1,]", "1 2", "{'a': 1}", "\ufeff1", "```json\n1\n```"]
        write(folder / "answers.jsonl", [{"prediction": text} for text in texts])
        (folder / "schema.json").write_text(json.dumps(schema))
        validator = jsonschema.Draft202012Validator(schema)
        process = run("--in", folder / "answers.jsonl", "--metrics", "format_json,format_schema", "--schema", folder / "schema.json", "--json")
        assert process.returncode == 0, process.stderr
        result = json.loads(process.stdout)
        values = [item for item, fits in map(parsed, texts) if fits]
        assert result["format_json"]["count"] == len(values), result
        assert result["format_schema"]["count"] == sum(validator.is_valid(item) for item in values), (schema, result)
        count["format_schema"] = count.get("format_schema", 0) + 1


def check_errors(folder):
    path = folder / "bad.jsonl"
    for rows, names, part in [
            ([{"prediction": "x"}], "bleu", "bleu needs a 'reference'"), ([{"prediction": "x", "reference": "y"}], "bluu", "did you mean 'bleu'?"),
            ([{"prediction": ["O"], "reference": ["O", "O"]}], "entity_f1", "1 predicted tags, but 2"),
            ([{"prediction": "x", "reference": "y"}], "entity_f1", "entity_f1 needs a 'prediction' that is a list of tags"),
            ([{"prediction": "", "reference": ""}], "distinct1", "no prediction has 1 word"), ([], "bleu", "no rows")]:
        write(path, rows)
        process = run("--in", path, "--metrics", names)
        assert process.returncode == 2 and part in process.stderr, (names, process.stderr)
    assert "Examples:" in run("--help").stdout


def main():
    seed = int(os.environ.get("TUNEWRIGHT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}")
    draw, count = random.Random(seed), {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_texts(folder, draw, count)
        check_tags(folder, draw, count)
        check_schemas(folder, draw, count)
        check_errors(folder)
    print("equal to the originals:", ", ".join(f"{name} {runs}" for name, runs in count.items()))


if __name__ == "__main__":
    main()
