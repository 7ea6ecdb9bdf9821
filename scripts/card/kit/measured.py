"""Times of ours and of the peers, alternating: each round asks everyone once, and medians are of the rounds."""

import json
import statistics
import time

from . import box

LONGEST = 200  # seconds for one answer
SHARE = 0.6  # of what a stage has left, at most


class Who:
    """One column: how it is asked, what it answered, and why it does not any more."""

    def __init__(self, name, ask, why=None):
        self.name = name
        self.ask = ask  # seconds → a dictionary; raises RuntimeError with a sentence
        self.why = why
        self.answers = []
        self.seconds = 0

    def turn(self, left):
        """Returns False when there was no time for it."""
        if self.why:
            return True
        if self.answers and left < 1.2 * self.seconds:
            return False
        begin = time.monotonic()
        try:
            answer = self.ask(min(SHARE * left, LONGEST))
            if answer.get("outOfMemory"):
                self.why = "out of memory"
            else:
                self.answers.append(answer)
        except RuntimeError as error:
            self.why = str(error)
        self.seconds = time.monotonic() - begin
        return True

    def column(self, keys):
        """{key: median, …}, all answers, and why there are no more."""
        out = {}
        for key in keys:
            values = [answer[key] for answer in self.answers if isinstance(answer.get(key), (int, float))]
            if values:
                out[key] = statistics.median(values)
                out[f"{key}All"] = values
        if self.answers:
            out["last"] = self.answers[-1]
        if self.why:
            out["why"] = self.why
        return out


def answered(command, env):
    """Asks a program of its own, whose last line is JSON."""

    def ask(seconds):
        outcome = box.run(command, seconds, env)
        if not outcome.ok:
            if "out of memory" in (outcome.output + outcome.error).lower():
                return {"outOfMemory": True}
            raise RuntimeError(outcome.why())
        return last_json(outcome.output)

    return ask


def last_json(output):
    try:
        return json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise RuntimeError("its last line is not JSON") from None


def rounds(kit, cases, count, seconds, keys):
    """`cases`: (row of the results, [Who]). Fills the rows; returns a stage's result."""
    deadline = time.monotonic() + seconds
    done, short = 0, False
    for number in range(count):
        for row, who in _turns(cases, number):
            left = deadline - time.monotonic()
            if left <= 1 or not who.turn(left):
                short = True
                continue
            row[who.name] = who.column(keys)
            row["rounds"] = max(row.get("rounds", 0), len(who.answers))
            kit.save()
        done += 1
        if deadline - time.monotonic() <= 1:
            break
    return _verdict(cases, count, done, short)


def _turns(cases, number):
    """Ours of all cases first, so that a peer that takes long costs none of them. The last column of all, torch.compile's,
    comes before the others once those have a figure: it is the one that ours is held against."""
    columns = [[(row, everyone[i]) for row, everyone in cases] for i in range(len(cases[0][1]))]
    order = columns if number == 0 else [columns[0], *reversed(columns[1:])]
    return [turn for column in order for turn in column]


def _verdict(cases, count, done, short):
    said = []
    for row, everyone in cases:
        for who in everyone:
            if who.why:
                said.append(f"{row['what']}, {who.name}: {who.why}")
    ours = [everyone[0] for _, everyone in cases]
    measured = sum(1 for who in ours if who.answers)
    if done < count or short:
        said.append(f"there was no time for {count} rounds of everyone: see each row's figures")
    broken = [who for who in ours if who.why and who.why != "out of memory"]
    status = "failed" if broken else "passed" if measured == len(ours) else "cut"
    return {"status": status, "said": list(dict.fromkeys(said)), "cases": measured}
