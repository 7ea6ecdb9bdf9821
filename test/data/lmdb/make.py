# Made pairs.mdb.gz and imgs.mdb.gz with Python's lmdb 1.6.2, key by key as Chinese-CLIP's build_lmdb_dataset.py does.
import base64, gzip, os, pickle, shutil, tempfile, zlib, struct
import lmdb

def png(i, noise):
    raw = b''.join(b'\0' + bytes((i * 37 + x * y * noise) % 256 for x in range(3 * 16)) for y in range(16))
    if noise: raw = b''.join(b'\0' + os.urandom(3 * 64) for _ in range(64))
    n = 64 if noise else 16
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', n, n, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b'')

folder = tempfile.mkdtemp()
here = os.path.dirname(os.path.abspath(__file__))
def write(name, entries, last):
    env = lmdb.open(os.path.join(folder, name), map_size=1 << 30)
    txn = env.begin(write=True)
    for i, (key, value) in enumerate(entries):
        txn.put(key=key.encode(), value=value)
        if i % 100 == 99:
            txn.commit()
            txn = env.begin(write=True)
    txn.put(key=last.encode(), value=str(len(entries)).encode())
    txn.commit()
    env.close()
    with open(os.path.join(folder, name, 'data.mdb'), 'rb') as source, gzip.GzipFile(os.path.join(here, name + '.mdb.gz'), 'wb', 9, mtime=0) as target:
        shutil.copyfileobj(source, target)

texts = [(1000 + t, '第%d张图片，一只狗' % t, [(t * 7 + j) % 30 for j in range(1 + t % 3)]) for t in range(200)]
pairs = [(image, text_id, text) for text_id, text, images in texts for image in images]
write('pairs', [(str(i), pickle.dumps(pair)) for i, pair in enumerate(pairs)], 'num_samples')
# The last one is larger than a page.
write('imgs', [(str(i), base64.urlsafe_b64encode(png(i, i == 29))) for i in range(30)], 'num_images')
