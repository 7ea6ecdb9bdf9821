"""The loss and attention alone, ours beside PyTorch's, which answers all cases in one process: importing it takes longer than
most of them."""

import queue
import subprocess
import threading

from . import box, measured
from .plan import CARD


class Server:
    """bench/peers/ops_torch.py, asked a line at a time."""

    def __init__(self, kit):
        self.kit = kit
        self.process = None
        self.lines = queue.Queue()
        self.errors = []

    def _start(self):
        self.process = box.start(self.kit.peers.ops_command(), self.kit.peers.env, stdin=subprocess.PIPE)
        process, lines = self.process, self.lines = self.process, queue.Queue()

        def read():
            for line in process.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(process.stderr), daemon=True).start()

    def ask(self, *case):
        def answer(seconds):
            try:
                if not self.process or self.process.poll() is not None:
                    self._start()
                self.process.stdin.write(" ".join(map(str, case)) + "\n")
                self.process.stdin.flush()
                line = self.lines.get(timeout=seconds)
            except queue.Empty:
                self.stop()
                raise RuntimeError(f"it was stopped after {seconds:.0f} s") from None
            except OSError as error:
                raise RuntimeError(f"could not be asked: {error.strerror}") from None
            if line is None:
                process, self.process = self.process, None
                box.end(process)
                last = next((line.strip() for line in reversed(self.errors) if line.strip()), "no word")
                raise RuntimeError(f"it ended: {last[:300]}")
            return measured.last_json(line)

        return answer

    def stop(self):
        if self.process:
            box.end(self.process)
        self.process = None


def _ours(kit, *case):
    return measured.answered([kit.program("ops_bench"), CARD, *map(str, case)], kit.env)


def loss(kit, seconds):
    kit.alone()
    rows, server, cases, repeats = kit.results.setdefault("losses", []), Server(kit), [], kit.plan.op_repeats
    for pairs, width, products in kit.plan.losses:
        row = {"what": f"InfoNCE and gradients, {pairs} x {width}, {products}", "pairs": pairs, "width": width, "products": products, "unit": "ms"}
        rows.append(row)
        size = ("loss", pairs, width, products, max(3, repeats // 4) if pairs > 32768 else repeats)
        cases.append((row, [
            measured.Who("clipwright", _ours(kit, *size)),
            measured.Who("open_clip", server.ask(*size), kit.peers.reason(False)),
            measured.Who("open_clip compiled", server.ask(*size, "compile"), kit.peers.reason(True)),
        ]))
    try:
        return measured.rounds(kit, cases, kit.plan.rounds, kit.left(), ("ms", "extraMiB", "featuresMiB"))
    finally:
        server.stop()


def attention(kit, seconds):
    kit.alone()
    rows, server, cases = kit.results.setdefault("attentions", []), Server(kit), []
    for name, shape in kit.plan.attentions:
        sizes = " x ".join(map(str, shape[:4]))
        row = {"what": f"attention, {name}, {sizes}, {shape[4]}, {shape[5]}", "shape": list(shape), "unit": "forwardMs"}
        rows.append(row)
        case = ("attention", *shape, kit.plan.op_repeats)
        cases.append((row, [
            measured.Who("clipwright", _ours(kit, *case)),
            measured.Who("PyTorch", server.ask(*case), kit.peers.reason(False)),
        ]))
    try:
        return measured.rounds(kit, cases, kit.plan.rounds, kit.left(), ("forwardMs", "backwardMs"))
    finally:
        server.stop()
