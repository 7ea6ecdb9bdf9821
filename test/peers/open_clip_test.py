"""open_clip strictly loads what clipwright saved, and computes the same features, loss and gradients.

Run: python open_clip_test.py FOLDER, with FOLDER as write-cases.mjs left it.
"""

import json
import logging
import sys
import unittest
from pathlib import Path

import open_clip
import torch
from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES
from open_clip.loss import ClipLoss
from safetensors.torch import load_file

FOLDER = Path(sys.argv.pop(1))
TOLERANCE = 2e-5
logging.disable(logging.WARNING)  # create_model's remark that it left the weights to us


def largest_difference(a, b):
    return (a - b).abs().max().item()


class OpenClip(unittest.TestCase):
    def setUp(self):
        self.cases = sorted(path for path in FOLDER.iterdir() if path.is_dir())
        self.assertEqual([path.name for path in self.cases], ["gelu", "quickgelu"])

    def each(self):
        for case in self.cases:
            with self.subTest(case.name):
                config = json.loads((case / "model/open_clip_config.json").read_text())
                weights = load_file(case / "model/open_clip_model.safetensors")
                # Weights are loaded here, strictly, and not by create_model, which also repairs what it finds.
                model = open_clip.create_model(f"local-dir:{case / 'model'}", load_weights=False).eval()
                for parameter in model.parameters():
                    torch.nn.init.constant_(parameter, float("nan"))
                result = model.load_state_dict(weights, strict=True)
                self.assertEqual((result.missing_keys, result.unexpected_keys), ([], []))
                yield case, config, model, load_file(case / "expected.safetensors")

    def test_config_says_which_activation(self):
        for case, config, model, _ in self.each():
            self.assertEqual(bool(config["model_cfg"].get("quick_gelu", False)), case.name == "quickgelu")
            activation = type(model.visual.transformer.resblocks[0].mlp.gelu).__name__
            self.assertEqual(activation, "QuickGELU" if case.name == "quickgelu" else "GELU")

    def test_create_model_loads_the_folder_by_itself(self):
        for case, _, model, _ in self.each():
            loaded = open_clip.create_model(f"local-dir:{case / 'model'}")
            for (name, ours), theirs in zip(model.state_dict().items(), loaded.state_dict().values(), strict=True):
                self.assertTrue(torch.equal(ours, theirs), name)

    def test_preprocessing_is_what_the_folder_says(self):
        for case, config, _, _ in self.each():
            _, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{case / 'model'}")
            normalize = preprocess.transforms[-1]
            self.assertEqual(list(normalize.mean), config["preprocess_cfg"]["mean"])
            self.assertEqual(list(normalize.std), config["preprocess_cfg"]["std"])

    def test_tokens_are_equal(self):
        for case, config, _, expected in self.each():
            tokenizer = open_clip.get_tokenizer(f"local-dir:{case / 'model'}")
            tokens = tokenizer(json.loads((case / "texts.json").read_text()))
            self.assertEqual(list(tokens.shape), [5, config["model_cfg"]["text_cfg"]["context_length"]])
            self.assertTrue(torch.equal(tokens, expected["tokens"].long()))

    def test_zero_shot_weights_are_equal(self):
        for case, _, model, expected in self.each():
            tokenizer = open_clip.get_tokenizer(f"local-dir:{case / 'model'}")
            names = json.loads((case / "class-names.json").read_text())
            sets = {"simple": SIMPLE_IMAGENET_TEMPLATES, "imagenet": OPENAI_IMAGENET_TEMPLATES}
            for name, templates in sets.items():
                with self.subTest(templates=name):
                    weights = open_clip.build_zero_shot_classifier(model, tokenizer, names, templates)
                    self.assertLess(largest_difference(weights.T, expected[f"zero_shot_{name}"]), TOLERANCE)

    def test_names_of_imagenet_are_equal(self):
        self.assertEqual(json.loads((FOLDER / "imagenet.json").read_text()), list(IMAGENET_CLASSNAMES))

    def test_features_loss_and_gradients_are_equal(self):
        for _, _, model, expected in self.each():
            image, text, scale = model(expected["images"], expected["tokens"].long())[:3]
            self.assertLess(largest_difference(image, expected["image_features"]), TOLERANCE)
            self.assertLess(largest_difference(text, expected["text_features"]), TOLERANCE)
            self.assertLess(abs(scale.item() / expected["logit_scale"].item() - 1), TOLERANCE)
            loss = ClipLoss()(image, text, scale)
            self.assertLess(abs(loss.item() - expected["loss"].item()), TOLERANCE)
            loss.backward()
            gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
            self.assertEqual(set(gradients), {name[5:] for name in expected if name.startswith("grad/")})
            for name, gradient in gradients.items():
                ours = expected[f"grad/{name}"]
                self.assertEqual(ours.shape, gradient.shape, name)
                bound = TOLERANCE * max(1.0, gradient.abs().max().item())
                self.assertLess(largest_difference(ours, gradient), bound, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
