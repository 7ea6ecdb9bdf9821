"""One tower as an ONNX graph, in ONNX Runtime on the CPU.

Run: python infer_onnxruntime.py FOLDER image|text BATCH TOKENS SECONDS fp32|int8; FOLDER is what layout "onnx" wrote, and keeps
what quantize_dynamic makes of it, in a process of its own. Prints one JSON line.
"""

import os
import subprocess
import sys

import numpy as np
import onnxruntime
from timing import answer, resident_mib, times_of

folder, tower = sys.argv[1:3]
batch, tokens, seconds, precision = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), sys.argv[6]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = len(os.sched_getaffinity(0))
graph = {"image": "vision_model.onnx", "text": "text_model.onnx"}[tower]
path = os.path.join(folder, "onnx", graph)
if precision == "int8":
    whole, path = path, path.replace(".onnx", "_dynamic.onnx")
    if not os.path.exists(path):
        # Its memory must not count here.
        subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "quantize_onnx.py"), whole, path], check=True)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
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
