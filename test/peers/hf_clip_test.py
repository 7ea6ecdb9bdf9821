"""transformers opens the CLIPModel folders that clipwright saved, and computes the same features and logits.

Run: python hf_clip_test.py FOLDER, with FOLDER as write-hf-clip-cases.mjs left it.
"""

import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoTokenizer, CLIPModel, CLIPProcessor, CLIPTokenizer
from transformers.utils import logging

FOLDER = Path(sys.argv.pop(1))
TOLERANCE = 1e-5
# transformers resizes tensors with torchvision, which rounds otherwise than Pillow and clipwright do.
LEVELS = 1
logging.disable_progress_bar()


def largest_difference(a, b):
    return (a - b).abs().max().item()


class ClipFolders(unittest.TestCase):
    def setUp(self):
        self.cases = sorted(path for path in FOLDER.iterdir() if path.is_dir())
        self.assertEqual([path.name for path in self.cases], ["mixed", "quickgelu"])

    def each(self):
        for case in self.cases:
            with self.subTest(case.name):
                processor = CLIPProcessor.from_pretrained(case / "model")
                yield case, processor, load_file(case / "expected.safetensors")

    def test_weights_are_all_there_and_nothing_else(self):
        for case, _, _ in self.each():
            for saved in ("model", "converted"):
                _, info = CLIPModel.from_pretrained(case / saved, output_loading_info=True)
                self.assertEqual({kind: list(found) for kind, found in info.items() if found}, {})

    def test_tokens_are_equal_from_any_of_the_files(self):
        for case, processor, expected in self.each():
            texts = json.loads((case / "texts.json").read_text())
            with tempfile.TemporaryDirectory() as plain:
                for path in (case / "model").iterdir():
                    if path.name not in ("tokenizer.json", "model.safetensors"):
                        shutil.copy(path, plain)
                tokenizers = [processor.tokenizer, AutoTokenizer.from_pretrained(case / "model")]
                tokenizers.append(CLIPTokenizer.from_pretrained(plain))
                for tokenizer in tokenizers:
                    self.assertEqual((len(tokenizer), tokenizer.model_max_length), (49408, 24))
                    rows = tokenizer(texts, truncation=True).input_ids
                    padded = [row + [0] * (24 - len(row)) for row in rows]
                    self.assertEqual(padded, expected["tokens"].tolist())
                    self.assertEqual(tokenizer.decode(rows[0], skip_special_tokens=True), "a photo of a cat , isn 't it ?")

    def test_pictures_become_the_same_pixels(self):
        for case, processor, expected in self.each():
            values = processor.image_processor(Image.open(case / "picture.png"), return_tensors="pt").pixel_values
            levels = self.levels(processor, values)
            self.assertLess(largest_difference(levels, expected["pixels"].permute(0, 3, 1, 2)), LEVELS + 1e-3)

    def test_features_and_logits_are_equal(self):
        for case, processor, expected in self.each():
            model = CLIPModel.from_pretrained(case / "model").eval()
            texts = json.loads((case / "texts.json").read_text())
            tokens = processor.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
            mean, std = self.statistics(processor)
            pixels = (expected["pixels"].permute(0, 3, 1, 2) / 255 - mean) / std
            with torch.no_grad():
                out = model(**tokens, pixel_values=pixels)
            image, text = expected["image_features"], expected["text_features"]
            self.assertLess(largest_difference(out.image_embeds, image), TOLERANCE)
            self.assertLess(largest_difference(out.text_embeds, text), TOLERANCE)
            logits = expected["logit_scale"].exp() * image @ text.T
            self.assertGreater(logits.std(dim=1).min().item(), 0.05)  # the texts differ to this model
            self.assertLess(largest_difference(out.logits_per_image, logits), TOLERANCE * 100)

    def statistics(self, processor):
        images = processor.image_processor
        return (torch.tensor(of).view(3, 1, 1) for of in (images.image_mean, images.image_std))

    def levels(self, processor, values):
        mean, std = self.statistics(processor)
        return (values * std + mean) * 255


if __name__ == "__main__":
    unittest.main(verbosity=2)
