"""Saves models and processors of transformers; the other half of the comparison is read-transformers-folders.mjs.

Run: python write_transformers_folders.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    ChineseCLIPConfig,
    ChineseCLIPImageProcessor,
    ChineseCLIPModel,
    ChineseCLIPProcessor,
)
from transformers.utils import logging

folder = Path(sys.argv[1])
logging.disable_progress_bar()
torch.manual_seed(5)
characters = "一只狗在草地上奔跑两猫天很长的句话，,abc"
pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{letter}" for letter in "abc")]
texts = ["一只狗在草地上奔跑", "两只猫, ABC", "天地", "很长的一句话，" * 9]
vision = {"image_size": 32, "patch_size": 8, "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
text = {"vocab_size": 60, "hidden_size": 48, "num_attention_heads": 3, "num_hidden_layers": 2, "intermediate_size": 96}
cases = {
    "squash": ({"height": 32, "width": 32}, False, {}, {}),
    "crop": ({"shortest_edge": 32}, True, {"hidden_act": "gelu"}, {"max_shard_size": "50KB"}),
}

for name, (size, crops, changes, saving) in cases.items():
    vision_config = vision | {"intermediate_size": 128} | changes
    text_config = text | {"max_position_embeddings": 40}
    config = ChineseCLIPConfig(projection_dim=40, vision_config=vision_config, text_config=text_config)
    model = ChineseCLIPModel(config).eval()
    with torch.no_grad():  # norms and biases begin at one and nought, where a mistake would not show
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    vocabulary = folder / f"{name}.txt"
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(str(vocabulary), model_max_length=24)
    images = ChineseCLIPImageProcessor(size=size, do_center_crop=crops, crop_size={"height": 32, "width": 32})
    out = folder / name
    model.save_pretrained(out / "model", **saving)
    ChineseCLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(out / "model")

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
