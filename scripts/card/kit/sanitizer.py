"""compute-sanitizer over what has failed and over small cases, all at once: it looks for wrong accesses, not at times."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

from . import gtest, suites
from .plan import CARD

MOST_FAILED = 6  # tests of a program
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
        what = "" if job in kit.plan.sanitized else ", what failed"
        under = [found[0], "--tool", tool, "--error-exitcode", "9"]
        say = lambda text: kit.say(f"  {tool}: {text}")
        try:
            left = deadline - time.monotonic()
            counts = gtest.run(kit.program(program), wanted, env, left, processes=1, under=under, say=say)
            return f"{tool}, {program}{what}", suites.verdict(kit, counts, cut_fails=False)
        except RuntimeError as error:
            return f"{tool}, {program}{what}", {"status": "failed", "said": [str(error)], "cases": 0}

    jobs = [*_of_failures(kit), *kit.plan.sanitized]
    with ThreadPoolExecutor(len(jobs)) as pool:
        results = list(pool.map(watch, jobs))
    kit.results["sanitized"] = dict(results)
    said = [f"{name}: {sentence}" for name, result in results for sentence in result["said"]]
    worst = next((how for how in ("failed", "cut") if any(result["status"] == how for _, result in results)), "passed")
    total = {key: sum(result.get(key, 0) for _, result in results) for key in ("passed", "failed", "skipped", "cases")}
    return {"status": worst, "said": said, **total}


def _of_failures(kit):
    """What a kernel does wrong, and in which line of what it was given, the log then says."""
    tests = {}
    for program, test in kit.failed:
        if "." in test:  # not the end of a process
            tests.setdefault(program, []).append(test)
    return [("memcheck", program, ":".join(some[:MOST_FAILED])) for program, some in tests.items()]
