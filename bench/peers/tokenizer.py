"""Texts to padded ids, by the processor's time of the fastest pass.

Run: python tokenizer.py open_clip|transformers clip|bert TEXTS CONTEXT RUNS FOLDER VOCAB; prints one JSON line.
FOLDER has CLIP's tokenizer.json, VOCAB is BERT's list of words.
"""

import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads would only blur the processor's time
from timing import answer  # noqa: E402

library, kind, texts, context, runs, folder, vocab = sys.argv[1:]
context, runs = int(context), int(runs)
with open(texts, encoding="utf-8") as file:
    texts = file.read().splitlines()
if library == "open_clip":
    import open_clip

    version = open_clip.__version__
    tokenizer = open_clip.get_tokenizer("ViT-B-32")

    def encode():
        tokenizer(texts, context_length=context)
else:
    import transformers

    version = transformers.__version__
    if kind == "clip":
        tokenizer = transformers.CLIPTokenizerFast.from_pretrained(folder)
    else:
        tokenizer = transformers.BertTokenizerFast(vocab)

    def encode():
        tokenizer(texts, padding="max_length", truncation=True, max_length=context, return_tensors="np")


encode()
rates = []
for _ in range(runs):
    begin = time.process_time()
    encode()
    rates.append(len(texts) / (time.process_time() - begin))
answer({"textsPerSecond": max(rates), "slowestPerSecond": min(rates)}, **{library: version})
