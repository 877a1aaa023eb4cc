#!/usr/bin/env python3
"""Renders every chat template of the trl 1.16 wheel here and with transformers, and compares.

Compared are texts, errors, the spans of {% generation %} blocks of the training variants, and the
turns that prefix rendering finds in the plain variants with those of their training variants.
Run: .deps/peers/bin/python tests/peers/test_templates.py [program] (from the repository's root).
"""
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
from transformers.utils import chat_template_utils  # noqa: E402

PROGRAM = sys.argv[1:] or [os.environ.get("TUNEWRIGHT", "build/release/tunewright"), "template"]
WHEELS = pathlib.Path("build/peers")
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "Wetter für \"Städte\" <now>",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "description": "The city"},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "days": {"type": "array", "items": {"type": "integer"}},
        "exact": {"type": ["boolean", "null"], "default": False}}},
    "return": {"type": "number", "description": "degrees"}}}]


def call(name="get_weather", arguments=None, identity="call00001"):
    arguments = {"city": "Zürich", "days": [1, 2], "exact": True, "limit": 1.5} if arguments is None else arguments
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def tool(text, identity="call00001"):
    return {"role": "tool", "name": "get_weather", "tool_call_id": identity, "content": text}


SYSTEM = {"role": "system", "content": "You are terse.\n"}
CONVERSATIONS = {
    "single": [user("Hello!")],
    "pair": [user("Hello!"), assistant("Hi <there> & \"you\".")],
    "system": [SYSTEM, user("Hi"), assistant("Yes.")],
    "multi": [user("One"), assistant("1"), user("Two"), assistant("2"), user("Three"), assistant("3")],
    "multi_system": [SYSTEM, user("One"), assistant("1"), user("Two"), assistant("2"), user("Three")],
    "unicode": [user("naïve 日本語 🙂\u00a0x"), assistant("  Grüße\n\n  ‹ok› 👩‍👩‍👧 ")],
    "empty": [user(""), assistant("")],
    "spaces": [user("  a \n"), assistant("\n b \n")],
    "template_like": [user("{{ bos_token }}{% if %}"), assistant("{# no #}")],
    "special": [user("<|im_end|>x"), assistant("<|im_start|>y</s>")],
    "inline_think": [user("2+2?"), assistant("<think>\nsum\n</think>\n\n4"), user("3+3?"),
                     assistant("<think>\nmore\n</think>\n\n6")],
    "reasoning": [user("2+2?"), assistant("4", reasoning_content="easy\nsum"), user("3+3?"),
                  assistant("6", reasoning_content="also easy")],
    "thinking": [user("2+2?"), assistant("4", thinking="easy")],
    "tool_call": [user("Weather?"), assistant("", tool_calls=[call()])],
    "tool_call_none": [user("Weather?"), assistant(None, tool_calls=[call()])],
    "tool_call_text": [user("Weather?"), assistant("Let me look.", tool_calls=[call()])],
    "tool_call_string": [user("Weather?"), assistant("", tool_calls=[call(arguments="{\"city\": \"Zürich\"}")])],
    "tool_result": [user("Weather?"), assistant("", tool_calls=[call()]), tool("{\"degrees\": 21}"),
                    assistant("21 degrees."), user("Thanks"), assistant("Welcome.")],
    "tools_twice": [SYSTEM, user("Weather?"), assistant("", tool_calls=[call(), call(identity="call00002")]),
                    tool("21"), tool("22", "call00002"), assistant("", tool_calls=[call(arguments={})]), tool("x"),
                    assistant("Done.", reasoning_content="both read")],
    "reasoned_call": [user("Weather?"), assistant("", reasoning_content="need it", tool_calls=[call()]),
                      tool("21"), assistant("21.", reasoning_content="read it")],
    "consecutive": [user("Go"), assistant("a"), assistant("b"), user("Go on"), assistant("c")],
    "assistant_first": [assistant("Hello, I am here."), user("Hi"), assistant("So.")],
    "unknown_role": [{"role": "critic", "content": "x"}, user("y")],
    "parts": [user([{"type": "text", "text": "Look"}, {"type": "image"}]),
              assistant([{"type": "text", "text": "Seen"}])],
    "no_content": [user("x"), {"role": "assistant"}],
    "none": [],
}
VARIABLES = [{}, {"enable_thinking": True}, {"enable_thinking": False}]


def rows():
    for (name, messages), tools, variables in itertools.product(CONVERSATIONS.items(), [None, TOOLS], VARIABLES):
        yield name, {"messages": messages, **({"tools": tools} if tools else {}), **variables}


def fetch():
    found = list(WHEELS.glob("trl-1.16.0-*.whl"))
    if not found:
        WHEELS.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "trl==1.16.0", "-d", str(WHEELS)],
                       check=True)
        found = list(WHEELS.glob("trl-1.16.0-*.whl"))
    with zipfile.ZipFile(found[0]) as wheel:
        return {pathlib.Path(name).stem: wheel.read(name).decode() for name in sorted(wheel.namelist())
                if name.startswith("trl/chat_templates/") and name.endswith(".jinja")}


