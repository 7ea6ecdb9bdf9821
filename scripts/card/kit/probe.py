"""Run by the card's Python in a process of its own: what it has, as one JSON line. Imports nothing of the kit."""

import ctypes
import glob
import importlib
import json
import os
import shutil
import sys
import sysconfig

found = {"python": sys.version.split()[0], "executable": sys.executable}
try:
    import torch

    found["torch"] = torch.__version__
    found["torchCuda"] = torch.version.cuda
    found["card"] = torch.cuda.is_available() and torch.cuda.get_device_name(0) or None
except Exception as error:  # a broken installation raises what it likes
    found["torchError"] = f"{type(error).__name__}: {error}".splitlines()[0]

missing = {}
for name in ("torchvision", "regex", "open_clip", "triton"):
    try:
        found[name] = getattr(importlib.import_module(name), "__version__", "")
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
found["missing"] = missing

compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
found["compiler"] = shutil.which(compiler) if compiler else None
found["pythonHeaders"] = os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))

# The newest first: torch's own, as its wheels lay it.
libraries = sorted(
    (path for folder in sys.path for path in glob.glob(os.path.join(folder, "nvidia/*/lib/libcublasLt.so.1[23]"))),
    key=lambda path: path[-2:], reverse=True,
)
found["cublasLt"] = libraries[0] if libraries else None
try:
    version = ctypes.CDLL(libraries[0] if libraries else "libcublasLt.so.13").cublasLtGetVersion
    version.restype = ctypes.c_size_t
    found["cublasLtVersion"] = version()
except (OSError, AttributeError):
    found["cublasLtVersion"] = None
print(json.dumps(found))
