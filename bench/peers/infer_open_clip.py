"""One tower of an open_clip model, forward, as `clipwright bench infer` runs its own.

Run: python infer_open_clip.py MODEL image|text BATCH fp32|bf16 TOKENS SECONDS; prints one JSON line.
Pictures are float tensors of the model's size; a caption is padded to the context as open_clip wants it. In bf16 the weights are
bf16, too, which is faster than autocast.
"""

import os
import sys

import open_clip
import torch
import torch.nn.functional as F
from timing import answer, resident_mib, times_of

name, tower = sys.argv[1:3]
batch, precision, tokens, seconds = int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), float(sys.argv[6])
torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
model = open_clip.create_model(name).eval().to(dtype)
size, context, vocab = model.visual.image_size, model.context_length, model.vocab_size
size = size if isinstance(size, int) else size[0]
images = torch.randn(batch, 3, size, size, dtype=dtype)
texts = torch.zeros(batch, context, dtype=torch.long)
texts[:, :tokens] = torch.randint(1, vocab - 2, (batch, tokens))
texts[:, 0], texts[:, tokens - 1] = vocab - 2, vocab - 1


def encode():
    with torch.inference_mode():
        features = model.encode_image(images) if tower == "image" else model.encode_text(texts)
        return F.normalize(features.float(), dim=-1)


times = times_of(encode, seconds)
result = {"perSecond": 1000 * batch / times["bestMs"], **times, "rssMiB": resident_mib()}
answer(result, torch=torch.__version__, open_clip=open_clip.__version__)
