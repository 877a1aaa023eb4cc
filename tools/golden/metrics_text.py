#!/usr/bin/env python3
"""Makes tests/golden/metrics_text.json: what sacrebleu, rouge-score, NLTK and seqeval say of random and
hostile texts and tags, with each of their options.

    pip install -r tools/requirements-eval.txt && python tools/golden/metrics_text.py
"""
import importlib.metadata
import json
import pathlib
import platform
import random

import metrics_text_cases as cases

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/metrics_text.json"
SEED = 20261125


def main():
    draw = random.Random(SEED)
    rows = {"words": cases.texts(draw, 60), "hostile": cases.hostile_texts(draw, 50),
            "single": cases.texts(draw, 1), "variable": cases.texts(draw, 12, variable=True)}
    tags = {name: cases.tags(draw, 40, name) for name in [*cases.SCHEMES, "noise", "outside"]}
    golden = {"made_by": "tools/golden/metrics_text.py", "seed": SEED, "python": platform.python_version(),
              "versions": {name: importlib.metadata.version(name) for name in ("sacrebleu", "rouge-score", "nltk", "seqeval")},
              "texts": {name: {"rows": value, "scores": list(cases.text_scores(value))} for name, value in rows.items()},
              "tags": {name: {"rows": value, "scores": list(cases.tag_scores(value, name))} for name, value in tags.items()},
              "stems": [[word, cases.stem(word)] for word in cases.stem_words(draw)]}
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(golden, out, ensure_ascii=False)
        out.write("\n")
    print(OUT, OUT.stat().st_size)


if __name__ == "__main__":
    main()
