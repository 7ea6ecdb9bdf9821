"""Attention and the contrastive loss in PyTorch, to hold native/bench/ops_bench.cpp against: same sizes, same arguments.

Run: python ops_torch.py DEVICE loss PAIRS WIDTH f32|bf16|f16 REPEATS [compile]
     python ops_torch.py DEVICE attention SEQUENCES LENGTH HEADS HEAD_SIZE causal|bidirectional f32|bf16|f16 REPEATS
     python ops_torch.py DEVICE -    (a case a line on standard input)
extraMiB: beside features and gradients; on the CPU the most that the process held at once, as the kernel counts pages.
Prints one JSON line a case, which says outOfMemory where the card is too small; times are the best of several, after three.
"""

import gc
import json
import os
import sys
import time

import open_clip
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss

torch.set_num_threads(len(os.sched_getaffinity(0)))
device = torch.device(sys.argv[1])
on_card = device.type == "cuda"
torch.manual_seed(0)


def wait():
    if on_card:
        torch.cuda.synchronize(device)


WARM_UP = 3 if on_card else 1


def best_ms(repeats, run):
    best = float("inf")
    for i in range(WARM_UP + repeats):
        wait()
        begin = time.perf_counter()
        run()
        wait()
        if i >= WARM_UP:
            best = min(best, 1000 * (time.perf_counter() - begin))
    return best


def resident_mib(which):
    """VmRSS, what is resident now, or VmHWM, the most since forget_peak."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(which))


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def loss(pairs, width, products, repeats, how="eager"):
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[products]
    features = [torch.randn(pairs, width, device=device, requires_grad=True) for _ in range(2)]
    scale = torch.tensor(1 / 0.07, device=device, requires_grad=True)
    clip_loss = ClipLoss()

    def of_features(image, text, scale):
        return clip_loss(F.normalize(image, dim=-1), F.normalize(text, dim=-1), scale)

    if how == "compile":
        of_features = torch.compile(of_features, dynamic=False)

    def run():
        for t in (*features, scale):
            t.grad = None
        with torch.autocast(device.type, dtype, enabled=products != "f32"):
            value = of_features(*features, scale)
        value.backward()

    gradients = sum(f.numel() * 4 for f in features)
    if on_card:
        before = torch.cuda.memory_allocated(device)
    else:
        forget_peak()
        before = resident_mib("VmRSS")
    ms = best_ms(repeats, run)
    peak = (torch.cuda.max_memory_allocated(device) - before) / 2**20 if on_card else resident_mib("VmHWM") - before
    return {"ms": ms, "seconds": ms / 1000, "extraMiB": peak - gradients / 2**20}


def attention(sequences, length, heads, head_size, causal, dtype, repeats):
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[dtype]
    shape = (sequences, heads, length, head_size)
    q, k, v = (torch.randn(shape, device=device, dtype=dtype, requires_grad=True) for _ in range(3))
    dy = torch.randn(shape, device=device, dtype=dtype)

    def forward():
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal == "causal")

    y = forward()
    return {
        "forwardMs": best_ms(repeats, forward),
        "backwardMs": best_ms(repeats, lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)),
    }


def answer(case):
    numbers = [int(a) if a.isdigit() else a for a in case[1:]]
    try:
        result = {"loss": loss, "attention": attention}[case[0]](*numbers)
    except torch.OutOfMemoryError:
        result = {"outOfMemory": True}
    versions = {"torch": torch.__version__, "open_clip": open_clip.__version__}
    print(json.dumps({**result, "torch": torch.__version__, "versions": versions}), flush=True)


def forget():
    """So that the next case finds the memory that the first one found."""
    gc.collect()
    if on_card:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


for case in (line.split() for line in sys.stdin) if sys.argv[2:] == ["-"] else [sys.argv[2:]]:
    answer(case)
    forget()
