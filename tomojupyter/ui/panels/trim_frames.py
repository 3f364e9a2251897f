"""Which frames to leave out: gaps that this opens, the strip of all frames, and the table."""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.filters import bin_mean
from tomojupyter.steps.base import make_step
from tomojupyter.ui.panels.register_nudge import ARROWS
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import area_mean, percentiles
from tomojupyter.ui.views.texts import tilt_text
from tomojupyter.ui.words import degrees

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tomojupyter.steps import Step

KEY_CARD = (
    ("X", "leave the frame out and go on"),
    ("Z", "bring it back"),
    ("← →", "frame"),
    ("Alt + arrows", "move the box by 1 px; with Shift 10"),
)
KEYS_HTML = (
    '<p class="tj-grey"><kbd class="tj-key">X</kbd> leaves the frame out, '
    '<kbd class="tj-key">Z</kbd> brings it back, <kbd class="tj-key">←</kbd> '
    '<kbd class="tj-key">→</kbd> go on</p>'
)
REMOVE, EXCLUDE = "remove them", "keep, do not use"
WAYS = (REMOVE, EXCLUDE)
FEWEST = 3
TICK = 28
SEPARATION = 2
AMBER = (240, 181, 90)
PAGE = 12
GAP_OF = 3
"""So many frames left out in a row are worth a warning."""


def check_enough(n: int, struck: int) -> None:
    """Raise if too few of n frames would be left."""
    left = n - struck
    if left < FEWEST <= n:
        raise ParameterError(
            f"Only {left} frame{'s' if left != 1 else ''} would be left; at least {FEWEST} are "
            "needed."
        )


def leave_out_step(frames: Sequence[int], how: str, reasons: Mapping[int, str]) -> Step:
    """Return the Step that leaves frames out: taken away, or kept in the series and not used."""
    if how == REMOVE:
        return make_step("trim", "remove_projections", projections=tuple(frames))
    told = list(dict.fromkeys(reasons.get(i, "by hand") for i in frames))
    reason = told[0] if len(told) == 1 else "by hand"
    return make_step("exclude", "projections", projections=tuple(frames), reason=reason)


def how_control() -> widgets.ToggleButtons:
    """Return the choice between the two ways to leave frames out."""
    control = widgets.ToggleButtons(options=WAYS)
    control.tooltips = [
        "The frames are cut out of the series",
        "The frames stay, are moved with the others, and count for nothing",
    ]
    return control.add_class("tj-segments")


class BinnedLook:
    """A series whose images look as they will once binned, in the pixels that they have now.

    Parameters
    ----------
    stack
        Array-like (n, ny, nx).
    factor
        Side of a block in px. The rest at the far edges, which binning cuts off, is NaN.
    """

    def __init__(self, stack: Any, factor: int) -> None:
        self.stack, self.factor = stack, factor
        self.shape = stack.shape

    def __getitem__(self, index: int) -> np.ndarray:
        image = np.asarray(self.stack[index])
        k = self.factor
        if k == 1 or k > min(image.shape):
            return image
        small = bin_mean(image[None], k)[0]
        out = np.full(image.shape, np.nan, np.float32)
        out[: small.shape[0] * k, : small.shape[1] * k] = small.repeat(k, 0).repeat(k, 1)
        return out


def maximum(stack: Any, leave_out: Iterable[int] = ()) -> np.ndarray:
    """Return the largest value of each pixel over all tilts, NaN aside; shape (ny, nx).

    Parameters
    ----------
    stack
        Array-like (n, ny, nx), real; one image is read at a time.
    leave_out
        Indices of images that do not count, unless they are all.
    """
    out = set(leave_out)
    use = [i for i in range(stack.shape[0]) if i not in out] or list(range(stack.shape[0]))
    most = np.array(stack[use[0]])
    for i in use[1:]:
        np.fmax(most, np.asarray(stack[i]), out=most)
    return most


