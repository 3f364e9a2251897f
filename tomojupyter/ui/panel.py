"""A stage of the work: pictures beside a form, with the record line and Apply under it.

A panel declares its operations, its two sentences and its pictures; the rest is here. It works
within the app, on the app's Session, or alone in a notebook cell, on one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from tomojupyter.errors import TomojupyterError
from tomojupyter.ui.forms import Form
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.records import record_html
from tomojupyter.ui.session import Session
from tomojupyter.ui.status import StatusLine
from tomojupyter.ui.style import heading, sentence, style_widget
from tomojupyter.ui.views.arrival import Arrival
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tomojupyter.steps import Step

DEBOUNCE_S = 0.08
WAYS = {
    "load": "Load",
    "trim": "Trim",
    "filter": "Filter",
    "register": "Register",
    "tiltaxis": "Tilt axis",
    "reconstruct": "Reconstruct",
}
"""Stages that a sentence may send the person to, by their names in it."""


class OperationPanel(widgets.GridBox):
    """Base of all panels.

    Parameters
    ----------
    signal
        A TomoStack or RecStack (the panel stands alone and has a Session of its own), a Session
        (the panel is part of an app), or None.
    height
        In px, where the panel stands alone.

    Attributes
    ----------
    controls : dict
        Widgets by name; set their ``value``.
    apply, reset : ipywidgets.Button
        Their ``click()`` is a person's.
    result
        What was made, or None before the first Apply.

    Notes
    -----
    A subclass sets `panel` (the name in CSS hooks), `title`, `purpose`, `hint`, `operations` and
    overrides `build` and `show`; where needed also `extras`, `changed`, `steps`, `blockers`,
    `cautions`, `after` and `result_line`.
    """

    panel: ClassVar[str] = "panel"
    title: ClassVar[str] = "Panel"
    purpose: ClassVar[str] = ""
    hint: ClassVar[str] = ""
    icon: ClassVar[str] = "cube"
    operations: ClassVar[tuple[str, ...]] = ()
    methods: ClassVar[tuple[str, ...] | None] = None
    labels: ClassVar[Mapping[str, str]] = {}
    spans: ClassVar[Mapping[str, tuple[float, float, float]]] = {}
    hidden: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[str] = "TomoStack"
    """What must be there: TomoStack, RecStack, or nothing."""
    apply_text: ClassVar[str] = "Apply"
    preview_text: ClassVar[str] = ""
    """Text of the preview button; empty: no such button. Its click calls `preview`."""
    key_card: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Keys of this panel and what they do, for the Keys card."""
    moves_on: ClassVar[bool] = False
    """Whether the app opens the next stage after Apply."""

    @classmethod
    def useful(cls, signal: Any) -> bool:  # noqa: ARG003  a subclass may ask the signal
        """Tell whether this stage has something to do for a series that was just loaded."""
        return True

    def __init__(self, signal: Any = None, height: int = 600) -> None:
        self.alone = not isinstance(signal, Session)
        self.session: Session = signal if isinstance(signal, Session) else Session(signal)
        self.active = self.alone
        self.after_apply: Callable[[], None] | None = None
        self.go_to_stage: Callable[[str], None] | None = None
        self.open_in_app: Callable[[Path], None] | None = None
        self.own_controls: dict[str, widgets.Widget] = {}
        self._stale = True
        self._way = "load"
        self._later: asyncio.TimerHandle | None = None
        self._root = self.session.cursor
        self.form = self._make_form()
        self.body = widgets.VBox(self.build()).add_class("tj-body")
        self.messages = widgets.HTML().add_class("tj-messages")
        self.messages.add_class(f"tj-{self.panel}-blockers")
        self.link = widgets.Button(description="Go to Load", icon="folder-open")
        self.record = widgets.HTML().add_class("tj-record").add_class(f"tj-{self.panel}-record")
        self.reset = self._button("Reset", "undo", "reset", self.reset_form)
        self.preview_button = self._button(self.preview_text, "eye", "preview", self.preview)
        self.apply = self._button(self.apply_text, "", "apply", self._apply).add_class("tj-main")
        children = [self.body, self._form_part()]
        if self.alone:
            self.status = StatusLine(self.session)
            names = Arrival(lambda: None).add_class("tj-arrival")
            children += [self.status, style_widget(), names]
        super().__init__(children)
        self.add_class("tj-panel").add_class(f"tj-panel-{self.panel}")
        if self.alone:
            self.add_class("tj-alone")
            self.layout.height = f"{height}px"
        self.link.on_click(lambda _: self.go_to_stage and self.go_to_stage(self._way))
        self.session.observe(lambda _: self._state_changed(), "state")
        self.session.observe(lambda _: self._check(), "warnings")
        if self.form is not None:
            self.form.on_change(self._form_changed)
        if self.alone:
            self.refresh()

    def _make_form(self) -> Form | None:
        if not self.operations:
            return None
        return Form(
            self.operations, self.panel, methods=self.methods, labels=self.labels,
            spans=self.spans, hidden=self.hidden,
        )  # fmt: skip

    def _button(self, text: str, icon: str, hook: str, call: Callable[[], Any]) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon).add_class(f"tj-{self.panel}-{hook}")
        if not text:
            button.layout.display = "none"
        attempted = self.asked(call)
        button.on_click(lambda _: attempted())
        return button

    def _form_part(self) -> widgets.Widget:
        self.link.layout.display = "none"
        parts = [widgets.HTML(heading(self.title, self.purpose))]
        if self.form is not None:
            parts.append(self.form.widget)
        parts += self.extras()
        body = widgets.VBox(parts).add_class("tj-form-body")
        buttons = widgets.HBox([self.reset, self.preview_button, self.apply])
        buttons.add_class("tj-buttons")
        foot = widgets.VBox([self.messages, self.link, self.record, buttons]).add_class(
            "tj-form-foot"
        )
        return widgets.VBox([body, foot]).add_class("tj-form")

    # ------------------------------------------------------------------ for subclasses

    def build(self) -> Sequence[widgets.Widget]:
        """Return the pictures: rows and columns of class tj-row, tj-column. Called once."""
        return []

    def extras(self) -> Sequence[widgets.Widget]:
        """Return widgets for the form, below the Step's controls. Called once, after `build`."""
        return []

    def show(self) -> None:
        """Fill the pictures from `session`; called whenever its signals change, while seen."""

    def changed(self) -> None:
        """Follow a change in the form, for instance by a live preview."""

    def preview(self) -> None:
        """Act on the preview button."""

    def steps(self) -> list[Step]:
        """Return the Steps that Apply will run."""
        return [self.form.step()] if self.form is not None else []

    def blockers(self) -> list[str]:
        """Return what is missing for Apply, as sentences."""
        return []

    def cautions(self) -> list[str]:
        """Return what a person should know before Apply, as sentences."""
        return []

    def record_text(self, steps: list[tuple[Step, Step | None]]) -> str:
        """Return the record line as HTML, from (Step as asked, as resolved if that is known)."""
        return record_html(steps)

    def after(self, result: Any) -> None:
        """Follow a successful Apply."""

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the result of this stage in five words, from its records (oldest first)."""
        return str(records[-1].get("method", "done")) if session and records else cls.hint

    # ------------------------------------------------------------------ state

    @property
    def controls(self) -> dict[str, widgets.Widget]:
        """Widgets by name: the form's, and the panel's own."""
        return {**(self.form.controls if self.form else {}), **self.own_controls}

    @property
    def result(self) -> Any:
        """What was made since this panel was opened, or None."""
        return self.session.result if self.session.cursor is not self._root else None

    def activate(self, active: bool = True) -> None:
        """Tell the panel whether it is seen; one that is not does no work."""
        self.active = active
        if active and self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Show the session as it is now."""
        self._stale = False
        with self.session.attempt(self.title):
            self.show()
        self._form_changed()

    def soon(self, call: Callable[[], Any]) -> None:
        """Call in a moment; of many calls within 80 ms the last one counts."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        loop = running_loop()
        if loop is None:
            call()
        else:
            self._later = loop.call_later(DEBOUNCE_S, call)

    def undo_by_key(self, key: str) -> bool:
        """Undo or redo where a key of a picture asks for it; tell whether it did."""
        ways = {"Control+z": self.session.undo, "Control+y": self.session.redo}
        if key in ways:
            ways[key]()
        return key in ways

    def asked(self, call: Callable[..., Any]) -> Callable[..., None]:
        """Return a call for widgets: its errors become the message of the session."""

        def attempted(*values: Any) -> None:
            with self.session.attempt(self.title):
                call(*values)

        return attempted

    def reset_form(self) -> None:
        """Set the defaults again."""
        if self.form is not None:
            self.form.reset()

    def _state_changed(self) -> None:
        if self.active:
            self.refresh()
        else:
            self._stale = True

    def _form_changed(self) -> None:
        self._check()
        if self.active:
            with self.session.attempt(self.title):
                self.changed()

    def _missing(self) -> str:
        if self.needs == "TomoStack" and self.session.signal is None:
            return "Load a series first."
        if self.needs == "RecStack" and self.session.volume is None:
            return "Reconstruct first, or open a volume."
        return ""

    def _check(self) -> None:
        """Update the record line, blockers and warnings."""
        stopped: list[str] = []
        missing = self._missing()
        asked: list[tuple[Step, Step | None]] = []
        try:
            steps = self.steps()
            asked = [(step, None) for step in steps]
            if not missing and len(steps) == 1:
                asked = [(steps[0], steps[0].resolve(self._target(steps[0])))]
        except TomojupyterError as error:
            stopped.append(capital(str(error)))
        stopped = [missing] if missing else [*self.blockers(), *stopped]
        self.record.value = self.record_text(asked)
        if self.form is not None:
            self.form.show_resolved(*(asked[0] if len(asked) == 1 else (None, None)))
        made_here = bool(self.session.warnings) and self.active
        notes = [
            *([] if missing else self.cautions()),
            *(self.session.warnings if made_here else []),
        ]
        stopped = list(dict.fromkeys(stopped))
        self.messages.value = "".join(sentence(text, "blocker") for text in stopped) + "".join(
            sentence(capital(text), "warning") for text in dict.fromkeys(notes)
        )
        self._way = self._way_out(missing, notes)
        self.link.layout.display = "" if self._way and self.go_to_stage else "none"
        self.link.description = f"Go to {WAYS.get(self._way, '')}"
        self.apply.disabled = bool(stopped)
        self.preview_button.disabled = bool(stopped)

    def _way_out(self, missing: str, notes: Sequence[str]) -> str:
        """Return the stage that a sentence sends the person to, or nothing."""
        if missing:
            return "reconstruct" if missing.startswith("Reconstruct") else "load"
        for text in notes:
            for stage, name in WAYS.items():
                if text.startswith(f"{name} first") or f"in {name}." in text:
                    return stage
        return ""

    def _target(self, step: Step) -> Any:
        return self.session.signal if step.on == "TomoStack" else self.session.volume

    def _apply(self) -> None:
        self.session.apply(*self.steps(), label=self.title, then=self._applied)

    def _applied(self, result: Any) -> None:
        self.after(result)
        if self.after_apply is not None:
            self.after_apply()
