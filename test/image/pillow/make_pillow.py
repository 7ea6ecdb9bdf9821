"""Pictures of every kind that is read, and what Pillow 13.0.0 makes of them: python3 make_pillow.py (numpy, pillow==13.0.0).

Writes the pictures into this folder and expected.json: for each picture and way of preprocessing, the RGB bytes, deflated, in
base64. Sizes and offsets are torchvision's, as written out in `fit`.
"""
import base64, json, pathlib, struct, zlib
import numpy as np
from PIL import Image, ImageOps, ImageSequence

assert Image.__version__ == '13.0.0', Image.__version__
here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
W, H = 37, 29


def smooth(channels):
    """Colours that change slowly, with noise: resizing shows its filter, and palettes have something to do."""
    y, x = np.mgrid[0:H, 0:W]
    base = np.stack([(x * (c + 2) * 3 + y * (5 - c) * 2) % 256 for c in range(channels)], -1)
    return np.clip(base + rng.integers(-20, 20, base.shape), 0, 255).astype('uint8')


rgb = Image.fromarray(smooth(3))
rgba = Image.fromarray(smooth(4), 'RGBA')
la = Image.fromarray(smooth(2), 'LA')
palette = rgb.quantize(16)
one = rgb.convert('1')


def save(image, name, **options):
    image.save(here / name, **options)


save(rgba, 'rgba.png')
save(la, 'la.png')
save(palette, 'palette.png')
save(palette, 'palette-transparent.png', transparency=3)
save(one, 'one.png')
save(rgba, 'rgba.webp', lossless=True, exact=True)
save(rgba, 'rgba.tif')
save(palette, 'palette.tif')
save(one, 'one.tif', compression='group4')
save(palette, 'opaque.gif')
save(palette, 'transparent.gif', transparency=3)
save(rgb.convert('L'), 'grey.gif')
save(palette, 'interlaced.gif', interlace=1)


def gif_part(name, left, top, transparent):
    """A frame that covers a part of the screen only."""
    save(palette.crop((0, 0, W - left - 3, H - top - 2)), name, interlace=0)
    data = bytearray((here / name).read_bytes())
    data[6:10] = struct.pack('<HH', W, H)
    colours = 3 * 2 ** ((data[10] & 7) + 1)
    at = 13 + colours
    if data[at] == 0x21 and data[at + 1] == 0xF9:
        del data[at : at + 8]
    frame = data.index(b'\x2c', at)
    data[frame + 1 : frame + 5] = struct.pack('<HH', left, top)
    if transparent is not None:
        data[frame:frame] = bytes([0x21, 0xF9, 4, 1, 0, 0, transparent, 0])
    (here / name).write_bytes(data)


gif_part('part.gif', 5, 4, None)
gif_part('part-transparent.gif', 5, 4, 2)


