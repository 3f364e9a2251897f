"""Tables of reports, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.figures.style import pixel_of
from tomojupyter.steps import history
from tomojupyter.steps.words import record_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of rows; a column for each name that any row has.

    Examples
    --------
    >>> print(table([{"method": "FBP", "seconds": 0.51234}, {"method": "SIRT"}]))
    | method | seconds |
    |---|---|
    | FBP | 0.5123 |
    | SIRT |  |
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [_line(columns), "|" + "---|" * len(columns)]
    lines += [_line([row.get(name, "") for name in columns]) for row in rows]
    return "\n".join(lines)


def facts(signal: Any) -> str:
    """Return what there is to know about a series or a volume.

    Parameters
    ----------
    signal
        TomoStack or RecStack.
    """
    data = signal.data
    size, units = pixel_of(signal, 2)
    rows: dict[str, Any] = {
        "size": " x ".join(map(str, data.shape)) + f" px, {data.dtype}",
        "pixel": f"{abs(size):.4g} {units}" if units != "px" else "not known",
    }
    if hasattr(signal, "tilts"):
        tilts = signal.tilts.data.ravel()
        steps = np.diff(np.sort(tilts))
        rows["tilts"] = f"{tilts.min():.1f}° to {tilts.max():.1f}°, {len(tilts)} projections"
        if len(steps):
            rows["tilt step"] = f"{np.median(steps):.2f}° (at most {steps.max():.2f}°)"
        rows["level of the vacuum"] = float(signal.vacuum())
        rows["excluded"] = int(signal.excluded.sum())
    rows["smallest and largest value"] = f"{np.nanmin(data):.4g} and {np.nanmax(data):.4g}"
    return table([{"fact": name, "value": value} for name, value in rows.items()])


def records(signal: Any) -> str:
    """Return the history of a signal, a row a step."""
    return table(
        [
            {
                "#": number,
                "step": record_words(record),
                "seconds": record.get("seconds", ""),
            }
            for number, record in enumerate(history.read(signal))
        ]
    )


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return str(cell).replace("|", "\\|").replace("\n", " ")
