"""Training steps of whole models, ours beside open_clip's, and where the time of ours goes."""

import os

from . import measured
from .plan import CARD

KEYS = ("pairsPerSecond", "stepMs", "meanStepMs", "medianStepMs", "latencyMs", "deviceMs", "gflops", "peakMiB")


def our_command(kit, step, repeats, *more):
    models = os.path.join(kit.folder, "models.txt")
    sizes = [step.model, CARD, step.batch, step.precision, step.tokens, repeats]
    return [kit.program("step_bench"), models, *map(str, sizes), *more]


def _ours(kit, step):
    """step_bench's answer, with the rate of the products that open_clip's model needs where their number is known."""
    ask = measured.answered(our_command(kit, step, kit.plan.step_repeats), kit.env)
    flops = kit.about.get("flopsPerPair", {}).get(step.model, {}).get(str(step.tokens))

    def answer(seconds):
        found = ask(seconds)
        return {**found, "gflops": found["pairsPerSecond"] * flops / 1e9} if flops and "pairsPerSecond" in found else found

    return answer


def stage(kit, seconds):
    kit.alone()
    rows = kit.results["steps"] = []
    cases = []
    repeats = kit.plan.step_repeats
    for step in kit.plan.steps:
        what = f"step, {step.model}, {step.batch} pairs, {step.precision}, {step.tokens} tokens"
        row = {"what": what, **vars(step), "unit": "pairsPerSecond"}
        rows.append(row)
        peer = lambda name, compiled: measured.Who(
            name, measured.answered(kit.peers.step_command(step, repeats, compiled), kit.peers.env), kit.peers.reason(compiled))
        ours = measured.Who("clipwright", _ours(kit, step))
        cases.append((row, [ours, peer("open_clip", False), peer("open_clip compiled", True)]))
    return measured.rounds(kit, cases, kit.plan.rounds, kit.left(), KEYS)


def profile(kit, seconds):
    kit.alone()
    rows = kit.results["profiles"] = []
    said = []
    for step in kit.plan.steps:
        try:
            command = our_command(kit, step, kit.plan.step_repeats, "--profile")
            answer = measured.answered(command, kit.env)(kit.left() / len(kit.plan.steps))
            if "ops" not in answer:
                raise RuntimeError("out of memory" if answer.get("outOfMemory") else "no profile came")
        except RuntimeError as error:
            said.append(f"{step.model}: {error}")
            continue
        rows.append({**vars(step), **answer})
        kit.say(f"  {step.model}, ms of {answer.get('deviceMs') or answer.get('stepMs')} in a step")
        for op in sorted(answer["ops"], key=lambda op: -op["ms"])[:12]:
            kit.say(f"    {op['name']:<24} {op['calls']:>5} calls {op['ms']:>9.3f}")
        kit.save()
    return {"status": "failed" if said else "passed", "said": said, "cases": len(rows)}
