"""All methods of registration on one series: what each leaves over, and how long it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import AlignmentRefused, Cancelled, TomojupyterError
from tomojupyter.numerics.alignment.left import movement_left
from tomojupyter.steps import REGISTRY, run
from tomojupyter.steps.checks import usable
from tomojupyter.ui.messages import whole_sentence
from tomojupyter.ui.views.texts import number_text, tilt_text
from tomojupyter.ui.words import seconds_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step

KEPT_BYTES = 1e9
"""So much may all results together take; of a larger series a click previews anew."""

MOVES_PX = 0.5
"""A frame that is further off than this, and than three times the median, is named."""


@dataclass(frozen=True, eq=False)
class Tried:
    """What a method made of a series.

    Parameters
    ----------
    step
        As asked.
    signal
        The registered series; None where it was not kept or there is none.
    left
        (n,) px that each frame is still off; empty where it cannot be told.
    seconds
        That the method took.
    refusal
        Why there is no result; nothing where there is one.
    """

    step: Step
    signal: Any = None
    left: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0
    refusal: str = ""


def left_of(
    signal: Any, monitor: Monitor, ncores: int | None = None, at: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Return how far each frame of a series is off, (n,) px; nothing where it cannot be told.

    The monitor hears (done, total) of `at` all the while.
    """
    good, mask = usable(signal)
    try:
        return movement_left(
            signal.data, signal.tilts.data.ravel(), mask=mask, vacuum=signal.vacuum(), use=good,
            monitor=_Beat(monitor, at), ncores=ncores,
        )  # fmt: skip
    except AlignmentRefused:
        return np.zeros(0)


class _Beat:
    """A monitor that hears Stop and keeps the progress of another work to itself."""

    finish_early = False

    def __init__(self, monitor: Monitor, at: tuple[int, int]) -> None:
        self._monitor, self._at = monitor, at

    def __call__(self, done: int, total: int, **values: Any) -> None:  # noqa: ARG002
        self._monitor(*self._at)


def try_methods(
    signal: Any, steps: Sequence[Step], monitor: Monitor, options: Mapping[str, Any]
) -> dict[str, Tried]:
    """Register a series by each of some Steps, without a record.

    Parameters
    ----------
    signal
        A TomoStack; it stays as it is.
    steps
        Of `stack_register`.
    monitor
        Told of each method; for Stop.
    options
        As `run` takes them.
    """
    found = {}
    keep = signal.data.nbytes * len(steps) <= KEPT_BYTES
    for k, step in enumerate(steps):
        monitor(100 * k, 100 * len(steps))
        began = time.monotonic()
        try:
            made = run(signal, step, _Part(monitor, k, len(steps)), **options)
            _ = made.data
        except Cancelled:
            raise
        except TomojupyterError as error:
            found[step.method] = Tried(step, refusal=whole_sentence(str(error)))
            continue
        took = time.monotonic() - began
        left = left_of(made, monitor, options.get("ncores"), (100 * k + 99, 100 * len(steps)))
        found[step.method] = Tried(step, made if keep else None, left, took)
    return found


class _Part:
    """A monitor for one of several works in a row: a hundredth of each counts."""

    def __init__(self, monitor: Monitor, number: int, count: int) -> None:
        self._monitor, self._number, self._count = monitor, number, count
        self.finish_early = False

    def __call__(self, done: int, total: int, **values: Any) -> None:  # noqa: ARG002
        part = round(100 * min(done, total) / total) if total else 0
        self._monitor(100 * self._number + part, 100 * self._count)


class MethodsTable(widgets.VBox):
    """A row for each method: median and worst px left, seconds; a click previews it.

    Parameters
    ----------
    choose
        Called with what was tried.
    """

    def __init__(self, choose: Callable[[Tried], Any]) -> None:
        self._choose = choose
        self.buttons: dict[str, widgets.Button] = {}
        super().__init__([])
        self.add_class("tj-register-methods")
        self.show({}, "")

    def show(self, found: Mapping[str, Tried], chosen: str) -> None:
        """Show what the methods left over."""
        self.buttons = {}
        self.layout.display = "" if found else "none"
        rows: list[widgets.Widget] = []
        refused: list[widgets.Widget] = []
        for name, one in found.items():
            if one.refusal:
                text = f"<b>{escape(name)}</b> refuses. {escape(one.refusal)}"
                refused.append(widgets.HTML(f'<p class="tj-say-warning">{text}</p>'))
                continue
            button = widgets.Button(description=name, tooltip=f"Preview {name}")
            button.add_class(f"tj-register-row-{name.lower()}")
            button.on_click(lambda _, one=one: self._choose(one))
            self.buttons[name] = button
            row = widgets.HBox(
                [button, *(_cell(t, w) for t, w in zip(_texts(one), (62, 62, 66), strict=True))]
            ).add_class("tj-file")
            rows.append(row.add_class("tj-on") if name == chosen else row)
        head = widgets.HTML(
            '<p class="tj-grey" style="text-align:right;margin:0 6px">px left: median, worst; time'
            "</p>"
        )
        table = widgets.VBox(rows).add_class("tj-files")
        table.layout.max_height = "none"
        self.children = [head, table, *refused] if rows else refused


def _texts(one: Tried) -> tuple[str, str, str]:
    known = len(one.left) and np.isfinite(one.left).any()
    if not known:
        return "–", "–", seconds_text(one.seconds)
    return (
        number_text(float(np.nanmedian(one.left)), 2), number_text(float(np.nanmax(one.left)), 2),
        seconds_text(one.seconds),
    )  # fmt: skip


def _cell(text: str, width: int) -> widgets.HTML:
    cell = widgets.HTML(f'<div style="text-align:right">{escape(text)}</div>')
    cell.layout.flex = f"0 0 {width}px"
    return cell.add_class("tj-file-note")


def stands_out(px: np.ndarray) -> bool:
    """Tell whether one frame is off by much more than the others."""
    return bool(np.nanmax(px) > max(MOVES_PX, 3 * np.nanmedian(px)))


def left_sentence(px: np.ndarray, tilts: np.ndarray) -> str:
    """Say how far the frames are off: the median, and the worst."""
    worst = int(np.nanargmax(px))
    return (
        f"Left: {number_text(float(np.nanmedian(px)), 2)} px in the median, at most "
        f"{number_text(px[worst], 2)} px, at {tilt_text(tilts[worst])} (#{worst}); measured "
        "against what the other frames predict."
    )


def worst_sentence(px: np.ndarray, tilts: np.ndarray) -> str:
    """Name the worst frame and the ways out."""
    worst = int(np.nanargmax(px))
    return (
        f"#{worst} ({tilt_text(tilts[worst])}) still moves by {number_text(px[worst], 2)} px: "
        "go there, nudge it, or leave it out in Trim."
    )


def round_sentence(job: Any) -> str:
    """Say how well the images agree so far, of a job that tells it; else nothing."""
    # A reconstruction tells residuals too, which are something else.
    name = job.name.split(" ")[0] if job is not None else ""
    told = job.report.series.get("residual", []) if name in REGISTRY["stack_register"] else []
    if not told:
        return ""
    return (
        f"Round {told[-1][0]}: the images differ from the projections of the volume by "
        f"{100 * told[-1][1]:.1f} %."
    )


def propose(form: Any, specimen: str) -> None:
    """Set the form for a kind of specimen: mass is not conserved in a slab, `joint` copes."""
    if specimen == "slab":
        form.choose("joint")
    if form.cls.method == "joint" and specimen:
        # Seen across the axis, a needle lies within the frame at every tilt.
        form.controls["specimen"].value = "slab" if specimen == "slab" else "compact"
