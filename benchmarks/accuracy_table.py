"""The table of accuracy.py: medians over seeds, ratios, and whether the goal is met."""

from __future__ import annotations

from typing import Any

import numpy as np

SLACK = 1.1  # as accurate as ETSpy's within 10 %


def median_of(rows: dict[str, Any], method: str) -> float:
    """Return the median error over seeds; a refusal or a crash is an infinite error."""
    return float(np.median([one[method].get("error_px", np.inf) for one in rows.values()]))


def verdict(ours: float, etspy: float, nothing: float) -> str:
    """Return whether one method is as good as ETSpy's on one case, and why.

    Parameters
    ----------
    ours, etspy, nothing
        Median errors; infinite for a refusal (ours) or a crash (ETSpy's).
    """
    if np.isinf(ours):
        return "refused" if etspy > nothing else "MISSED: refused"
    if ours <= SLACK * etspy:
        return "met"
    return "both worse than nothing" if min(ours, etspy) > nothing else "MISSED"


def cell(entry: dict[str, Any], method: str) -> tuple[str, str]:
    """Return the words of one case and method, and the verdict."""
    ours, nothing = median_of(entry["ours"], method), entry["nothing"]
    alone = float(np.median([one[method] for one in nothing.values()]))
    if "etspy" not in entry:
        return f"{_number(ours, 'refused')} ({alone:.2f})", ""
    etspy = median_of(entry["etspy"], method)
    told = verdict(ours, etspy, alone)
    if np.isinf(ours):
        words = f"refused; {_number(etspy, 'crash')}"
    elif np.isinf(etspy):
        words = f"{ours:.3f}; crash"
    else:
        words = f"{ours:.3f}; {etspy:.3f}; {ours / etspy:.2f}"
    if told.startswith("MISSED"):
        words = f"**{words}**"
    elif told.startswith("both"):
        words = f"({words})"
    return f"{words} [{alone:.2f}]", told


def _number(value: float, instead: str) -> str:
    return instead if np.isinf(value) else f"{value:.3f}"


def table(cases: dict[str, Any]) -> str:
    """Return the results as a Markdown table, a case a row, a method a column."""
    methods: list[str] = []
    for entry in cases.values():
        for one in entry["ours"].values():
            methods += [m for m in one if m not in methods]
    lines = ["| case | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    count: dict[str, int] = {}
    for name, entry in cases.items():
        words = []
        for method in methods:
            if any(method not in one for one in entry["ours"].values()):
                words.append("")
                continue
            text, told = cell(entry, method)
            words.append(text)
            count[told] = count.get(told, 0) + 1
        lines.append(f"| {name} | " + " | ".join(words) + " |")
    summary = ", ".join(f"{told}: {n}" for told, n in sorted(count.items()) if told)
    return "\n".join(lines) + (f"\n\n{summary}" if summary else "")