def gap_sentence(tilts: np.ndarray, left_out: set[int]) -> str:
    """Return a warning where three or more neighbours in tilt are left out, or nothing.

    Parameters
    ----------
    tilts
        Degrees, one per projection, any order.
    left_out
        Indices of the projections that will be left out.
    """
    order = np.argsort(tilts, kind="stable")
    kept = [k for k, i in enumerate(order) if int(i) not in left_out]
    worst, sentence = 0.0, ""
    for a, b in itertools.pairwise(kept):
        gap = float(tilts[order[b]] - tilts[order[a]])
        if b - a - 1 >= GAP_OF and gap > worst:
            middle = (tilts[order[a]] + tilts[order[b]]) / 2
            worst = gap
            sentence = (
                f"Leaving out {b - a - 1} frames in a row opens a gap of {degrees(gap)} "
                f"at {degrees(middle)}."
            )
    return sentence


class FrameStrip(Picture):
    """Every frame as a small picture in the order of tilt; those left out are hatched."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(tools=False, scale_bar=False, stretch=True, **traits)
        self.add_class("tj-strip")
        self._ticks: list[np.ndarray] = []
        self._order = np.zeros(0, int)
        self._calls_projection: list[Callable[[int], Any]] = []
        self.on_pick(lambda x, _y: self._picked(x))

    def set(self, stack: Any, tilts: np.ndarray) -> None:
        """Take the small pictures of a series (n, ny, nx); tilts in degrees or indices."""
        self._order = np.argsort(tilts, kind="stable")
        self._ticks = [_tick(np.asarray(stack[int(i)])) for i in self._order]

    def paint(self, left_out: Collection[int], proposed: Collection[int]) -> None:
        """Show the strip with the frames left out hatched and those proposed under amber."""
        if not self._ticks:
            return
        wide = TICK + SEPARATION
        sheet = np.zeros((TICK + 6, wide * len(self._ticks), 3), np.uint8)
        rows, columns = np.mgrid[:TICK, :TICK]
        for k, (i, tick) in enumerate(zip(self._order, self._ticks, strict=True)):
            place = sheet[:, k * wide : k * wide + TICK]
            place[6:] = tick[..., None]
            if int(i) in proposed:
                place[:4] = AMBER
            if int(i) in left_out:
                place[6:] //= 3
                place[6:][(rows + columns) % 14 < 5] = (190, 70, 60)
        self.show(sheet)

    def mark(self, projection: int) -> None:
        """Draw a frame about one projection."""
        found = np.flatnonzero(self._order == projection)
        if len(found):
            x0 = int(found[0]) * (TICK + SEPARATION)
            frame = {"kind": "rectangle", "id": "here", "x0": x0 - 1, "y0": 0, "x1": x0 + TICK + 1,
                     "y1": TICK + 6, "color": "#56B4E9", "width": 2.5}  # fmt: skip
            if frame not in self.overlays:
                self.overlays = [frame]

    def on_projection(self, call: Callable[[int], Any]) -> None:
        """Call with the index in the series of the frame that was clicked."""
        self._calls_projection.append(call)

    def _picked(self, x: float) -> None:
        if len(self._order):
            k = min(max(0, int((x + 0.5) // (TICK + SEPARATION))), len(self._order) - 1)
            for call in self._calls_projection:
                call(int(self._order[k]))


def _tick(image: np.ndarray) -> np.ndarray:
    """Return a square of TICK px, uint8, in its own contrast."""
    small = area_mean(image, max(1, max(image.shape) // (2 * TICK))).astype(np.float32)
    lo, hi = percentiles(small)
    rows, columns = (np.linspace(0, n - 1, TICK).round().astype(int) for n in small.shape)
    part = np.nan_to_num(small[np.ix_(rows, columns)], nan=lo, posinf=hi, neginf=lo)
    return np.rint(255 * np.clip((part - lo) / (hi - lo), 0, 1)).astype(np.uint8)


class FrameTable(widgets.VBox):
    """Rows of a check box, the tilt with its index, and the reason; twelve at a time.

    Parameters
    ----------
    toggled
        Called with (index, left out) when a person sets or clears a box.
    chosen
        Called with the index of a frame whose name was clicked.
    """

    def __init__(self, toggled: Callable[[int, bool], Any], chosen: Callable[[int], Any]) -> None:
        self._toggled, self._chosen = toggled, chosen
        self._page = 0
        self._content: tuple[list[tuple[int, str, str]], set[int]] = ([], set())
        self.boxes: dict[int, widgets.Checkbox] = {}
        self._list = widgets.VBox()
        self._where = widgets.HTML().add_class("tj-grey")
        back, on = (widgets.Button(icon=f"chevron-{way}") for way in ("left", "right"))
        back.tooltip, on.tooltip = "frames before", "more frames"
        back.on_click(lambda _: self._turn(-1))
        on.on_click(lambda _: self._turn(1))
        self._pages = widgets.HBox([back, self._where, on]).add_class("tj-buttons")
        super().__init__([self._list, self._pages])
        self.add_class("tj-trim-frames")
        self._draw()

    def set(self, rows: Mapping[int, str], tilts: np.ndarray | None, left_out: set[int]) -> None:
        """Show frames by index with a reason each; those left out are checked."""
        named = [
            (i, f"{tilt_text(tilts[i])}  #{i}" if tilts is not None else f"#{i}", why)
            for i, why in rows.items()
        ]
        if (named, left_out) != self._content:
            self._content = (named, set(left_out))
            self._draw()

    def _turn(self, by: int) -> None:
        self._page += by
        self._draw()

    def _draw(self) -> None:
        named, left_out = self._content
        last = max(0, (len(named) - 1) // PAGE)
        self._page = min(max(0, self._page), last)
        shown = named[self._page * PAGE : (self._page + 1) * PAGE]
        self.boxes = {}
        self._list.children = [self._row(i, name, why, i in left_out) for i, name, why in shown]
        self._pages.layout.display = "" if last else "none"
        self._where.value = f"{self._page + 1} of {last + 1}"

    def _row(self, i: int, name: str, why: str, out: bool) -> widgets.Widget:
        box = widgets.Checkbox(value=out, indent=False)
        box.tooltip = f"leave #{i} out"
        go = widgets.Button(description=name, tooltip=f"show #{i}")
        word = escape(why.partition(":")[0])
        reason = widgets.HTML(f'<span class="tj-grey" title="{escape(why)}">{word}</span>')
        self.boxes[i] = box
        box.observe(lambda change: self._toggled(i, change["new"]), "value")
        go.on_click(lambda _: self._chosen(i))
        return widgets.HBox([box, go, reason], layout=widgets.Layout(align_items="center"))


def moved_box(
    sides: Sequence[int], shape: Sequence[int], arrow: str, by: int
) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) with sides left, right, top, bottom, moved within (ny, nx).

    `arrow` is the name of a key, `by` how many px it moves.
    """
    x0, x1, y0, y1 = sides
    ny, nx = shape
    way = ARROWS[arrow]
    x = min(max(way[0] * by, -x0), nx - x1)
    y = min(max(way[1] * by, -y0), ny - y1)
    return x0 + x, y0 + y, x1 + x, y1 + y


def record_words(record: dict[str, Any]) -> str:
    """Return the record of a trim Step in a few words, as the rail shows it."""
    done = record["resolved"]
    if record["operation"] == "exclude":
        return f"{record['scalars']['excluded']} not used"
    if record["method"] == "remove_projections":
        return f"{len(done['projections'])} left out"
    if record["method"] == "crop":
        return f"{done['right'] - done['left']}×{done['bottom'] - done['top']}"
    return f"bin {done['factor']}" if record["method"] == "bin" else str(record["method"])
