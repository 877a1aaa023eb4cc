#!/usr/bin/env python3
"""Checks every include under src/ and apps/ against the table of layers in ARCHITECTURE.md.

A module may include itself and the modules its line names, with what those may use.  Modules marked
torch-free may not include torch, ATen or c10, and no header may include an umbrella header of torch.
"""
import pathlib
import re
import sys

DEPS = {
    "base": [],
    "text": ["base"], "rows": ["base"], "search": ["base"], "observe": ["base"],
    "io": ["base"], "ops": ["base"], "dist": ["base"],
    "metrics": ["base", "text"],
    "corpus": ["rows", "text"],
    "data": ["rows", "text", "io", "dist"],
    "model": ["io", "ops", "dist"],
    "train": ["data", "model", "observe"],
    "eval": ["data", "model", "observe", "text", "metrics"],
    "serve": ["data", "model", "observe", "text"],
}
TORCH_FREE = {"base", "text", "rows", "metrics", "corpus", "search", "observe", "io", "data"}
UMBRELLAS = ("torch/torch.h", "torch/types.h", "torch/nn.h", "torch/nn/module.h", "ATen/ATen.h")


def closure(module):
    seen, todo = {module}, [module]
    while todo:
        for below in DEPS[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def problems(root):
    for path in sorted(root.glob("src/tunewright/**/*.*")) + sorted(root.glob("apps/**/*.*")):
        if path.suffix not in (".h", ".cpp", ".cu", ".cuh"):
            continue
        relative = path.relative_to(root)
        module = relative.parts[2] if relative.parts[0] == "src" else "apps"
        if module != "apps" and module not in DEPS:
            yield f"{relative}: folder '{module}' is not in the table of tools/check_layers.py"
            continue
        allowed = set(DEPS) if module == "apps" else closure(module)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            name = match.group(1)
            where = f"{relative}:{number}"
            own = re.match(r"tunewright/([^/]+)/", name)
            if own and own.group(1) not in allowed:
                yield f"{where}: {module} may not include {name} (allowed: {', '.join(sorted(allowed))})"
            if module in TORCH_FREE and re.match(r"(torch|ATen|c10)/", name):
                yield f"{where}: {module} is torch-free and includes {name}"
            if path.suffix in (".h", ".cuh") and name in UMBRELLAS:
                yield f"{where}: a header includes {name}; forward-declare at::Tensor or use ATen/core/Tensor.h"


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = list(problems(root))
    print("\n".join(found) if found else "layers: every include follows the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
