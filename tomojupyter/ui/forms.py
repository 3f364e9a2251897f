"""A form from the Steps of one or more operations. Nothing about a parameter is repeated here."""

from __future__ import annotations

import dataclasses
import inspect
import weakref
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.errors import TomojupyterError, UnknownMethodError, UnknownParameterError
from tomojupyter.steps.base import LISTENERS, REGISTRY, Step, parameters
from tomojupyter.steps.operation import default_method
from tomojupyter.ui.fields import Field
from tomojupyter.ui.style import section
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_forms: weakref.WeakSet[Form] = weakref.WeakSet()


def _joined(operation: str) -> None:
    for form in list(_forms):
        form.follow(operation)


LISTENERS.append(_joined)


class Form:
    """Controls for the methods of some operations, and the Step they stand for.

    Parameters
    ----------
    operations
        Names of operations; their methods share one list. A method registered later joins it.
    hook
        The panel's name, for the CSS classes ``tj-<hook>-<parameter>``.
    methods
        Only these methods; None: all.
    without
        Methods that have controls of their own elsewhere.
    labels
        Texts for parameters and methods in place of their names, by name.
    spans
        (low, high, step) of a slider, by parameter.
    hidden
        Parameters that keep their default and are not shown.
    preset
        Called with a Step class: values that its form has at first in place of the defaults.

    Attributes
    ----------
    widget : ipywidgets.VBox
        The form itself.
    controls : dict
        Widgets by name of parameter, and ``method``. Set their ``value``.
    """

    def __init__(
        self,
        operations: Sequence[str],
        hook: str = "form",
        *,
        methods: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        spans: Mapping[str, tuple[float, float, float]] | None = None,
        hidden: Sequence[str] = (),
        without: Sequence[str] = (),
        preset: Callable[[type[Step]], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        self.preset = preset
        self.without = tuple(without)
        self.operations = tuple(operations)
        self.hook, self.methods, self.hidden = hook, methods, tuple(hidden)
        self.labels, self.spans = dict(labels or {}), dict(spans or {})
        self._sets: dict[type[Step], dict[str, Field]] = {}
        self._calls: list[Callable[[], Any]] = []
        self._quiet = False
        options = self._options()
        if not options:
            raise UnknownMethodError(
                f"{' and '.join(self.operations)}: no method is registered ({', '.join(REGISTRY)} "
                "have some)"
            )
        usual = default_method(self.operations[0])
        first = next((cls for _, cls in options if cls.method == usual), options[0][1])
        self.method = widgets.Dropdown(options=options, value=first).add_class(f"tj-{hook}-method")
        self.help = widgets.HTML().add_class("tj-help")
        self.basic = widgets.VBox()
        self.more = widgets.Button(icon="chevron-right").add_class("tj-more")
        self.more.add_class(f"tj-{hook}-more")
        self.advanced = widgets.VBox(layout=widgets.Layout(display="none"))
        method_row = widgets.Box([widgets.Label("Method"), self.method]).add_class("tj-field")
        self.method_part = widgets.VBox([widgets.HTML(section("Method")), method_row])
        self.widget = widgets.VBox(
            [self.method_part, self.help, self.basic, self.more, self.advanced]
        )
        self.controls: dict[str, widgets.Widget] = {}
        self.method.observe(lambda _: self._method_changed(), "value")
        self.more.on_click(lambda _: self._toggle_more())
        _forms.add(self)
        self._method_changed()

    # ------------------------------------------------------------------ methods

    def _options(self) -> list[tuple[str, type[Step]]]:
        found = []
        for operation in self.operations:
            for method, cls in REGISTRY.get(operation, {}).items():
                wanted = self.methods is None or method in self.methods
                if wanted and method not in self.without:
                    plain = method if operation == self.operations[0] else f"{operation} {method}"
                    found.append((self.labels.get(plain, plain), cls))
        return found

    def follow(self, operation: str) -> None:
        """Take up methods that joined an operation; called by the registry."""
        if operation not in self.operations:
            return
        options, chosen = self._options(), self.cls
        same = [
            c for _, c in options if (c.operation, c.method) == (chosen.operation, chosen.method)
        ]
        self.method.options = options
        self.method.value = same[0] if same else options[0][1]

    @property
    def cls(self) -> type[Step]:
        """The Step class of the chosen method."""
        return self.method.value

    def choose(self, method: str) -> None:
        """Choose a method by its name; case does not matter."""
        found = [c for _, c in self._options() if c.method.lower() == method.lower()]
        if not found:
            names = ", ".join(c.method for _, c in self._options())
            raise UnknownMethodError(f"{method}: not a method of this panel ({names} are)")
        self.method.value = found[0]

    def _method_changed(self) -> None:
        if self.cls is None:
            return
        fields = self.fields
        self.help.value = f"<p>{(inspect.getdoc(self.cls) or '').splitlines()[0]}</p>"
        shown = [f for f in fields.values() if f.name not in self.hidden]
        self.basic.children = [f.row for f in shown if not f.about["advanced"]]
        rest = [f for f in shown if f.about["advanced"]]
        self.advanced.children = [f.row for f in rest]
        self.more.layout.display = "" if rest else "none"
        self.more.description = f"More: {', '.join(_small(f.label) for f in rest)}"
        self.controls = {"method": self.method, **{f.name: f.control for f in fields.values()}}
        self.method_part.layout.display = "" if len(self.method.options) > 1 else "none"
        self._changed()

    def _toggle_more(self) -> None:
        closed = self.advanced.layout.display == "none"
        self.advanced.layout.display = "" if closed else "none"
        self.more.icon = "chevron-down" if closed else "chevron-right"

    @property
    def fields(self) -> dict[str, Field]:
        """Fields of the chosen method by name of parameter; made once, so values are kept."""
        cls = self.cls
        if cls not in self._sets:
            fields = {
                p.name: Field(
                    cls, p, label=self.labels.get(p.name, ""), span=self.spans.get(p.name),
                    hook=f"tj-{self.hook}-{p.name.replace('_', '')}",
                )
                for p in parameters(cls)
            }  # fmt: skip
            for name, value in self.preset(cls).items():
                fields[name].value = value
            for f in fields.values():
                f.on_change(self._changed)
            self._sets[cls] = fields
        return self._sets[cls]

    # ------------------------------------------------------------------ values

    def step(self) -> Step:
        """Return the validated Step.

        Raises
        ------
        TomojupyterError
            With a sentence that names the parameter.
        """
        values = {}
        for p in parameters(self.cls):
            value = self.fields[p.name].value
            if value is None and p.default is dataclasses.MISSING:
                raise UnknownParameterError(f"Enter {self.fields[p.name].label.lower()} first")
            values[p.name] = value
        return self.cls(**values)

    def problem(self) -> str:
        """Return what is wrong with the values as a sentence, or nothing."""
        try:
            self.step()
        except TomojupyterError as error:
            return capital(str(error))
        return ""

    def set(self, step: Step) -> None:
        """Show the values of a Step."""
        self._quiet = True
        try:
            self.method.value = type(step)
            for name in step.as_dict():
                self.fields[name].value = getattr(step, name)
        finally:
            self._quiet = False
        self._changed()

    def reset(self) -> None:
        """Set the defaults of the chosen method."""
        self._quiet = True
        try:
            for f in self.fields.values():
                f.reset()
            for name, value in self.preset(self.cls).items():
                self.fields[name].value = value
        finally:
            self._quiet = False
        self._changed()

    def show_resolved(self, asked: Step | None, resolved: Step | None) -> None:
        """Show beside empty fields what they stand for with the current signal."""
        for name, f in self.fields.items():
            automatic = asked is not None and getattr(asked, name, 0) is None
            known = automatic and type(resolved) is self.cls
            f.show_resolved(getattr(resolved, name) if known else None)

    def on_change(self, call: Callable[[], Any]) -> None:
        """Call whenever the method or a value changes."""
        self._calls.append(call)

    def _changed(self) -> None:
        if not self._quiet:
            for call in self._calls:
                call()


def _small(label: str) -> str:
    """Return a label in the middle of a sentence: only its first letter gets small, GPU stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
