"""Makes tests/data/tiny_chat: a byte-level tokenizer with a few merges and special tokens, and a ChatML template.

Run with the pinned environment: .deps/peers/bin/python tools/golden/tiny_chat.py
"""
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests/data/tiny_chat"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>"]
MERGES = ["u s", "us e", "use r", "a s", "Ġ a", "h e", "l l", "he ll", "hell o", "Ġ t", "Ġt he"]
TEMPLATE = """{%- if tools %}{{ '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}{% endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}
{%- if message.tool_calls -%}{{ '<tool>' + (message.tool_calls | tojson) }}{%- endif -%}
{{ (message['content'] or '') + '<|im_end|>' }}
{%- endgeneration -%}
{{ '\\n' }}
{%- else -%}
{{ message['content'] + '<|im_end|>\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""


def byte_alphabet():
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    others = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [table[b] for b in range(256)]


def main():
    vocab = {}
    for token in SPECIAL + byte_alphabet() + [merge.replace(" ", "") for merge in MERGES]:
        vocab.setdefault(token, len(vocab))
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, token in enumerate(SPECIAL)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
                 "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
                 "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                           "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                           "ignore_merges": False, "vocab": vocab, "merges": MERGES}}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in [("tokenizer.json", tokenizer), ("tokenizer_config.json", config),
                        ("generation_config.json", {"eos_token_id": [2, 0]})]:
        (FOLDER / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (FOLDER / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")


if __name__ == "__main__":
    main()
