"""Writes open_clip's pretrained tags as FOLDER/pretrained.json: those with a repository on the hub, and what is not open_clip's
default. lib/models/pretrained.json is that file; with another version of open_clip copy the new one there.

Run: python write_pretrained_tags.py FOLDER
"""

import json
import sys
from pathlib import Path

from open_clip import pretrained

DEFAULTS = pretrained._pcfg()
PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


def row(config):
    repository, _, file = config["hf_hub"].rpartition("/")
    special = {key: config[key] for key in PREPROCESS if config[key] != DEFAULTS[key]}
    return {
        "repository": repository,
        **({"file": file} if file else {}),
        **({"quick_gelu": True} if config.get("quick_gelu") else {}),
        **({"preprocess": special} if special else {}),
    }


# Models whose name ends in -quickgelu repeat the tags of the others.
table = {
    model: {tag: row(config) for tag, config in tags.items() if config["hf_hub"]}
    for model, tags in pretrained._PRETRAINED.items()
    if not model.endswith("-quickgelu")
}
(Path(sys.argv[1]) / "pretrained.json").write_text(json.dumps(table, indent=2))
