"""Random and hostile rows, and the references' scores of them: shared by the maker of the golden and by the
check that runs the references beside the program."""
import pathlib
import shutil
import tempfile
import unicodedata
import warnings

import nltk.data
import nltk.translate.meteor_score
import seqeval.metrics
import seqeval.scheme
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

WORDNET = pathlib.Path("/usr/share/wordnet")
WORDS = """the a of cat dog cats running quickly mat sat on house houses flies flying happily army armies party guide
relational conditional University's don't e-mail 3.14 1,000.50 10-20 U.S. "quoted" (aside) end. end, &amp; &lt;b&gt; <skipped>
naïve Straße ÉCOLE İstanbul Ünïcode ΟΔΟΣ Привет мир 你好 世界 こんにちは カタカナ 안녕 שלום “typographic” — … $5 50% a/b x_y #tag
big large commands ensures obeys forever always military heed children geese better""".split()
ALPHABET = ([chr(c) for c in range(32, 127)] + list("äßéÉπΩЖжİKſ²½①Ⅷ、。「」！？，：；（）．～｡·・ー々一丁鿿㐀䶵豈龥ぁァㇰㄅㆠ㇀⺀⼀⿰㈀㌀︐︰☀✂“”‘’—…€£¥©®™+→∑\u00a0\u2003\u3000\u200b\u0301")
            + ["\t", "\n", "-\n", "\n-", "&quot;", "&amp;lt;", "'s ", "<skipped>", "\x1c", "\u0085", "\u2028", "1.", ".5", "5-", ",,", ".."])


def sentence(draw, words):
    return " ".join(draw.choice(WORDS) for _ in range(words))


def changed(draw, text):
    """A text near to `text`: words lost, doubled, exchanged, and runs of them moved."""
    words = text.split(" ")
    for _ in range(draw.randrange(1, 5)):
        at = draw.randrange(len(words) + 1)
        kind = draw.randrange(4)
        if kind == 0 and words:
            words.pop(min(at, len(words) - 1))
        elif kind == 1:
            words.insert(at, draw.choice(WORDS))
        elif kind == 2 and words:
            words[min(at, len(words) - 1)] = draw.choice(WORDS)
        else:
            run = words[at:at + draw.randrange(1, 5)]
            del words[at:at + len(run)]
            to = draw.randrange(len(words) + 1)
            words[to:to] = run
    return draw.choice([" ", " ", " ", "\n", " \n"]).join(words)


def texts(draw, count, variable=False):
    rows = []
    for i in range(count):
        base = sentence(draw, draw.randrange(1, 40))
        references = [changed(draw, base) for _ in range(draw.randrange(1, 4) if variable else 2)]
        rows.append({"prediction": changed(draw, base), "references": references})
    return rows


def hostile(draw, length):
    text = "".join(draw.choice(ALPHABET) for _ in range(length))
    # Characters that only one side's Unicode tables may know are left out.
    return "".join(c for c in text if unicodedata.category(c) != "Cn")


def hostile_texts(draw, count):
    rows = [{"prediction": a, "references": [b]} for a, b in [
        ("", ""), ("", "x"), ("x", ""), (" \n\t ", "a b"), ("a", "a"), (".", "."), ("a a a a a a", "a a"), ("a a", "a a a a a a"),
        ("b a", "a b"), ("A B C D E", "a b c d e"), ("a b c d e f g h i j k l", "k l a b c d e f g h i j"), ("\n\n", "\n"),
        ("日本語のテキスト。", "日本語テキスト、"), ("x " * 60, "y x " * 30)]]
    for _ in range(count):
        base = hostile(draw, draw.randrange(0, 60))
        cut = draw.randrange(len(base) + 1)
        rows.append({"prediction": base[cut:] + hostile(draw, draw.randrange(0, 8)) + base[:cut], "references": [base]})
    return rows


class DebianWordNet(WordNetCorpusReader):
    def map_wn(self, version="wordnet"):
        """Nothing: it would need the WordNet of NLTK's own data as well."""


def wordnet(folder):
    """NLTK's reader over Debian's files.  It wants two more: the names of the lexicographer's files, and a
    list of senses that is not read here."""
    folder = pathlib.Path(folder)
    for file in WORDNET.iterdir():
        shutil.copy(file, folder)
    names = [f"{i:02d}\tname{i}\t{pos}" for i, pos in enumerate([3, 3, 4] + [1] * 26 + [2] * 15 + [3])]
    (folder / "lexnames").write_text("\n".join(names) + "\n")
    nltk.data.path.append(str(folder))  # where it may read
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DebianWordNet(str(folder), None)


class NoWordNet:
    def synsets(self, word):
        return []


def columns(rows):
    width = max(len(row["references"]) for row in rows)
    return [[row["references"][i] if i < len(row["references"]) else None for row in rows] for i in range(width)]


