#!/usr/bin/env python3
"""Every question about the data workshop: bench/data_*.py one after the other, their JSON in one object.

    ./dev bench data [NAME…]     NAME: dedup, filters, labels, pii
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main():
    scripts = {path.stem.removeprefix("data_"): path for path in sorted(HERE.glob("data_*.py"))}
    answers = {}
    for name in sys.argv[1:] or scripts:
        script = scripts.get(name)
        if script is None:
            sys.exit(f"there is no '{name}'; there are: {', '.join(scripts)}")
        print(f"== {script.name}", file=sys.stderr)
        output = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, check=True).stdout
        answers[name] = json.loads(output[output.index("{"):])
    print(json.dumps(answers, indent=1))


if __name__ == "__main__":
    main()
