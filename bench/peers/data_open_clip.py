"""Picture files through open_clip's own evaluation transform, in as many processes as there are processors.

Run: python data_open_clip.py FOLDER SIZE SECONDS; prints one JSON line.
"""

import glob
import multiprocessing
import os
import sys
import time

import open_clip
import PIL
import torch
from PIL import Image
from timing import answer

folder, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
paths = sorted(glob.glob(os.path.join(folder, "*.jpg")))
transform = open_clip.image_transform(size, is_train=False)


def work(paths):
    torch.set_num_threads(1)
    for path in paths:
        with Image.open(path) as picture:
            transform(picture)
    return len(paths)


workers = len(os.sched_getaffinity(0))
with multiprocessing.Pool(workers) as pool:
    pool.map(work, [paths[:8]] * workers, chunksize=1)
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        done += sum(pool.imap_unordered(work, [paths] * (4 * workers), chunksize=1))
    taken = time.perf_counter() - begin
answer(
    {"picturesPerSecond": done / taken, "pictures": len(paths), "workers": workers},
    open_clip=open_clip.__version__,
    pillow=PIL.__version__,
)
