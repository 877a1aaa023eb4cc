"""What the benches share: running a program, medians, and what machine this is."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/tunewright"
MODEL = ROOT / "models/smollm2-135m-instruct"


def run_measured(command, **options):
    """Runs a command in the checkout; returns its standard output and the wall seconds."""
    begin = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, cwd=ROOT, **options)
    output, errors = process.communicate()
    seconds = time.monotonic() - begin
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{errors[-2000:]}")
    return output, seconds


def last_json(output):
    return json.loads(output.strip().splitlines()[-1])


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "amx": "amx_bf16" in flags, "avx512": "avx512f" in flags, "commit": commit}


def median(values):
    return round(statistics.median(values), 4)
