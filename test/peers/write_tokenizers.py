"""Trains tokenizers of every kind with Hugging Face's tokenizers, and writes what they make of thousands of strings, alone and
through transformers and open_clip: the other half of the comparison is read-tokenizers.mjs.

Run: python write_tokenizers.py FOLDER [STRINGS], FOLDER/NAME is then a tokenizer's; with few strings, what test/goldens/tokenizer-json has.
"""

import base64
import json
import sys
from pathlib import Path

from charsmap import nmt_nfkc
from open_clip.tokenizer import HFTokenizer, canonicalize_text, get_clean_fn
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizer_strings import corpus, strings
from transformers import PreTrainedTokenizerFast

FOLDER = Path(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
SMALL = COUNT < 1000
CORPUS, STRINGS = corpus(), strings(COUNT)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
MAP = base64.b64decode(nmt_nfkc([*range(0x80, 0x130), *range(0xFB00, 0xFB07), *range(0x2460, 0x2470)] if SMALL else range(1, 0x30000)))
ADDED = [
    AddedToken("newtok"),
    AddedToken("Ünew", single_word=True, normalized=True),
    AddedToken("<x>", lstrip=True, rstrip=True, normalized=False),
]
LENGTH = 16


def template(single):
    def make(tokenizer):
        specials = [(token, tokenizer.token_to_id(token)) for token in single.split() if token != "$A"]
        return processors.TemplateProcessing(single=single, pair=f"{single} $B:1", special_tokens=specials)

    return make


def with_bytes(tokenizer, key):
    """Its bytes as tokens of their own, which training leaves out."""
    described = json.loads(tokenizer.to_str())
    vocabulary = described["model"]["vocab"]
    for byte in range(256):
        token = f"<0x{byte:02X}>"
        if isinstance(vocabulary, dict):
            vocabulary[token] = len(vocabulary)
        else:
            vocabulary.append([token, -20.0])
    described["model"][key] = True
    return Tokenizer.from_str(json.dumps(described))


def trained(model, trainer, normalizer=None, pre_tokenizer=None, decoder=None, post=None, added=(), byte_fallback=False):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(CORPUS, trainer)
    if byte_fallback:
        tokenizer = with_bytes(tokenizer, "byte_fallback")
    if decoder:
        tokenizer.decoder = decoder
    if post:
        tokenizer.post_processor = post(tokenizer)
    if added:
        tokenizer.add_tokens(list(added))
    return tokenizer


def unigram(**parts):
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    return trained(models.Unigram(), trainer, **parts)


def bpe(model=None, alphabet=(), **parts):
    model = model or {"unk_token": "<unk>", "fuse_unk": True}
    affixes = {key: value for key, value in model.items() if key in ("continuing_subword_prefix", "end_of_word_suffix")}
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, show_progress=False, initial_alphabet=list(alphabet), **affixes
    )
    return trained(models.BPE(**model), trainer, **parts)


GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
sequence, pre = normalizers.Sequence, pre_tokenizers
BYTES = pre.ByteLevel.alphabet()
SPACES = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENIZERS = {
    "xlm-roberta": lambda: unigram(
        normalizer=sequence([normalizers.Precompiled(MAP), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizer=pre.Metaspace(),
        decoder=decoders.Metaspace(),
        post=template("<s> $A </s>"),
        added=ADDED,
    ),
    "t5": lambda: unigram(
        normalizer=normalizers.Precompiled(MAP),
        pre_tokenizer=pre.Sequence([pre.WhitespaceSplit(), pre.Metaspace()]),
        decoder=decoders.Metaspace(),
        post=template("$A </s>"),
    ),
    "unigram-bytes": lambda: unigram(
        normalizer=sequence([normalizers.NFKC(), normalizers.Lowercase()]),
        pre_tokenizer=pre.Metaspace(prepend_scheme="first", split=False),
        decoder=decoders.Sequence([SPACES, decoders.Strip(" ", 1, 0)]),
        added=ADDED,
        byte_fallback=True,
    ),
    "unigram-nmt": lambda: unigram(
        normalizer=sequence(
            [
                normalizers.Nmt(),
                normalizers.NFKC(),
                normalizers.Replace(Regex("(``|'')"), '"'),
                normalizers.Replace(Regex(r"\s+"), " "),
                normalizers.StripAccents(),
                normalizers.Strip(),
            ]
        ),
        pre_tokenizer=pre.Metaspace(),
        decoder=decoders.Metaspace(),
    ),
    "roberta": lambda: bpe(
        {},
        BYTES,
        pre_tokenizer=pre.ByteLevel(add_prefix_space=False),
        decoder=decoders.ByteLevel(),
        post=lambda t: processors.RobertaProcessing(("</s>", 2), ("<s>", 0)),
        added=[AddedToken("<mask>", lstrip=True, special=True)],
    ),
    "bytes-gpt4": lambda: bpe(
        {"ignore_merges": True},
        BYTES,
        normalizer=normalizers.NFC(),
        pre_tokenizer=pre.Sequence(
            [pre.Split(Regex(GPT4), "isolated"), pre.ByteLevel(add_prefix_space=False, use_regex=False)]
        ),
        decoder=decoders.ByteLevel(),
    ),
    "gemma": lambda: bpe(
        normalizer=normalizers.Replace(" ", "▁"),
        pre_tokenizer=pre.Split(" ", "merged_with_previous"),
        decoder=SPACES,
        byte_fallback=True,
    ),
    "siglip2": lambda: bpe(
        normalizer=sequence([normalizers.Lowercase(), normalizers.Replace(" ", "▁")]),
        pre_tokenizer=pre.Metaspace(prepend_scheme="never"),
        post=template("$A </s>"),
        byte_fallback=True,
    ),
    "bpe-suffix": lambda: bpe(
        {"unk_token": "<unk>", "fuse_unk": True, "end_of_word_suffix": "</w>"},
        normalizer=normalizers.BertNormalizer(),
        pre_tokenizer=pre.BertPreTokenizer(),
        decoder=decoders.BPEDecoder(),
    ),
    "bpe-prefix": lambda: bpe(
        {"unk_token": "<unk>", "continuing_subword_prefix": "##"},
        normalizer=normalizers.NFKD(),
        pre_tokenizer=pre.Sequence(
            [pre.Whitespace(), pre.Digits(individual_digits=True), pre.Punctuation("contiguous")]
        ),
        decoder=decoders.WordPiece(),
    ),
    "bpe-splits": lambda: bpe(
        {"unk_token": "<unk>"},
        normalizer=normalizers.Prepend("▁"),
        pre_tokenizer=pre.Sequence(
            [
                pre.CharDelimiterSplit("a"),
                pre.Digits(),
                pre.Punctuation("merged_with_next"),
                pre.Split(Regex(r"\w"), "merged_with_previous", invert=True),
            ]
        ),
    ),
    "bert": lambda: trained(
        models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20),
        trainers.WordPieceTrainer(vocab_size=500, special_tokens=BERT, show_progress=False),
        normalizer=normalizers.BertNormalizer(),
        pre_tokenizer=pre.BertPreTokenizer(),
        decoder=decoders.WordPiece(),
        post=lambda t: processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
    ),
    "words": lambda: trained(
        models.WordLevel(unk_token="<unk>"),
        trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False),
        pre_tokenizer=pre.WhitespaceSplit(),
    ),
}

for name, make in TOKENIZERS.items():
    folder = FOLDER / name
    folder.mkdir(parents=True)
    tokenizer = make()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    names = {"pad_token": "[PAD]", "sep_token": "[SEP]"} if name == "bert" else {"pad_token": "<pad>"}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in STRINGS]
    texts = [tokenizer.decode(ids, skip_special_tokens=False) for ids in rows]
    expected = {"ids": rows, "texts": texts}
    # Cut, framed and padded by transformers; cleaned by open_clip before.
    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **names)
    some = STRINGS[:: 1 if SMALL else 4]
    expected["padded"] = fast(some, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]
    for clean, strip in [("canonicalize", False), ("whitespace", True)]:
        if strip and name != "bert":
            continue
        ours = HFTokenizer(str(folder), context_length=LENGTH, clean=clean, strip_sep_token=strip)
        expected["stripped" if strip else clean] = ours(some).tolist()
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))

(FOLDER / "strings.json").write_text(json.dumps(STRINGS, separators=(",", ":")))
cleaned = {clean: [get_clean_fn(clean)(text) for text in STRINGS] for clean in ("canonicalize", "lower", "whitespace")}
cleaned["canonicalize_text"] = [canonicalize_text(text) for text in STRINGS]
(FOLDER / "cleaned.json").write_text(json.dumps(cleaned, separators=(",", ":")))
