#!/usr/bin/env python3
"""Makes tests/golden/corpus_dedup.json: what Python calls a word and its lower case, the shares of a stratified split
as scikit-learn rounds them, repeated byte ranges as text-dedup merges and restores them, and near-duplicates by true
Jaccard similarity.

    pip install scikit-learn==1.9.1 && pip install --no-deps text-dedup==0.4.0 && python tools/golden/corpus_dedup.py
"""
import importlib.metadata
import importlib.util
import json
import pathlib
import platform
import random
import re
import sys
import unicodedata
from unittest import mock

import numpy
import sklearn
from sklearn.model_selection import train_test_split

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/corpus_dedup.json"
SEED = 20261125


def ranges(is_in):
    """[first, last] of the code points for which is_in holds."""
    found, begin = [], None
    for point in range(0x110001):
        inside = point < 0x110000 and is_in(chr(point))
        if inside and begin is None:
            begin = point
        if not inside and begin is not None:
            found.append([begin, point - 1])
            begin = None
    return found


def characters():
    def lowers(c):
        return not 0xD800 <= ord(c) < 0xE000 and c.lower() != c
    return {"unicode": unicodedata.unidata_version,
            "unassigned": ranges(lambda c: unicodedata.category(c) == "Cn"),
            "word": ranges(lambda c: re.match(r"\w", c) is not None),
            "lower": {f"{point:X}": chr(point).lower() for point in range(0x110000) if lowers(chr(point))}}


TEXTS = ["", " ", "one", "Hello, World! It's 3.14 o'clock_now.", "ÄÖÜ straße ẞ Σίσυφος ΟΔΟΣ ΟΔΟΣ. Σ ΑΣ",
         "İstanbul I ı", "中文没有空格，也有标点。 日本語のテキスト", "e\u0301te\u0301 u\u0308ber na\u00efve", "עִבְרִית العَرَبِيَّة हिन्दी ไทย",
         "½ ² ③ Ⅳ ٣ 五 〇", "a\u200bb a\u00a0b a\u2028b a\u00adb", "emoji 😀 👩‍👩‍👧 flags 🇩🇪", "\u212a Kelvin \u2126 Ω", "--- ... !!! ???",
         "under_score __x__ 1_000", "tab\tnew\nline\r\nend", "Dž ǅ Ǆ", "𝐀𝐁 𝟙 𐐀𐐁"]


def near_duplicates():
    """Texts made from others by changing words, and each pair whose 5-grams are similar enough, or nearly."""
    r = random.Random(SEED)
    words = ["".join(r.choice("abcdefghijklmnop") for _ in range(r.randint(2, 8))) for _ in range(800)]
    texts = []
    for _ in range(40):
        text = r.choices(words, k=r.randint(30, 90))
        texts.append(text)
        for _ in range(r.randint(0, 3)):
            copy = list(r.choice([text, texts[-1]]))
            for _ in range(r.randint(0, 2)):
                copy[r.choice([0, len(copy) - 1, r.randrange(len(copy))])] = r.choice(words)
            texts.append(copy)
    r.shuffle(texts)
    texts = [" ".join(text) for text in texts]
    texts = [r.choice([text, text.upper(), text.capitalize() + ".", text.replace(" ", ", ", 3)]) for text in texts]
    sets = []
    for text in texts:
        found = re.findall(r"\w+", text.lower())
        sets.append({tuple(found[i:i + 5]) for i in range(len(found) - 4)})
    pairs = []
    for j in range(len(texts)):
        for i in range(j):
            similarity = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
            if similarity >= 0.3:
                pairs.append([i, j, similarity])
    return {"texts": texts, "pairs": pairs}


def repeats():
    # The module alone: what its package imports beside it is not needed.
    names = ["click", "datasets", "text_dedup", "text_dedup.utils", "text_dedup.utils.load", "text_dedup.utils.timer"]
    path = importlib.metadata.distribution("text-dedup").locate_file("text_dedup/suffix_array.py")
    spec = importlib.util.spec_from_file_location("suffix_array", path)
    reference = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in names}):
        spec.loader.exec_module(reference)
    r = random.Random(SEED + 1)
    cases = []
    for size, alphabet, count in [(8, "ab", 3), (8, "abc", 4), (10, "aé日", 5), (8, "a", 2), (12, "ab😀", 4), (9, "abcdefgh ", 6)]:
        texts = ["".join(r.choice(alphabet) for _ in range(r.randint(0, 60))) for _ in range(count)]
        texts.append(texts[0][5:30] + texts[-1][:20])
        data = [text.encode() for text in texts]
        # What deduplicate-text-datasets collects: every place whose next `size` bytes occur elsewhere too.
        seen = {}
        for i, text in enumerate(data):
            for at in range(len(text) - size + 1):
                seen.setdefault(text[at:at + size], []).append((i, at))
        begins = [sum(map(len, data[:i])) for i in range(len(data))]
        segments = sorted({begins[i] + at for places in seen.values() if len(places) > 1 for i, at in places})
        merged, _ = reference.restore_and_merge([slice(b, b + len(t)) for b, t in zip(begins, data)],
                                      [slice(s, s + size) for s in segments], size, "overlapping")
        # The first occurrence stays: only bytes of later ones go, and none of the first where they overlap.
        later = [set() for _ in data]
        for places in seen.values():
            first, at_first = places[0]
            for i, at in places[1:]:
                begin = max(at, at_first + size) if i == first else at
                later[i].update(range(begin, at + size))
        cases.append({"size": size, "texts": texts,
                      "all": [[[s.start, s.stop] for s in slices] for slices in merged],
                      "cleaned": [reference.clean_up(text, slices) for text, slices in zip(texts, merged)],
                      "later_bytes": [sorted(found) for found in later]})
    return cases


def splits():
    cases = []
    for counts, validation, test in [([50, 30, 20], 0, 0.2), ([7, 11, 3], 0, 0.25), ([100, 1, 1], 0, 0.1), ([13, 29, 58], 0.1, 0.1),
                                     ([331, 77, 19, 5], 0.15, 0.05), ([10, 10, 10], 0, 0.3), ([1000, 503], 0.15, 0.05)]:
        labels = numpy.repeat(numpy.arange(len(counts)), counts)
        try:
            n = len(labels)
            n_test, n_validation = int(numpy.ceil(test * n)), int(numpy.ceil(validation * n))
            rows = numpy.arange(n)
            train, rest = train_test_split(rows, test_size=n_test + n_validation, stratify=labels, random_state=SEED)
            validation_rows, test_rows = numpy.array([], dtype=int), rest
            if n_validation:
                validation_rows, test_rows = train_test_split(rest, test_size=n_test, stratify=labels[rest], random_state=SEED)
        except ValueError:
            continue  # scikit-learn refuses classes with one member; tunewright does not
        of = [numpy.bincount(labels[part], minlength=len(counts)).tolist() for part in (train, validation_rows, test_rows)]
        cases.append({"counts": counts, "validation": validation, "test": test, "splits": of})
    return cases


def main():
    golden = {"made_by": "tools/golden/corpus_dedup.py", "seed": SEED,
              "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__,
                           "text-dedup": importlib.metadata.version("text-dedup")},
              "characters": characters(), "words": [[text, re.findall(r"\w+", text.lower())] for text in TEXTS],
              "near_duplicates": near_duplicates(), "repeats": repeats(), "splits": splits()}
    OUT.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
