"""The products of a training step by torch.mm, as `clipwright bench gemm` has them.

Run: python gemm_torch.py MODEL fp32|bf16 TOKENS BATCH; prints one JSON line.
"""

import os
import sys
import time

import open_clip
import torch
from timing import answer

name, precision, tokens, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(len(os.sched_getaffinity(0)))
dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
config = open_clip.get_model_config(name)
vision, text = config["vision_cfg"], config["text_cfg"]
patches = (vision["image_size"] // vision["patch_size"]) ** 2
towers = [
    (vision["width"], vision["layers"], batch * (patches + 1)),
    (text["width"], text["layers"], batch * tokens),
]


def best_seconds(product):
    best, total, runs = float("inf"), 0, 0
    while runs < 12 or (total < 0.2 and runs < 2000):
        begin = time.perf_counter()
        product()
        seconds = time.perf_counter() - begin
        best, total, runs = min(best, seconds), total + seconds, runs + 1
    return best


flops = seconds = 0
with torch.inference_mode():
    for width, layers, rows in towers:
        for inputs, outputs in [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]:
            x, y = torch.randn(rows, inputs).to(dtype), torch.randn(rows, outputs).to(dtype)
            w = torch.randn(outputs, inputs).to(dtype)
            for product in (lambda: torch.mm(x, w.t()), lambda: torch.mm(y, w), lambda: torch.mm(y.t(), x)):
                seconds += layers * best_seconds(product)
                flops += layers * 2 * rows * inputs * outputs
answer({"gflops": flops / seconds / 1e9, "ms": 1000 * seconds}, torch=torch.__version__)
