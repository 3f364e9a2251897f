"""Particles of a class: a row for each with its size and place; a click goes there."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.panels.explore_classes import figures
from tomojupyter.ui.style import field_row, section

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.volumes.particles import Particle
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.panels.explore_classes import ClassesForm
    from tomojupyter.ui.session import Session

ROWS = 8
SMALLEST = 8


class ParticlesForm(widgets.VBox):
    """The separate bodies of a class and what is brighter, the largest first.

    Parameters
    ----------
    session
        Runs the search, and says what came of it.
    classes
        Whose limits are used.
    go
        Called with the (x, y, z) in voxels of the particle that is clicked.

    Attributes
    ----------
    found : list of Particle
        Empty before the search, and once a limit has changed.
    """

    def __init__(
        self, session: Session, classes: ClassesForm, go: Callable[[int, int, int], Any]
    ) -> None:
        self.session, self.classes, self._go = session, classes, go
        self.found: list[Particle] = []
        self._page = 0
        self._of_volume: Any = None
        self._limits: list[float] = []
        self._listing = False
        self.of = widgets.Dropdown(options=[("class 1", 0)]).add_class("tj-explore-of")
        self.smallest = widgets.BoundedIntText(SMALLEST, min=1, max=10**9)
        self.smallest.add_class("tj-explore-smallest")
        self.smallest.tooltip = "Bodies of fewer voxels are left out"
        self.find = widgets.Button(description="Find particles", icon="crosshairs")
        self.find.add_class("tj-explore-particles")
        self.rows = [widgets.Button().add_class("tj-row-button") for _ in range(ROWS)]
        for k, row in enumerate(self.rows):
            row.add_class(f"tj-explore-particle-{k + 1}").on_click(lambda _, k=k: self._clicked(k))
        self.said = widgets.HTML().add_class("tj-help")
        self.earlier = widgets.Button(description="Larger", icon="chevron-left")
        self.later = widgets.Button(description="Smaller", icon="chevron-right")
        self.earlier.add_class("tj-explore-larger").on_click(lambda _: self._turn(-1))
        self.later.add_class("tj-explore-smaller").on_click(lambda _: self._turn(1))
        self.find.on_click(lambda _: self.search())
        for control in (self.of, self.smallest):
            control.observe(lambda _: self._chosen_anew(), "value")
        self.pages = widgets.HBox([self.earlier, self.later]).add_class("tj-buttons")
        super().__init__(
            [
                widgets.HTML(section("Particles", "click = go there")),
                field_row("Of", self.of), field_row("Least size", self.smallest, "voxels"),
                widgets.HBox([self.find]).add_class("tj-buttons"),
                self.said, *self.rows, self.pages,
            ]
        )  # fmt: skip
        self._show()

    # ------------------------------------------------------------------ searching

    def limits_changed(self) -> None:
        """Offer the classes that there are now; what was found at other limits is forgotten."""
        names = self.classes.names[: len(self.classes.limits)]
        brighter = ["" if k + 1 == len(names) else " and brighter" for k in range(len(names))]
        options = [(f"{n}{b}", k) for k, (n, b) in enumerate(zip(names, brighter, strict=True))]
        # By identity: signals are compared voxel by voxel.
        renamed = self._of_volume is self.classes.volume and self._limits == self.classes.limits
        chosen = self.of.value if renamed else len(options) - 1  # the brightest
        self._of_volume, self._limits = self.classes.volume, list(self.classes.limits)
        self._listing = True
        self.of.options = options
        self.of.value = chosen if options else None
        self._listing = False
        if renamed:
            self._show()
        else:
            self.forget()

    def _chosen_anew(self) -> None:
        if not self._listing:
            self.forget()

    def forget(self) -> None:
        """Show no particles."""
        self.found, self._page = [], 0
        self._show()

    def search(self) -> None:
        """Find the particles in the background."""
        volume, limits, k = self.classes.volume, list(self.classes.limits), self.of.value
        if volume is None or not limits or k is None:
            self.session.say("There is no class to look in: reconstruct first.", "warning")
            return
        smallest = self.smallest.value

        def work(monitor: Monitor) -> list[Particle]:
            monitor(0, 1)
            return list(volume.particles(threshold=limits[k], smallest=smallest))

        def done(result: Result) -> None:
            same = self.classes.volume is volume and self.classes.limits == limits
            if not same or self.of.value != k or self.smallest.value != smallest:
                return
            self.found, self._page = result.value, 0
            self._show()
            self.session.say(self._sentence(), "good" if self.found else "warning")

        self.session.start("Particles", work, done)

    def _sentence(self) -> str:
        name = self.of.label
        if not self.found:
            return f"{name} has no body of {self.smallest.value} voxels or more."
        some = "1 particle" if len(self.found) == 1 else f"{len(self.found)} particles"
        cut = sum(p.cut for p in self.found)
        edge = f", {cut} of them cut by the volume's faces" if cut else ""
        return f"{name}: {some}{edge}."

    # ------------------------------------------------------------------ showing

    def _shown(self) -> list[Particle]:
        return self.found[self._page * ROWS : (self._page + 1) * ROWS]

    def _show(self) -> None:
        shown = self._shown()
        for k, row in enumerate(self.rows):
            row.layout.display = "" if k < len(shown) else "none"
            if k < len(shown):
                row.description = row_text(self._page * ROWS + k + 1, shown[k])
                x, z, y = shown[k].centre
                row.tooltip = f"x {x:.1f}, y {y:.1f}, z {z:.1f} voxels"
        last = max(0, (len(self.found) - 1) // ROWS)
        self.pages.layout.display = "" if last else "none"
        self.earlier.disabled, self.later.disabled = self._page == 0, self._page == last
        note = "number, diameter of a ball as large, volume; * = cut by a face of the volume"
        self.said.value = f"<p>{self._sentence()}<br>{note}</p>" if self.found else ""

    def _turn(self, by: int) -> None:
        self._page += by
        self._show()

    def _clicked(self, k: int) -> None:
        shown = self._shown()
        if k < len(shown):
            x, z, y = shown[k].centre
            self._go(round(x), round(y), round(z))

    def csv(self) -> str:
        """Return the particles as CSV, with the units in the head; nothing where there are none."""
        return particles_csv(self.found) if self.found else ""


def row_text(number: int, particle: Particle) -> str:
    """Write a particle: ``#3  7.4 nm  212 nm³ *``."""
    units = particle.units
    size = f"{figures(particle.diameter)} {units}   {figures(particle.volume)} {units}³"
    return f"#{number}   {size}{' *' if particle.cut else ''}"


def particles_csv(found: list[Particle]) -> str:
    """Return a table of particles, the largest first."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    units = found[0].units
    writer.writerow(
        ["number", f"volume ({units}³)", f"diameter ({units})", f"x ({units})", f"y ({units})",
         f"z ({units})", "voxels", "cut"]
    )  # fmt: skip
    for number, one in enumerate(found, 1):
        x, z, y = (f"{v:.6g}" for v in one.position)
        size = (f"{one.volume:.6g}", f"{one.diameter:.6g}")
        writer.writerow([number, *size, x, y, z, one.voxels, "yes" if one.cut else "no"])
    return file.getvalue()
