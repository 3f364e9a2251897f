"""The app: top bar, rail of stages, one panel at a time, status line."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter import datasets
from tomojupyter.steps.memory import free_bytes
from tomojupyter.ui.panels import (
    STAGES,
    TOOLS,
    ExplorePanel,
    HistoryPanel,
    RegisterPanel,
    SpectralPanel,
    TiltAxisPanel,
    ViewerPanel,
)
from tomojupyter.ui.session import Session
from tomojupyter.ui.stages import stage_states
from tomojupyter.ui.status import StatusLine
from tomojupyter.ui.store import Store
from tomojupyter.ui.style import style_widget
from tomojupyter.ui.views.arrival import Arrival, send_again
from tomojupyter.ui.warm import Warmth
from tomojupyter.ui.words import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.ui.panel import OperationPanel
    from tomojupyter.ui.stages import StageState

MEMORY_PART = 0.5
"""Of the memory that is free at the start, the part that Undo may fill."""
RAIL_LETTERS = 19
"""Of a result in the rail, so that it fits beside the number of the stage."""
PICTURE_KEYS = (
    ("← →", "frame or slice, as A S and the wheel"),
    ("Home End", "first and last"),
    ("0", "to 0°"),
    ("Space", "play; Q W slower, faster"),
    ("C", "automatic contrast; drag with the right button sets it"),
    ("I", "invert"),
    ("+ −", "zoom, as Ctrl + wheel; double click fits"),
    ("Esc", "leave a mode"),
)
STATES = ("tj-done", "tj-current", "tj-stale", "tj-skipped")


class Dashboard(widgets.GridBox):
    """The panels composed into an app.

    Parameters
    ----------
    session
        The state that they share; None makes a new one.
    stages, tools
        Panel classes, in the order of the rail.

    Attributes
    ----------
    panels : dict
        The panels built so far, by name; a panel is built when it is first opened.
    rail : dict
        Buttons by name of panel.
    """

    def __init__(
        self,
        session: Session | None = None,
        stages: Sequence[type[OperationPanel]] = STAGES,
        tools: Sequence[type[OperationPanel]] = TOOLS,
    ) -> None:
        self.session = session if session is not None else Session()
        self.stages, self.tools = tuple(stages), tuple(tools)
        self.classes = {cls.panel: cls for cls in (*self.stages, *self.tools)}
        self.panels: dict[str, OperationPanel] = {}
        self.rail: dict[str, widgets.Button] = {}
        self.current = ""
        self.top = self._make_top()
        self.rail_box = self._make_rail()
        self.status = StatusLine(self.session)
        self.style = style_widget()
        self.arrival = Arrival(self._arrived).add_class("tj-arrival")
        self.warmth = Warmth()
        super().__init__([])
        self.add_class("tj-app")
        self.session.observe(lambda _: self.update(), ["state", "saved", "kept", "look_only"])
        self.session.observe(lambda _: self._update_rail(), "job")
        self.session.observe(lambda _: self._update_data(), "looking")
        self.show_panel(self.stages[0].panel)
        self.update()

    # ------------------------------------------------------------------ parts

    def _make_top(self) -> widgets.Widget:
        brand = widgets.HTML('<i class="fa fa-cube" aria-hidden="true"></i>tomojupyter')
        brand.add_class("tj-brand")
        self.data = widgets.HTML().add_class("tj-data").add_class("tj-top-data")
        self.saved = widgets.HTML().add_class("tj-saved")
        self.undo = self._top_button("Undo", "undo", self.session.undo)
        self.redo = self._top_button("Redo", "redo", self.session.redo)
        self.save = self._top_button("Save", "save", self.session.save)
        self.take_over = self._top_button("Take over", "exchange-alt", self.session.take_over)
        self.keys_button = self._top_button("Keys", "keyboard", self._toggle_keys)
        self.keys_card = widgets.HTML().add_class("tj-keys")
        self.keys_card.layout.display = "none"
        parts = [brand, self.data, self.saved, self.take_over, self.undo, self.redo, self.save]
        parts += [self.keys_button, self.keys_card]
        return widgets.HBox(parts).add_class("tj-top")

    def _top_button(self, text: str, icon: str, call: Any) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon).add_class(f"tj-top-{icon}")

        def clicked(_: Any) -> None:
            with self.session.attempt(text):
                call()

        button.on_click(clicked)
        return button

    def _make_rail(self) -> widgets.Widget:
        for cls in self.stages:
            self.rail[cls.panel] = widgets.Button(tooltip=cls.title).add_class("tj-stage")
        for cls in self.tools:
            button = widgets.Button(description=cls.title, icon=cls.icon, tooltip=cls.title)
            self.rail[cls.panel] = button.add_class("tj-tool")
        for name, button in self.rail.items():
            button.add_class(f"tj-rail-{name}")
            button.on_click(lambda _, name=name: self.show_panel(name))
        rows: list[widgets.Widget] = [self.rail[cls.panel] for cls in self.stages]
        if self.tools:
            rows.append(widgets.Box().add_class("tj-rule"))
            rows += [self.rail[cls.panel] for cls in self.tools]
        return widgets.VBox(rows).add_class("tj-rail")

    # ------------------------------------------------------------------ stages

    def show_panel(self, name: str) -> None:
        """Show a panel; it is built now if it has not been yet."""
        if name not in self.classes:
            return
        before = self.panels.get(self.current)
        if before is not None:
            before.activate(False)
        with self.session.attempt(self.classes[name].title):
            if name not in self.panels:
                panel = self.classes[name](self.session)
                panel.go_to_stage = self.show_panel
                panel.open_in_app = self._open if "load" in self.classes else None
                panel.after_apply = lambda: self._applied(name)
                self.panels[name] = panel
            self.current = name
            parts = [self.top, self.rail_box, self.panels[name], self.status]
            self.children = [*parts, self.style, self.arrival]
            self.panels[name].activate()
        self.keys_card.value = keys_html(self.classes[self.current])
        self._update_data()
        self._update_rail()

    def _open(self, path: Path) -> None:
        """Open a series or volume of the data folder, as if it was chosen in Load."""
        self.show_panel("load")
        load: Any = self.panels["load"]
        load.asked(load.open_file)(path)

    def _applied(self, name: str) -> None:
        following = self._next(name) if not self.classes[name].moves_on else self._useful(name)
        if following is None:
            return
        if self.classes[name].moves_on:
            self.show_panel(following.panel)
        elif self.session.message.kind == "good":
            self.session.say(f"{self.session.message.text} Next: {following.title}.", "good")

    def _useful(self, name: str) -> type[OperationPanel] | None:
        """Return the next stage that has something to do for the series, else the next one."""
        signal, following = self.session.signal, self._next(name)
        names = [cls.panel for cls in self.stages]
        if signal is None and self.session.volume is not None:  # nothing else works on a volume
            return next((cls for cls in self.stages if cls.needs == "RecStack"), following)
        for cls in self.stages[names.index(name) + 1 :] if signal is not None else ():
            if cls.useful(signal):
                return cls
        return following

    def _next(self, name: str) -> type[OperationPanel] | None:
        """Return the next stage that is not done yet, as one Step may do the work of two."""
        names = [cls.panel for cls in self.stages]
        if name not in names or name == names[-1]:
            return None
        here = names.index(name) + 1
        later = list(zip(self.stages, self._states(), strict=True))[here:]
        return next((cls for cls, stage in later if stage.state != "done"), self.stages[here])

    def _states(self) -> list[StageState]:
        """Return the state of each stage."""
        operations = [
            ("source", "set_tilts", "set_scale", "set_axis")
            if cls.panel == "load"
            else cls.operations
            for cls in self.stages
        ]
        return stage_states(self.session.records, operations)

    # ------------------------------------------------------------------ showing

    def update(self) -> None:
        """Show names, facts and states of the session as it is now."""
        session = self.session
        self._update_data()
        for button, word, what in (
            (self.undo, "Undo", session.undo_name),
            (self.redo, "Redo", session.redo_name),
        ):
            button.description = f"{word} {what}".strip()
            button.disabled = not what
        self.save.disabled = session.cursor is None
        self.saved.value = self._saved_text()
        self.take_over.layout.display = "" if session.look_only else "none"
        self._update_rail()

    def _update_data(self) -> None:
        """Show the name and facts of what is worked on, or looked at."""
        session = self.session
        if session.looking and (session.cursor is None or self.current == "load"):
            name, *about = session.looking
        elif session.cursor is not None:
            name, about = session.name, facts(session.result)
        else:
            name, about = "No series yet", ["choose one, or start with the built-in catalyst"]
        spans = "".join(f"<span>{escape(part)}</span>" for part in about)
        self.data.value = f"<b>{escape(name)}</b>{spans}"

    def _toggle_keys(self) -> None:
        """Show the keys of pictures and of the panel that is open, or hide them."""
        hidden = self.keys_card.layout.display == "none"
        self.keys_card.layout.display = "" if hidden else "none"
        self.keys_card.value = keys_html(self.classes[self.current])

    def _saved_text(self) -> str:
        session = self.session
        if session.look_only:
            return '<i class="fa fa-eye" aria-hidden="true"></i>look only'
        text, tip = "", ""
        if session.saved:
            text, tip = f"saved {session.saved}", "The data and their history are in a file"
        elif session.kept:
            text, tip = f"steps kept {session.kept}", "Every step is on disk; Save keeps the data"
        icon = '<i class="fa fa-check" aria-hidden="true"></i>'
        return f'<span title="{tip}">{icon}{text}</span>' if text else ""

    def _arrived(self) -> None:
        """Look again at what may have changed since this app was made, before anybody saw it."""
        self.warmth.page_is_here()
        load: Any = self.panels.get("load")
        if load is not None:
            send_again(load.children[1])
        if load is not None and hasattr(load, "offer_sessions"):
            load.files.update()
            load.offer_sessions()

    def _update_rail(self) -> None:
        session = self.session
        for cls, stage in zip(self.stages, self._states(), strict=True):
            line, tip = cls.result_line(session, stage.records), cls.title
            if stage.state == "skipped":
                line = "not used"
            elif stage.state == "stale":
                line, tip = "not up to date", f"{cls.title}: an earlier step changed"
            if len(line) > RAIL_LETTERS:
                line, tip = f"{line[: RAIL_LETTERS - 1].rstrip()}…", f"{cls.title}: {line}"
            button = self.rail[cls.panel]
            button.tooltip = tip
            button.description = f"{cls.title}\n{line}"
            wanted = {f"tj-{stage.state}"}
            if cls.panel == self.current:
                wanted.add("tj-current")
            _set_classes(button, wanted)
        for cls in self.tools:
            _set_classes(
                self.rail[cls.panel], {"tj-current"} if cls.panel == self.current else set()
            )


def keys_html(panel: type[OperationPanel]) -> str:
    """Return the keys of a panel and of every picture as a card."""
    parts = []
    for title, rows in ((panel.title, panel.key_card), ("Every picture", PICTURE_KEYS)):
        if rows:
            cells = "".join(
                f"<tr><td>{' '.join(f'<kbd>{escape(k)}</kbd>' for k in keys.split())}</td>"
                f"<td>{escape(text)}</td></tr>"
                for keys, text in rows
            )
            parts.append(f"<h2>{escape(title)}</h2><table>{cells}</table>")
    return "".join(parts) + "<p>Click a picture first: its blue ring says that it listens.</p>"


def _set_classes(button: widgets.Button, wanted: set[str]) -> None:
    kept = [c for c in button._dom_classes if c not in STATES]
    classes = (*kept, *sorted(c for c in wanted if c in STATES))
    if classes != tuple(button._dom_classes):
        button._dom_classes = classes


def main(folder: str | Path | None = None) -> Dashboard:
    """Return the tomography app, with a preview of the built-in catalyst.

    Parameters
    ----------
    folder
        The data folder: what is listed and where results go. None: the one of the environment.
    """
    dashboard = Dashboard(_kept_session(folder))
    dashboard.panels["load"].open_catalyst(yields=True)
    dashboard.warmth.begin()
    return dashboard


def spectral(folder: str | Path | None = None) -> Dashboard:
    """Return the dashboard from spectra to chemistry in 3D.

    Parameters
    ----------
    folder
        As for `main`.
    """
    stages = (SpectralPanel, RegisterPanel, TiltAxisPanel, ExplorePanel)
    dashboard = Dashboard(_kept_session(folder), stages, (HistoryPanel,))
    dashboard.warmth.begin()
    return dashboard


def viewer(folder: str | Path | None = None) -> Dashboard:
    """Return the dashboard that only looks: at series, and at volumes in slices and in 3D.

    Parameters
    ----------
    folder
        The data folder: what is listed and where pictures go. None: the one of the environment.
    """
    session = _new_session(folder)
    dashboard = Dashboard(session, (ViewerPanel, ExplorePanel), (HistoryPanel,))
    dashboard.warmth.begin()
    return dashboard


def _kept_session(folder: str | Path | None) -> Session:
    """Return a session that keeps its steps in a folder."""
    session = _new_session(folder)
    session.keep_in(Store(session.folder))
    return session


def _new_session(folder: str | Path | None) -> Session:
    """Return a session on a folder, or on that of the environment."""
    place = Path(folder or datasets.data_dir() or Path.cwd())
    free = free_bytes()
    return Session(folder=place, memory=MEMORY_PART * free if free else None)
