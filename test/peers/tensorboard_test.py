"""TensorBoard itself reads the scalars that a run wrote.

Run: python tensorboard_test.py FOLDER, with FOLDER as write-run.mjs left it.
"""

import json
import sys
import unittest
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

FOLDER = Path(sys.argv.pop(1))


class TensorBoard(unittest.TestCase):
    def test_reads_the_losses_of_each_epoch(self):
        events = [json.loads(line) for line in (FOLDER / "run/log.jsonl").read_text().splitlines()]
        expected = {
            "loss": [event["loss"] for event in events if event["type"] == "epoch"],
            "val_loss": [event["loss"] for event in events if event["type"] in ("eval", "validation")],
        }
        run = EventAccumulator(str(FOLDER / "run")).Reload()
        self.assertEqual(set(run.Tags()["scalars"]), {"loss", "val_loss"})
        for tag, losses in expected.items():
            self.assertEqual(len(losses), 3)
            scalars = run.Scalars(tag)
            self.assertEqual([scalar.step for scalar in scalars], [0, 1, 2])
            for scalar, loss in zip(scalars, losses, strict=True):
                self.assertAlmostEqual(scalar.value, loss, delta=1e-6 * loss)
                self.assertGreater(scalar.wall_time, 1.7e9)

    def test_finds_no_record_broken(self):
        (path,) = (FOLDER / "run").glob("*tfevents*")
        # The loader ends in silence at a record whose checksum is wrong.
        self.assertEqual(len(list(EventFileLoader(str(path)).Load())), 7)


if __name__ == "__main__":
    unittest.main()
