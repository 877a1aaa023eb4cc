#!/usr/bin/env python3
"""Writes the tables of characters that src/tunewright/corpus/text is built on: what the regular
expressions of spaCy's English tokenizer, the lists of datatrove and the heuristic of ftfy say of
every code point.

    pip install spacy==3.8.18 datatrove==0.10.1 ftfy==6.3.1 && python tools/golden/corpus_tables.py
"""
import pathlib
import re

import datatrove.utils.text
import ftfy.badness
import ftfy.chardata
import ftfy.bad_codecs  # noqa: F401
import spacy
from spacy.lang import char_classes
from spacy.pipeline import Sentencizer

OUT = pathlib.Path(__file__).resolve().parents[2] / "src/tunewright/corpus/text"


def members(character_class):
    expression = re.compile(f"[{character_class}]")
    return {point for point in range(0x110000) if not 0xD800 <= point < 0xE000 and expression.match(chr(point))}


def ranges(points):
    out = []
    for point in sorted(points):
        if out and out[-1][1] == point - 1:
            out[-1][1] = point
        else:
            out.append([point, point])
    return out


def filled(items, indent="    "):
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) > 100:
            lines.append(line.rstrip())
            line = indent
        line += item + " "
    return "\n".join(lines + [line.rstrip()])


def range_table(name, points):
    body = filled(f"{{0x{first:X}, 0x{last:X}}}," for first, last in ranges(points))
    return f"constexpr PointRange {name}Ranges[] = {{\n{body}\n}};\nconstinit const std::span<const PointRange> {name}(\n    {name}Ranges);\n"


def words_tables():
    lower, upper = members(char_classes.ALPHA_LOWER), members(char_classes.ALPHA_UPPER)
    dot_before = members(r"0-9{al}%²\-\+{p}(?:{q})".format(al="", p=char_classes.PUNCT, q=char_classes.CONCAT_QUOTES))
    singles = lambda pieces: {ord(piece.replace("\\", "")) for piece in pieces if len(piece.replace("\\", "")) == 1}  # noqa: E731
    marks = singles(char_classes.LIST_PUNCT) | singles(char_classes.LIST_QUOTES) | {ord("…")}
    punctuation = {ord(c) for c in datatrove.utils.text.PUNCTUATION_SET}
    tables = {
        "kTokenAlpha": members(char_classes.ALPHA), "kTokenLower": lower, "kTokenUpper": upper,
        "kTokenIcons": members(char_classes.CONCAT_ICONS), "kTokenMarks": marks,
        "kTokenCurrency": singles(char_classes.LIST_CURRENCY), "kTokenQuotes": members(char_classes.CONCAT_QUOTES),
        "kTokenDotAfter": dot_before, "kSentenceEnds": {ord(c) for c in Sentencizer.default_punct_chars},
        "kSymbols": punctuation, "kTerminalPunctuation": {ord(c) for c in datatrove.utils.text.TERMINAL_PUNCTUATION},
        "kDatatrovePunctuation": {ord(c) for c in datatrove.utils.text.PUNCTUATION},
    }
    return "\n".join(range_table(name, points) for name, points in tables.items())


CATEGORIES = ["common", "c1", "bad", "law", "currency", "start_punctuation", "end_punctuation", "numeric", "kaomoji",
              "upper_accented", "lower_accented", "upper_common", "lower_common", "box"]
CLUES = ["utf8_first_of_2", "utf8_first_of_3", "utf8_first_of_4", "utf8_continuation", "utf8_continuation_strict"]


def category(name):
    return "kMoney" if name == "currency" else "k" + "".join(part.capitalize() for part in name.split("_"))


def mojibake_tables():
    items = []
    for name in CATEGORIES:
        items += [f"{{0x{a:X}, 0x{b:X}, {category(name)}}}," for a, b in ranges(members(ftfy.badness.MOJIBAKE_CATEGORIES[name]))]
    for name in CLUES:
        items += [f"{{0x{a:X}, 0x{b:X}, {category(name)}}}," for a, b in ranges(members(ftfy.chardata.UTF8_CLUES[name]))]
    text = "constexpr MojibakeRange kRanges[] = {\n" + filled(items) + "\n};\nconstinit const std::span<const MojibakeRange> kMojibakeRanges(kRanges);\n\n"
    encodings = []
    for encoding in ftfy.chardata.CHARMAP_ENCODINGS[1:]:  # Latin-1 needs no table
        points = filled((f"0x{ord(c):X}," for c in bytes(range(128, 256)).decode(encoding)), "        ")
        flags = ("true" if encoding.startswith("sloppy") else "false", "false" if encoding == "macroman" else "true")
        encodings.append(f"    {{\"{encoding}\", {flags[0]}, {flags[1]},\n     {{\n{points}\n     }}}},")
    return text + "constexpr Encoding kTables[] = {\n" + "\n".join(encodings) + "\n};\nconstinit const std::span<const Encoding> kEncodings(kTables);\n"


def write(name, header, body):
    text = f"// Written by tools/golden/corpus_tables.py.\n#include \"tunewright/corpus/text/{header}\"\n\n"
    text += "namespace tunewright::corpus {\n// clang-format off\n\n" + body + "\n// clang-format on\n}  // namespace tunewright::corpus\n"
    (OUT / name).write_text(text, encoding="utf-8")
    print(name, len(text.splitlines()), "lines")


def main():
    assert spacy.__version__ == "3.8.18" and ftfy.__version__ == "6.3.1"
    write("character_tables.cpp", "character_tables.h", words_tables())
    write("mojibake_tables.cpp", "mojibake_tables.h", mojibake_tables())


if __name__ == "__main__":
    main()
