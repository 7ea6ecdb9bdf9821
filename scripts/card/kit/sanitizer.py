"""compute-sanitizer over small cases, all its tools at once: it looks for wrong accesses, not at times."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

from . import gtest, suites
from .plan import CARD

_PLACES = ("compute-sanitizer", "/usr/local/cuda/bin/compute-sanitizer")


def stage(kit, seconds):
    found = [place for place in (shutil.which(name, path=kit.env.get("PATH")) for name in _PLACES) if place]
    if not found:
        why = "compute-sanitizer is neither on the PATH nor in /usr/local/cuda: install CUDA's toolkit"
        return {"status": "skipped", "said": [why]}
    env = {**kit.env, "CLIPWRIGHT_TEST_BACKENDS": CARD, "OMP_NUM_THREADS": "1"}
    deadline = time.monotonic() + seconds

    def watch(job):
        tool, program, wanted = job
        under = [found[0], "--tool", tool, "--error-exitcode", "9"]
        say = lambda text: kit.say(f"  {tool}: {text}")
        try:
            left = deadline - time.monotonic()
            counts = gtest.run(kit.program(program), wanted, env, left, processes=1, under=under, say=say)
            return f"{tool}, {program}", suites.verdict(kit, counts, cut_fails=False)
        except RuntimeError as error:
            return f"{tool}, {program}", {"status": "failed", "said": [str(error)], "cases": 0}

    with ThreadPoolExecutor(len(kit.plan.sanitized)) as pool:
        results = list(pool.map(watch, kit.plan.sanitized))
    kit.results["sanitized"] = dict(results)
    said = [f"{name}: {sentence}" for name, result in results for sentence in result["said"]]
    worst = next((how for how in ("failed", "cut") if any(result["status"] == how for _, result in results)), "passed")
    total = {key: sum(result.get(key, 0) for _, result in results) for key in ("passed", "failed", "skipped", "cases")}
    return {"status": worst, "said": said, **total}
