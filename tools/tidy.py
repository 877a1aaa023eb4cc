#!/usr/bin/env python3
"""Runs clang-tidy on some files, with the compile commands of a GCC build made fit for clang.

The precompiled header is GCC's and libgomp's flag needs clang's own runtime: both are taken out.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

GCC_ONLY = re.compile(r"\s-include \S*cmake_pch\.hxx|\s-Winvalid-pch|\s-fopenmp|\s-Wno-psabi|\s-Werror")


def clang_commands(build, folder):
    commands = json.loads((build / "compile_commands.json").read_text())
    for entry in commands:
        entry["command"] = GCC_ONLY.sub("", entry["command"]).removeprefix("/usr/bin/ccache ")
    (folder / "compile_commands.json").write_text(json.dumps(commands))
    return {str(pathlib.Path(entry["file"]).resolve()) for entry in commands}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clang-tidy", required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        known = clang_commands(arguments.build, pathlib.Path(folder))
        files = [f for f in arguments.files if str(pathlib.Path(f).resolve()) in known]

        def tidy(name):
            return subprocess.run(
                [arguments.clang_tidy, "-p", folder, "--quiet", "--extra-arg=-Wno-unknown-warning-option", name],
                capture_output=True, text=True)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            failed = 0
            for name, result in zip(files, pool.map(tidy, files)):
                if result.returncode != 0:
                    failed += 1
                    print(f"{name}:\n{result.stdout}{result.stderr}")
    print(f"tidy: {len(files)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
