"""Writes what CPython and NumPy pickle of things that lie beside weights in checkpoints: python make_harmless.py > harmless.json

Without the first opcode (the protocol) and the last (STOP), so that a test can put them into a checkpoint. Made with Python
3.11 and NumPy 2.
"""

import argparse
import base64
import collections
import datetime
import decimal
import json
import logging
import pathlib
import pickle
import types
import uuid

things = {
    "argparse.Namespace": argparse.Namespace(lr=5e-4, path=pathlib.PurePosixPath("a/b"), tags=["x"]),
    "SimpleNamespace": types.SimpleNamespace(a=1),
    "pathlib": pathlib.PurePosixPath("runs/x"),
    "datetime": datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc),
    "timedelta": datetime.timedelta(days=1),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "deque": collections.deque([1, 2, 3], maxlen=5),
    "Counter": collections.Counter({30: 1, 60: 1}),
    "class": collections.OrderedDict,
    "function": print,
    "complex": 1 + 2j,
    "bytearray": bytearray(b"abc"),
    "range": range(3),
    "Decimal": decimal.Decimal("1.5"),
    "UUID": uuid.UUID(int=5),
    "own class": logging.Formatter("%(message)s"),
    "enumeration": uuid.SafeUUID.safe,
}
try:
    import numpy as np

    things |= {
        "numpy scalar": np.float64(0.5),
        "numpy array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "numpy strings": np.array(["a", "b"], dtype=object),
        "numpy dtype": np.dtype("float16"),
        "numpy random state": np.random.RandomState(0).get_state(),
        "numpy RandomState": np.random.RandomState(0),
        "numpy Generator": np.random.default_rng(0),
    }
except ImportError:
    pass

out = {}
for name, thing in things.items():
    for protocol in (2, 4):
        body = pickle.dumps(thing, protocol)[2:-1]
        out[f"{name}, protocol {protocol}"] = base64.b64encode(body).decode()
print(json.dumps(out, indent=1))
