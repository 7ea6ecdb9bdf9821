"""Our own products, which are off elsewhere: whether they are right, and how long they take beside cuBLASLt's."""

import tempfile

from . import gtest, measured, suites
from .plan import CARD

CAPABILITY = "9.0"  # the only one whose instructions they have
KEYS = ("forwardMs", "inputGradMs", "weightGradMs")
SHARE = 0.5  # of the stage's time, for the cases


def stage(kit, seconds):
    cards = kit.results["machine"]["clipwright"]["cards"]
    found = cards[0].get("capability") if cards else None
    if found != CAPABILITY:
        return {"status": "skipped", "said": [f"own products are of compute capability {CAPABILITY}, and this card has {found}"]}
    kit.alone()
    with tempfile.TemporaryDirectory() as cache:  # what fails here is not to be remembered on this machine
        own = {**kit.env, "CLIPWRIGHT_OWN_PRODUCTS": "always", "XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1"}
        say = lambda text: kit.say(f"  {text}")
        cases = gtest.run(
            kit.program("conformance_cuda"), kit.plan.own, {**own, "CLIPWRIGHT_TEST_BACKENDS": CARD}, SHARE * seconds, say=say
        )
        result = suites.verdict(kit, cases)
        if result["status"] != "passed":
            return result
        timed = _times(kit, own)
    return {**result, **timed, "said": result["said"] + timed["said"], "cases": result["cases"] + timed["cases"]}


def _times(kit, own):
    rows, cases = kit.results.setdefault("products", []), []
    for name, shape in kit.plan.products:
        sizes = " x ".join(map(str, shape[:3]))
        row = {"what": f"product, {name}, {sizes}, {shape[3]}", "shape": list(shape), "unit": "forwardMs"}
        rows.append(row)
        command = [kit.program("ops_bench"), CARD, "linear", *map(str, shape), str(kit.plan.op_repeats)]
        cases.append((row, [measured.Who("clipwright", measured.answered(command, own)),
                            measured.Who("cuBLASLt", measured.answered(command, kit.env))]))
    return measured.rounds(kit, cases, 1, kit.left(), KEYS)
