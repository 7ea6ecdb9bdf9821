"""GoogleTest programs dealt out over processes: they check results, not times. What dies or fails is tried again alone, so
that an error that a card does not recover from within a process is blamed on the test that made it."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import box

ALONE = 48  # failed tests that are tried again at most
KEPT = 40  # lines of a failure that are kept

_END = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] ([^ ,]+).*\(\d+ ms\)$")
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
    missing: list = field(default_factory=list)
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
    died_in = current if not outcome.cut else None
    missing = [test for test in tests if test not in ended and test != died_in]
    return _Part(ended, lines, died_in, missing, outcome)


def _process(program, tests, env, deadline, under):
    argv = [*under, program, f"--gtest_filter={':'.join(tests)}", "--gtest_color=no"]
    outcome = box.run(argv, max(deadline - time.monotonic(), 0.01), env, joined=True)
    return parsed(outcome.output, tests, outcome)


def run(program, wanted, env, seconds, processes=None, under=(), say=lambda text: None):
    """Counts of all tests of `program` that the filter `wanted` takes. `under`: a program with arguments that runs it."""
    deadline = time.monotonic() + seconds
    processes = processes or len(os.sched_getaffinity(0))
    tests = listed(program, wanted, env, seconds)
    counts = Counts()
    if not tests:
        raise RuntimeError(f"{os.path.basename(program)} has no test that {wanted} names")
    shares = [share for share in (tests[i::processes] for i in range(processes)) if share]
    again = []
    with ThreadPoolExecutor(processes) as pool:
        work = lambda share: _process(program, share, env, deadline, under)
        while shares:
            parts, shares = list(pool.map(work, shares)), []
            for part in parts:
                _add(part, counts, again)
                if part.missing and not part.outcome.cut and (part.died_in or part.ended):
                    shares.append(part.missing)  # the others of a process that died
                else:
                    counts.missing += len(part.missing)
                if trouble := _trouble(part):
                    say(trouble)
                    if not part.died_in and not part.missing:
                        counts.failed += 1
                        counts.failures.append({"test": "after the tests", "lines": part.outcome.output.splitlines()[-KEPT:]})
            if time.monotonic() > deadline:
                counts.missing += sum(map(len, shares))
                break
        alone = list(pool.map(lambda one: _process(program, [one[0]], env, deadline, under), again[:ALONE]))
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
    told = "FAILED" in part.ended.values() and part.outcome.code == 1
    return "" if told else f"a process failed after its tests: {part.outcome.why()}"


def _add(part, counts, again):
    for test, how in part.ended.items():
        if how == "OK":
            counts.passed += 1
        elif how == "SKIPPED":
            counts.skipped += 1
        else:
            again.append((test, part.lines[test]))
    if part.died_in:
        again.append((part.died_in, part.lines[part.died_in] + [part.outcome.why()]))
