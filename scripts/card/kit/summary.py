"""What came out, as text."""


def table(results):
    lines = ["", "== summary"]
    for stage in results["stages"]:
        counts = ", ".join(f"{stage[key]} {key}" for key in ("passed", "failed", "skipped", "missing") if stage.get(key))
        lines.append(f"{stage['name']:<12} {stage['status']:<8} {stage['seconds']:>7} s  {counts}")
    rows = [row for key in ("steps", "losses", "attentions", "products") for row in results.get(key, [])]
    for row in rows:
        parts = ("forwardMs", "backwardMs", "inputGradMs", "weightGradMs")
        for key in [part for part in parts if part in row.get("clipwright", {})] or [row["unit"]]:
            lines.append(f"{row['what']}, {key}: {', '.join(_columns(row, key))}")
    counts = [sum(stage.get(key, 0) for stage in results["stages"]) for key in ("passed", "failed", "skipped")]
    lines.append("total: {} passed, {} failed, {} skipped".format(*counts))
    return "\n".join(lines)


def _columns(row, key):
    ours = row.get("clipwright", {}).get(key)
    for name, column in row.items():
        if not isinstance(column, dict):
            continue
        value = column.get(key)
        if value is None:
            yield f"{name} -"
        elif name == "clipwright" or not ours:
            yield f"{name} {value:.4g}"
        else:
            faster = ours / value if key == "pairsPerSecond" else value / ours
            yield f"{name} {value:.4g} (clipwright is {faster:.2f} times as fast)"
