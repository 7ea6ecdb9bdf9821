"""open_clip's pretrained tags as JSON, on stdout: those with a repository on the hub, and what is not open_clip's default."""
import json

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
print(json.dumps(table, indent=2))
