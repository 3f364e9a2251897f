"""The summary of a batch: a row a series, as CSV and as a page with thumbnails."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.batch.jobs import note_in
from tomojupyter.errors import TomojupyterError
from tomojupyter.io import load
from tomojupyter.steps import history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THUMBNAIL = 128
"""Longest side of a thumbnail, px."""
DONE, KEPT, FAILED, WAITING = "done", "done before", "failed", "not done"
COLUMNS = ("series", "state", "result", "size", "pixel", "seconds", "remarks")
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.4 sans-serif; margin: 2em; color: #1d2430; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 6px 12px; border-bottom: 1px solid #d5dae1; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
tr.failed td {{ background: #fdecea; }}
img {{ display: block; background: #000; }}
</style></head><body><h1>{title}</h1><p>{counts}</p><table><thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table></body></html>
"""


@dataclass
class Row:
    """A series in the summary.

    Parameters
    ----------
    series
        Its file name.
    state
        One of done, done before, failed, not done.
    result
        File name of the result.
    remarks
        What went wrong, or the warnings.
    shape
        Of the result.
    pixel
        Size of a pixel with its unit.
    seconds
        That the steps took.
    figures
        What the steps found, by name.
    thumbnail
        PNG of the middle slice.
    """

    series: str
    state: str
    result: str = ""
    remarks: list[str] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    pixel: str = ""
    seconds: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    thumbnail: bytes = b""

    def cells(self) -> dict[str, Any]:
        """Return the cells by column."""
        return {
            "series": self.series,
            "state": self.state,
            "result": self.result,
            "size": " x ".join(map(str, self.shape)),
            "pixel": self.pixel,
            "seconds": "" if self.seconds is None else round(self.seconds, 1),
            "remarks": "; ".join(self.remarks),
            **self.figures,
        }


def row_of(series: str, state: str, target: Path) -> Row:
    """Return the row of a result, from what is in its file."""
    signal = load(target, lazy=True)
    records = history.read(signal)
    note = note_in(target) or {}
    axis = signal.axes_manager.signal_axes[0]
    units = "" if str(axis.units) == "<undefined>" else f" {axis.units}"
    middle = signal.data[signal.data.shape[0] // 2]
    return Row(
        series,
        state,
        target.name,
        list(note.get("warnings", [])),  # type: ignore[call-overload]
        tuple(map(int, signal.data.shape)),
        f"{axis.scale:.4g}{units}" if units else "",
        sum(record.get("seconds", 0) for record in records),
        figures_of(records),
        thumbnail(np.asarray(middle)),
    )


def figures_of(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the figures that the steps found; a later one of the same name counts."""
    return {
        f"{record['operation']} {name.replace('_', ' ')}": value
        for record in records
        for name, value in record.get("scalars", {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def thumbnail(image: np.ndarray) -> bytes:
    """Return a small PNG of an image, grey from its 1st to its 99.8th percentile."""
    from PIL import Image

    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, (1, 99.8)) if finite.size else (0, 1)
    scaled = (np.nan_to_num(image.astype(float)) - low) / (high - low if high > low else 1)
    picture = Image.fromarray((255 * np.clip(scaled, 0, 1)).astype(np.uint8))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()


def write_tables(rows: Sequence[Row], folder: Path, title: str) -> tuple[Path, Path]:
    """Write ``summary.csv`` and ``summary.html``; return both paths."""
    texts = {"summary.csv": as_csv(rows), "summary.html": as_html(rows, title)}
    paths = []
    for name, text in texts.items():
        part, path = folder / f".{name}.part", folder / name
        part.write_text(text, encoding="utf-8")
        paths.append(part.replace(path))
    return paths[0], paths[1]


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the columns of a table: those that all have, and the figures of any."""
    found = dict.fromkeys(name for row in rows for name in row.figures)
    return [*COLUMNS[:-1], *found, COLUMNS[-1]]


def as_csv(rows: Sequence[Row]) -> str:
    """Return the table as comma-separated values."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns_of(rows), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.cells() for row in rows)
    return out.getvalue()


def as_html(rows: Sequence[Row], title: str) -> str:
    """Return the table as one page that needs no other file."""
    columns = columns_of(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("middle slice", *columns))
    lines = []
    for row in rows:
        image = base64.b64encode(row.thumbnail).decode()
        picture = f'<img alt="" src="data:image/png;base64,{image}">' if image else ""
        cells = "".join(_cell(row, name) for name in columns)
        lines.append(f'<tr class="{row.state.split()[0]}"><td>{picture}</td>{cells}</tr>')
    return PAGE.format(
        title=escape(title), counts=escape(counts(rows)), head=head, body="\n".join(lines)
    )


def _cell(row: Row, name: str) -> str:
    value = row.cells().get(name, "")
    if isinstance(value, int | float):
        return f'<td class="number">{value:.4g}</td>'
    text = escape(str(value))
    if name == "result" and text:
        text = f'<a href="{text}">{text}</a>'
    return f"<td>{text}</td>"


def counts(rows: Sequence[Row]) -> str:
    """Return ``9 done, 1 failed``."""
    states = [row.state for row in rows]
    return ", ".join(
        f"{states.count(state)} {state}" for state in (DONE, KEPT, FAILED, WAITING)
        if state in states
    )  # fmt: skip


def safe_row(series: str, state: str, target: Path) -> Row:
    """Return the row of a result; one that cannot be read after all has failed."""
    try:
        return row_of(series, state, target)
    except (TomojupyterError, OSError, ValueError) as error:
        return Row(series, FAILED, remarks=[f"its result cannot be read: {error}"])
