"""Folders with nothing but a SentencePiece model and tokenizer_config.json, trained here, and what SentencePiece and transformers make of
many strings: the other half of the comparison is read-sentencepiece.mjs.

Run: python write_sentencepiece.py FOLDER [STRINGS]; with few strings, what test/goldens/sentencepiece has.
"""

import json
import sys
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2 as model_pb2
from tokenizers import normalizers
from tokenizer_strings import corpus, strings

FOLDER = Path(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 800
SMALL = COUNT < 400
# T5 and its kin, whose end is the second id; SentencePiece's own order, which XLM-R has; Gemma's.
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
FAIRSEQ = {"unk_id": 0, "bos_id": 1, "eos_id": 2}
PADDED = FAIRSEQ | {"pad_id": 3}
GEMMA = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
UNIGRAM = {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc"}
BYTES = {"model_type": "bpe", "normalization_rule_name": "identity", "byte_fallback": True}
AS_TYPED = {"add_dummy_prefix": False, "remove_extra_whitespaces": False}
NFKC = {"normalization_rule_name": "nmt_nfkc"}
MODELS = {
    "xlm-roberta": ("sentencepiece.bpe.model", "XLMRobertaTokenizer", UNIGRAM | FAIRSEQ),
    "t5": ("spiece.model", "T5Tokenizer", UNIGRAM | T5),
    "siglip": ("spiece.model", "SiglipTokenizer", UNIGRAM | T5),
    "gemma": ("tokenizer.model", "GemmaTokenizer", BYTES | GEMMA | AS_TYPED | {"allow_whitespace_only_pieces": True, "split_digits": True}),
    "bpe-spaces": ("tokenizer.model", None, BYTES | PADDED | {"remove_extra_whitespaces": False}),
    "bpe-nfkc": ("tokenizer.model", None, {"model_type": "bpe", "add_dummy_prefix": False} | NFKC | PADDED),
    "unigram-bytes": (
        "tokenizer.model",
        "PreTrainedTokenizerFast",
        {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc_cf", "byte_fallback": True} | PADDED,
    ),
}
# A few rules of NFKC, whose table is a quarter of a megabyte.
RULES = "2581\t20\nFF21\t41\nFB01\t66 69\n3000\t20\n9\t20\nA\t20\nBD\t31 2044 32\n65 301\tE9\n"
if SMALL:
    MODELS = {name: MODELS[name] for name in ("xlm-roberta", "gemma")}
# What stands for itself in texts is special to transformers, and text to SentencePiece.
SPECIAL = ("<s>", "</s>", "<pad>", "<unk>", "<mask>", "<0x")
STRINGS = [text for text in strings(COUNT) if not any(token in text for token in SPECIAL)]


def ids_of(name, processor, text):
    if name == "siglip":
        # Cleaned by its class, which takes the model as it is.
        return tokenizer(text, add_special_tokens=False)["input_ids"]
    ids = processor.encode(text)
    if name != "xlm-roberta":
        return ids
    # tokenization_xlm_roberta.py of transformers 4: everything is one further, and what is unknown is 3.
    return [3 if id == processor.unk_id() else id + 1 for id in ids]


def differs(normalizer, processor, text):
    """Whether Hugging Face's tokenizers, which we follow, make another text of it by the same rules: they look at clusters of marks."""
    other = normalizer.normalize_str(text) if normalizer else text
    strip = str.maketrans("", "", "▁ ")
    return other.translate(strip) != processor.normalize(text).translate(strip)


for name, (file, class_name, options) in MODELS.items():
    folder = FOLDER / name
    folder.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(RULES)
        rules.flush()
        if SMALL and "nfkc" in options["normalization_rule_name"]:
            options = {key: value for key, value in options.items() if key != "normalization_rule_name"}
            options["normalization_rule_tsv"] = rules.name
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()),
            model_prefix=str(folder / "trained"),
            vocab_size=500,
            hard_vocab_limit=False,
            character_coverage=0.98,
            minloglevel=2,
            **options,
        )
    (folder / "trained.model").rename(folder / file)
    (folder / "trained.vocab").unlink()
    expected = {}
    if class_name:
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": class_name}))
    if class_name and class_name != "PreTrainedTokenizerFast":
        tokenizer = getattr(transformers, class_name).from_pretrained(folder)
        expected["framed"] = tokenizer("a photo of a dog")["input_ids"]
        expected["pad"] = tokenizer.pad_token_id
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / file))
    expected["ids"] = [ids_of(name, processor, text) for text in STRINGS]
    proto = model_pb2.ModelProto.FromString((folder / file).read_bytes())
    charsmap = proto.normalizer_spec.precompiled_charsmap
    normalizer = normalizers.Precompiled(charsmap) if charsmap else None
    expected["odd"] = [i for i, text in enumerate(STRINGS) if differs(normalizer, processor, text)]
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))

(FOLDER / "strings.json").write_text(json.dumps(STRINGS, separators=(",", ":")))
