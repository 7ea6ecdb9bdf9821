"""A training step of open_clip, to hold `clipwright bench step` against: same sizes, same captions' length.

Run: python step_open_clip.py MODEL BATCH TOKENS PRECISION STEPS [--device cuda] [--compile] [--upload] [--checkpointing]; prints one JSON line.
Captions are padded to the context as open_clip wants them. Pictures are float tensors, made before the clock starts and, on
a card, already there; with --upload each step copies uint8 pictures from pinned memory to the card and normalises them
there, as a training loop does.

pairsPerSecond  throughput. On a card: all measured steps, queued without waiting for any, by the time until the last has
                ended. On the CPU, where each is waited for: that of the best step.
meanStepMs      what a step takes at that throughput
stepMs          the best lone step: nothing before or after it is under way
peakMiB         on a card: of the tensors
peakRssMiB      of the process
"""

import argparse
import json
import os
import resource
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
parser.add_argument("--upload", action="store_true", help="pictures come from the host in each step")
parser.add_argument("--checkpointing", action="store_true", help="recompute blocks in the backward pass")
args = parser.parse_args()

device = torch.device(args.device)
on_card = device.type == "cuda"
torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.backends.cuda.matmul.allow_tf32 = True  # as open_clip trains
model = open_clip.create_model(args.model, device=device).train()
if args.checkpointing:
    model.set_grad_checkpointing()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2, fused=on_card)
size, context, vocab = model.visual.image_size, model.context_length, model.vocab_size
size = size if isinstance(size, int) else size[0]
if args.upload:
    pictures = torch.randint(0, 256, (args.batch, 3, size, size), dtype=torch.uint8, pin_memory=on_card)
    mean, std = (
        255 * torch.tensor(values, device=device).view(1, 3, 1, 1)
        for values in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
else:
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


def step():
    batch = images if not args.upload else (pictures.to(device, non_blocking=True).float() - mean) / std
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=args.precision == "bf16"):
        image_features, text_features, scale = model(batch, texts)[:3]
        loss = loss_of(image_features, text_features, scale)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        logit_scale.clamp_(0, 4.6052)


for _ in range(3 if args.compile or on_card else 1):
    step()
best = float("inf")
for _ in range(args.steps):
    wait()
    begin = time.perf_counter()
    step()
    wait()
    best = min(best, time.perf_counter() - begin)
mean_step = best
if on_card:
    begin = time.perf_counter()
    for _ in range(args.steps):
        step()
    wait()
    mean_step = (time.perf_counter() - begin) / args.steps
result = {
    "pairsPerSecond": args.batch / mean_step,
    "meanStepMs": 1000 * mean_step,
    "stepMs": 1000 * best,
    "peakMiB": torch.cuda.max_memory_allocated(device) / 2**20 if on_card else None,
    "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "torch": torch.__version__,
    "versions": {"torch": torch.__version__, "open_clip": open_clip.__version__},
}
print(json.dumps(result))
