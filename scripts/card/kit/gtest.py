"""GoogleTest programs dealt out over processes: they check results, not times. A card does not recover from an error within a
process: what fails behind one there is given to another process, and is no failure. What dies or fails is tried again alone."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import box

ALONE = 48  # failed tests that are tried again at most
KEPT = 40  # lines of a failure that are kept
LONGEST_FILTER = 100_000  # bytes of one argument; Linux takes 128 KiB
# Of what time is left: a process that takes more is ended, as one of its tests may never end; and one that has this test alone.
PATIENCE, PATIENCE_ALONE = 0.4, 0.7
FRUITLESS = 5  # rounds after which nothing passed in a row, and nothing is expected to

# A kernel writes its faults nowhere: with this each launch is waited for, and the error names it.
ONE_BY_ONE = {"CUDA_LAUNCH_BLOCKING": "1"}

_END = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] ([^ ,]+).*\(\d+ ms\)$")
_DEVICE = re.compile(r"\[cuda(:\d+)?\] ")  # how errors of the card, and those after them, begin
_RUN = re.compile(r"^\[ RUN\s*\] (\S+)$")


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    missing: int = 0  # that did not come to run
    failures: list = field(default_factory=list)  # {"test", "lines"}
    after_others: list = field(default_factory=list)  # failed, but not alone

    def public(self):
        return {key: value for key, value in vars(self).items() if value or key in ("passed", "failed", "skipped")}


@dataclass
class _Part:
    """What one process did with its tests."""
    ended: dict  # test → OK, FAILED, SKIPPED
    lines: dict  # test → its output
    died_in: str = None
    stuck_in: str = None
    missing: list = field(default_factory=list)
    behind: list = field(default_factory=list)  # that failed behind an error of the card
    outcome: box.Outcome = None


def listed(program, wanted, env, seconds):
    """Names of the tests that a filter takes. Raises RuntimeError."""
    outcome = box.run([program, "--gtest_list_tests", f"--gtest_filter={wanted}"], seconds, env)
    if not outcome.ok:
        raise RuntimeError(f"{os.path.basename(program)} lists no tests: {outcome.why()}")
    names, suite = [], ""
    for line in outcome.output.splitlines():
        if line.startswith("  "):
            names.append(suite + line.split("#")[0].strip())
        elif re.match(r"^\S+\.(\s|$)", line):
            suite = line.split("#")[0].strip()
    return names


def parsed(output, tests, outcome):
    ended, lines, current = {}, {}, None
    for line in output.splitlines():
        begins, ends = _RUN.match(line), _END.match(line)
        if begins:
            current = begins[1]
            lines[current] = []
        elif ends and ends[2] in lines and ends[2] not in ended:
            ended[ends[2]] = ends[1]
            current = None
        elif current:
            lines[current].append(line)
    died_in, stuck_in = (None, current) if outcome.cut else (current, None)
    behind = _behind(ended, lines)
    for test in behind:
        del ended[test]
    missing = [test for test in tests if test not in ended and test not in (died_in, stuck_in) and test not in behind]
    return _Part(ended, lines, died_in, stuck_in, missing, behind, outcome)


def _behind(ended, lines):
    failed = [test for test, how in ended.items() if how == "FAILED"]
    first = next((i for i, test in enumerate(failed) if any(_DEVICE.search(line) for line in lines[test])), len(failed))
    return failed[first + 1 :]


def _process(program, tests, env, seconds, under):
    argv = [*under, program, f"--gtest_filter={':'.join(tests)}", "--gtest_color=no"]
    outcome = box.run(argv, max(seconds, 0.01), env, joined=True)
    return parsed(outcome.output, tests, outcome)


def dealt(tests, processes):
    """Shares for so many processes, or for more where a filter would be too long for one argument."""
    size = sum(len(test) + 1 for test in tests)
    shares = max(processes, -(-size // LONGEST_FILTER))
    return [share for share in (tests[i::shares] for i in range(shares)) if share]


def run(program, wanted, env, seconds, processes=None, under=(), say=lambda text: None):
    """Counts of all tests of `program` that the filter `wanted` takes. `under`: a program with arguments that runs it."""
    deadline = time.monotonic() + seconds
    processes = processes or len(os.sched_getaffinity(0))
    tests = listed(program, wanted, env, seconds)
    counts = Counts()
    if not tests:
        raise RuntimeError(f"{os.path.basename(program)} has no test that {wanted} names")
    shares = dealt(tests, processes)
    again, fruitless = [], 0
    with ThreadPoolExecutor(processes) as pool:
        while shares:
            now = time.monotonic()

            def work(share):
                patience = 1 if under else PATIENCE_ALONE if len(share) == 1 else PATIENCE
                most = min(patience * (deadline - now), deadline - time.monotonic())
                return _process(program, share, env, most, under)

            parts = list(pool.map(work, shares))
            time_is_up, before = deadline - time.monotonic() < 1, counts.passed
            shares = []
            for part in parts:
                shares += _add(part, counts, again, time_is_up)
                if trouble := _trouble(part):
                    say(trouble)
                    if not part.died_in and not part.missing and not part.behind:
                        counts.failed += 1
                        counts.failures.append({"test": "after the tests", "lines": part.outcome.output.splitlines()[-KEPT:]})
            fruitless = 0 if counts.passed > before else fruitless + 1
            if time_is_up or fruitless == FRUITLESS:
                counts.missing += sum(map(len, shares))
                break
        slowly = {**env, **ONE_BY_ONE}
        work = lambda one: _process(program, [one[0]], slowly, PATIENCE * (deadline - time.monotonic()), under)
        alone = list(pool.map(work, again[:ALONE]))
    for (test, lines), part in zip(again, alone + [None] * len(again)):
        if part and part.ended.get(test) == "OK":
            counts.passed += 1
            counts.after_others.append(test)
        else:
            mine = part.lines.get(test) if part and test in part.ended else None
            counts.failed += 1
            counts.failures.append({"test": test, "lines": (mine or lines)[:KEPT]})
    return counts


def _trouble(part):
    """A sentence about a process that ended as no process should, even one whose tests fail."""
    if part.outcome.cut or part.outcome.code == 0:
        return ""
    if part.died_in:
        return f"a process died in {part.died_in}: {part.outcome.why()}"
    if part.missing:
        return f"a process ended before its tests did: {part.outcome.why()}"
    if part.behind:
        return f"{len(part.behind)} tests failed in a process behind an error of the card: they are run again in another"
    told = "FAILED" in part.ended.values() and part.outcome.code == 1
    return "" if told else f"a process failed after its tests: {part.outcome.why()}"


def _add(part, counts, again, time_is_up):
    """Returns shares of what is to be run again."""
    for test, how in part.ended.items():
        if how == "OK":
            counts.passed += 1
        elif how == "SKIPPED":
            counts.skipped += 1
        else:
            again.append((test, part.lines[test]))
    if part.died_in:
        again.append((part.died_in, part.lines[part.died_in] + [part.outcome.why()]))
    stuck = [part.stuck_in] if part.stuck_in else []
    if time_is_up or not (part.ended or part.died_in or stuck):
        counts.missing += len(part.missing) + len(part.behind) + len(stuck)
        return []
    if stuck and not part.ended and not part.missing:
        counts.failed += 1
        lines = part.lines[part.stuck_in] + [f"alone, {part.outcome.why()}"]
        counts.failures.append({"test": part.stuck_in, "lines": lines[:KEPT]})
        stuck = []
    return [share for share in (part.missing + part.behind, stuck) if share]
