"""Results of the Spectral panel: the elements in 3D in their colours, and their shares."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter import api as tomo
from tomojupyter.errors import TomojupyterError
from tomojupyter.steps.xray_lines import line_text
from tomojupyter.ui.panels.explore_overlay import DENSE
from tomojupyter.ui.style import section, sentence
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.ui.views.volume import VolumeView


def fractions_of(volumes: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the share of each volume, or the sentence why there are none."""
    try:
        return tomo.volume_fractions(volumes)
    except TomojupyterError as error:
        return f"{capital(str(error))}."


class FractionsTable(widgets.HTML):
    """The table of volume fractions."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("tj-spectral-fractions")
        self.set({}, {})

    def set(self, fractions: Mapping[str, Any] | str, colours: Mapping[str, str]) -> None:
        """Show shares with their ranges; the sentence where there are none."""
        self.fractions = fractions
        self.layout.display = "" if fractions else "none"
        if isinstance(fractions, str):
            self.value = section("Volume fractions") + sentence(fractions, "warning")
            return
        rows = "".join(
            f'<tr><td><i class="tj-swatch" style="background:{colours.get(name, "#999")}"></i>'
            f'{escape(line_text(name))}</td><td class="tj-n">{escape(percent(part))}</td></tr>'
            for name, part in fractions.items()
        )
        self.value = (
            section("Volume fractions", "range")
            + f'<table class="tj-table">{rows}</table>'
            + '<p class="tj-grey">Of what lies above the thresholds that Otsu\'s method finds; '
            "the range is that of thresholds near them.</p>"
        )


def percent(part: Any) -> str:
    """Write a share, a Quantity, with the range that other thresholds give: 41 % (38 to 44)."""
    return f"{100 * part.value:.1f} % ({100 * part.low:.0f} to {100 * part.high:.0f})"


def draw_together(view: VolumeView, volumes: Sequence[tuple[Any, str]]) -> None:
    """Draw volumes as surfaces in their colours, within a faint cloud of their sum.

    Parameters
    ----------
    view
        Where.
    volumes
        Arrays (x, z, y) and colours #rrggbb.
    """
    arrays = [np.asarray(data) for data, _ in volumes]
    bright = [data / (percentiles(data.reshape(len(data), -1))[1] or 1.0) for data in arrays]
    view.shown.value = "cloud"
    view.opacity.value = 0.05
    view.show(np.sum(bright, axis=0, dtype=np.float32))
    if view.figure is None and not view.waits:
        return
    levels = [level_of(data) for data in arrays]
    view.overlay(
        [(data, level, colour) for data, level, (_, colour) in zip(arrays, levels, volumes,
                                                                   strict=True)]
    )  # fmt: skip


def level_of(data: np.ndarray) -> float:
    """Return the value at which the surface of a volume is drawn, as Explore does."""
    lo, hi = percentiles(data.reshape(len(data), -1))
    return float(lo + DENSE * (hi - lo))
