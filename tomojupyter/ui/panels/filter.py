"""Filter: noise and spikes out of every image, the vacuum to zero, even brightness."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np

from tomojupyter.monitor import Silent
from tomojupyter.steps import history, make_step
from tomojupyter.steps.filter import IntensityStep
from tomojupyter.ui.forms import Form
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.axis_preview import vacuum_to_lift
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.words import pixel_nm, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.steps import Step
    from tomojupyter.ui.session import Session

LIVE_WITHIN_S = 0.3
LABELS = {
    "bpf": "band-pass (bpf)",
    "both": "median + Sobel (both)",
    "sobel": "Sobel",
    "gaussian": "Gaussian",
    "despike": "hot and dead pixels off",
    "background constant": "vacuum level off",
    "background plane": "sloping vacuum off",
    "background region": "vacuum of a box off",
    "normalise total": "brightness: same total",
    "normalise slab": "brightness: 1 / cos(tilt)",
    "normalise smooth": "brightness: jumps off",
    "normalise contrast": "contrast of each image",
    "normalise invert": "invert: dark to bright",
    "smallest": "Smallest detail",
    "largest": "Largest detail",
    "level": "Vacuum level",
    "alignment_only": "Use for alignment only",
}
"""What the form calls methods and parameters; all else has its own name."""


class FilterPanel(OperationPanel):
    """Filter every image by itself, with a live preview of the one that is shown."""

    panel = "filter"
    title = "Filter"
    purpose = (
        "Take out noise and spikes, and the level of the vacuum; even out the brightness. "
        "Good: edges stay, speckle goes, and what was taken out looks like noise."
    )
    hint = "noise, vacuum level"
    icon = "filter"
    operations = ("filter", "background", "normalise")
    labels: ClassVar[Mapping[str, str]] = LABELS
    preview_text = "Preview"
    key_card = (("← →", "frame"), ("+ −", "zoom"), ("C", "automatic contrast"))

    def _make_form(self) -> Form:
        return Form(self.operations, self.panel, labels=self.labels, preset=proposed)

    @classmethod
    def useful(cls, signal: Any) -> bool:
        """Tell whether the vacuum lies off zero, which a reconstruction takes for matter."""
        return bool(vacuum_to_lift(signal))

    def build(self) -> Sequence[widgets.Widget]:
        """Return before and after, what was taken out, and both histograms."""
        self.before = StackView("Before").add_class("tj-view-filter-1")
        self.after_view = Picture("After", subtitle="preview").add_class("tj-view-filter-2")
        self.taken = Picture("Taken out", subtitle="before − after: should look like noise")
        self.taken.cmap = "berlin"
        self.taken.add_class("tj-view-filter-3")
        self.histogram = Curve(
            "Histogram", "value", subtitle="pixels of this frame, log scale", log_y=True
        )
        self.histogram.layout.height = "100%"
        self.before.on_projection(lambda _: self.soon(self._show_after))
        widgets.link((self.before, "index"), (self.after_view, "index"))
        self._took = 0.0
        self._proposed: Any = None
        top = widgets.HBox([self.before, self.after_view]).add_class("tj-row").add_class("tj-wide")
        low = widgets.HBox([self.taken, self.histogram]).add_class("tj-row")
        return [top, low]

    def show(self) -> None:
        """Show the current series."""
        signal = self.session.signal
        if signal is None:
            for picture in (self.before, self.after_view, self.taken):
                picture.clear("No series yet.")
            return
        tilts = tilts_of(signal) if tilts_known(signal) else None
        self._propose(signal)
        self.before.set(signal.data, tilts, pixel_nm(signal), keep_view=False)
        self.after_view.pixel_nm = self.taken.pixel_nm = pixel_nm(signal)
        self.after_view.slider = self.before.slider
        self.after_view.index = self.before.index
        self._took = 0.0

    def _propose(self, signal: Any) -> None:
        """Choose "vacuum level off" where a series that was just loaded needs it."""
        root = self.session.cursor.root if self.session.cursor else None
        if root is self._proposed or self.form is None:
            return
        self._proposed = root
        if root is not None and signal is root.signal and vacuum_to_lift(signal):
            self.form.set(make_step("background", "constant"))

    def changed(self) -> None:
        """Show the preview anew, at once where it was quick the last time."""
        if self._took <= LIVE_WITHIN_S:
            self.soon(self._show_after)
        else:
            self.after_view.subtitle = "not up to date: press Preview"

    def preview(self) -> None:
        """Work the shown projection out, however long it takes."""
        self._show_after()

    def _show_after(self) -> None:
        signal = self.session.signal
        if signal is None or not self.active or self.form is None or self.form.problem():
            return
        with self.session.attempt("Preview"):
            started = time.monotonic()
            step = self.form.step()
            before = np.asarray(signal.data[self.before.projection], np.float32)
            after = previewed(signal, step, self.before.projection)
            self._took = time.monotonic() - started
            fresh = self.form.cls is not getattr(self, "_shown", None)
            self._shown = self.form.cls
            self.after_view.show(after, keep_view=not fresh)
            self.after_view.subtitle = caption(signal, step)
            noise = step.operation == "filter" and getattr(step, "keeps_mass", True)
            self.taken.subtitle = f"before − after{': should look like noise' if noise else ''}"
            self.taken.show(before - after, keep_view=False)
            self._centre_contrast(before - after)
            for name, image in (("before", before), ("after", after)):
                self.histogram.set(name, *histogram(image))

    def _centre_contrast(self, difference: np.ndarray) -> None:
        """Put zero into the middle of the map, so that its dark centre means "unchanged"."""
        finite = np.abs(difference[np.isfinite(difference)])
        limit = float(np.percentile(finite, 99.5)) if finite.size else 0.0
        self.taken.contrast(-(limit or 1.0), limit or 1.0)

    def cautions(self) -> list[str]:
        """Return what alignment sees the series through."""
        signal = self.session.signal
        filters = () if signal is None else signal.alignment_filters
        if not filters:
            return []
        names = " and ".join(f.method for f in filters)
        return [f"Registration and tilt axis see the series through {names}. Undo takes it off."]

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the methods used."""
        if not records:
            return super().result_line(session, records)
        return ", ".join(dict.fromkeys(_with_size(r) for r in records))