def sacrebleu_scores(rows):
    predictions, references = [row["prediction"] for row in rows], columns(rows)

    def result(name, metric, options):
        score = metric.corpus_score(predictions, references)
        return {"metric": name, "options": options, "score": float(score.score), "signature": str(metric.get_signature())}

    for tokenize in ("13a", "intl", "char", "none", "zh"):
        for lowercase in (False, True):
            yield result("bleu", BLEU(tokenize=tokenize, lowercase=lowercase), {"bleu": {"tokenize": tokenize, "lowercase": lowercase}})
    for smooth, value in (("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 2.0), ("exp", None)):
        for effective in (False, True):
            yield result("bleu", BLEU(smooth_method=smooth, smooth_value=value, effective_order=effective, max_ngram_order=5),
                         {"bleu": {"smooth": smooth, "smooth_value": value, "effective_order": effective, "max_ngram_order": 5}})
    for words in (0, 2):
        for more in ({}, {"lowercase": True}, {"whitespace": True}, {"eps_smoothing": True}, {"char_order": 3}):
            yield result("chrf++" if words else "chrf", CHRF(word_order=words, **more), {"chrf": more})
    yield result("chrf", CHRF(word_order=1), {"chrf": {"word_order": 1}})
    for normalized in (False, True):
        for no_punct in (False, True):
            for asian_support in (False, True):
                options = {"normalized": normalized, "no_punct": no_punct, "asian_support": asian_support}
                yield result("ter", TER(**options), {"ter": options})
    yield result("ter", TER(case_sensitive=True), {"ter": {"case_sensitive": True}})


def rouge_scores(rows):
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    for stemmer in (True, False):
        scorer = rouge_scorer.RougeScorer(names, use_stemmer=stemmer)
        scores = [scorer.score_multi(row["references"], row["prediction"]) for row in rows]
        for name in names:
            yield {"metric": name, "options": {"rouge": {"use_stemmer": stemmer}},
                   "score": sum(score[name].fmeasure for score in scores) / len(rows)}


def meteor_scores(rows):
    cut = BLEU().tokenizer

    def words(text):
        return cut(text.rstrip()).split()

    def mean(database):
        return sum(nltk.translate.meteor_score.meteor_score([words(r) for r in row["references"]], words(row["prediction"]), wordnet=database)
                   for row in rows) / len(rows)

    yield {"metric": "meteor", "options": {"meteor": {"wordnet": ""}}, "score": mean(NoWordNet())}
    if WORDNET.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            yield {"metric": "meteor", "options": {"meteor": {"wordnet": str(WORDNET)}}, "score": mean(wordnet(folder))}


def self_bleu(rows):
    if len(rows) < 2:
        return
    metric, texts = BLEU(effective_order=True), [row["prediction"] for row in rows]
    scores = [metric.sentence_score(text, texts[:i] + texts[i + 1:]).score for i, text in enumerate(texts)]
    yield {"metric": "self_bleu", "options": {}, "score": sum(scores) / len(scores)}


def text_scores(rows):
    yield from sacrebleu_scores(rows)
    yield from rouge_scores(rows)
    yield from meteor_scores(rows)
    yield from self_bleu(rows)


SCHEMES = {"IOB1": "IOB", "IOB2": "IOB", "IOE1": "IOE", "IOE2": "IOE", "IOBES": "IOBES", "BILOU": "BILOU"}
TYPES = ["PER", "LOC", "ORG-X"]


def tag(draw, prefixes):
    prefix = draw.choice(prefixes)
    return "O" if prefix == "O" else prefix if draw.random() < 0.1 else f"{prefix}-{draw.choice(TYPES)}"


def tags(draw, count, kind):
    rows = []
    for _ in range(count):
        size = draw.randrange(0, 9)
        if kind == "outside":
            row = {"prediction": ["O"] * size, "reference": ["O"] * size}
        elif kind == "noise":
            odd = ["O", "X", "PER", ".", "-", "B", "I", "E-", "S-LOC", "I--PER", "B-PER", "I-PER", "E-LOC", "é-x", "O-x"]
            row = {"prediction": [draw.choice(odd) for _ in range(size)], "reference": [draw.choice(odd) for _ in range(size)]}
        else:
            reference = [tag(draw, SCHEMES[kind]) for _ in range(size)]
            row = {"prediction": [t if draw.random() < 0.7 else tag(draw, SCHEMES[kind]) for t in reference], "reference": reference}
        rows.append(row)
    return rows


def swapped(rows):
    """The tags with what they begin with at their end."""
    def swap(text):
        return text if text == "O" else text[2:] + "-" + text[0] if text[1:2] == "-" and len(text) > 2 else text
    return [{key: [swap(t) for t in value] for key, value in row.items()} for row in rows]


def tag_scores(rows, kind):
    def f1(rows, average, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(seqeval.metrics.f1_score([row["reference"] for row in rows], [row["prediction"] for row in rows],
                                                  average=average, **options))

    for average in ("micro", "macro", "weighted"):
        if kind == "outside" and average == "macro":
            continue  # not a number there
        yield {"metric": "entity_f1", "options": {"entity": {"average": average}}, "score": f1(rows, average)}
        if kind not in SCHEMES:
            continue
        strict = {"mode": "strict", "scheme": getattr(seqeval.scheme, kind)}
        options = {"average": average, "mode": "strict", "scheme": kind}
        yield {"metric": "entity_f1", "options": {"entity": options}, "score": f1(rows, average, **strict)}
        yield {"metric": "entity_f1", "options": {"entity": {**options, "suffix": True}}, "swapped": True,
               "score": f1(swapped(rows), average, suffix=True, **strict)}
        yield {"metric": "entity_f1", "options": {"entity": {"average": average, "suffix": True}}, "swapped": True,
               "score": f1(swapped(rows), average, suffix=True)}


def stem(word):
    return PorterStemmer().stem(word)


ENDINGS = """s es ies sses ss ed eed ied ing ation ational tional enci anci izer bli abli alli entli eli ousli ization ator alism iveness
fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent
sion tion ion ou ism ate iti ous ive ize e ll y ying""".split()


def stem_words(draw):
    words = ["sky", "skies", "dying", "news", "inning", "howe", "geologi", "yyyy", "sayyy", "enjoy", "éies", "naïvely", "ßing", "", "a", "ab"]
    for _ in range(700):
        root = "".join(draw.choice("aeioubcdlmnprstvwxyyz") for _ in range(draw.randrange(0, 6)))
        words.append(root + draw.choice(ENDINGS) + draw.choice(["", "", draw.choice(ENDINGS)]))
    return words
