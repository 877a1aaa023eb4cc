#!/usr/bin/env python3
"""Makes tests/golden/sources.json and the small files of tests/data/sources: what Python's csv, email and mailbox
modules, html5lib, pyarrow, datasets and sqlite3 make of the same bytes.

    pip install pyarrow==21.0.0 html5lib==1.1 datasets==4.4.1 && python tools/golden/sources.py
"""
import bz2
import csv
import datetime
import decimal
import email
import email.policy
import gzip
import io
import json
import mailbox
import pathlib
import random
import shutil
import sqlite3
import tarfile
import tempfile
import zipfile

import html5lib
import pyarrow
import pyarrow.feather
import pyarrow.parquet

TOP = pathlib.Path(__file__).resolve().parents[2]
OUT = TOP / "tests/golden/sources.json"
FILES = TOP / "tests/data/sources"
SEED = 20261125


# ---- CSV

def csv_rows(text, delimiter):
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def csv_cases():
    fixed = ["a,b\n1,2\n", "a,b\r\n1,2", "a\rb\r", '"a ""quoted"" b",c\n', '"two\nlines",x\n"three\r\n\r\nlines",y', "a,,\n,,\n",
             '"",""\n', 'a"b,c\n', '"a"b,c\n', '"a" ,b\n', " a , b \n", "\n\na,b\n\n\nc,d\n", ",\n", "é,ü\n日本,🙂\n", '"a,b";c\n']
    cases = [{"text": text, "delimiter": d, "rows": csv_rows(text, d)} for text in fixed for d in ",;\t"]
    dice = random.Random(SEED)
    while len(cases) < 300:
        text = "".join(dice.choice(['"', '"', ",", ";", "\n", "\r\n", "\r", "a", "b ", "é"]) for _ in range(dice.randrange(1, 30)))
        # A quote that is never closed is set aside, where Python takes the rest of the file for the field.
        try:
            list(csv.reader(io.StringIO(text, newline=""), strict=False))
            rows = csv_rows(text, ",")
            closed = csv_rows(text + '"\n#', ",")[-1][-1:] != ["#"] and not open_quote(text)
        except csv.Error:
            continue
        if closed:
            cases.append({"text": text, "delimiter": ",", "rows": rows})
    return cases


def open_quote(text):
    """Whether the text ends inside quotes: then a line more does not make a row more."""
    return len(list(csv.reader(io.StringIO(text + "\nx\n", newline="")))) == len(list(csv.reader(io.StringIO(text + "\n", newline=""))))


# ---- mails

def mail(headers, body, crlf=False):
    text = "".join(f"{name}: {value}\n" for name, value in headers) + "\n"
    data = text.encode("latin-1") + body
    return data.replace(b"\n", b"\r\n") if crlf else data


def multipart(kind, *parts):
    body = b"".join(b"--B\n" + part + b"\n" for part in parts) + b"--B--\n"
    return f'multipart/{kind}; boundary="B"', body


