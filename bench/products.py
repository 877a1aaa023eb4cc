"""The matrix products of the benches' model: how many there must be at least, and how fast this machine makes plain ones."""
import json

from common import MODEL, last_json, run_measured

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
RANK = 16
FLOP_OF_WEIGHT = {"forward": 2, "lora": 4, "full": 6}  # a frozen weight's own gradient is not needed
MATRIX_RATE = """
import json, sys, time, torch
shapes, tokens, dtype = json.loads(sys.argv[1]), int(sys.argv[2]), getattr(torch, sys.argv[3])
pairs = [(torch.randn(tokens, d, dtype=dtype), torch.randn(o, d, dtype=dtype)) for d, o in shapes]
rates, start = [], time.perf_counter()
while time.perf_counter() < start + 4:
    begin = time.perf_counter()
    for x, w in pairs:
        x @ w.t()
    rates.append(sum(2 * x.numel() * w.shape[0] for x, w in pairs) / (time.perf_counter() - begin) / 1e9)
print(json.dumps({"gflops": sorted(rates)[len(rates) // 2]}))
"""


def model_config():
    return json.loads((MODEL / "config.json").read_text())


def attention_width(config):
    return config["num_attention_heads"] * (config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def linear_shapes(config):
    """(input, output) of a block's linear layers."""
    hidden, inner, q = config["hidden_size"], config["intermediate_size"], attention_width(config)
    kv = q // config["num_attention_heads"] * config["num_key_value_heads"]
    return [(hidden, q), (hidden, kv), (hidden, kv), (q, hidden), (hidden, inner), (hidden, inner), (inner, hidden)]


def product_flop(mode, tokens, logits, pairs):
    """What must be multiplied for `tokens` read once, `logits` rows of scores and `pairs` of a query and a key it sees."""
    config, weight = model_config(), FLOP_OF_WEIGHT[mode]
    adapter = 6 * RANK if mode == "lora" else 0
    block = sum(weight * d * o + adapter * (d + o) for d, o in linear_shapes(config))
    attention = (4 if mode == "forward" else 12) * attention_width(config)
    layers = config["num_hidden_layers"]
    return tokens * layers * block + logits * weight * config["hidden_size"] * config["vocab_size"] + pairs * layers * attention


def rows_flop(mode, rows):
    """The same for rows of (length, supervised tokens), each token seeing those before it: no padding, no head without a label."""
    return product_flop(mode, sum(length for length, _ in rows), sum(labels for _, labels in rows),
                        sum(length * (length + 1) // 2 for length, _ in rows))


def matrix_rate(python, dtype, tokens):
    """GFLOP/s of the framework's plain products on the shapes of a block; `python` has torch.

    Where the processor has no bfloat16 instructions, float32 is the faster way to multiply bfloat16 numbers, and counts.
    """
    def rate(of):
        command = [python, "-c", MATRIX_RATE, json.dumps(linear_shapes(model_config())), tokens, DTYPES[of]]
        return last_json(run_measured(command)[0])["gflops"]
    return rate("fp32") if dtype == "fp32" else max(rate("fp32"), rate(dtype))
