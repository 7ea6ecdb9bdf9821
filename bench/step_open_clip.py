"""A training step of open_clip, to hold `clipwright bench step` against: same sizes, same captions' length.

Run: python step_open_clip.py MODEL BATCH TOKENS PRECISION STEPS [--device cuda] [--compile]; prints one JSON line.
Captions are padded to the context as open_clip wants them; pictures are float tensors, made before the clock starts and, on
a card, already there.
"""

import argparse
import json
import os
import time

import open_clip
import torch
from open_clip.loss import ClipLoss

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("batch", type=int)
parser.add_argument("tokens", type=int)
parser.add_argument("precision", choices=["fp32", "bf16"])
parser.add_argument("steps", type=int)
parser.add_argument("--device", default="cpu")
parser.add_argument("--compile", action="store_true", help="torch.compile the model, as open_clip's --torchcompile does")
args = parser.parse_args()

device = torch.device(args.device)
on_card = device.type == "cuda"
torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.backends.cuda.matmul.allow_tf32 = True  # as open_clip trains
model = open_clip.create_model(args.model, device=device).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2, fused=on_card)
size, context, vocab = model.visual.image_size, model.context_length, model.vocab_size
size = size if isinstance(size, int) else size[0]
images = torch.randn(args.batch, 3, size, size, device=device)
texts = torch.zeros(args.batch, context, dtype=torch.long)
texts[:, : args.tokens] = torch.randint(1, vocab - 2, (args.batch, args.tokens))
texts[:, 0], texts[:, args.tokens - 1] = vocab - 2, vocab - 1
texts = texts.to(device)
loss_of = ClipLoss()
logit_scale = model.logit_scale
if args.compile:
    model = torch.compile(model)


def wait():
    if on_card:
        torch.cuda.synchronize(device)


warm_up = 3 if args.compile or on_card else 1
best = float("inf")
for step in range(warm_up + args.steps):
    wait()
    begin = time.perf_counter()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=args.precision == "bf16"):
        image_features, text_features, scale = model(images, texts)[:3]
        loss = loss_of(image_features, text_features, scale)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        logit_scale.clamp_(0, 4.6052)
    wait()
    if step >= warm_up:
        best = min(best, time.perf_counter() - begin)
peak = torch.cuda.max_memory_allocated(device) / 2**20 if on_card else None
print(json.dumps({"pairsPerSecond": args.batch / best, "stepMs": 1000 * best, "peakMiB": peak, "torch": torch.__version__}))
