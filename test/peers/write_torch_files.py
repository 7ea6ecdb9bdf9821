"""Saves an open_clip model in every way that PyTorch has; the other half of the comparison is read-torch-files.mjs.

Run: python write_torch_files.py FOLDER
"""

import json
import sys
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

folder = Path(sys.argv[1])
torch.manual_seed(5)
config = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 300, "width": 32, "heads": 2, "layers": 2},
}
model = open_clip.CLIP(**config).eval()
images, tokens = torch.randn(3, 3, 32, 32), torch.randint(1, 299, (3, 16))
tokens[:, -1] = 299
optimizer = torch.optim.AdamW(model.parameters())
sum(f.sum() for f in model(images, tokens)[:2]).backward()
optimizer.step()
model.zero_grad()

state = model.state_dict()
wrapped = torch.nn.DataParallel(model).state_dict()
checkpoint = {"epoch": 3, "step": 77, "name": "mine", "state_dict": wrapped, "optimizer": optimizer.state_dict()}
# Matrices that lie transposed in memory, as those of `weight.t()` do.
transposed = {name: value.t().contiguous().t() if value.ndim == 2 else value for name, value in state.items()}
one = torch.cat([value.flatten() for value in state.values()])
views = dict(zip(state, (part.reshape(value.shape) for part, value in zip(
    one.split([value.numel() for value in state.values()]), state.values(), strict=True)), strict=True))

torch.save(state, folder / "state.pth")
torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(checkpoint, folder / "checkpoint.pt")
torch.save(checkpoint, folder / "checkpoint-legacy.pt", _use_new_zipfile_serialization=False)
torch.save(checkpoint, folder / "protocol5.bin", pickle_protocol=5)
torch.save({"model": transposed}, folder / "transposed.pt")
torch.save(views, folder / "views.bin")
torch.save(dict(model.named_parameters()), folder / "parameters.pt")
torch.save({name: value.double() for name, value in state.items()}, folder / "f64.pt")
torch.save({name: value.half() for name, value in state.items()}, folder / "f16.pt")
torch.save({name: value.bfloat16() for name, value in state.items()}, folder / "bf16.pt")
with torch.no_grad():
    traced = torch.jit.trace(model, (images, tokens), check_trace=False)
    torch.jit.save(traced, folder / "traced.pt")
    image_features, text_features = model(images, tokens)[:2]
torch.save(model, folder / "module.pt")

(folder / "config.json").write_text(json.dumps(config))
save_file({name: value.contiguous() for name, value in state.items()}, folder / "state.safetensors")
features = {"image_features": image_features, "text_features": text_features}
inputs = {"images": images, "tokens": tokens.int()}
save_file({name: value.contiguous() for name, value in (features | inputs).items()}, folder / "expected.safetensors")
