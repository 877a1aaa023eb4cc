"""Tokenizers with the published pipeline of each family, over a vocabulary trained on given lines.

Used by tools/golden/tokenizer.py (small vocabularies) and tests/peers/test_tokenizer.py (large ones).
"""
import json

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]


def part(component):
    """A component of the tokenizers package as the JSON object that tokenizer.json holds."""
    return json.loads(component.__getstate__())


def byte_level(**options):
    return part(pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": True, **options}))


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def sequence(kind, parts):
    return {"type": "Sequence", kind: parts}


def train_byte_level(lines, size):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return json.loads(trained.to_str())["model"]


def train_metaspace(lines, size):
    """As SentencePiece would have it: <unk>, <s>, </s>, the bytes, then pieces; runs of marks merge too."""
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    reserved = ["<unk>", "<s>", "</s>", *BYTE_TOKENS]
    trained.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size - 2, show_progress=False, special_tokens=reserved, limit_alphabet=200,
        initial_alphabet=["\u2581"]))
    model = json.loads(trained.to_str())["model"]
    runs = [["\u2581", "\u2581"], ["\u2581\u2581", "\u2581\u2581"]]
    for pair in runs:
        model["vocab"].setdefault("".join(pair), len(model["vocab"]))
    model["merges"] = runs + [pair for pair in model["merges"] if pair not in runs]
    return model


def thin_merges(model):
    """Without every ninth merge, some tokens are reached only as whole words (ignore_merges)."""
    return {**model, "merges": [pair for i, pair in enumerate(model["merges"]) if i % 9 != 4]}


def added(model, contents, special=True, **flags):
    """added_tokens with the next free ids, or those that the model's vocabulary gives them."""
    tokens = []
    for content in contents:
        new = sum(token["content"] not in model["vocab"] for token in tokens)
        tokens.append({"id": model["vocab"].get(content, len(model["vocab"]) + new), "content": content,
                       "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                       "special": special, **flags})
    return tokens


def renumber(model, tokens):
    new = 0
    for token in tokens:
        if token["content"] in model["vocab"]:
            token["id"] = model["vocab"][token["content"]]
        else:
            token["id"] = len(model["vocab"]) + new
            new += 1
    return tokens


def bos_template(bos, id_):
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": bos, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {bos: {"id": bos, "ids": [id_], "tokens": [bos]}}}


def document(model, tokens, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": renumber(model, tokens),
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor,
            "decoder": decoder, "model": model}


def smollm2(model):
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<file_sep>", "<filename>"]
    return document(model, added(model, names),
                    pre_tokenizer=sequence("pretokenizers", [{"type": "Digits", "individual_digits": True}, byte_level()]),
                    decoder=byte_level(add_prefix_space=True))


def llama3(model):
    model = {**thin_merges(model), "ignore_merges": True}
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokens = added(model, names)
    return document(model, tokens,
                    pre_tokenizer=sequence("pretokenizers", [split(LLAMA3), byte_level(use_regex=False)]),
                    post_processor=sequence("processors", [part(processors.ByteLevel(trim_offsets=False)),
                                                           bos_template(names[0], tokens[0]["id"])]),
                    decoder=byte_level(add_prefix_space=True))


def qwen(model, thinking):
    tokens = added(model, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    plain = ["<tool_call>", "</tool_call>"] + (["<think>", "</think>"] if thinking else [])
    tokens += added(model, plain, special=False)
    return document(model, tokens, normalizer={"type": "NFC"},
                    pre_tokenizer=sequence("pretokenizers", [split(QWEN2), byte_level(use_regex=False, trim_offsets=False)]),
                    post_processor=part(processors.ByteLevel(trim_offsets=False)), decoder=byte_level(trim_offsets=False))


def gpt2(model):
    return document({**model, "continuing_subword_prefix": "", "end_of_word_suffix": ""},
                    added(model, ["<|endoftext|>"], normalized=True), pre_tokenizer=byte_level(),
                    post_processor=part(processors.ByteLevel(trim_offsets=False)), decoder=byte_level(add_prefix_space=True))


def spm_decoder(strip=True):
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    return part(decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else [])))


def mistral_legacy(model):
    """Mistral v0.1 and Llama 2: the mark comes from the normalizer."""
    normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    return document(model, added(model, ["<unk>", "<s>", "</s>"]), normalizer=part(normalizer),
                    post_processor=bos_template("<s>", model["vocab"]["<s>"]), decoder=spm_decoder())


def mistral_metaspace(model):
    """Mistral v0.3: the mark comes from the pre-tokenizer, before the first word alone."""
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]"]
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    return document(model, added(model, names), pre_tokenizer=metaspace,
                    post_processor=bos_template("<s>", model["vocab"]["<s>"]), decoder=spm_decoder())


def metaspace_always(model):
    """The older form with add_prefix_space, words split, and the Metaspace decoder."""
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True, "prepend_scheme": "always", "split": True}
    return document({**model, "byte_fallback": False}, added(model, ["<unk>", "<s>", "</s>"]), pre_tokenizer=metaspace,
                    decoder=metaspace)


def odd_added_tokens(model):
    """Every flag of added tokens, over a normalizer that changes lengths and a mix of pre-tokenizers."""
    tokens = added(model, ["<mask>"], lstrip=True, normalized=True) + added(model, ["<cut>", "<cut><cut>"], rstrip=True)
    tokens += added(model, ["word", "Straße"], special=False, single_word=True, normalized=True)
    tokens += added(model, ["  ", "\u00e9\u00e9"], special=False) + added(model, ["[x]"], special=False, lstrip=True, rstrip=True)
    normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
                                       normalizers.Replace("''", '"')])
    pre = [split(r"\d{2}|[[:punct:]]\s*"), {"type": "Punctuation", "behavior": "MergedWithPrevious"}, byte_level(add_prefix_space=True)]
    return document(model, tokens, normalizer=part(normalizer), pre_tokenizer=sequence("pretokenizers", pre),
                    decoder=byte_level())


# name -> (builder, which trained model it takes)
FAMILIES = {
    "smollm2": (smollm2, train_byte_level),
    "llama3": (llama3, train_byte_level),
    "qwen2": (lambda model: qwen(model, thinking=False), train_byte_level),
    "qwen3": (lambda model: qwen(model, thinking=True), train_byte_level),
    "gpt2": (gpt2, train_byte_level),
    "mistral_v01": (mistral_legacy, train_metaspace),
    "mistral_v03": (mistral_metaspace, train_metaspace),
    "metaspace_always": (metaspace_always, train_metaspace),
    "odd_added": (odd_added_tokens, train_byte_level),
}
