"""The automatic methods side by side: what each found, how sure it is, or why it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import Cancelled, TomojupyterError
from tomojupyter.monitor import Silent
from tomojupyter.steps.base import REGISTRY
from tomojupyter.ui.messages import whole_sentence
from tomojupyter.ui.panels.axis_lines import motion_parts
from tomojupyter.ui.views.texts import minus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step

BY_HAND = "manual"


@dataclass(frozen=True)
class Found:
    """What a method found, or the sentence of its refusal.

    Parameters
    ----------
    step
        As asked.
    shift, angle
        In px and degrees, as `tilt_align manual` takes them.
    shift_sigma, angle_sigma
        Standard errors; None where the method knows none.
    refusal
        Why there is no answer; nothing where there is one.
    """

    step: Step
    shift: float = 0.0
    angle: float = 0.0
    shift_sigma: float | None = None
    angle_sigma: float | None = None
    refusal: str = ""

    @property
    def rounded(self) -> tuple[float, float]:
        """Shift and angle as the form shows them."""
        return round(self.shift, 2) + 0.0, round(self.angle, 2) + 0.0


def automatic_methods() -> dict[str, type[Step]]:
    """Return the Step classes of all methods that find the axis by themselves."""
    return {name: cls for name, cls in REGISTRY["tilt_align"].items() if name != BY_HAND}


def find_axis(signal: Any, step: Step, monitor: Monitor | None = None) -> Found:
    """Ask one method; what it would do is read off the motion that its result has.

    Parameters
    ----------
    signal
        A TomoStack; it stays as it is.
    step
        A Step of `tilt_align`.
    monitor
        For Stop.
    """
    try:
        signal._check(needs_tilts=step.needs_tilts)
        outcome = step.resolve(signal).apply(signal, monitor or Silent())
    except Cancelled:
        raise
    except TomojupyterError as error:
        return Found(step, refusal=whole_sentence(str(error)))
    before, after = signal._frame, outcome.signal._frame
    made = after.box @ after.rigid @ np.linalg.inv(before.box @ before.rigid)
    shift, angle = motion_parts(made, before.shape)
    sigma = outcome.scalars
    return Found(step, shift, angle, sigma.get("shift_sigma_px"), sigma.get("angle_sigma_deg"))


class MethodTable(widgets.VBox):
    """A row for each method: its answer and [Take it], or the sentence of its refusal.

    Parameters
    ----------
    take
        Called with what was found when a person takes it.
    """

    def __init__(self, take: Callable[[Found], Any]) -> None:
        self._take = take
        self.buttons: dict[str, widgets.Button] = {}
        super().__init__([])
        self.add_class("tj-tiltaxis-methods")

    def show(self, found: dict[str, Found], sharpness: dict[str, float], taken: str = "") -> None:
        """Show the answers; the sharpest is named, and so is the one that was taken."""
        self.buttons = {}
        rows = []
        best = max(sharpness, key=lambda name: sharpness[name], default="")
        for name, one in found.items():
            if one.refusal:
                text = f"<b>{escape(name)}</b> refuses. {escape(one.refusal)}"
                rows.append(widgets.HTML(f'<p class="tj-say-warning">{text}</p>'))
                continue
            star = " ★" if name == best and len(sharpness) > 1 else ""
            lines = [
                f"<b>{escape(name)}</b>{star}",
                f"shift {_with_sigma(one.shift, one.shift_sigma, ' px')}",
                f"angle {_with_sigma(one.angle, one.angle_sigma, '°')}",
            ]
            if name in sharpness:
                lines.append(f"sharpness {sharpness[name]:.2f} %")
            button = widgets.Button(description="Taken" if name == taken else "Take it")
            button.icon = "check" if name == taken else ""
            button.disabled = name == taken
            button.add_class(f"tj-tiltaxis-take-{name.lower()}")
            button.on_click(lambda _, one=one: self._take(one))
            self.buttons[name] = button
            facts = widgets.HTML("<br>".join(lines), layout=widgets.Layout(flex="1 1 0"))
            rows.append(widgets.HBox([facts, widgets.HBox([button]).add_class("tj-buttons")]))
        self.children = rows


def _with_sigma(value: float, sigma: float | None, unit: str) -> str:
    text = minus(f"{round(value, 2) + 0.0:.2f}")
    return f"{text} ± {sigma:.2f}{unit}" if sigma is not None else text + unit
