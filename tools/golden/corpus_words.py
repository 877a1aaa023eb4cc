#!/usr/bin/env python3
"""Writes tests/golden/corpus_words.json: how datatrove's default tokenizer of English (spaCy's blank
pipeline) cuts hostile and ordinary text into words and sentences.

    pip install spacy==3.8.18 datatrove==0.10.1 && python tools/golden/corpus_words.py
"""
import json
import pathlib
import random

from importlib.metadata import version
import spacy
from datatrove.utils.text import split_into_sentences
from datatrove.utils.word_tokenizers import load_word_tokenizer

SEED = 20261125
OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/corpus_words.json"
TEXTS = [
    "", " ", "  \t\n ", "a", " a", "a ", "a  b", "\u00a0x\u00a0\u00a0y", "Hello, world! It's me. Isn't it?  No...",
    "Mr. Smith (of St. Ives, Pa.) paid $5.99, 30% more than US$4 or C$ 3, in the U.S.A. at 5 p.m. on Dec. 3.",
    "See http://www.example.org/a,b?c=d#e, mail me@example.com or ftp://x.y.zz:8080/ (192.0.2.7, 10.0.0.1).",
    "10km 5kg. 3m/s, 20km/h 7% 8°C. 9°F 1+ +1 a+b 2+2 2*3 2^-1 3-4 well-known a--b c---d x—y 1–2 y~z",
    ":-) :( ;-) :'( <3 (^_^) ¯\\(ツ)/¯ x:) (:y ) : (a) :) : ) ':) ^_^!",
    "y'all'd've shouldn't've can't cannot gonna lemme let's c'mon 'cause o'clock ma'am 'em rock'n'roll who's",
    "it's it’s IT'S it‘s the dogs' James's '90s ’tis I'm im id ill its were well",
    "e.g. i.e. vs. a.b.c A.B.C. U.N. etc. end.Start end.start a,b A,B 1,000.50 x=y key:value a/b <b>bold</b> a<b",
    "「日本語」の文章。これは？ はい！ 中文，测试；完毕。 한국어 문장입니다. Привет, мир! Как дела? مرحبا؟ नमस्ते।",
    "👍👍🏽 👩‍👩‍👧‍👧 ☕️ 🇩🇪 ©2024 ™ ® ½ № § 5 §5 %5 =5 —5",
    "e\u0301clair n\u0303 \u200bzero\u200dwidth \ufeffbom \u202eright", "#tag @user #a#b _under_ *bold* `code` ~x~ ^y^ |z| \\n \\t",
    "...... . .. ... …. …… a...b a…b a.... (...) ...a", "\"'\"'\"'\" '' '''' ``quoted'' (((deep))) [[1]] {{x}} <<y>>",
    "a" * 300, "." * 100, "," * 50 + "a" + "!" * 50, "1a.m. 12pm 13am 3p.m. 11 a.m.", "°c. °F. 5°K. 5 ° c .",
    "C++ C# .NET and/or w/o Ph.D. D.C. N.Y. Mt. Co. Inc.! (Inc.) Inc.'s \"Inc.\"", "\r\nline\rone\vtwo\fthree\x1cfour\x85five\u2028six",
    "One. Two! Three? \"Four.\" Five.) Six... Seven.  Eight.\nNine", "No.5 is 5.No 5.no no.5", "IS_ALPHA is broken? IS_ALPHA",
    "http://a.b http://foo.com) (http://foo.com) \"foo.com\" foo.com. user@foo.com, mailto:a@b.de user:pass@foo.com a@b a.b@c x@y.z@w.com",
    "1.2.3.4 255.255.255.255 0.1.2.3 223.255.254.254 172.16.1.1 172.33.1.1 192.168.0.1 169.254.1.1 127.0.0.1 8.8.8.8:53/x 8.8.8.8:1",
    "foo.com:80 foo.com:8 foo.com:123456 -foo.com foo-.com f_o.com foo..com .foo.com foo.c foo.COM Foo.com foo.museum äöü.de 例.中国",
]
PIECES = ["'", "’", "\"", "(", ")", ".", "..", "...", "…", ",", ":", ";", "!", "?", "-", "--", "—", "–", "/", "=", "<", ">", "+", "*", "^",
          "%", "$", "US$", "€", "#", "@", "_", "~", "km", "m²", "kg", "5", "10", "3.5", "a", "A", "the", "The", "U.S", "n't", "'s", "’S", "'ll",
          "can", "do", "i", "I", "ill", "Mr", "a.m", "p.m.", "e.g", "co", "com", "org", "www", "http", "°", "C", "é", "ß", "日", "。", "、", "ё",
          "🙂", "™", "\u0301", "\u200d", "\u00a0", "\u3000", "[", "]", "{", "}", "\\", "|", "`", "&", "•", "½", "٣", "ツ", "o", "O", "0", "x", "D"]


def random_texts(rng):
    for _ in range(900):
        words = []
        for _ in range(rng.randint(1, 6)):
            words.append("".join(rng.choice(PIECES) for _ in range(rng.randint(1, 6))))
        yield rng.choice([" ", " ", " ", "  ", "\n", " \t"]).join(words)


def main():
    assert (spacy.__version__, version("datatrove")) == ("3.8.18", "0.10.1")
    tokenizer = load_word_tokenizer("en")
    exceptions = sorted(tokenizer.tokenizer.tokenizer.rules)
    texts = TEXTS + [" ".join(exceptions[i:i + 20]) for i in range(0, len(exceptions), 20)]
    texts += ["(" + ") (".join(exceptions[i:i + 20]) + ")." for i in range(7, len(exceptions), 60)]
    texts += list(random_texts(random.Random(SEED)))
    cases = [{"text": text, "words": tokenizer.word_tokenize(text), "sentences": len(split_into_sentences(text))}
             for text in texts]
    note = {"made_by": "tools/golden/corpus_words.py", "spacy": spacy.__version__, "datatrove": version("datatrove"), "seed": SEED}
    body = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    OUT.write_text('{"note": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(note), body), encoding="utf-8")
    print(len(cases), "cases,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
