#!/usr/bin/env python3
"""Makes tests/golden/tokenizer_FAMILY.json: tokenizers with each family's pipeline over a small vocabulary, and
what the tokenizers package makes of hostile texts: ids, decoded texts, offsets.

    pip install tokenizers==0.23.3 && python tools/golden/tokenizer.py
"""
import json
import pathlib
import platform
import random

import tokenizers
import tokenizer_families as families

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden"
SEED = 20261122
VOCAB_SIZE = 700
PROSE = """The miller's daughter couldn't sleep: 1234 sacks of flour, she'd counted, stood in the barn, and they'll be
sold by the 28th of November 2026 for 3.50 each. "Who," said the old man, "would buy so many?" -- nobody knew. In the
straße der Müllerin, près du café, où l'été commence, they spoke of nothing else; the naïve baker (he baked for the
whole valley) offered him half. def count_sacks(barn, price=3.5):    return sum(sack.weight for sack in barn) * price
if __name__ == "__main__":        print(f"total: {count_sacks(BARN):.2f}")  # the words and the numbers come again and again
Москва слезам не верит, говорила она. 東京タワーは東京にある。 the end of the word, the world, the words.""".split("\n")
TEXTS = [
    "", " ", "  ", "a", " the", "the end", "  the  end  ", "the\tend\n\n  of the\r\n word \n", "\n\n\n", " \n \n a", "      deep",
    "can't I'LL she'd THEY'RE it's 'sword ’tis", "'ſ 'S", "1234567890 12 3.50 28th", "٣٤٥ Ⅷ ½ ²", "x=1;y=22;z=333;w=4444",
    "café cafe\u0301 e\u0301\u0301 \u0301", "\u1100\u1161\u11a8 각", "Å Ω \u0344 ﬁ ŉ ǆ İ ß", "東京タワー中文한국어", "Москва слезам",
    "שלום \u200fעולם مرحبا", "👨‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪1️⃣", "a\u00a0b\u2003c\u3000d\u200be\u2028f\u0085g\u180eh\ufeffi", "\x00\x01\x7f\x1c",
    "𐵀𑛐 \U00031350\U0001e030 Ᲊ", "▁the ▁▁end▁", "_▁_ ▁ ▁", "<|im_start|>user\nthe end<|im_end|>\n", "<|endoftext|><|endoftext|> the",
    "<|im_start| |im_end|>", "<s>the</s> <unk><0x41>", "[INST] the end [/INST]", "<tool_call>{\"a\": 1}</tool_call><think>\n</think>",
    "the <mask> end <mask>", "a <cut>  <cut><cut> b<cut>", "word sword word. words WORD Straße strasse", "[x]  [x] a [x] b", "éé e\u0301e\u0301  éé",
    "\"quoted\" ''twice'' -- (and) [more]!?", "def f(x):\n    return x + 1  # comment\n", "the" * 40, "ab" * 60 + " " * 50 + "\n" * 20 + "!" * 70,
    "é" * 60 + "中" * 40, "http://example.org/a?b=c&d=e#f", "SGVsbG8gd29ybGQh==", "A\u0300\u0345\u0328 \u0f71\u0f72\u0f74",
]


def random_texts(count):
    rng = random.Random(SEED)
    alphabet = list("  \n\tabcdethe'sTHE12.,-é") + ["\u0301", "中", "▁", "😀", "\u3000", "<s>", "<cut>", "<mask>", "the", " word"]
    return ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 25))) for _ in range(count)]


def case(tokenizer, plain, text):
    """`plain` is the tokenizer without its post-processor, whose offsets are not trimmed."""
    ids = tokenizer.encode(text, add_special_tokens=True).ids
    without = plain.encode(text, add_special_tokens=False)
    return {"text": text, "ids": without.ids, "ids_with_special": ids, "offsets": [list(pair) for pair in without.offsets],
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "decoded_without_special": tokenizer.decode(ids, skip_special_tokens=True)}


def main():
    texts = TEXTS + random_texts(40)
    for name, (build, train) in families.FAMILIES.items():
        document = build(train(PROSE, VOCAB_SIZE))
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(document))
        plain = tokenizers.Tokenizer.from_str(json.dumps({**document, "post_processor": None}))
        golden = {"made_by": "tools/golden/tokenizer.py", "tokenizers": tokenizers.__version__, "python": platform.python_version(),
                  "seed": SEED, "tokenizer": document, "cases": [case(tokenizer, plain, text) for text in texts]}
        (OUT / f"tokenizer_{name}.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
