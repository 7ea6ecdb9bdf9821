"""Programs in process groups of their own, each for at most so many seconds."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

_groups = set()
_lock = threading.Lock()


@dataclass
class Outcome:
    code: int = None  # of its exit, negative for a signal; None when it was cut or could not start
    cut: bool = False  # its time was up
    seconds: float = 0
    output: str = ""
    error: str = ""

    @property
    def ok(self):
        return self.code == 0

    def why(self):
        """One sentence's worth of what went wrong."""
        if self.cut:
            return f"it was stopped after {self.seconds:.0f} s"
        lines = [line.strip() for line in (self.error or self.output).splitlines() if line.strip()]
        end = "could not start" if self.code is None else f"exit code {self.code}"
        if self.code is not None and self.code < 0:
            end = f"ended by signal {-self.code}"
        return f"{end}: {lines[-1][:300]}" if lines else end


def start(argv, env, stdin=subprocess.DEVNULL, joined=False):
    process = subprocess.Popen(
        argv, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if joined else subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    )
    with _lock:
        _groups.add(process.pid)
    return process


def end(process):
    """Kills the group; what it left in its pipes stays readable."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.poll()
    with _lock:
        _groups.discard(process.pid)


def wait(process, seconds, begin=None):
    begin = begin or time.monotonic()
    cut = False
    try:
        out, err = process.communicate(timeout=max(seconds, 0.01))
    except subprocess.TimeoutExpired:
        cut = True
        end(process)
        try:  # a grandchild that left the group may hold the pipes
            out, err = process.communicate(timeout=5)
        except subprocess.TimeoutExpired as still:
            out, err = (_text(part) for part in (still.output, still.stderr))
    end(process)  # whatever it left running
    return Outcome(None if cut else process.returncode, cut, time.monotonic() - begin, out or "", err or "")


def _text(part):
    return part.decode(errors="replace") if isinstance(part, bytes) else part


def run(argv, seconds, env, joined=False):
    begin = time.monotonic()
    try:
        process = start(argv, env, joined=joined)
    except OSError as error:
        return Outcome(error=f"{argv[0]}: {error.strerror}")
    return wait(process, seconds, begin)


def end_all():
    """For the driver's own end."""
    with _lock:
        groups = list(_groups)
        _groups.clear()
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
