"""The folder that `pull` makes of a GGUF file against transformers' own reading of that file.

Run from the repository's root: .deps/peers/bin/python tests/peers/test_gguf_conversion.py
Makes a small Llama GGUF with the `gguf` package, converts it with build/release/tunewright, and
compares every weight bit for bit and the logits.  Then opens models/smollm2-135m-instruct, where it
is, and checks its tokenizer's digits and its template.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

sys.path.insert(0, str(pathlib.Path("tools/golden").resolve()))
import gguf_models  # noqa: E402

SMOLLM2 = pathlib.Path("models/smollm2-135m-instruct")


def convert(kind, folder):
    source, out = folder / f"{kind}.gguf", folder / kind
    seen = gguf_models.write_model(kind, source)
    subprocess.run(["build/release/tunewright", "pull", str(source), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return seen, AutoModelForCausalLM.from_pretrained(str(out), dtype=torch.float32).eval()


def check_weights(kind, expected, opened):
    got = opened.state_dict()
    missing = expected.keys() - got.keys()
    assert not missing, missing
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), f"{kind}: {name} differs"
    print(f"{kind}: {len(expected)} weights equal bit for bit")


def compare(kind, folder):
    seen, opened = convert(kind, folder)
    check_weights(kind, {name: torch.from_numpy(values) for name, values in seen.items()}, opened)
    if kind == "qwen3":  # transformers does not read its head width from a GGUF file
        return
    reference = AutoModelForCausalLM.from_pretrained(str(folder), gguf_file=f"{kind}.gguf", dtype=torch.float32).eval()
    check_weights(kind + " as transformers reads it", reference.state_dict(), opened)
    ids = torch.arange(40).remainder(reference.config.vocab_size)[None]
    with torch.no_grad():
        difference = (reference(ids).logits - opened(ids).logits).abs().max().item()
    assert difference == 0, difference
    print(f"{kind}: largest difference of logits {difference}")


def check_smollm2():
    tokenizer = AutoTokenizer.from_pretrained(str(SMOLLM2))
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("In 2026: 3.14", add_special_tokens=True)["input_ids"])
    assert tokens == ["In", "Ġ", "2", "0", "2", "6", ":", "Ġ", "3", ".", "1", "4"], tokens
    text = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"), text
    assert tokenizer.eos_token == "<|im_end|>" and tokenizer.bos_token_id == 1
    model = AutoModelForCausalLM.from_pretrained(str(SMOLLM2), dtype=torch.float32).eval()
    weights = load_file(SMOLLM2 / "model.safetensors")
    assert set(model.state_dict()) - set(weights) == {"lm_head.weight"}
    ids = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        answer = model.generate(**ids, max_new_tokens=12, do_sample=False)[0, ids["input_ids"].shape[1]:]
    print(f"smollm2: transformers {transformers.__version__} opens it and answers {tokenizer.decode(answer)!r}")


def main():
    with tempfile.TemporaryDirectory() as name:
        for kind in ("llama", "qwen2", "qwen3"):
            compare(kind, pathlib.Path(name))
    if SMOLLM2.exists():
        check_smollm2()


if __name__ == "__main__":
    main()