def mails():
    base = [("From", "Jo Doe <jo@example.org>"), ("To", "al@example.com"), ("Date", "Thu, 22 Aug 2002 12:36:23 +0100")]
    plain = base + [("Subject", "Hello"), ("Content-Type", "text/plain; charset=utf-8")]
    yield "plain", mail(plain, "Grüße 🙂\n".encode())
    yield "crlf", mail(plain, b"one\ntwo\n", crlf=True)
    yield "no content type", mail(base + [("Subject", "x")], b"just text\n")
    yield "quoted-printable", mail(base + [("Subject", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="), ("Content-Type", "text/plain; charset=utf-8"),
                                           ("Content-Transfer-Encoding", "quoted-printable")], b"Gr=C3=BC=C3=9Fe, soft=\n break=20\nend\n")
    yield "base64", mail(base + [("Subject", "=?ISO-8859-1?B?Z3L832U=?="), ("Content-Type", "text/plain; charset=iso-8859-1"),
                                 ("Content-Transfer-Encoding", "base64")], b"Z3L832U=\n")
    yield "two encoded words", mail(base + [("Subject", "=?utf-8?B?4oKs?=\n =?utf-8?Q?_and_more?="), ("Content-Type", "text/plain")], b"x\n")
    for charset, text in [("windows-1251", "Привет, мир"), ("koi8-r", "Привет, мир"), ("shift_jis", "日本語のメール"), ("euc-jp", "日本語のメール"),
                          ("iso-2022-jp", "日本語のメール"), ("gb2312", "你好世界"), ("big5", "你好世界"), ("euc-kr", "안녕하세요"),
                          ("windows-1252", "“quoted” – €5"), ("iso-8859-15", "5 €"), ("windows-1253", "Καλημέρα"), ("utf-8", "naïve café")]:
        yield charset, mail(base + [("Subject", charset), ("Content-Type", f'text/plain; charset="{charset}"'),
                                    ("Content-Transfer-Encoding", "8bit")], text.encode(charset) + b"\n")
    kind, body = multipart("alternative", b"Content-Type: text/plain\n\nplain words\n", b"Content-Type: text/html\n\n<p>page words</p>\n")
    yield "alternative", mail(base + [("Subject", "both"), ("MIME-Version", "1.0"), ("Content-Type", kind)], body)
    kind, body = multipart("mixed", b"Content-Type: text/plain\n\nthe letter\n",
                           b"Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nattached\n")
    yield "attachment", mail(base + [("Subject", "with a file"), ("MIME-Version", "1.0"), ("Content-Type", kind)], body)
    yield "folded header", mail(base + [("Subject", "a very\n long\n\tsubject"), ("Content-Type", "text/plain")], b"x\n")


def mail_cases():
    for name, data in mails():
        message = email.message_from_bytes(data, policy=email.policy.default)
        body = message.get_body(("plain", "html"))
        yield {"name": name, "mail": data.decode("latin-1"), "subject": message["subject"], "from": message["from"], "to": message["to"],
               "date": message["date"].datetime.isoformat(), "body": body.get_content().replace("\r\n", "\n").strip()}


def mbox_case():
    folder = FILES / "mail"
    folder.mkdir(parents=True)
    path = folder / "two years.mbox"
    box = mailbox.mbox(path)
    for name, data in mails():
        message = mailbox.mboxMessage(data)
        message.set_from("jo@example.org Thu Aug 22 12:36:23 2002")
        box.add(message)
    box.add(mailbox.mboxMessage(mail([("Subject", "quoted"), ("From", "a@b.c")], b"From here on\n\nFrom there\n")))
    box.close()
    maildir = mailbox.Maildir(FILES / "maildir")
    for name, data in mails():
        if name in ("plain", "base64"):
            maildir.add(data)
    for i, old in enumerate(sorted((FILES / "maildir/new").iterdir())):  # its names hold time and host
        old.rename(old.parent / f"{i}.mail")
    (FILES / "maildir/cur/9.mail:2,S").write_bytes(mail([("Subject", "seen"), ("From", "a@b.c")], b"read\n"))
    for name, data in mails():
        if name in ("alternative",):
            (folder / "one.eml").write_bytes(data)
    return {"count": len(mailbox.mbox(path)), "subjects": [str(m["subject"]) for m in mailbox.mbox(path)]}


# ---- pages

def page_cases():
    pages = ["<p>one<p>two", "<ul><li>a<li>b<ul><li>c</ul></ul>", "<table><tr><td>1<td>2<tr><td>3</table>", "a<br>b<br><br>c",
             "<pre>  keep\n   this </pre>after", "<b>bo</b>ld and <i>it</i>alic", "<script>no</script><style>no</style>yes", "&eacute;&#8364;&amp;&lt;&nbsp;x",
             "<div><div><p>deep</div></p></div>", "<a href=x>li<b>n</a>k</b>", "text<!-- no -->more", "<table><p>foster</p><tr><td>cell</table>",
             "<html><head><title> A  page </title></head><body><nav>menu</nav><main><h1>Head</h1>body</main><footer>foot</footer></body></html>",
             "<svg><title>pic</title><text>no</text></svg>yes", "<select><option>no</select>yes", "<noscript>no</noscript>yes", "<p hidden>no</p>yes"]
    for page in pages:
        yield {"page": page, "words": words_of(page)}


UNSEEN = {"script", "style", "noscript", "template", "head", "iframe", "object", "svg", "select", "button", "textarea", "title", "nav", "aside", "footer"}


def words_of(page):
    """The words of html5lib's tree, without what a reader does not see."""
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False, scripting=False)
    main = tree.find(".//main")
    parts = []

    def visit(element):
        name = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else "#"
        if name == "#" or name in UNSEEN or "hidden" in element.attrib:
            return
        parts.append(" " if name not in ("b", "i", "a") else "")
        parts.append(element.text or "")
        for child in element:
            visit(child)
            parts.append(child.tail or "")
        parts.append(" " if name not in ("b", "i", "a") else "")

    visit(main if main is not None else tree.find("body"))
    return "".join(parts).split()


