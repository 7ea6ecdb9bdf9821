#!/bin/sh
# Runs the kit with a Python that has torch, if there is one. PYTHON names another; arguments are the driver's: --help.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
has_torch='import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
if [ -z "$PYTHON" ]; then
  for python in python3 /opt/torch/.venv/bin/python3 /opt/venv/bin/python3 /opt/conda/bin/python3 /usr/bin/python3; do
    command -v "$python" >/dev/null 2>&1 || continue
    [ -n "$PYTHON" ] || PYTHON=$python
    if "$python" -c "$has_torch" >/dev/null 2>&1; then PYTHON=$python; break; fi
  done
fi
if [ -z "$PYTHON" ]; then
  echo "error: no python3 is on the PATH: install Python 3.9 or newer, or name one in PYTHON" >&2
  exit 1
fi
exec env PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" -B -m kit "$@"
