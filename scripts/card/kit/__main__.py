"""The command line: ./run.sh [--out FOLDER] [--minutes N] [--stages a,b,c] [--small] [--thorough]."""

import argparse
import os
import signal
import sys

from . import driver, plan


def parse(argv):
    parser = argparse.ArgumentParser(prog="run.sh", description="Checks and measures clipwright on this machine's NVIDIA card.")
    out = os.environ.get("OUT") or "results"
    parser.add_argument("--out", default=out, help="folder of results.json and log.txt (default: $OUT, else results)")
    parser.add_argument("--minutes", type=float, default=8, help="for everything together (default: 8)")
    every = ",".join(plan.STAGES)
    parser.add_argument("--stages", default=every, help="those to run, with commas (default: all)")
    parser.add_argument("--small", action="store_true", help="tiny sizes and few cases: a rehearsal, whose times mean nothing")
    parser.add_argument("--thorough", action="store_true", help="compute-sanitizer over every case, which takes most of an hour")
    args = parser.parse_args(argv)
    args.stages = [name for name in args.stages.split(",") if name]
    unknown = [name for name in args.stages if name not in plan.STAGES]
    if unknown or not args.stages:
        parser.error(f"--stages: expected some of {', '.join(plan.STAGES)}, got {', '.join(unknown) or 'none'}")
    if args.minutes <= 0:
        parser.error("--minutes: expected more than 0")
    return args


def interrupted(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    sys.exit(driver.run(parse(sys.argv[1:])))
