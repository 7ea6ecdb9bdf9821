"""transformers opens the folders that clipwright saved with layout "hf", and computes the same features and logits.

Run: python transformers_test.py FOLDER, with FOLDER as write-transformers-cases.mjs left it.
"""

import json
import sys
import unittest
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import ChineseCLIPModel, ChineseCLIPProcessor
from transformers.utils import logging

FOLDER = Path(sys.argv.pop(1))
TOLERANCE = 2e-5
# transformers resizes tensors with torchvision, which rounds otherwise than Pillow and clipwright do.
LEVELS = 1
logging.disable_progress_bar()


def largest_difference(a, b):
    return (a - b).abs().max().item()


def statistics(image_processor):
    return (torch.tensor(of).view(3, 1, 1) for of in (image_processor.image_mean, image_processor.image_std))


class Transformers(unittest.TestCase):
    def setUp(self):
        self.cases = sorted(path for path in FOLDER.iterdir() if path.is_dir())
        self.assertEqual([path.name for path in self.cases], ["crop-gelu", "squash-quickgelu"])

    def each(self):
        for case in self.cases:
            with self.subTest(case.name):
                processor = ChineseCLIPProcessor.from_pretrained(case / "model")
                yield case, processor, load_file(case / "expected.safetensors")

    def test_weights_are_all_there_and_nothing_else(self):
        for case, _, _ in self.each():
            _, info = ChineseCLIPModel.from_pretrained(case / "model", output_loading_info=True)
            self.assertEqual({kind: list(found) for kind, found in info.items() if found}, {})

    def test_tokens_are_equal(self):
        for case, processor, expected in self.each():
            self.assertEqual(processor.tokenizer.model_max_length, 24)
            texts = json.loads((case / "texts.json").read_text())
            tokens = processor.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
            self.assertTrue(torch.equal(tokens.input_ids, expected["tokens"].long()))

    def test_pictures_become_the_same_pixels(self):
        for case, processor, expected in self.each():
            values = processor.image_processor(Image.open(case / "picture.png"), return_tensors="pt").pixel_values
            mean, std = statistics(processor.image_processor)
            levels = (values * std + mean) * 255
            self.assertLess(largest_difference(levels, expected["pixels"].permute(0, 3, 1, 2)), LEVELS + 1e-3)

    def test_features_and_logits_are_equal(self):
        for case, processor, expected in self.each():
            model = ChineseCLIPModel.from_pretrained(case / "model").eval()
            ids = expected["tokens"].long()
            mean, std = statistics(processor.image_processor)
            pixels = (expected["pixels"].permute(0, 3, 1, 2) / 255 - mean) / std
            with torch.no_grad():
                out = model(input_ids=ids, attention_mask=(ids != 0).long(), pixel_values=pixels)
            image, text = expected["image_features"], expected["text_features"]
            self.assertLess(largest_difference(out.image_embeds, image), TOLERANCE)
            self.assertLess(largest_difference(out.text_embeds, text), TOLERANCE)
            logits = expected["logit_scale"].exp() * image @ text.T
            self.assertGreater(logits.std(dim=1).min().item(), 0.05)  # the texts differ to this model
            self.assertLess(largest_difference(out.logits_per_image, logits), TOLERANCE * 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
