#!/usr/bin/env python3
"""Prints what the demo measured, from the report of the evaluation and of the training run.

    python3 summary.py EVALUATION.json TRAINING.json SECONDS

SECONDS: of training and evaluation just now; where both were already there, the reports' own times stand.
"""
import json
import sys
import textwrap


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def with_interval(figure):
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def print_samples(samples):
    for sample in samples:
        mail = sample["question"].rsplit("\n\n", 1)[0]
        print(textwrap.indent(textwrap.shorten(mail, 200, placeholder=" …"), "  | "))
        print(f"    right: {sample['reference']}   before: {sample['baseline_answer']!r}   after: {sample['answer']!r}\n")


def main():
    evaluation, training = read(sys.argv[1]), read(sys.argv[2])
    task = evaluation["tasks"][0]
    metrics = task["metrics"]
    print_samples(task["samples"])
    print(f"{task['rows']} held-out mails, 95 % intervals in brackets")
    for name, metric in metrics.items():
        print(f"  {name:9} {with_interval(metric['baseline'])} -> {with_interval(metric)}")
    for who in ("baseline", "model"):
        print(f"  {who} says how sure it is: off by {task[who]['calibration']['ece']:.3f} on average (ECE)")
    for gate in evaluation["gates"]:
        print(f"  gate {gate['figure']} {gate['limit']}: {'passed' if gate['passed'] else 'FAILED, ' + gate['reason']}")
    print(f"verdict: {evaluation['verdict']['overall']} than the baseline ({evaluation['verdict']['reason']})"
          if evaluation["verdict"]["overall"] != "no difference shown" else "verdict: no difference from the baseline shown")
    peak = max(training["peak_memory_bytes"], evaluation["peak_memory_bytes"]) / 2**30
    print(f"training {training['train_seconds']:.0f} s at {training['tokens_per_second']:.0f} tokens/s, "
          f"evaluation {evaluation['seconds']:.0f} s, peak memory {peak:.2f} GiB")
    print("the comparison: evals/spam-triage/report.html   the loss curve: runs/spam-triage/report.html")
    print("talk to it: build/release/tunewright chat --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter")
    seconds = int(sys.argv[3]) or training["train_seconds"] + evaluation["seconds"]
    pairs = ", ".join(f"{name} {metrics[name]['baseline']['value']:.2f} -> {metrics[name]['value']:.2f}"
                      for name in ("accuracy", "macro_f1"))
    print(f"demo: {pairs}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