# ---- tables

def table():
    return pyarrow.table({
        "text": ["one", "zwei ü", None, "🙂"], "count": pyarrow.array([1, -2, 3, None], pyarrow.int64()), "small": pyarrow.array([1, 2, 3, 4], pyarrow.uint8()),
        "score": [0.5, 1e300, -0.25, None], "good": [True, False, None, True], "tags": [["a", "b"], [], None, ["c"]],
        "nested": [{"x": 1, "y": ["p"]}, None, {"x": None, "y": []}, {"x": 4, "y": None}],
        "kind": pyarrow.array(["u", "v", "u", None]).dictionary_encode(), "raw": [b"bytes", b"\xff\x00", None, b""],
        "day": [datetime.date(2024, 2, 29), None, datetime.date(1969, 1, 1), datetime.date(2000, 1, 1)],
        "at": pyarrow.array([datetime.datetime(2024, 5, 1, 12, 30), None, None, None], pyarrow.timestamp("s")),
        "price": pyarrow.array([decimal.Decimal("1.50"), None, None, None], pyarrow.decimal128(10, 2)), "large": pyarrow.array(["l", None, "m", "n"], pyarrow.large_string()),
        "pair": pyarrow.array([[1.0, 2.0], [0.0, 0.5], [5.0, 6.0], [3.0, 4.0]], pyarrow.list_(pyarrow.float32(), 2))})


def table_rows(columns):
    import base64

    def plain(value):
        if isinstance(value, bytes):
            return value.decode() if b"\xff" not in value else base64.b64encode(value).decode()
        if isinstance(value, (datetime.date, datetime.datetime)):
            return value.isoformat()
        return str(value) if isinstance(value, decimal.Decimal) else value

    return [{name: plain(value) for name, value in row.items()} for row in columns.to_pylist()]


def tables():
    folder = FILES / "tables"
    folder.mkdir(parents=True)
    columns = table()
    pyarrow.parquet.write_table(columns, folder / "snappy.parquet", row_group_size=2)
    pyarrow.parquet.write_table(columns, folder / "zstd.parquet", compression="zstd", data_page_version="2.0")
    pyarrow.feather.write_feather(columns, folder / "lz4.feather", compression="lz4")
    with pyarrow.ipc.new_stream(folder / "stream.arrow", columns.schema) as stream:
        stream.write_table(columns, max_chunksize=3)
    damaged = bytearray((folder / "snappy.parquet").read_bytes())
    damaged[-200:-60] = bytes(140)
    (FILES / "broken.parquet").write_bytes(damaged)
    return table_rows(columns)


def hugging_face():
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["ham", "spam"]),
                                  "tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"]))})
    rows = [{"text": f"mail {i}", "label": i % 2, "tokens": ["Jo", "ran"], "ner_tags": [1, 0]} for i in range(5)]
    train = datasets.Dataset.from_list(rows[:3], features=features)
    test = datasets.Dataset.from_list(rows[3:], features=features)
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(FILES / "saved_dict")
    train.save_to_disk(FILES / "saved_set", num_shards=2)
    names = features["label"].names
    return [{**row, "label": names[row["label"]], "ner_tags": ["B-PER", "O"]} for row in rows]


