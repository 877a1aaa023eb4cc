#!/usr/bin/env python3
"""Makes tests/golden/jinja.json: what Jinja prints for the snippets of jinja_cases.py, in the
environment that transformers makes for chat templates.

    pip install jinja2==3.1.6 transformers==5.23.0 && python tools/golden/jinja.py
"""
import json
import pathlib
import platform

import jinja2
import transformers
from jinja_cases import CASES, VARIABLES
from transformers.utils.chat_template_utils import _compile_jinja_template

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/jinja.json"
# What every rendering of a chat template has.
ALWAYS = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False}


def play(group, template):
    case = {"group": group, "template": template}
    try:
        variables = json.loads(json.dumps(VARIABLES))  # a template may not leave changes for the next
        case["output"] = _compile_jinja_template(template).render(**ALWAYS, **variables)
    except Exception as error:
        case["raises"] = type(error).__name__
        case["message"] = str(error)
    return case


def main():
    assert jinja2.__version__ == "3.1.6"
    cases = [play(group, template) for group, templates in CASES.items() for template in templates]
    misplaced = [case for case in cases if case["group"].startswith("errors") != ("raises" in case)]
    if misplaced:
        raise SystemExit("\n".join(map(str, ["an error, or none, in the wrong group:", *misplaced])))
    head = {"made_by": "tools/golden/jinja.py", "jinja2": jinja2.__version__,
            "transformers": transformers.__version__, "python": platform.python_version(), "seed": None}
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    text = json.dumps(head)[:-1] + f',\n"variables": {json.dumps(VARIABLES, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n'
    json.loads(text)
    OUT.write_text(text, encoding="utf-8")
    print(f"{len(cases)} cases, {sum('raises' in case for case in cases)} of them errors, {len(text)} letters")


if __name__ == "__main__":
    main()
