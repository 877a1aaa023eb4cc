#!/usr/bin/env python3
"""Task files of lm-evaluation-harness 0.4.13 beside lm-evaluation-harness itself, in float32.

The task files are those of the installed package, each included by a file that names local, seeded data in the task's
format.  Log-likelihoods of every request within 1e-3, is_greedy and written answers equal, figures equal.
Model: models/smollm2-135m-instruct, or the folder given as the argument.  Environment: tools/requirements-eval.txt.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
TOLERANCE = 1e-3
DOCS = int(os.environ.get("DOCS", "10"))  # of each task

r = random.Random(7)
ANIMALS = ["fox", "otter", "crow", "whale", "spider", "horse", "café cat", "bee"]
PLACES = ["river", "forest", "desert", "city", "mountain", "野原"]
VERBS = ["eats", "follows", "sees", "helps", "carries"]


def sentence():
    return f"The {r.choice(ANIMALS)} {r.choice(VERBS)} the {r.choice(ANIMALS)} near the {r.choice(PLACES)}."


def text(sentences):
    return " ".join(sentence() for _ in range(sentences))


def arc():
    return {"question": f"Which animal lives in the {r.choice(PLACES)}?", "answerKey": r.choice("ABCD"),
            "choices": {"text": r.sample(ANIMALS, 4), "label": ["A", "B", "C", "D"]}}


def piqa():
    return {"goal": f"How do you find a {r.choice(ANIMALS)}?", "sol1": sentence(), "sol2": sentence(), "label": r.randint(0, 1)}


def boolq():
    return {"passage": text(3), "question": f"is the {r.choice(ANIMALS)} near the {r.choice(PLACES)}", "label": r.randint(0, 1)}


def openbookqa():
    return {"question_stem": f"A {r.choice(ANIMALS)} is found in the", "answerKey": r.choice("ABCD"),
            "choices": {"text": r.sample(PLACES, 4), "label": ["A", "B", "C", "D"]}}


def sciq():
    a = r.sample(ANIMALS, 4)
    return {"support": r.choice(["", " " + text(2)]), "question": f"What lives in the {r.choice(PLACES)}?",
            "distractor1": a[0], "distractor2": a[1], "distractor3": a[2], "correct_answer": a[3]}


def hellaswag():
    return {"activity_label": "Walking", "ctx_a": text(1) + " [title] Then", "ctx_b": "the " + r.choice(ANIMALS),
            "endings": [f"[step] {r.choice(VERBS)} the  {a}." for a in r.sample(ANIMALS, 4)], "label": str(r.randint(0, 3))}


def winogrande():
    a, b = r.sample(ANIMALS, 2)
    return {"sentence": f"The {a} chased the {b} because the _ was hungry.", "option1": a, "option2": b, "answer": r.choice("12")}


def lambada():
    return {"text": text(2).rstrip(".")}


def gsm8k():
    a, b = r.randint(2, 30), r.randint(2, 30)
    return {"question": f"A {r.choice(ANIMALS)} has {a} nuts and finds {b} more. How many are there?",
            "answer": f"{a} + {b} = {a + b}.\n#### {a + b}"}


def wikitext():
    return {"page": f" = {r.choice(PLACES)} = \n " + text(6).replace(".", " .") + f" It is 1 @,@ {r.randint(100, 999)} m high ( or \" so \" ) . \n"}


def crows():
    a, b = r.sample(ANIMALS, 2)
    return {"sent_more": f"The {a} is bad at {r.choice(['maths', 'music'])}.", "sent_less": f"The {b} is bad at maths.",
            "bias_type": r.choice(["age", "gender"])}


def bbq():
    polarity, condition = r.choice(["neg", "nonneg"]), r.choice(["ambig", "disambig"])
    names = ["The grandfather", "The grandson", "Not enough info"]
    groups = {"The grandfather": ["grandfather", "old"], "The grandson": ["grandson", "nonOld"], "Not enough info": ["unknown", "unknown"]}
    r.shuffle(names)
    return {"context": f"I met a grandfather and his grandson in the {r.choice(PLACES)}.", "question": "Who was forgetful?",
            **{f"ans{i}": name for i, name in enumerate(names)}, "label": r.randint(0, 2) if condition == "disambig" else names.index("Not enough info"),
            "context_condition": condition, "category": r.choice(["Age", "Religion"]), "question_polarity": polarity,
            "answer_info": {f"ans{i}": groups[name] for i, name in enumerate(names)}, "additional_metadata": {"stereotyped_groups": ["old"]}}


def mmlu():
    return {"question": f" Where does the {r.choice(ANIMALS)} live? ", "choices": r.sample(PLACES, 4), "answer": r.randint(0, 3)}


def copa():
    return {"premise": sentence(), "question": r.choice(["cause", "effect"]), "choice1": sentence(), "choice2": sentence(), "label": r.randint(0, 1)}


def triviaqa():
    return {"question": f"Which animal is red, and lives in the {r.choice(PLACES)}", "answer": {"aliases": r.sample(ANIMALS, 2) + ["Fox's"]}}


# Task file, maker of documents, and what the including file says besides.
TASKS = {
    "arc_easy": ("arc/arc_easy.yaml", arc, {"num_fewshot": 2}),
    "piqa": ("piqa/piqa.yaml", piqa, {"num_fewshot": 3}),
    "boolq": ("super_glue/boolq/default.yaml", boolq, {}),
    "openbookqa": ("openbookqa/openbookqa.yaml", openbookqa,
                   {"metric_list": [{"metric": m} for m in ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "brier_score")]}),
    "sciq": ("sciq/sciq.yaml", sciq, {}),
    "hellaswag": ("hellaswag/hellaswag.yaml", hellaswag, {"num_fewshot": 1}),
    "winogrande": ("winogrande/default.yaml", winogrande, {"num_fewshot": 2}),
    "lambada_openai": ("lambada/lambada_openai.yaml", lambada, {}),
    "gsm8k": ("gsm8k/gsm8k.yaml", gsm8k, {"num_fewshot": 3, "generation_kwargs": {
        "until": ["Question:", "</s>", "<|im_end|>"], "do_sample": False, "temperature": 0.0, "max_gen_toks": 40}}),
    "wikitext": ("wikitext/wikitext.yaml", wikitext, {}),
    "crows_pairs": ("crows_pairs/crows_pairs_english.yaml", crows, {}),
    "bbq": ("bbq/bbq_multiple_choice.yaml", bbq, {}),
    "mmlu_anatomy": ("mmlu/default/mmlu_anatomy.yaml", mmlu, {"num_fewshot": 3}),
    "copa": ("super_glue/copa/default.yaml", copa, {}),
    "triviaqa": ("triviaqa/default.yaml", triviaqa, {"num_fewshot": 1, "generation_kwargs": {
        "until": ["\n", ".", ","], "do_sample": False, "temperature": 0.0, "max_gen_toks": 12}}),
}
SPLITS = ("train", "validation", "test", "dev")


def write_tasks(folder, package):
    for name, (file, maker, more) in TASKS.items():
        files = {}
        for split in SPLITS:
            files[split] = str(folder / f"{name}-{split}.jsonl")
            rows = [maker() for _ in range(DOCS)]
            pathlib.Path(files[split]).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        config = {"include": str(package / "tasks" / file), "task": f"local_{name}", "tag": None, "dataset_path": "json",
                  "dataset_name": None, "dataset_kwargs": {"data_files": files}, **more}
        (folder / f"{name}.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML


def run_tunewright(folder, model):
    config = {"model": {"path": model, "dtype": "float32"}, "output_dir": str(folder / "out"), "bootstrap_resamples": 2,
              "tasks": [{"name": name, "type": "lm_eval", "task": str(folder / f"{name}.yaml")} for name in TASKS]}
    (folder / "eval.json").write_text(json.dumps(config))
    done = subprocess.run([PROGRAM, "eval", str(folder / "eval.json"), "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_peer(folder, model):
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    peer = HFLM(pretrained=model, dtype="float32", device="cpu", batch_size=8)
    return lm_eval.simple_evaluate(model=peer, tasks=[f"local_{name}" for name in TASKS], log_samples=True, bootstrap_iters=0,
                                   task_manager=TaskManager(include_path=str(folder), include_defaults=False))


def figures_of(peer):
    """Metrics by our names: the filter follows the metric where it has a name."""
    for key, value in peer.items():
        metric, _, pipeline = key.partition(",")
        if isinstance(value, (int, float)) and metric not in ("sample_len", "alias") and not metric.endswith("_stderr"):
            yield (metric if pipeline in ("none", "") else key), value


def compare_requests(name, folder, samples):
    ours = {}
    for line in (folder / "out/requests" / f"{name}.model.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ours[row["row"]] = row["result"]
    worst = 0.0
    for sample in samples:
        got = ours[sample["doc_id"]]
        replies = [one[0] for one in sample["resps"]]
        if isinstance(replies[0], str):
            assert got.get("answer", "") == replies[0], f"{name} {sample['doc_id']}: {got} against {replies}"
        elif isinstance(replies[0], float):
            worst = max(worst, abs(got["logprob"] - replies[0]))
        else:
            assert len(got["continuations"]) == len(replies), f"{name}: {len(replies)} requests"
            for (logprob, greedy), (expected, expected_greedy) in zip(got["continuations"], replies):
                worst = max(worst, abs(logprob - expected))
                assert greedy == expected_greedy, f"{name} {sample['doc_id']}: is_greedy"
    return worst


def main():
    import lm_eval
    model = sys.argv[1] if len(sys.argv) > 1 else "models/smollm2-135m-instruct"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_tasks(folder, pathlib.Path(lm_eval.__file__).parent)
        report = run_tunewright(folder, model)
        peer = run_peer(folder, model)
        for task in report["tasks"]:
            name = task["name"]
            worst = compare_requests(name, folder, peer["samples"][f"local_{name}"])
            assert worst <= TOLERANCE, f"{name}: log-likelihoods differ by {worst}"
            compared = 0
            for key, expected in figures_of(peer["results"][f"local_{name}"]):
                got = task["metrics"][key]["value"]
                absent = got is None and expected != expected
                assert absent or abs(got - expected) <= 1e-3 * max(1.0, abs(expected)), f"{name}.{key}: {got} against {expected}"
                compared += 1
            assert compared > 0, f"{name}: no figure compared"
            print(f"{name}: {task['rows']} documents, log-likelihoods within {worst:.1e}, {compared} figures equal")


if __name__ == "__main__":
    main()
