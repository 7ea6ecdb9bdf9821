"""torch.compile takes minutes at its first call: its caches are filled while the suites run, which measure no time."""

import threading
import time

from . import box
from .device import number

BESIDE_EACH_OTHER = 100 * 1024  # MiB of a card that holds two models at once
LONGEST = 900  # seconds


class Warming:
    """Runs what the peers compile once each, in the background."""

    def __init__(self):
        self._threads = []
        self._processes = []
        self._said = []
        self._stopped = False

    def start(self, kit, stages):
        """Whatever of these stages is compiled."""
        if kit.peers.reason(compiled=True):
            return
        steps = kit.plan.steps if "steps" in stages else ()
        losses = kit.plan.losses if "loss" in stages else ()
        jobs = [(step.model, kit.peers.step_command(step, 1, True)) for step in steps]
        jobs += [(f"loss of {case[0]} in {case[2]}", kit.peers.loss_command(*case)) for case in losses]
        total = max((number(card.get("memory.total")) or 0 for card in kit.results["machine"]["cards"]), default=0)
        rows = [jobs[0::2], jobs[1::2]] if total >= BESIDE_EACH_OTHER else [jobs]
        for row in rows:
            thread = threading.Thread(target=self._run, args=(row, kit.peers.env), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self, commands, env):
        for what, command in commands:
            if self._stopped:
                return
            try:
                process = box.start(["nice", "-n", "5", *command], env)
            except OSError as error:
                self._said.append(f"{what}: not compiled ahead ({error.strerror})")
                continue
            self._processes.append(process)
            outcome = box.wait(process, LONGEST)
            how = f"compiled ahead in {outcome.seconds:.0f} s" if outcome.ok else f"not compiled ahead ({outcome.why()})"
            self._said.append(f"{what}: {how}")

    def finish(self, seconds):
        """Waits at most so long and kills what still runs, so that the timed runs are alone. Returns sentences."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        self._stopped = True
        for process in self._processes:
            box.end(process)
        for thread in self._threads:
            thread.join(10)
        self._threads = []
        said, self._said = self._said, []
        return said