def _with_size(record: dict[str, Any]) -> str:
    size, method = record["resolved"].get("size"), str(record["method"])
    only = "align: " if record["resolved"].get("alignment_only") else ""
    if record["operation"] != "filter":
        name = f"{record['operation']} {method}"
        return only + LABELS.get(name, name)
    return only + (f"{method} {size} px" if size else method)


def for_alignment(step: Step) -> bool:
    """Tell whether a Step leaves the pixels as they are."""
    return bool(getattr(step, "alignment_only", False))


def proposed(cls: type[Step]) -> dict[str, Any]:
    """Return what the form has at first: filters that take detail away are for alignment only."""
    return {"alignment_only": True} if getattr(cls, "lossy", False) else {}


def caption(signal: Any, step: Step) -> str:
    """Return what the picture after the filter is."""
    again = was_last(signal, step)
    if not for_alignment(step):
        return f"preview, {step.method}{' once more' if again else ''}"
    if again:
        return "as alignment sees it; volumes use Before"
    return f"preview, {step.method}, for alignment only"


def was_last(signal: Any, step: Step) -> bool:
    """Tell whether a Step is the last one of this panel that the series went through."""
    own = [r for r in history.read(signal) if r["operation"] in FilterPanel.operations]
    asked = (step.operation, step.method, step.as_dict())
    return bool(own) and (own[-1]["operation"], own[-1]["method"], own[-1]["asked"]) == asked


def previewed(signal: Any, step: Step, projection: int) -> np.ndarray:
    """Return one projection as the Step would leave it, or let alignment see it.

    What alignment sees already is not filtered by the same Step once more.
    """
    filters = list(signal.alignment_filters) if for_alignment(step) else []
    if not filters:
        return filtered(signal, step, projection)
    more: list[Any] = [] if was_last(signal, step) else [step.resolve(signal)]
    image = np.asarray(signal.data[projection])
    for one in [*filters, *more]:
        image = one.image(image, projection)
    return np.asarray(image)


def filtered(signal: Any, step: Step, projection: int) -> np.ndarray:
    """Return one projection as the Step would leave it, float32 of shape (ny, nx)."""
    resolved = step.resolve(signal)
    if isinstance(resolved, IntensityStep):
        return resolved.image(np.asarray(signal.data[projection]), projection)
    one = signal.inav[projection : projection + 1]
    return np.asarray(resolved.apply(one, Silent()).signal.data[0])


def histogram(image: np.ndarray, bins: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and counts of the finite values, without the outermost 0.1 %.

    Empty bins count half a pixel, so that a logarithmic plot has a line there.
    """
    values = image[np.isfinite(image)]
    if not values.size:
        return np.zeros(0), np.zeros(0)
    low, high = np.percentile(values, (0.1, 99.9))
    counts, edges = np.histogram(values, bins, (low, high if high > low else low + 1))
    return (edges[1:] + edges[:-1]) / 2, np.maximum(counts, 0.5)
