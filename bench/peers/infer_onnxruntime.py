"""One tower as an ONNX graph, in ONNX Runtime on the CPU.

Run: python infer_onnxruntime.py FOLDER image|text BATCH TOKENS SECONDS; FOLDER is what layout "onnx" wrote. Prints one JSON line.
"""

import os
import sys

import numpy as np
import onnxruntime
from timing import answer, resident_mib, times_of

folder, tower = sys.argv[1:3]
batch, tokens, seconds = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = len(os.sched_getaffinity(0))
graph = {"image": "vision_model.onnx", "text": "text_model.onnx"}[tower]
session = onnxruntime.InferenceSession(os.path.join(folder, "onnx", graph), options, providers=["CPUExecutionProvider"])
random = np.random.default_rng(0)
if tower == "image":
    size = next(i for i in session.get_inputs() if i.name == "pixel_values").shape[2]
    feeds = {"pixel_values": random.standard_normal((batch, 3, size, size), dtype=np.float32)}
else:
    ids = random.integers(1, 49000, (batch, tokens), dtype=np.int64)
    ids[:, 0], ids[:, -1] = 49406, 49407
    feeds = {"input_ids": ids}


def encode():
    (features,) = session.run(None, feeds)
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


times = times_of(encode, seconds)
answer({"perSecond": 1000 * batch / times["bestMs"], **times, "rssMiB": resident_mib()}, onnxruntime=onnxruntime.__version__)
