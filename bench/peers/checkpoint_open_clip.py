"""A folder of weights read into an open_clip model, or written.

Run: python checkpoint_open_clip.py load|save MODEL FOLDER; prints one JSON line. Modules are imported before the clock starts.
"""

import os
import resource
import sys
import tempfile
import time

import open_clip
import torch
from safetensors.torch import save_file
from timing import answer

way, name, folder = sys.argv[1:]
weights = os.path.join(folder, "open_clip_model.safetensors")
begin = time.perf_counter()
model = open_clip.create_model(name, pretrained=weights)
seconds = time.perf_counter() - begin
if way == "save":
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as there:
        begin = time.perf_counter()
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, os.path.join(there, "x.safetensors"))
        seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
answer({"seconds": seconds, "peakRssMiB": peak}, open_clip=open_clip.__version__, torch=torch.__version__)
