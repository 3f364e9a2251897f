"""Taking a volume along: files for other programs, pictures, a movie, a 3D page, the table."""

from __future__ import annotations

import csv
import io
import uuid
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.steps import make_step
from tomojupyter.steps.run import run
from tomojupyter.ui.style import field_row, section
from tomojupyter.ui.words import size_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.panels.explore_scene import Scene
    from tomojupyter.ui.session import Session

FORMATS = {
    "HyperSpy, with history": ".hspy",
    "MRC": ".mrc",
    "TIFF": ".tif",
    "OME-Zarr": ".ome.zarr",
    "VTK image": ".vti",
    "raw + NRRD header": ".raw",
}
VOXELS, LABELS = "the voxels", "the classes, 0, 1, 2 ..."


class ExportForm(widgets.VBox):
    """Buttons that write files into the data folder, under names that are free.

    Parameters
    ----------
    session
        Whose volume it is; it runs the work and says where the file is.
    scene
        Returns what is shown, or None without a volume.
    sheet
        Returns the slices with their titles, the angles of the 3D view and the colour map.
    rows
        Returns the rows of the table of classes.
    particles
        Returns the table of particles as CSV; nothing where none were looked for.
    """

    def __init__(
        self,
        session: Session,
        scene: Callable[[], Scene | None],
        sheet: Callable[[], tuple[Any, float, float, str]],
        rows: Callable[[], list[dict[str, Any]]],
        particles: Callable[[], str] = lambda: "",
    ) -> None:
        self.session, self._scene, self._sheet, self._rows = session, scene, sheet, rows
        self._particles = particles
        self.format = widgets.Dropdown(options=list(FORMATS)).add_class("tj-explore-format")
        self.what = widgets.Dropdown(options=(VOXELS, LABELS)).add_class("tj-explore-what")
        self.volume = self._button("Volume", "save", "volume", self.save_volume)
        self.picture = self._button("Picture", "camera", "picture", self.save_picture)
        self.view = self._button("3D picture", "cube", "view", self.save_view)
        self.movie = self._button("Turn movie", "film", "movie", self.save_movie)
        self.html = self._button("3D page", "file-code", "html", self.save_html)
        self.table = self._button("Table", "table", "table", self.save_table)
        for button, text in (
            (self.picture, "The slices and the 3D view with scale bars, PNG"),
            (self.view, "The 3D view with scale bar and names, PNG"),
            (self.movie, "One turn, GIF"),
            (self.html, "One HTML file to turn on any machine, without internet"),
            (self.table, "The classes, and the particles that were found, as CSV"),
        ):
            button.tooltip = text
        self.buttons = (
            self.volume, self.picture, self.view, self.movie, self.html, self.table
        )  # fmt: skip
        wrap = ("tj-buttons", "tj-wrap")
        pictures = widgets.HBox([self.picture, self.view, self.movie, self.html, self.table])
        for name in wrap:
            pictures.add_class(name)
        super().__init__(
            [
                widgets.HTML(section("Volume")),
                field_row("Format", self.format),
                field_row("What", self.what),
                widgets.HBox([self.volume]).add_class("tj-buttons"),
                widgets.HTML(section("Pictures and figures")),
                pictures,
                widgets.HTML(
                    "<p>Files go into the data folder; one that is there is not replaced.</p>"
                ).add_class("tj-help"),
            ]
        )

    def _button(self, text: str, icon: str, hook: str, call: Callable[[], Any]) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon).add_class(f"tj-explore-{hook}")

        def clicked(_: Any) -> None:
            with self.session.attempt(text):
                call()

        button.on_click(clicked)
        return button

    # ------------------------------------------------------------------ writing

    def _write(
        self, name: str, ending: str, make: Callable[[Monitor, Path], Any], stem: str = ""
    ) -> None:
        """Make a file in the background and say where it is."""
        path = self.session.free_name(f"{self.session.stem}{stem}", ending)

        def work(monitor: Monitor) -> int:
            made = make(monitor, path)
            if made is not None:
                part = path.with_name(f".{uuid.uuid4().hex[:8]}.part")
                part.write_bytes(made)
                part.replace(path)
            return sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())

        def done(result: Result) -> None:
            size, where = size_text(result.value), self.session.where(path)
            self.session.say(f"Wrote {path.name} ({size}) in {where}.", "good")

        self.session.start(name, work, done)

    def _shown(self) -> Scene | None:
        scene = self._scene()
        if scene is None:
            self.session.say("Reconstruct first, or open a volume.", "warning")
        return scene

    def save_volume(self) -> None:
        """Write the voxels, or the numbers of the classes."""
        scene = self._shown()
        if scene is None:
            return
        ending, volume = FORMATS[self.format.value], scene.volume
        labels = self.what.value == LABELS
        if ending == ".hspy" and not labels:
            self.session.save()
            return
        limits = tuple(sorted(row["from"] for row in self._rows()))
        step = make_step("segment", "classes", classes=len(limits) + 1, thresholds=limits)

        def make(monitor: Monitor, path: Path) -> None:
            signal = run(volume, step, monitor) if labels else volume
            if ending == ".hspy":
                signal.save(path)
            else:
                signal.export(path)

        self._write("Export", ending, make, "_classes" if labels else "")

    def save_picture(self) -> None:
        """Write the slices and the 3D view as one PNG."""
        scene = self._shown()
        if scene is not None:
            slices, turn, tip, cmap = self._sheet()
            self._write("Picture", ".png", lambda _m, _p: png(scene.sheet(slices, turn, tip, cmap)))

    def save_view(self) -> None:
        """Write the 3D view as PNG."""
        scene = self._shown()
        if scene is not None:
            _, turn, tip, _ = self._sheet()
            self._write("3D picture", ".png", lambda _m, _p: png(scene.view(turn, tip, 800)), "_3d")

    def save_movie(self) -> None:
        """Write a turn as GIF."""
        scene = self._shown()
        if scene is not None:
            self._write("Turn movie", ".gif", lambda monitor, _p: scene.movie(monitor))

    def save_html(self) -> None:
        """Write the surfaces as one HTML file."""
        scene = self._shown()
        if scene is not None:
            self._write("3D page", ".html", lambda monitor, _p: scene.html(monitor).encode())

    def save_table(self) -> None:
        """Write the table of classes as CSV, and below it that of the particles."""
        rows = self._rows()
        if not rows:
            self.session.say("There is no class to write down yet.", "warning")
            return
        found = self._particles()
        text = table_csv(rows) + (f"\n{found}" if found else "")
        self._write("Table", ".csv", lambda _m, _p: text.encode())


def png(image: Any) -> bytes:
    """Return a PIL image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def table_csv(rows: list[dict[str, Any]]) -> str:
    """Return the table of classes as CSV, with the units in the head."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    units = rows[0]["units"]
    writer.writerow(
        ["class", "from", f"volume ({units}³)", "share (%)", f"surface at the limit ({units}²)"]
    )
    for row in rows:
        surface = "" if row["surface"] is None else f"{row['surface']:.6g}"
        writer.writerow(
            [row["name"], f"{row['from']:.6g}", f"{row['volume']:.6g}", f"{row['share']:.4g}",
             surface]
        )  # fmt: skip
    return file.getvalue()
