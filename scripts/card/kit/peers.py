"""PyTorch and open_clip on the same card: what this machine's Python has of them, and running them."""

import json
import os
import sys
import tempfile

from . import box


class Peers:
    def __init__(self, folder):
        self.folder = folder
        self.found = {}
        self.env = {}

    def probe(self, kit, seconds):
        places = [os.path.join(self.folder, "site"), kit.env["PYTHONPATH"]]
        path = os.pathsep.join(place for place in places if place)
        self.env = {**kit.env, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **caches()}
        outcome = box.run([sys.executable, os.path.join(self.folder, "kit/probe.py")], seconds, self.env)
        try:
            self.found = json.loads(outcome.output.strip().splitlines()[-1])
        except (ValueError, IndexError):
            self.found = {"torchError": outcome.why()}

    @property
    def cublaslt(self):
        return self.found.get("cublasLt")

    def why_not(self):
        """Why the peers' columns stay empty, in one sentence; None when they can run."""
        found, python = self.found, sys.executable
        if "torch" not in found:
            return f"no peer is measured: {python} has no usable torch ({found.get('torchError', 'not looked for')})"
        if not found.get("torchCuda"):
            return f"no peer is measured: torch {found['torch']} of {python} is built without CUDA"
        if not found.get("card"):
            return f"no peer is measured: torch {found['torch']} of {python} finds no card it can use"
        for name in ("torchvision", "regex", "open_clip"):
            if name in found.get("missing", {}):
                return f"no peer is measured: {python} cannot import {name} ({found['missing'][name]})"
        return None

    def why_not_compiled(self):
        if self.why_not():
            return None
        if "triton" in self.found.get("missing", {}):
            return "torch.compile is not measured: this Python has no triton"
        if not self.found.get("compiler"):
            return "torch.compile is not measured: it needs a C compiler, and there is none on the PATH"
        if not self.found.get("pythonHeaders"):
            return "torch.compile is not measured: it needs Python's headers, and Python.h is not there (python3-dev)"
        return None

    def reason(self, compiled):
        return self.why_not() or (self.why_not_compiled() if compiled else None)

    def step_command(self, step, repeats, compiled):
        script = os.path.join(self.folder, "peers/step_open_clip.py")
        sizes = [step.model, step.batch, step.tokens, step.precision, repeats, "--device", "cuda", "--upload"]
        return [sys.executable, script, *map(str, sizes), *(["--compile"] if compiled else [])]

    def loss_command(self, pairs, width, products):
        script = os.path.join(self.folder, "peers/ops_torch.py")
        return [sys.executable, script, "cuda", "loss", str(pairs), str(width), products, "1", "compile"]

    def ops_command(self):
        return [sys.executable, os.path.join(self.folder, "peers/ops_torch.py"), "cuda", "-"]


def caches():
    """Where torch.compile keeps what it compiled: a folder of this user's, so that a second run finds it again."""
    folder = os.path.join(tempfile.gettempdir(), f"clipwright-card-{os.getuid()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.stat(folder, follow_symlinks=False).st_uid != os.getuid() or os.path.islink(folder):
            return {}
    except OSError:
        return {}
    return {"TORCHINDUCTOR_CACHE_DIR": os.path.join(folder, "inductor"), "TRITON_CACHE_DIR": os.path.join(folder, "triton")}
