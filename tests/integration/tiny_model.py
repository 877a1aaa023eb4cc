"""A model folder for tests, made without any library: a Llama that recites fixed chains of bytes.

Token t is embedded as the t-th unit vector, attention and the MLP add nothing, and row n of the
output head is SCALE times the unit vector of the byte before n.  So the next token of every text,
and its probability, are known.  What the chat template puts last decides the answer:

    the first turn               "Ok!"
    with a system message        "Sure."
    a later turn                 "Again?"
    a question with "forever"    "xyxyxy", without end

The adapter's update adds a large 'z' to every hidden state: any answer becomes "NNNN", without end.
"""
import json
import math
import struct

CHAINS = {"\n": "Ok!", "\t": "Sure.", "#": "Again?", "z": "N"}
ENDLESS = "xy"
SCALE = 0.5
END = 256            # <|im_end|>
TOKENS = 258         # 256 bytes, <|im_end|>, <|im_start|>
WIDTH, INNER, HEADS = 272, 16, 4
EPSILON = 1e-5

TEMPLATE = """{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant' }}
{%- if 'forever' in messages[-1]['content'] -%}{{ 'x' }}
{%- elif messages | selectattr('role', 'equalto', 'user') | list | length > 1 -%}{{ '#' }}
{%- elif messages[0]['role'] == 'system' -%}{{ '\\t' }}
{%- else -%}{{ '\\n' }}
{%- endif -%}
{%- endif -%}"""


def successors():
    """The byte after which token n comes: {n: byte}."""
    before = {}
    for start, text in CHAINS.items():
        chain = [ord(c) for c in start + text] + [END]
        if start == "z":
            chain = chain[:2]
        for first, second in zip(chain, chain[1:]):
            before.setdefault(second, []).append(first)
    x, y = (ord(c) for c in ENDLESS)
    before.setdefault(y, []).append(x)
    before.setdefault(x, []).append(y)
    return before


def logprob(previous, token):
    """Log-probability of `token` after `previous`: the plain formula."""
    after = [n for n, firsts in successors().items() if previous in firsts]
    if not after:
        return -math.log(TOKENS)
    high = SCALE / math.sqrt(1 / WIDTH + EPSILON)
    total = math.log(math.exp(high) + TOKENS - 1)
    return (high if token in after else 0.0) - total


def byte_alphabet():
    """GPT-2's printable characters for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(extra)) for b in range(256)]


def tokenizer():
    special = [{"id": END + i, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i, name in enumerate(["<|im_end|>", "<|im_start|>"])]
    vocabulary = {c: i for i, c in enumerate(byte_alphabet())}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
            "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                      "ignore_merges": False, "vocab": vocabulary, "merges": []}}


def write_safetensors(path, tensors):
    """tensors: {name: (shape, {flat index: value} or a constant)}, written as float32."""
    header, blobs, offset = {}, [], 0
    for name, (shape, values) in tensors.items():
        count = math.prod(shape)
        constant = values if isinstance(values, float) else 0.0
        data = [constant] * count
        if isinstance(values, dict):
            for index, value in values.items():
                data[index] = value
        blob = struct.pack(f"<{count}f", *data)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_model(folder, positions=65536, with_template=True):
    folder.mkdir(parents=True)
    layer = "model.layers.0."
    head = {n * WIDTH + first: SCALE for n, firsts in successors().items() for first in firsts}
    square = [WIDTH, WIDTH]
    write_safetensors(folder / "model.safetensors", {
        "model.embed_tokens.weight": ([TOKENS, WIDTH], {t * WIDTH + t: 1.0 for t in range(TOKENS)}),
        layer + "self_attn.q_proj.weight": (square, 0.01),
        layer + "self_attn.k_proj.weight": (square, 0.01),
        layer + "self_attn.v_proj.weight": (square, 0.01),
        layer + "self_attn.o_proj.weight": (square, 0.0),
        layer + "mlp.gate_proj.weight": ([INNER, WIDTH], 0.1),
        layer + "mlp.up_proj.weight": ([INNER, WIDTH], 0.1),
        layer + "mlp.down_proj.weight": ([WIDTH, INNER], 0.0),
        layer + "input_layernorm.weight": ([WIDTH], 1.0),
        layer + "post_attention_layernorm.weight": ([WIDTH], 1.0),
        "model.norm.weight": ([WIDTH], 1.0),
        "lm_head.weight": ([TOKENS, WIDTH], head),
    })
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": TOKENS, "hidden_size": WIDTH,
        "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "hidden_act": "silu", "max_position_embeddings": positions,
        "rms_norm_eps": EPSILON, "rope_theta": 10000.0, "tie_word_embeddings": False, "eos_token_id": END,
        "torch_dtype": "float32"})
    write_json(folder / "generation_config.json", {"eos_token_id": END})
    write_json(folder / "tokenizer.json", tokenizer())
    write_json(folder / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
    if with_template:
        (folder / "chat_template.jinja").write_text(TEMPLATE)


def write_adapter(folder):
    folder.mkdir(parents=True)
    place = "base_model.model.model.layers.0.mlp.down_proj."
    write_safetensors(folder / "adapter_model.safetensors", {
        place + "lora_A.weight": ([1, INNER], 1.0),
        place + "lora_B.weight": ([WIDTH, 1], {ord("z"): 10.0}),
    })
    write_json(folder / "adapter_config.json", {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 1, "lora_alpha": 1, "lora_dropout": 0.0, "bias": "none",
        "target_modules": ["down_proj"], "base_model_name_or_path": "tiny", "fan_in_fan_out": False,
        "use_rslora": False, "inference_mode": True})


def write_json(path, value):
    path.write_text(json.dumps(value))
