"""huggingface_hub finds what clipwright downloaded, without a network.

Run: python hub_cache_test.py FOLDER, with FOLDER as write-hub-cache.mjs left it.
"""

import os
import sys
import unittest
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache

FOLDER = Path(sys.argv.pop(1))
CACHE = FOLDER / "cache"
NAMES = ("open_clip_config.json", "open_clip_model.safetensors")


class Cache(unittest.TestCase):
    def test_files_are_found_with_their_bytes(self):
        for name in NAMES:
            path = hf_hub_download("owner/model", name, cache_dir=CACHE)
            self.assertEqual(Path(path).read_bytes(), (FOLDER / "model" / name).read_bytes())
            self.assertEqual(try_to_load_from_cache("owner/model", name, cache_dir=CACHE), path)

    def test_the_snapshot_is_the_branch_s(self):
        snapshot = Path(snapshot_download("owner/model", cache_dir=CACHE))
        self.assertEqual(sorted(path.name for path in snapshot.iterdir()), sorted(NAMES))

    def test_the_cache_is_listed_without_a_complaint(self):
        info = scan_cache_dir(CACHE)
        self.assertEqual([str(warning) for warning in info.warnings], [])
        (repository,) = info.repos
        self.assertEqual(repository.repo_id, "owner/model")
        (revision,) = repository.revisions
        self.assertEqual(set(revision.refs), {"main"})
        self.assertEqual({file.file_name for file in revision.files}, set(NAMES))


if __name__ == "__main__":
    unittest.main()