# ---- databases and containers

def database():
    path = FILES / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mails (id INTEGER PRIMARY KEY, body TEXT, score REAL, extra BLOB)")
        connection.executemany("INSERT INTO mails VALUES (?, ?, ?, ?)", [(1, "first", 0.5, None), (2, "zwei ü", None, b"\xff\x00"), (3, "third", 2.0, b"blob")])
    connection.close()
    raw = path.read_bytes()
    shutil.copy(path, FILES / "two_tables.sqlite")
    with sqlite3.connect(FILES / "two_tables.sqlite") as connection:
        connection.execute("CREATE TABLE labels (id INTEGER, label TEXT)")
    connection.close()
    return len(raw)


def containers():
    rows = b"".join(json.dumps({"n": i}).encode() + b"\n" for i in range(3))
    (FILES / "rows.jsonl.gz").write_bytes(gzip.compress(rows, mtime=0))
    with zipfile.ZipFile(FILES / "mixed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        def add(name, data):
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)
        add("rows.jsonl", rows)
        add("ham/größe.txt", "grün")
        add("table.csv", "a;b\n1;2\n")
        add("inner.gz", gzip.compress(b'{"inner":1}\n', mtime=0))
        add("__MACOSX/._rows.jsonl", b"\0\1")
        add("tables/t.parquet", (FILES / "tables/snappy.parquet").read_bytes())
        add("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64))
    with tarfile.open(FILES / "mails.tar.xz", "w:xz") as archive:
        for name, data in [("spam/1.eml", mail([("Subject", "s"), ("From", "a@b.c")], b"buy\n")), ("ham/2.eml", mail([("Subject", "h"), ("From", "a@b.c")], b"hi\n"))]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def bombs():
    """80 MB of one letter in a few hundred bytes, alone, in an archive, and between good files."""
    letters = b"x" * 80_000_000
    packed = bz2.compress(letters)
    (FILES / "bomb.txt.bz2").write_bytes(packed)
    with zipfile.ZipFile(FILES / "bomb.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("bomb.txt.bz2", (2024, 1, 1, 0, 0, 0)), packed)
    members = [("before.txt", b"before"), ("bomb.txt", letters), ("between.txt", b"between"), ("packed.txt.bz2", packed), ("behind.txt", b"behind")]
    with zipfile.ZipFile(FILES / "bombs_between.zip", "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_BZIP2)
    with tarfile.open(FILES / "bombs_between.tar.bz2", "w:bz2") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def encodings():
    (FILES / "text").mkdir()
    german = "Die Größe der Häuser überrascht mich jedes Mal, wenn ich übers Land fahre. Schöne Straßen, müde Füße, spätes Glück. " * 3
    russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. Мы говорим по-русски каждый день, и это хорошо. " * 3
    japanese = "いろはにほへと。これは日本語の文章です。文字コードを正しく判定できるかどうかを確かめます。" * 3
    texts = {"windows-1252": german, "utf-8": german, "utf-16": german, "koi8-r": russian, "windows-1251": russian, "shift_jis": japanese, "euc-jp": japanese, "utf-8-sig": "mark"}
    for encoding, text in texts.items():
        (FILES / f"text/{encoding}.txt").write_bytes(text.encode(encoding))
    return texts


def main():
    if FILES.exists():
        shutil.rmtree(FILES)
    FILES.mkdir(parents=True)
    golden = {"made_by": "tools/golden/sources.py", "pyarrow": pyarrow.__version__, "html5lib": html5lib.__version__, "seed": SEED,
              "csv": csv_cases(), "mails": list(mail_cases()), "mbox": mbox_case(), "pages": list(page_cases()), "table": tables(),
              "hugging_face": hugging_face(), "texts": encodings()}
    database()
    containers()
    bombs()
    OUT.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