def bmp(name, bits, compression, pixels, masks=b'', colours=b'', height=H):
    offset = 14 + 40 + len(masks) + len(colours)
    header = struct.pack('<IiiHHIIiiII', 40, W, height, 1, bits, compression, len(pixels), 2835, 2835, len(colours) // 4, 0)
    file = b'BM' + struct.pack('<IHHI', offset + len(pixels), 0, 0, offset) + header + masks + colours + pixels
    (here / name).write_bytes(file)


save(rgb, 'rgb24.bmp')
save(palette, 'palette8.bmp')
save(one, 'one.bmp')
save(rgb.convert('L'), 'grey8.bmp')
save(rgba, 'rgba32.bmp')
words = np.zeros((H, W + W % 2), '<u2')
words[:, :W] = rng.integers(0, 65536, (H, W))
bmp('555.bmp', 16, 0, words.tobytes())
bmp('565.bmp', 16, 3, words.tobytes(), struct.pack('<III', 0xF800, 0x7E0, 0x1F))
pixels32 = rng.integers(0, 2**32, (H, W)).astype('<u4').tobytes()
bmp('topdown32.bmp', 32, 0, pixels32, height=-H)
bmp('masked32.bmp', 32, 3, pixels32, struct.pack('<III', 0xFF000000, 0xFF0000, 0xFF00))
colours = rng.integers(0, 256, (256, 4)).astype('u1').tobytes()
nibbles = rng.integers(0, 256, (H, (W * 4 + 31) // 32 * 4)).astype('u1')
bmp('palette4.bmp', 4, 0, nibbles.tobytes(), colours=colours[:64])
indices = rng.integers(0, 256, (H, W)).astype('u1')
runs = b''.join(
    bytes([5, row[0], 0, W - 5]) + row[5:].tobytes() + b'\0' * ((W - 5) % 2) + b'\0\0' for row in indices
)
bmp('runs8.bmp', 8, 1, runs + b'\0\1', colours=colours)
runs = b''.join(bytes([21, 0x3A, 0, W - 21]) + row[: (W - 21) // 2].tobytes() + b'\0\0' for row in nibbles)
bmp('runs4.bmp', 4, 2, runs + b'\0\1', colours=colours[:64])

# Four fields of one colour, so that a lossy codec cannot hide which corner is which.
fields = np.zeros((24, 40, 3), 'uint8')
fields[:12, :20], fields[:12, 20:], fields[12:, :20], fields[12:, 20:] = (200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)
fields = Image.fromarray(fields)
for n in range(1, 9):
    exif = Image.Exif()
    exif[0x112] = n
    save(fields, f'turned{n}.avif', exif=exif, quality=95, subsampling='4:4:4')
    save(fields, f'turned{n}.tif', tiffinfo={274: n})
for n in (3, 6):
    exif = Image.Exif()
    exif[0x112] = n
    save(fields, f'exif{n}.png', exif=exif)
    save(fields, f'exif{n}.webp', exif=exif, lossless=True)
xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
save(fields, 'xmp6.jpg', xmp=xmp, quality=95, subsampling=0)
save(fields, 'xmp6.webp', xmp=xmp, lossless=True)


def fit(image, mode, size, resample):
    width, height = image.size
    if mode == 'squash':
        return image.resize((size, size), resample)
    if mode == 'pad':
        ratio = max(width / size, height / size)
        new = (round(width / ratio), round(height / ratio))
        small = image.resize(new, resample).convert('RGB')
        out = Image.new('RGB', (size, size))
        out.paste(small, ((size - new[0]) // 2, (size - new[1]) // 2))
        return out
    short, long = min(width, height), max(width, height)
    new_long = int(size * long / short)
    new = (size, new_long) if width <= height else (new_long, size)
    left, top = round((new[0] - size) / 2), round((new[1] - size) / 2)
    return image.resize(new, resample).crop((left, top, left + size, top + size))


RESAMPLE = {'bicubic': Image.Resampling.BICUBIC, 'bilinear': Image.Resampling.BILINEAR}
cases = []
for path in sorted(here.iterdir()):
    if path.suffix in ('.py', '.json'):
        continue
    turned = path.stem[:-1] in ('turned', 'exif', 'xmp')
    for orient in (True, False) if turned else (False,):
        for convert in ('before', 'after'):
            for interpolation in ('bicubic', 'bilinear'):
                for mode, size in (('crop', 16), ('squash', 20), ('pad', 18), ('crop', 40)):
                    if turned and (convert, interpolation, mode, size) != ('before', 'bicubic', 'crop', 16):
                        continue
                    image = Image.open(path)
                    image.load()
                    if orient:
                        image = ImageOps.exif_transpose(image)
                    if convert == 'before':
                        image = image.convert('RGB')
                    result = fit(image, mode, size, RESAMPLE[interpolation]).convert('RGB')
                    cases.append({
                        'file': path.name, 'orient': orient, 'convert': convert, 'interpolation': interpolation,
                        'mode': mode, 'size': size,
                        'pixels': base64.b64encode(zlib.compress(result.tobytes(), 9)).decode(),
                    })
lines = ',\n'.join(json.dumps(case) for case in cases)
(here / 'expected.json').write_text(f'[\n{lines}\n]\n')
print(len(cases), 'cases')
