"""The stages that say whether the code is right: GoogleTest programs over the card."""

import os

from . import gtest
from .plan import CARD


def stage(program, which):
    def run(kit, seconds):
        goldens = os.path.join(kit.folder, "goldens")
        env = {**kit.env, "CLIPWRIGHT_TEST_BACKENDS": CARD, "CLIPWRIGHT_GOLDENS": goldens, "OMP_NUM_THREADS": "1"}
        say = lambda text: kit.say(f"  {text}")
        counts = gtest.run(kit.program(program), getattr(kit.plan, which), env, seconds, say=say)
        kit.failed += [(program, failure["test"]) for failure in counts.failures]
        return verdict(kit, counts)

    return run


def verdict(kit, counts, cut_fails=True):
    said = []
    for failure in counts.failures:
        kit.log(f"FAILED {failure['test']}\n" + "\n".join(f"    {line}" for line in failure["lines"]))
    for failure in counts.failures[:8]:
        kit.say(f"  failed: {failure['test']}")
    if counts.missing:
        said.append(f"{counts.missing} tests did not come to run in the time of this stage")
    if counts.after_others:
        some = ", ".join(counts.after_others[:4])
        said.append(f"{len(counts.after_others)} tests failed beside others and passed alone: {some}")
    ran = counts.passed + counts.failed
    cut = "failed" if cut_fails else "cut"
    status = "failed" if counts.failed or counts.after_others else cut if counts.missing else "passed" if ran else "failed"
    return {"status": status, "said": said, "cases": ran, **counts.public()}
