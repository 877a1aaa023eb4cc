#!/usr/bin/env python3
"""Makes tests/golden/pii.json: planted text, and what presidio's pattern recognizers find in it,
each by itself (`recognizer.analyze`), without a spaCy model and so without context words.

    pip install presidio-analyzer==2.2.366 && python tools/golden/corpus_pii.py
"""
import importlib.metadata
import json
import pathlib
import platform

from pii_planted import planted

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/pii.json"
SEED = 7


def recognizers():
    import presidio_analyzer.predefined_recognizers as all_of_them
    names = ("EmailRecognizer", "PhoneRecognizer", "CreditCardRecognizer", "IbanRecognizer", "UsSsnRecognizer", "UsItinRecognizer",
             "IpRecognizer", "MacAddressRecognizer", "CryptoRecognizer", "UrlRecognizer", "DateRecognizer", "UsPassportRecognizer",
             "UsBankRecognizer", "AbaRoutingRecognizer", "UsNpiRecognizer", "UsMbiRecognizer", "MedicalLicenseRecognizer",
             "UsLicenseRecognizer")
    found = []
    for name in names:
        kind = getattr(all_of_them, name, None)
        if kind is None:
            import presidio_analyzer.predefined_recognizers.generic.mac_recognizer as mac
            kind = next(value for key, value in vars(mac).items() if "Mac" in key and key.endswith("Recognizer"))
        found.append(kind())
    return found


def spans(all_of_them, text):
    found = []
    for recognizer in all_of_them:
        for result in recognizer.analyze(text, recognizer.supported_entities, None):
            found.append([result.entity_type, result.start, result.end, result.score])
    return sorted(found)


def main():
    version = importlib.metadata.version("presidio-analyzer")
    assert version == "2.2.366", version
    all_of_them = recognizers()
    rows = planted(SEED, 40, 1)
    for row in rows:
        row["presidio"] = spans(all_of_them, row["text"])
    head = {"made_by": "tools/golden/corpus_pii.py", "presidio-analyzer": version,
            "phonenumbers": importlib.metadata.version("phonenumbers"), "python": platform.python_version(), "seed": SEED}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    text = json.dumps(head)[:-1] + f',\n"rows": [\n{lines}\n]}}\n'
    json.loads(text)
    OUT.write_text(text, encoding="utf-8")
    print(f"{len(rows)} rows, {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
