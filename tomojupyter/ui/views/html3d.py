"""One HTML file with surfaces to turn, which opens on any machine without internet; by k3d.

k3d's objects are widgets. In a kernel they would be sent to the page, so a Python of its own
makes the file: ``python -m tomojupyter.ui.views.html3d`` reads the scene from its input.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKGROUND = 0x101216


@dataclass(frozen=True)
class Part:
    """A surface of a scene: triangles in nm (or px), a name and a colour such as #E69F00."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    colour: str
    opacity: float = 1.0


def write_scene(parts: Sequence[Part], title: str, units: str) -> str:
    """Return the HTML of a scene, made by a Python of its own.

    Parameters
    ----------
    parts
        The surfaces.
    title
        Of the page, also written on it.
    units
        Of the coordinates, for the axes.

    Raises
    ------
    DataError
        If there is nothing to draw, or k3d cannot draw it.
    """
    shown = [part for part in parts if len(part.faces)]
    if not shown:
        raise DataError("no surface lies within the volume: choose a limit between its values")
    about = {
        "title": title,
        "units": units,
        "parts": [{"name": p.name, "colour": p.colour, "opacity": p.opacity} for p in shown],
    }
    arrays = {"about": np.array(json.dumps(about))}
    for k, part in enumerate(shown):
        arrays[f"vertices{k}"] = np.asarray(part.vertices, np.float32)
        arrays[f"faces{k}"] = np.asarray(part.faces, np.uint32)
    scene = io.BytesIO()
    np.savez(scene, **arrays)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-m", "tomojupyter.ui.views.html3d"], input=scene.getvalue(),
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise DataError(f"the 3D file could not be made: {' '.join(last)}")
    return done.stdout.decode("utf-8")


def scene_html(scene: bytes) -> str:
    """Return the HTML of a scene as `write_scene` packs it."""
    import k3d

    arrays = np.load(io.BytesIO(scene))
    about = json.loads(str(arrays["about"]))
    axes = [f"{name}\\,({about['units']})" for name in "xyz"]
    plot = k3d.plot(
        background_color=BACKGROUND, grid_color=0x3A4048, label_color=0xC8CDD3, axes=axes,
        name=about["title"], menu_visibility=False, camera_auto_fit=True,
    )  # fmt: skip
    for k, part in enumerate(about["parts"]):
        plot += k3d.mesh(
            arrays[f"vertices{k}"], arrays[f"faces{k}"], color=int(part["colour"][1:], 16),
            opacity=part["opacity"], name=part["name"], flat_shading=False, side="double",
        )  # fmt: skip
    names = "".join(
        f'<span style="color:{part["colour"]}">&#9632;</span> {escape(part["name"])} &nbsp; '
        for part in about["parts"]
    )
    caption = (
        '<div style="position:absolute;z-index:9;left:14px;top:10px;color:#e8eaed;'
        f'font:14px/1.6 system-ui,sans-serif"><b>{escape(about["title"])}</b><br>{names}'
        "<br><small>drag to turn, wheel to zoom</small></div>"
    )
    html = str(plot.get_snapshot())
    return html.replace('<div id="canvasTarget">', f'{caption}<div id="canvasTarget">', 1)


if __name__ == "__main__":
    sys.stdout.buffer.write(scene_html(sys.stdin.buffer.read()).encode("utf-8"))