def reference(source, row, prompt):
    """(text, spans) or an error, as tokenizer.apply_chat_template renders."""
    variables = {key: value for key, value in row.items() if key not in ("messages", "tools")}
    messages = [{key: value for key, value in message.items() if value is not None} for message in row["messages"]]
    try:
        texts, spans = chat_template_utils.render_jinja_template(
            conversations=[messages], tools=row.get("tools"), chat_template=source, return_assistant_tokens_mask=True,
            add_generation_prompt=prompt, **{**TOKENS, **variables})
        return texts[0], spans[0]
    except Exception as error:  # noqa: BLE001 - whatever Python raises is an error of the template
        return error, None


def ours(source, requests, *flags):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "chat_template.jinja").write_text(source, encoding="utf-8", newline="")
        (folder / "tokenizer_config.json").write_text(json.dumps(TOKENS))
        (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in requests))
        result = subprocess.run([*PROGRAM, "--model", str(folder), "--in", str(folder / "in.jsonl"), *flags],
                                capture_output=True, text=True, timeout=300)
        lines = result.stdout.split("\n")[:-1]
        if len(lines) != len(requests):
            raise SystemExit(f"{len(lines)} answers to {len(requests)} rows: {result.stderr[-2000:]}")
        return [json.loads(line) for line in lines]


def byte_spans(text, spans):
    return [(len(text[:begin].encode()), len(text[:end].encode())) for begin, end in spans]


def merged(spans):
    """Touching spans as one, empty ones left out."""
    out = []
    for begin, end in sorted(spans):
        if begin == end:
            continue
        if out and out[-1][1] >= begin:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


class Report:
    def __init__(self):
        self.counts, self.failures = {}, []

    def count(self, what, good=True, detail=""):
        passed, total = self.counts.get(what, (0, 0))
        self.counts[what] = (passed + good, total + 1)
        if not good:
            self.failures.append(f"{what}: {detail}")


def compare_texts(report, name, source):
    for prompt in (False, True):
        named = list(rows())
        answers = ours(source, [row for _, row in named], *(["--generation-prompt"] if prompt else []))
        for (case, row), answer in zip(named, answers):
            expected, _ = reference(source, row, prompt)
            where = f"{name} {case} tools={'tools' in row} prompt={prompt}"
            if isinstance(expected, Exception):
                report.count("errors", "error" in answer, f"{where}: expected {expected!r}, got {answer}")
                if "error" in answer:
                    report.count("words of errors", answer["error"] == str(expected), f"{where}: {expected} / {answer}")
            else:
                report.count("texts", answer.get("text") == expected, f"{where}:\n  {expected!r}\n  {answer}")


def training_spans(source):
    """The masks that transformers gives, by case."""
    spans = {}
    for index, (_, row) in enumerate(rows()):
        text, found = reference(source, row, False)
        if not isinstance(text, Exception):
            spans[index] = (text, byte_spans(text, found))
    return spans


def turn_spans(answer):
    return [(turn["begin"], turn["end"]) for turn in answer["turns"]]


def compare_masks(report, name, source, expected):
    requests = [row for _, row in rows()]
    for index, answer in enumerate(ours(source, requests, "--turns")):
        if index in expected:
            text, spans = expected[index]
            good = answer.get("text") == text and turn_spans(answer) == spans
            report.count("masks of {% generation %}", good, f"{name} {requests[index]}: {spans} / {answer}")


def compare_prefixes(report, name, source, expected, notes):
    named = list(rows())
    usable = [index for index in expected if any(m["role"] == "assistant" for m in named[index][1]["messages"])]
    answers = ours(source, [named[index][1] for index in usable], "--turns")
    for index, answer in zip(usable, answers):
        text, spans = expected[index]
        if "error" in answer:
            report.count("prefix masks: refused, the plain variant cannot tell")
        elif answer["text"] != text:
            report.count("prefix masks: texts differ between the variants")
        elif merged(turn_spans(answer)) == merged(spans):
            report.count("prefix masks equal to the training variant's")
        else:
            report.count("prefix masks that differ from the training variant's")
            notes.setdefault(name, []).append((named[index][0], text, spans, turn_spans(answer)))


def show_notes(notes):
    for name, differences in notes.items():
        case, text, theirs, mine = differences[0]
        raw = text.encode()
        print(f"  {name}: {len(differences)} differ, first '{case}': training variant "
              f"{[raw[a:b].decode() for a, b in theirs]}, here {[raw[a:b].decode() for a, b in mine]}")


def main():
    report, notes = Report(), {}
    templates = fetch()
    for name, source in templates.items():
        compare_texts(report, name, source)
        if not name.endswith("_training"):
            continue
        expected = training_spans(source)
        compare_masks(report, name, source, expected)
        plain = name.removesuffix("_training")
        if plain in templates:
            compare_prefixes(report, plain, templates[plain], expected, notes)
    show_notes(notes)
    for failure in report.failures[:20]:
        print("FAILED", failure[:1500])
    for what, (passed, total) in sorted(report.counts.items()):
        print(f"{len(templates)} templates, {what}: {passed} of {total}")
    hard = [failure for failure in report.failures if not failure.startswith("words of errors")]
    print(f"test_templates: {'failed' if hard else 'passed'}, {len(hard)} differences")
    return 1 if hard else 0


if __name__ == "__main__":
    sys.exit(main())
