"""transformers and open_clip open the folders of timm's towers that clipwright saved, strictly, and compute the same.

Run: python timm_towers_test.py FOLDER, with FOLDER as write-timm-cases.mjs left it.
"""

import logging
import sys
import unittest
from pathlib import Path

import open_clip
import torch
from safetensors.torch import load_file
from transformers import SiglipModel
from transformers.utils import logging as transformers_logging

FOLDER = Path(sys.argv.pop(1))
TOLERANCE = 1e-5
logging.disable(logging.WARNING)
transformers_logging.disable_progress_bar()


class Folders(unittest.TestCase):
    def compare(self, image, text, expected):
        self.assertGreater((text[0] - text[1]).abs().max().item(), 1e-2)  # texts differ to this model
        for got, key in ((image, "image_features"), (text, "text_features")):
            self.assertLess((got - expected[key]).abs().max().item(), TOLERANCE, key)

    def test_transformers_has_all_weights_features_and_logits(self):
        expected = load_file(FOLDER / "hf" / "expected.safetensors")
        model, info = SiglipModel.from_pretrained(FOLDER / "hf" / "model", output_loading_info=True)
        self.assertEqual({kind: list(found) for kind, found in info.items() if found}, {})
        with torch.no_grad():
            out = model.eval()(input_ids=expected["tokens"].long(), pixel_values=expected["images"])
        self.compare(out.image_embeds, out.text_embeds, expected)
        logits = expected["image_features"] @ expected["text_features"].T / 0.07 - 4
        self.assertLess((out.logits_per_image - logits).abs().max().item(), 1e-3)

    def test_open_clip_has_all_weights_and_features(self):
        for name in ("open_clip", "eva02-base", "pe-tiny"):
            with self.subTest(name):
                case = FOLDER / name
                expected = load_file(case / "expected.safetensors")
                model = open_clip.create_model(f"local-dir:{case / 'model'}", load_weights=False).eval()
                model.load_state_dict(load_file(case / "model" / "open_clip_model.safetensors"), strict=True)
                if name == "open_clip":
                    self.assertEqual(model.logit_bias.item(), -4)
                with torch.no_grad():
                    image = model.encode_image(expected["images"], normalize=True)
                    text = model.encode_text(expected["tokens"].long(), normalize=True)
                self.compare(image, text, expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
