"""A training step of open_clip on the CPU, to hold `clipwright bench step` against: same sizes, same captions' length.

Run: python step_open_clip.py MODEL BATCH TOKENS PRECISION STEPS; prints one JSON line. Captions are padded to the
context as open_clip wants them; pictures are float tensors, made before the clock starts.
"""

import json
import sys
import time

import open_clip
import torch
from open_clip.loss import ClipLoss

model_name, batch, tokens, precision, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
torch.manual_seed(0)
torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
model = open_clip.create_model(model_name).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2)
size, context, vocab = model.visual.image_size, model.context_length, model.vocab_size
size = size if isinstance(size, int) else size[0]
images = torch.randn(batch, 3, size, size)
texts = torch.zeros(batch, context, dtype=torch.long)
texts[:, :tokens] = torch.randint(1, vocab - 2, (batch, tokens))
texts[:, 0], texts[:, tokens - 1] = vocab - 2, vocab - 1
loss_of = ClipLoss()
best = float("inf")
for step in range(steps + 1):
    begin = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        image_features, text_features, scale = model(images, texts)[:3]
        loss = loss_of(image_features, text_features, scale)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0, 4.6052)
    if step > 0:
        best = min(best, time.perf_counter() - begin)
print(json.dumps({"pairsPerSecond": batch / best, "stepMs": 1000 * best, "torch": torch.__version__}))
