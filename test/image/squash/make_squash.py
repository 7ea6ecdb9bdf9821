"""Squashed pictures, as Chinese-CLIP makes them: torchvision's Resize((n, n), BICUBIC) on Pillow's pixels.

Made with Pillow 13.0.0 and torchvision 0.28.0, the peers of `npm run test:peers`; the sources are those of the
golden pictures that are RGB once decoded. Run: python make_squash.py
"""

from pathlib import Path

from PIL import Image
from torchvision.transforms import InterpolationMode, Resize

here = Path(__file__).parent
sources = here / "../../goldens/preprocess"
# Wide and tall, larger and smaller than the square in both directions and in one, one pixel wide.
files = ["large.png", "small.png", "expected/grey-png-rgb.png", "line.png", "expected/420-jpg-rgb.png"]

for file in files:
    picture = Image.open(sources / file)
    assert picture.mode == "RGB", file
    for size in (32, 64):
        squashed = Resize((size, size), InterpolationMode.BICUBIC)(picture)
        squashed.save(here / f"{Path(file).stem}-{size}.png", optimize=True)
