#!/usr/bin/env python3
"""Writes tests/golden/corpus_filters.json: what datatrove's Gopher, C4, FineWeb and n-gram
decontamination filters decide of generated text, with their reasons.

    pip install datatrove==0.10.1 spacy==3.8.18 && python tools/golden/corpus_filters.py
"""
import json
import pathlib
import random
import tempfile
from importlib.metadata import version

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters.c4_filters import C4ParagraphFilter
from datatrove.utils.hashing import create_hash_func
from datatrove.utils.word_tokenizers import load_word_tokenizer

SEED = 20261125
OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/corpus_filters.json"
WORDS = ("river stone the of and to be that have with house quickly under lamp a an is was its market seven blue letter "
         "morning walked between old garden she they it's don't we'll Mr. e.g. winter bread 1914 3.5km U.S. well-known").split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
POLICY = ["Please read our Terms of Use before you go on.", "This site uses cookies to make it better for you.",
          "Our privacy policy tells more of it.", "You need javaScript to see all of this page.",
          "By the use of coo\u212aies you agree with that."]
ODD = ["", " ", "\n", "\n\n\n", "...", "!!! ??? ---", "日本語の文章です。これは、とても良い。" * 20, "x" * 1200 + ".", "👍🏽 👩‍👩‍👧 ☕️. " * 30,
       "e\u0301 n\u0303 o\u0308. " * 40, "Lorem Ipsum is what stands here now.\n" * 3, "if (a) { return the value of it. }\n" * 5,
       "word " * 60, "a b c d e. " * 12, "- one\n- two\n- three\n- four\n", "• eins\n• zwei\n", "\u2028".join(["One line is here."] * 6),
       "This is one [1] that ends with a mark.[2]\nAnd this one too, it does.[edit]\nThree words here.[citation needed]\n"
       "Do four words end well? Five sentences are in this. Yes. No. Maybe they are.\n[1][2]\n"]


def word(rng):
    kind = rng.random()
    if kind < 0.75:
        return rng.choice(WORDS)
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 12)))


def sentence(rng):
    words = [word(rng) for _ in range(rng.randint(3, 14))]
    if rng.random() < 0.3:
        words[rng.randrange(len(words))] += ","
    return " ".join(words).capitalize() + rng.choice(".......?!\":;")


def page(rng):
    kind = rng.choice(["prose"] * 5 + ["list", "ellipsis", "hash", "symbols", "long", "short_words", "digits", "foreign",
                                       "repeat_line", "repeat_para", "repeat_phrase", "policy", "bullets", "few_lines"])
    sentences = [sentence(rng) for _ in range(rng.randint(4, 14))]
    if kind == "list":
        return "\n".join(" ".join(word(rng) for _ in range(rng.randint(1, 4))) for _ in range(25))
    if kind == "ellipsis":
        sentences = [s[:-1] + rng.choice(["...", "…", "."]) for s in sentences]
    if kind == "hash":
        sentences = [s + " #" + word(rng) + rng.choice(["", " ##"]) for s in sentences]
    if kind == "symbols":
        sentences = [s + rng.choice([" -- !!", " *** ///", " 12 34 56", " § %", " 😀 ✓"]) * rng.randint(1, 3) for s in sentences]
    if kind == "long":
        sentences = ["".join(word(rng) for _ in range(4)) + " " + "".join(word(rng) for _ in range(5)) for _ in range(40)]
    if kind == "short_words":
        sentences = [" ".join(rng.choice(["a", "I", "be", "to", "of", "x"]) for _ in range(10)) + "." for _ in range(8)]
    if kind == "digits":
        sentences = [" ".join(str(rng.randint(0, 99999)) for _ in range(6)) + " the of." for _ in range(10)]
    if kind == "foreign":
        sentences = [" ".join(rng.choice("der die und Straße große über nicht Käse".split()) for _ in range(9)) + "." for _ in range(8)]
    if kind == "repeat_line":
        sentences += [sentences[0]] * rng.randint(1, 6)
        rng.shuffle(sentences)
    if kind == "repeat_para":
        return "\n\n".join(sentences[:5] + sentences[:rng.randint(1, 4)])
    if kind == "repeat_phrase":
        phrase = " ".join(word(rng) for _ in range(rng.randint(2, 10)))
        sentences = [s[:-1] + " " + phrase + "." for s in sentences]
    if kind == "policy":
        sentences += rng.sample(POLICY, 2)
    if kind == "bullets":
        return "\n".join(rng.choice("-•- ") + " " + s for s in sentences)
    if kind == "few_lines":
        return " ".join(sentences)
    separator = rng.choice(["\n", "\n", "\n\n", " ", "\r\n", "  \n"])
    return separator.join(sentences) + rng.choice(["", "\n", "\n\n"])


