"""What the machine has: card, driver, clocks, torch, cuBLASLt; and whether that is enough."""

import json
import os
import shutil
import sys

from . import box

_QUERY = (
    "name", "driver_version", "compute_cap", "memory.total", "memory.used", "clocks.sm", "clocks.mem", "clocks.max.sm",
    "clocks.max.mem", "power.limit", "temperature.gpu",
)
_OLD_QUERY = ("name", "driver_version", "memory.total")  # what drivers from before compute_cap know


def stage(kit, seconds):
    machine = kit.results["machine"] = {"cpus": len(os.sched_getaffinity(0)), "python": sys.version.split()[0]}
    said = []
    cards, complaint = query(kit.env)
    if complaint:
        said.append(complaint)
    machine["cards"] = cards
    kit.peers.probe(kit, seconds)
    machine["software"] = kit.peers.found
    if kit.peers.cublaslt and not kit.env.get("CLIPWRIGHT_CUBLASLT"):
        kit.env["CLIPWRIGHT_CUBLASLT"] = kit.peers.cublaslt
    machine["cublasLt"] = kit.env.get("CLIPWRIGHT_CUBLASLT")
    ours = box.run([kit.program("ops_bench"), "describe"], seconds, kit.env)
    try:
        machine["clipwright"] = json.loads(ours.output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        machine["clipwright"] = {"problem": f"ops_bench says nothing of the card: {ours.why()}"}
    said += [why for why in (kit.peers.why_not(), kit.peers.why_not_compiled()) if why]
    kit.problem = problem_of(cards, machine["clipwright"], kit.about)
    for card in cards:
        kit.say("  " + ", ".join(f"{key} {value}" for key, value in card.items() if value))
        if used := number(card.get("memory.used")):
            if used > 2048:
                said.append(f"{used:.0f} MiB of the card are in use before anything runs: another process may slow this one")
    if kit.problem:
        return {"status": "failed", "said": said + [kit.problem]}
    return {"status": "passed", "said": said}


def query(env):
    """([{field: value}] of nvidia-smi, or what keeps it from answering)."""
    program = shutil.which("nvidia-smi", path=env.get("PATH"))
    if not program:
        return [], "nvidia-smi is not on the PATH: clocks and the driver's version are not known"
    for fields in (_QUERY, _OLD_QUERY):
        outcome = box.run([program, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"], 20, env)
        if outcome.ok:
            rows = [[cell.strip() for cell in line.split(",")] for line in outcome.output.splitlines() if line.strip()]
            return [dict(zip(fields, row)) for row in rows], ""
    return [], f"nvidia-smi fails: {outcome.why()}"


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def problem_of(cards, ours, about):
    """Why nothing of ours can run, in one sentence; None when it can."""
    for card in cards:
        driver, least = number(str(card["driver_version"]).split(".")[0]), number(about["leastDriver"])
        if driver and driver < least:
            needed = f"{about['leastDriver']} or newer is needed for CUDA 13: install that"
            return f"the NVIDIA driver is {card['driver_version']}, and {needed}"
    capabilities = [number(card.get("compute_cap")) for card in cards]
    if capabilities and all(c is not None and c < about["leastCapability"] for c in capabilities):
        card = cards[0]
        needed = f"{about['leastCapability']} (A100) or newer is needed"
        return f"{card['name']} has compute capability {card['compute_cap']}, and {needed}"
    return ours.get("problem") or None
