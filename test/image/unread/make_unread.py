"""Intact pictures of kinds that are not read: python3 make_unread.py (numpy, pillow==13.0.0)."""
import pathlib
import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
y, x = np.mgrid[0:16, 0:24]
picture = Image.fromarray(np.stack([x * 9, y * 13, 255 - x * 5], -1).astype('uint8'))
for name, options in {
    'lzma.tif': {'compression': 'lzma'},
    'zstd.tif': {'compression': 'zstd'},
    'picture.jp2': {},
    'picture.ico': {'sizes': [(16, 16)]},
    'picture.tga': {},
    'picture.ppm': {},
}.items():
    picture.save(here / name, **options)
