"""What several peers measure in the same way as clipwright's `lib/bench/measured.ts`."""

import json
import time


def times_of(call, seconds):
    """Calls for at least so many seconds, three at least, after one that warms up: those of single calls."""
    call()
    every = []
    end = time.perf_counter() + seconds
    while len(every) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        every.append(1000 * (time.perf_counter() - begin))
    return {"bestMs": min(every), "medianMs": sorted(every)[len(every) // 2], "calls": len(every)}


def resident_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def answer(result, **versions):
    print(json.dumps({**result, "versions": versions}), flush=True)
