"""One control for one parameter of a Step: label, widget, unit; and text to value and back."""

from __future__ import annotations

import dataclasses
import re
from html import escape
from typing import Any

import ipywidgets as widgets
import traitlets as tr

from tomojupyter.errors import ParameterError
from tomojupyter.steps.arrays import GivenArray
from tomojupyter.steps.base import kind
from tomojupyter.steps.operation import bounds_words
from tomojupyter.ui.views.texts import minus

UNITS = {"deg": "°"}
AUTO = "auto"
INDEX_RANGE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)")


class ValueText(widgets.Text):
    """A text field for a number, a list or nothing; takes ``3``, ``[1, 2]`` and None as well."""

    value = tr.Unicode().tag(sync=True)

    @tr.validate("value")
    def _keep(self, proposal: dict[str, Any]) -> str:
        return str(proposal["value"])

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value_text(value) if name == "value" else value)


def value_text(value: Any) -> str:
    """Write a parameter for a text field; None is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(value_text(v) for v in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def parse_number(text: str) -> float | int:
    """Read a number; a true minus and a decimal comma are understood."""
    plain = text.strip().replace("−", "-")
    if re.fullmatch(r"[-+]?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)


def parse_list(text: str) -> tuple[float | int, ...]:
    """Read a list of numbers: spaces, commas or lines between them, and ranges ``10-12``."""
    found: list[float | int] = []
    for part in re.split(r"[\s,;]+", INDEX_RANGE.sub(r"\1-\2", text.strip("[]() \n"))):
        span = INDEX_RANGE.fullmatch(part)
        if span:
            found += range(int(span[1]), int(span[2]) + 1)
        elif part:
            found.append(parse_number(part))
    return tuple(found)


class Field:
    """The control of one parameter.

    Parameters
    ----------
    cls
        The Step class.
    parameter
        Its dataclass field.
    label
        Text at the left; made from the name where it is empty.
    span
        (low, high, step) of a slider beside the number; None: no slider, unless the parameter is
        bounded on both sides.
    hook
        CSS class of the control.

    Attributes
    ----------
    control : ipywidgets.Widget
        Its ``value`` is what a person sets.
    row : ipywidgets.Widget
        Label, control and unit.
    """

    def __init__(
        self,
        cls: type,
        parameter: dataclasses.Field[Any],
        *,
        label: str = "",
        span: tuple[float, float, float] | None = None,
        hook: str = "",
    ) -> None:
        self.name = parameter.name
        self.parameter, self.about = parameter, parameter.metadata
        self.base, self.optional = kind(cls, parameter)
        missing = parameter.default is dataclasses.MISSING
        self.default: Any = None if missing else parameter.default
        self.label = label or self.name.replace("_", " ").capitalize()
        self.unit = UNITS.get(self.about["unit"], self.about["unit"])
        self.span = span or self._bounded_span()
        self.note = widgets.HTML(escape(self.unit))
        self._array: GivenArray | None = None
        self.control = self._control()
        self.control.tooltip = self.help
        self.row = self._row()
        if hook:
            self.control.add_class(hook)

    @property
    def help(self) -> str:
        """The tooltip: meaning, unit, bounds, and what is taken without a value."""
        text = f"{self.name}: {self.about['help']}{bounds_words(self.parameter)}"
        return text + (f"; empty: {self.about['auto']}" if self.about["auto"] else "")

    def _bounded_span(self) -> tuple[float, float, float] | None:
        low, high = self.about["ge"], self.about["le"]
        if low is None or high is None or self.base not in (int, float):
            return None
        return (low, high, 1 if self.base is int else 0.1)

    def _control(self) -> widgets.Widget:
        if self.about["choices"]:
            options = [(str(choice), choice) for choice in self.about["choices"]]
            if self.optional:
                options.insert(0, (AUTO, None))
            return widgets.Dropdown(options=options, value=self.default)
        if self.base is bool and self.optional:
            options = [(AUTO, None), ("yes", True), ("no", False)]
            return widgets.Dropdown(options=options, value=self.default)
        if self.base is bool:
            return widgets.Checkbox(value=bool(self.default), description=self.label, indent=False)
        number = self.base in (int, float) and not self.optional and self.default is not None
        if number and self.base is int:
            return widgets.IntText(value=self.default)
        if number:
            return widgets.FloatText(value=self.default, step=self.span[2] if self.span else None)
        control = ValueText(placeholder=AUTO if self.optional else "", continuous_update=False)
        control.value = self.default
        return control

    def _row(self) -> widgets.Widget:
        if isinstance(self.control, widgets.Checkbox):
            parts: list[widgets.Widget] = [widgets.Label(""), self.control]
        else:
            label = widgets.Label(self.label)
            label.tooltip = self.help
            parts = [label, self._with_slider(), self.note]
        return widgets.Box(parts).add_class("tj-field")

    def _with_slider(self) -> widgets.Widget:
        if self.span is None or not isinstance(self.control, widgets.IntText | widgets.FloatText):
            return self.control
        low, high, step = self.span
        whole = isinstance(self.control, widgets.IntText)
        make = widgets.IntSlider if whole else widgets.FloatSlider
        slider = make(
            value=min(max(self.control.value, low), high), min=low, max=high, step=step,
            readout=False, layout=widgets.Layout(width="auto"),
        )  # fmt: skip
        self.slider = slider
        # The number may lie outside of the slider's range; the slider then stays at its end.
        slider.observe(self._take_slider, "value")
        self.control.observe(self._move_slider, "value")
        return widgets.HBox([slider, self.control])

    def _take_slider(self, change: dict[str, Any]) -> None:
        """Take a person's drag, but not the browser's echo, which it rounds to its own steps."""
        step = self.span[2] if self.span else 0.0
        if abs(change["new"] - self.control.value) > step / 2:
            self.control.set_trait("value", round(change["new"], 9))

    def _move_slider(self, change: dict[str, Any]) -> None:
        low, high, step = self.span or (0, 0, 0)
        # Less than half a step is the slider's own value, rounded: sent back, it would undo
        # what a person has dragged in the meantime.
        if low <= change["new"] <= high and abs(change["new"] - self.slider.value) > step / 2:
            self.slider.value = change["new"]

    @property
    def value(self) -> Any:
        """The parameter's value as the Step takes it.

        Raises
        ------
        ParameterError
            Text that is no number or list.
        """
        value = self.control.value
        if not isinstance(self.control, ValueText) or self.base is str:
            return value
        if self.base is GivenArray:
            return self._array_of(value.strip())
        text = value.strip()
        if text.lower() in ("", AUTO, "none"):
            return None
        try:
            return parse_list(text) if self.base is tuple else parse_number(text)
        except ValueError as error:
            what = "numbers, such as 3, 5, 10-12" if self.base is tuple else "a number"
            raise ParameterError(f"{self.name} must be {what}; got {text!r}") from error

    @value.setter
    def value(self, value: Any) -> None:
        if self.base is GivenArray and value is not None:
            self._array = GivenArray.of(self.name, value)
            value = str(self._array)
        self.control.value = value

    def _array_of(self, text: str) -> Any:
        """Return the array that the text stands for, or the name of a file."""
        known = self._array
        return known if known is not None and text == str(known) else text or None

    def reset(self) -> None:
        """Set the default."""
        self.control.value = False if self.base is bool and self.default is None else self.default

    def show_resolved(self, value: Any) -> None:
        """Show in grey what an empty field stands for; None shows the unit alone."""
        if value is None:
            self.note.value = escape(self.unit)
            return
        text = minus(value_text(value))
        if isinstance(value, bool):
            text = "yes" if value else "no"
        text = escape(f"{text} {self.unit}".strip())
        self.note.value = f'<span class="tj-resolved">{text}</span>'
