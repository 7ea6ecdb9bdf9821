"""Position embeddings resized by torch as open_clip's resize_pos_embed and resize_text_pos_embed do it:
python make_torch.py > torch.json. Made with open_clip 3.3.0 and torch 2.15.0.
"""
import json
import types

import torch
from open_clip.model import resize_pos_embed, resize_text_pos_embed

torch.manual_seed(7)
WIDTH = 3


def table(rows):
    return torch.round(torch.rand(rows, WIDTH) * 2 - 1, decimals=3)


def flat(tensor):
    return [float(x) for x in tensor.flatten()]


out = {"width": WIDTH, "patches": [], "tokens": []}
for old, new in ((7, 14), (6, 4), (2, 3)):
    given = table(old * old + 1)
    state = {"visual.positional_embedding": given}
    resize_pos_embed(state, types.SimpleNamespace(visual=types.SimpleNamespace(grid_size=(new, new))))
    out["patches"].append({"old": old, "new": new, "from": flat(given), "to": flat(state["visual.positional_embedding"])})
for old, new in ((16, 32), (16, 7)):
    given = table(old)
    state = {"positional_embedding": given}
    resize_text_pos_embed(state, types.SimpleNamespace(positional_embedding=torch.empty(new, WIDTH)))
    out["tokens"].append({"old": old, "new": new, "from": flat(given), "to": flat(state["positional_embedding"])})
print(json.dumps(out))
