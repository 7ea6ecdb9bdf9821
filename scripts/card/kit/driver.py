"""Runs the stages in order, each in its own time, and writes down after each what is known."""

import datetime
import json
import os
import time

from . import box, device, ops, own, plan, record, sanitizer, steps, suites, summary
from .peers import Peers
from .warm import Warming

RUNS = {
    "device": device.stage,
    "conformance": suites.stage("conformance_cuda", "conformance"),
    "sessions": suites.stage("units_cuda", "sessions"),
    "goldens": suites.stage("units_cuda", "goldens"),
    "bits": suites.stage("units_cuda", "bits"),
    "steps": steps.stage,
    "profile": steps.profile,
    "loss": ops.loss,
    "attention": ops.attention,
    "sanitizer": sanitizer.stage,
    "own": own.stage,
}


class Kit:
    """What the stages share."""

    def __init__(self, args):
        self.folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.about = json.load(open(os.path.join(self.folder, "kit.json"), encoding="utf-8"))
        self.plan = plan.chosen(args.small, args.thorough)
        self.record = record.Record(os.path.abspath(args.out))
        self.results = self.record.data
        self.say, self.log, self.save = self.record.say, self.record.log, self.record.save
        places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place and place != self.folder]
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
        self.peers = Peers(self.folder)
        self.warming = Warming()
        self.problem = None  # why nothing of ours can run
        self.failed = []  # (program, test) of the suites so far
        self.end = time.monotonic() + 60 * args.minutes
        self._stage_end = self.end

    def program(self, name):
        return os.path.join(self.folder, "bin", name)

    def begin_stage(self, seconds):
        self._stage_end = time.monotonic() + seconds

    def left(self):
        """Of the stage's time."""
        return max(0, self._stage_end - time.monotonic())

    def alone(self):
        """Before times are taken: gives torch.compile a third of the stage to end, then stops it."""
        for sentence in self.warming.finish(self.left() / 3):
            self.say(f"  {sentence}")


def run(args):
    """The exit code: 0 when every stage went well and something ran."""
    kit = Kit(args)
    begin = time.monotonic()
    stages = []
    kit.results.update(kit.about, started=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                       minutes=args.minutes, small=args.small, complete=False, stages=stages)
    names = [name for name in plan.STAGES if name in args.stages or name == "device"]
    try:
        for i, name in enumerate(names):
            stages.append({"name": name, **_stage(kit, name, names[i + 1 :])})
            kit.results["seconds"] = round(time.monotonic() - begin, 1)
            kit.save()
            if name == "device" and not kit.problem:
                kit.warming.start(kit, names)
        kit.results["complete"] = True
    except KeyboardInterrupt as stop:
        kit.say(f"stopped by {stop or 'SIGINT'}")
        kit.results["stopped"] = str(stop) or "SIGINT"
    finally:
        box.end_all()
    cases = sum(stage.get("cases", 0) for stage in stages)
    well = kit.results["complete"] and cases > 0 and all(stage["status"] != "failed" for stage in stages)
    kit.results.update(seconds=round(time.monotonic() - begin, 1), cases=cases, passed=well)
    kit.say(summary.table(kit.results))
    if not cases:
        kit.say("error: nothing ran on a card" + (f": {kit.problem}" if kit.problem else ""))
    if not kit.save():
        print(json.dumps(kit.results))  # the only place left
    return 0 if well else 1


def _stage(kit, name, later):
    of_code = plan.STAGES[name][1]
    seconds = plan.seconds_of(name, later, kit.end - time.monotonic())
    kit.say(f"\n== {name}")
    begin = time.monotonic()
    if kit.problem:
        result = {"status": "skipped", "said": [kit.problem]}
    elif seconds < 1:
        result = {"status": "failed" if of_code else "cut", "said": ["no time was left for it"]}
    else:
        kit.begin_stage(seconds)
        try:
            result = RUNS[name](kit, seconds)
        except KeyboardInterrupt:
            raise
        except Exception as error:  # the other stages go on
            result = {"status": "failed", "said": [f"{type(error).__name__}: {error}"]}
    result["seconds"] = round(time.monotonic() - begin, 1)
    result["box"] = round(max(0, seconds), 1)
    for sentence in result["said"]:
        kit.say(f"  {sentence}")
    counts = "".join(f", {result[key]} {key}" for key in ("passed", "failed") if key in result)
    kit.say(f"  {name}: {result['status']}{counts}, {result['seconds']} s")
    return result
