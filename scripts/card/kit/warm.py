"""torch.compile takes minutes at its first call: its caches are filled while the suites run, which measure no time."""

import threading
import time

from . import box
from .device import number

BESIDE_EACH_OTHER = 100 * 1024  # MiB of a card that holds the models of all steps at once
LONGEST = 900  # seconds


class Warming:
    """Runs the peers' compiled steps once each, in the background."""

    def __init__(self):
        self._threads = []
        self._processes = []
        self._said = []
        self._stopped = False

    def start(self, kit):
        if kit.peers.reason(compiled=True):
            return
        total = max((number(card.get("memory.total")) or 0 for card in kit.results["machine"]["cards"]), default=0)
        steps = list(kit.plan.steps)
        rows = [[step] for step in steps] if total >= BESIDE_EACH_OTHER else [steps]
        for row in rows:
            commands = [(step.model, ["nice", "-n", "5", *kit.peers.step_command(step, 1, True)]) for step in row]
            thread = threading.Thread(target=self._run, args=(commands, kit.peers.env), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self, commands, env):
        for model, command in commands:
            if self._stopped:
                return
            try:
                process = box.start(command, env)
            except OSError as error:
                self._said.append(f"{model}: not compiled ahead ({error.strerror})")
                continue
            self._processes.append(process)
            outcome = box.wait(process, LONGEST)
            how = f"compiled ahead in {outcome.seconds:.0f} s" if outcome.ok else f"not compiled ahead ({outcome.why()})"
            self._said.append(f"{model}: {how}")

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
