"""Writes what PyTorch writes, for the reader of such files: python make.py [FOLDER]. Made with torch 2.13.0.

All files but script.pt hold the tensors of expected.safetensors, under the same names; script.pt those that begin with
"script.".
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
torch.manual_seed(0)

base = torch.arange(24, dtype=torch.float32) / 7 - 1
cube = (torch.arange(60, dtype=torch.float32) * 0.25).reshape(3, 4, 5)
tensors = {
    **{f"dtype.{str(t)[6:]}": torch.tensor([0, 1, 2, 100]).to(t) for t in (torch.float64, torch.float32, torch.float16,
       torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)},
    "negative": torch.tensor([-1.5, 2.25e-5, 65504.0]).half(),
    "large": torch.tensor([2**62, -(2**62) - 1]),
    "scalar": torch.tensor(2.6592),
    "empty": torch.zeros(0, 3),
    "view.rows": base.reshape(4, 6)[1:3],
    "view.transposed": base.reshape(4, 6).t(),
    "view.every_other": base[1::2],
    "view.column": base.reshape(4, 6)[:, 2],
    "view.overlapping": base.unfold(0, 5, 2),
    "view.expanded": base[3:6].reshape(3, 1).expand(3, 4),
    "view.permuted": cube.permute(2, 0, 1)[1:, :, ::2],
    "view.half": torch.arange(12).half().reshape(3, 4).t(),
    "parameter": torch.nn.Parameter(torch.randn(2, 3)),
    "frozen": torch.nn.Parameter(torch.randn(3), requires_grad=False),
    "名前\n.\"weight\"": torch.ones(1),
}
unsigned = {f"dtype.{str(t)[6:]}": torch.tensor([0, 1, 2, 100]).to(t) for t in (torch.uint16, torch.uint32, torch.uint64)}
tensors |= unsigned


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.Linear(4, 3))
        self.scales: list[float] = [0.5, 2.0]

    def forward(self, x):
        # Long enough that the archive's code is compressed.
        for scale in self.scales:
            x = x + self.mlp(x) * scale if x.sum() > 0 else x - self.mlp(x) * scale
        return x


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block().half()
        self.again = self.block
        self.logit_scale = torch.nn.Parameter(torch.ones([]) * 2.6592)
        self.register_buffer("input_resolution", torch.tensor(224))

    def forward(self, x):
        return self.block(x) * self.logit_scale


state = OrderedDict(tensors)
state._metadata = OrderedDict(version=1)
weight = torch.nn.Parameter(torch.ones(2))
optimizer = torch.optim.AdamW([weight])
weight.sum().backward()
optimizer.step()
checkpoint = {
    "epoch": 3,
    "step": 10**12,
    "name": "a run",
    "best": (0.5, -1.0, None, True, 10**40, b"bytes", {1, 2}, float("inf"), torch.float16, torch.device("cpu"), cube.shape),
    "state_dict": OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
    "optimizer": optimizer.state_dict(),
}

script = torch.jit.script(Model())
torch.save(state, folder / "state.pth")
torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    torch.save(checkpoint, folder / f"protocol{protocol}.pt", pickle_protocol=protocol)
torch.save(checkpoint, folder / "checkpoint.pt")
torch.save(checkpoint, folder / "checkpoint-legacy.pt", _use_new_zipfile_serialization=False)
torch.jit.save(script, folder / "script.pt")
scripted = {f"script.{name}": tensor for name, tensor in script.state_dict().items()}
save_file({name: t.detach().clone().contiguous() for name, t in (tensors | scripted).items()}, folder / "expected.safetensors")
