"""Saves CLIP models and processors of transformers; the other half of the comparison is read-hf-clip-folders.mjs.

Run: python write_hf_clip_folders.py FOLDER
"""

import gzip
import json
import sys
from pathlib import Path

import torch
from open_clip.tokenizer import bytes_to_unicode, default_bpe
from safetensors.torch import save_file
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)
from transformers.utils import logging

folder = Path(sys.argv[1])
logging.disable_progress_bar()
torch.manual_seed(5)

lines = gzip.open(default_bpe()).read().decode("utf-8").split("\n")
merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
symbols = list(bytes_to_unicode().values())
symbols += [symbol + "</w>" for symbol in symbols] + ["".join(merge) for merge in merges]
vocabulary = {token: i for i, token in enumerate([*symbols, "<|startoftext|>", "<|endoftext|>"])}
tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=20)

texts = ["a photo of a cat, isn't it?", "Two DOGS, 3,000 naïve 🐱", "", "a very long sentence " * 9]
vision = {"image_size": 32, "patch_size": 8, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
text = {"hidden_size": 48, "num_attention_heads": 3, "num_hidden_layers": 2, "intermediate_size": 96}
cases = {  # the image tower's changes, the text tower's, how weights are saved
    "safetensors": ({}, {}, {}),
    "sharded": ({"hidden_act": "gelu"}, {"hidden_act": "gelu"}, {"max_shard_size": "200KB"}),
    # As before version 4.31, when the end was looked for by its size; with buffers, as they were stored then.
    "bin": ({"hidden_act": "gelu_new", "layer_norm_eps": 1e-4}, {"eos_token_id": 2, "bos_token_id": 0}, None),
}

for name, (of_images, of_texts, saving) in cases.items():
    config = CLIPConfig(
        projection_dim=40,
        vision_config=vision | {"intermediate_size": 128, "projection_dim": 40} | of_images,
        text_config=text | {"max_position_embeddings": 20, "projection_dim": 40} | of_texts,
    )
    model = CLIPModel(config).eval()
    with torch.no_grad():  # norms and biases begin at one and nought, where a mistake would not show
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    out = folder / name
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(out / "model")
    if saving is None:
        config.architectures = ["CLIPModel"]
        config.save_pretrained(out / "model")
        buffers = {f"{tower}_model.embeddings.position_ids": torch.arange(20)[None] for tower in ("text", "vision")}
        torch.save(model.state_dict() | buffers, out / "model" / "pytorch_model.bin")
    else:
        model.save_pretrained(out / "model", **saving)

    for towers, tower in (
        ("image_encoder", CLIPVisionModelWithProjection(config.vision_config)),
        ("text_encoder", CLIPTextModelWithProjection(config.text_config)),
    ):
        missing, _ = tower.load_state_dict(model.state_dict(), strict=False)
        assert not missing, missing
        tower.save_pretrained(out / towers)

    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    pixels = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        result = model(**tokens, pixel_values=pixels)
    save_file(
        {
            "images": pixels,
            "tokens": tokens.input_ids.int(),
            "image_features": result.image_embeds,
            "text_features": result.text_embeds,
        },
        out / "expected.safetensors",
    )
    (out / "texts.json").write_text(json.dumps(texts))