def reason(filter_, text):
    try:
        result = filter_.filter(Document(text=text, id="0"))
    except ZeroDivisionError:
        return "no words"  # datatrove stops there; the rules have no answer
    return "" if result is True else result[1]


def c4(filter_, text):
    document = Document(text=text, id="0")
    result = filter_.filter(document)
    return {"reason": "" if result is True else result[1], "text": document.text if result is True else ""}


def filter_cases(rng):
    filters = {"quality": GopherQualityFilter(), "repetition": GopherRepetitionFilter(), "fineweb": FineWebQualityFilter(),
               "quality_small": GopherQualityFilter(min_doc_words=5, min_stop_words=1), "paragraph": C4ParagraphFilter()}
    c4_filters = {"c4": C4QualityFilter(), "c4_small": C4QualityFilter(min_num_sentences=1, filter_no_terminal_punct=False)}
    for text in ODD + [page(rng) for _ in range(125)][:112]:  # as many as make a small file
        yield {"text": text, **{name: reason(f, text) for name, f in filters.items()}, **{name: c4(f, text) for name, f in c4_filters.items()}}


def plain(rng, count):
    return " ".join("".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 8))) + rng.choice(["", "", "", ",", "."]) for _ in range(count))


# Letters, commas and full stops: there the two definitions of words agree.
def decontamination(rng):
    tests = [plain(rng, rng.randint(13, 40)) for _ in range(12)]
    config = NGramsDecontConfig(n_grams=13)
    indexer = object.__new__(NGramsDecontIndexer)  # its constructor asks for lighteval
    indexer.config, indexer.tokenizer = config, load_word_tokenizer("en")
    indexer.hash_func = create_hash_func(config.hash_config)
    hashes = sorted({h for test in tests for h in indexer.compute_hashes(test)})
    rows = []
    for _ in range(60):
        words = rng.choice(tests).split()
        size = rng.randint(8, min(20, len(words)))
        begin = rng.randrange(len(words) - size + 1)
        part = " ".join(words[begin:begin + size])
        rows.append(" ".join([plain(rng, rng.randint(0, 8)), rng.choice([part, part.upper(), part.replace(",", " ,").replace(".", "")]), plain(rng, rng.randint(0, 8))]).strip())
    with tempfile.TemporaryDirectory() as folder:
        np.array(hashes, dtype=np.uint64).tofile(pathlib.Path(folder) / "tests.index.hashes")
        decont = object.__new__(NGramsDecontFilter)
        NGramsDecontFilter.__init__(decont, folder, config)
        return {"tests": tests, "rows": [{"text": row, "contaminated": reason(decont, row) == "contaminated"} for row in rows]}


def main():
    assert version("datatrove") == "0.10.1"
    rng = random.Random(SEED)
    cases = list(filter_cases(rng))
    note = {"made_by": "tools/golden/corpus_filters.py", "datatrove": version("datatrove"), "spacy": version("spacy"), "seed": SEED}
    body = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    decont = json.dumps(decontamination(rng), ensure_ascii=False)
    OUT.write_text('{"note": %s,\n"decontamination": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(note), decont, body), encoding="utf-8")
    for name in ("quality", "repetition", "fineweb", "quality_small", "paragraph"):
        print(name, sorted({case[name] for case in cases}))
    print("c4", sorted({case["c4"]["reason"] for case in cases}), len(cases), "cases,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
