#!/usr/bin/env python3
"""Writes tests/golden/corpus_normalise.json: what ftfy makes of mojibake of every kind.

    pip install ftfy==6.3.1 && python tools/golden/corpus_normalise.py
"""
import json
import pathlib
import random
import unicodedata

import ftfy
from ftfy.chardata import CHARMAP_ENCODINGS
from ftfy.fixes import unescape_html

SEED = 20261125
OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/corpus_normalise.json"
GOOD = ["café", "naïve résumé", "“quoted” – it’s…", "à la mode", "Ã la mode", "voilà le travail", "Straße über Öl", "señor ¿qué?", "smörgåsbord",
        "Привет, мир", "Ελληνικά γράμματα", "Ünïcödé", "日本語", "中文字符", "한국어", "👍🏽 ok 👩‍👩‍👧", "™ ® © € £ ¥", "½ ² ³ °C", "Łódź żółć", "čeština řeka",
        "şeker İstanbul ğ", "مرحبا بكم", "שלום עולם", "हिन्दी", "×÷±≠", "a\u00a0b", "e\u0301 a\u0300", "ĀāĒē Rīga", "plain ascii", "AHÅ™, the new sofa",
        "CÂ°F", "┌─┐│ box", "¯\\_(ツ)_/¯", "(ò_ó)", "Œuvre œil", "às àquele", "10 – 20 °", "ПРИВЕТ ГРС", "ÐÐ½Ð°", "ØªØ­Ø¨Ø§", "€ 5", "x\x85y\x93z\x94"]
FIXED = ["schÃ¶n", "â€œHelloâ€\x9d", "l’humanitÃ©", "âœ” No problems", "Ã\xa0 la carte", "voilÃ le travail", "â€œ like this â€�", "ΠΟΠ¿ΠΈΠ·",
         "ÃƒÂ¶", "ÃÂ¶", "\xe2\x80\x99", "Ñ\x80Ñ\x83Ñ\x81", "ðŸ˜€", "ï»¿bom", "vedere Ã¨ credere", "sÃ³", "a\x80\x81b", "ã\x81\x82", "Ä°stanbul", "Å\x9f", "вЂ™", "вЂњ",
         "‚Äú", "√©", "√ü", "Ã©tÃ© et Ã  la", "é´Š", "ĂŠ", "Â¡Hola!", "Â«Â»", "Â Â Â", "fÃ cil", "Ã s vezes", "Ãquele", "ГўВЂВњ a", "β€™", "ā€™", "Œ!", "Ã", "Â", "Ã ", "é°"]
ENTITIES = ["&amp; &lt;b&gt; &quot;q&quot; &#39;", "&eacute; &EACUTE; &Eacute; &eAcute;", "&ntilde;&NTILDE;&nTILDE;", "BUNDESSTRA&SZLIG;E", "&notit; &not; &amp", "&#x80; &#128; &#0; &#xD800; &#x110000; &#99999999999;",
            "&#59; &semi; &#x3b;", "&#1; &#x1F; &#xFFFE; &#65533; &#13;", "&Jscr;ohn &HilbertSpace;", "&checkmark; &hellip; &nbsp;|&Tab;|&NewLine;|", "&GTCC; &COPYX; &REG; &LTIMES; &ETHX;",
            "&#12ab; &#x; &#; &; &a; &aaaaaaaaaaaaaaaaaaaaaaaaa;", "&fjlig; &NotEqualTilde; &ThickSpace;", "&amp;amp;lt;", "AT&T; R&D; a&b;"]


def broken(rng):
    text = rng.choice(GOOD) + rng.choice(["", " ", ", ", "\n"]) + rng.choice(GOOD)
    for _ in range(rng.choice([1, 1, 1, 2])):
        encoding = rng.choice(CHARMAP_ENCODINGS)
        try:
            text = text.encode("utf-8").decode(encoding)
        except UnicodeDecodeError:
            text = text.encode("utf-8").decode("sloppy-windows-1252")
    change = rng.random()
    if change < 0.15:
        text = text.replace("\xa0", " ")
    elif change < 0.3:
        text = "".join("\ufffd" if 0x80 <= ord(c) < 0xA0 and rng.random() < 0.7 else c for c in text)
    elif change < 0.5:
        text = rng.choice(GOOD) + " " + text
    elif change < 0.6:
        at = rng.randrange(len(text))
        text = text[:at] + text[at + 1:]
    return text


def soup(rng):
    alphabet = "aZ .?\n ÃÂâ€™œŸÐÑØÙàéêçðñôöß°´¨¤¦©«»–—…‚„†‡•™š≠√∂≈ВГРСвЂβΒΞāżŁ│╔▒½²¹\x81\x9d\ufffd\u00a0\u00ad日"
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 12)))


def wild(rng):
    alphabet = ["\x00", "\x07", "\x1b[31m", "\x1b[", "\r\n", "\r", "\u2028", "\x85", "\ufeff", "\u206a", "\ufffc", "\x7f", "a", "é", "e\u0301", "\u1100\u1161", "&amp;", "&lt;", "<", "\t", "\f", "Ã©", "\n", "\u212b", "ﬁ"]
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 10)))


def main():
    assert ftfy.__version__ == "6.3.1"
    rng = random.Random(SEED)
    config = ftfy.TextFixerConfig(fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False, explain=False)
    texts = GOOD + FIXED + [broken(rng) for _ in range(450)] + [soup(rng) for _ in range(600)] + [wild(rng) for _ in range(150)]
    cases = [{"text": text, "encoding": ftfy.fix_encoding(text), "fixed": ftfy.fix_text(text, config)} for text in texts]
    entities = [{"text": text, "unescaped": unescape_html(text)} for text in ENTITIES]
    forms = [{"text": text, "nfc": unicodedata.normalize("NFC", text), "nfkc": unicodedata.normalize("NFKC", text)}
             for text in ["e\u0301", "\u212b", "ﬁ", "①", "\u1100\u1161\u11a8", "가\u11a8", "a\u0328\u0301", "\u0344", "ｱ", "\u2126", "क\u093c", "\ufb1d"]]
    note = {"made_by": "tools/golden/corpus_normalise.py", "ftfy": ftfy.__version__, "unicode": unicodedata.unidata_version, "seed": SEED}
    rows = lambda items: ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)  # noqa: E731
    OUT.write_text('{"note": %s,\n"entities": [\n%s],\n"forms": [\n%s],\n"cases": [\n%s\n]}\n' % (json.dumps(note), rows(entities), rows(forms), rows(cases)), encoding="utf-8")
    print(len(cases), "cases,", sum(c["text"] != c["encoding"] for c in cases), "changed,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
