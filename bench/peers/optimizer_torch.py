"""AdamW over the parameters of an open_clip model, with the gradients' norm, as clipwright's step of an optimizer.

Run: python optimizer_torch.py MODEL STEPS; prints one JSON line.
"""

import os
import sys
import time

import open_clip
import torch
from timing import answer

name, steps = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
model = open_clip.create_model(name)
parameters = list(model.parameters())
optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2, fused=True)
gradients = [torch.randn_like(p) for p in parameters]
times = []
for i in range(steps + 1):
    for p, g in zip(parameters, gradients):
        p.grad = g
    begin = time.perf_counter()
    torch.nn.utils.clip_grad_norm_(parameters, 1e9)
    optimizer.step()
    if i > 0:
        times.append(1000 * (time.perf_counter() - begin))
answer({"ms": min(times), "parameters": sum(p.numel() for p in parameters)}, torch=torch.__version__)
