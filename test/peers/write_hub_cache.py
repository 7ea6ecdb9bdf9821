"""Downloads a model from a hub into a cache with huggingface_hub: read-hub-cache.mjs loads it from there.

Run: python write_hub_cache.py FOLDER
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
HERE = Path(__file__).parent
MODEL = HERE.parent / "goldens" / "openclip-gelu"
NAMES = ("open_clip_config.json", "open_clip_model.safetensors")

command = [shutil.which("node"), str(HERE / "hub-server.mjs"), str(MODEL)]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
os.environ["HF_ENDPOINT"] = server.stdout.readline().strip()

from huggingface_hub import hf_hub_download

for name in NAMES:
    hf_hub_download("owner/model", name, cache_dir=FOLDER / "cache")
server.stdin.close()
server.wait()
