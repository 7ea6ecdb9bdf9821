"""Adam and AdamW of clipwright take the steps of torch.optim's, from the same weights and gradients.

Run: python torch_optim_test.py FOLDER, with FOLDER as write-optimizer-cases.mjs left it.
"""

import json
import sys
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file

FOLDER = Path(sys.argv.pop(1))
CLASSES = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}


class TorchOptim(unittest.TestCase):
    def test_twenty_steps_are_equal(self):
        cases = json.loads((FOLDER / "cases.json").read_text())
        self.assertEqual({case["optimizer"] for case in cases}, set(CLASSES))
        for case in cases:
            with self.subTest(case["optimizer"]):
                steps = [load_file(FOLDER / case["optimizer"] / f"{i}.safetensors") for i in range(case["steps"])]
                self.assertEqual(len(steps), 20)
                names = [name[6:] for name in steps[0] if name.startswith("value/")]
                parameters = {name: torch.nn.Parameter(steps[0][f"value/{name}"].clone()) for name in names}
                optimizer = CLASSES[case["optimizer"]](list(parameters.values()), **case["options"])
                for i, step in enumerate(steps):
                    for name, parameter in parameters.items():
                        difference = (parameter.detach() - step[f"value/{name}"]).abs().max().item()
                        # 2e-6 is rounding of 20 steps; a step is 500 times as long.
                        self.assertLess(difference, 2e-6, f"{name} before step {i + 1}")
                        parameter.grad = step[f"grad/{name}"].clone()
                    optimizer.step()


if __name__ == "__main__":
    unittest.main()
