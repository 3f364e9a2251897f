"""The card that offers the work of an earlier session."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.style import sentence
from tomojupyter.ui.timeline import now

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomojupyter.ui.session import Session
    from tomojupyter.ui.store import Saved

OLDER = 6
ASK_EVERY_S = 2.0


class ResumeCard(widgets.VBox):
    """What the last session did, a button to go on from there, and older sessions.

    Parameters
    ----------
    session
        The session that goes on.
    closed
        Called when the card has done its work: something was chosen, or a new start.

    Attributes
    ----------
    saved : Saved or None
        The session that is offered.
    """

    def __init__(self, session: Session, closed: Callable[[], Any]) -> None:
        self.session, self.closed = session, closed
        self.saved: Saved | None = None
        self.finding = False
        self._sessions: list[Saved] = []
        self.head = widgets.HTML()
        self.picture = widgets.HTML().add_class("tj-resume-picture")
        self.table = widgets.HTML().add_class("tj-resume-table")
        self.problem = widgets.HTML()
        self.go_on = self._button("Go on from here", "play", "goon", self._go_on)
        self.go_on.add_class("tj-main")
        self.again = self._button("", "sync-alt", "again", self._again)
        self.find = self._button("Find it", "folder-open", "find", self._find)
        self.find.add_class("tj-main")
        self.as_is = self._button("Use it as it is now", "check", "asis", self._as_is)
        self.look = self._button("Look only", "eye", "look", self._look)
        self.take = self._button("Take over", "exchange-alt", "take", self._go_on)
        self.new = self._button("Start new", "plus", "new", self._new)
        buttons = [self.go_on, self.again, self.find, self.as_is, self.look, self.take, self.new]
        row = widgets.HBox(buttons).add_class("tj-buttons").add_class("tj-resume-buttons")
        facts = widgets.VBox([self.table, self.problem, row]).add_class("tj-resume-facts")
        middle = widgets.HBox([self.picture, facts]).add_class("tj-resume-middle")
        self.older = widgets.VBox().add_class("tj-resume-older")
        self.offer_card = widgets.VBox([self.head, middle]).add_class("tj-card")
        self.older_card = widgets.VBox(
            [widgets.HTML("<h2>Older sessions <span>kept for 30 days</span></h2>"), self.older]
        ).add_class("tj-card")
        super().__init__([self.offer_card, self.older_card])
        self.add_class("tj-resume")
        self.layout.display = "none"

    def _button(self, text: str, icon: str, hook: str, call: Callable[[], Any]) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon).add_class(f"tj-resume-{hook}")

        def clicked(_: Any) -> None:
            with self.session.attempt("Going on"):
                call()

        button.on_click(clicked)
        return button

    def offer(self, sessions: Sequence[Saved]) -> bool:
        """Offer the first of some sessions, and the others below; False where there is none."""
        self._sessions = list(sessions)
        self.layout.display = "" if sessions else "none"
        if not sessions:
            return False
        self._show(self._sessions[0])
        return True

    @property
    def is_open(self) -> bool:
        """Whether the card is shown."""
        return self.layout.display != "none"

    def close(self) -> None:
        """Take the card away."""
        self.finding = False
        self.layout.display = "none"
        self.closed()

    def _show(self, saved: Saved) -> None:
        self.saved = saved
        elsewhere = saved.claim.open_elsewhere()
        problems = saved.problems()
        title = f"Your work on {saved.name} is still here"
        self.head.value = f"<h1>{escape(title)}</h1><p>{escape(ending(saved, elsewhere))}</p>"
        png = base64.b64encode(saved.picture).decode("ascii")
        self.picture.value = f'<img alt="the last state" src="data:image/png;base64,{png}">'
        self.picture.layout.display = "" if png else "none"
        self.table.value = lines_html(saved)
        warnings = list(problems)
        if elsewhere:
            warnings.append(f"Open in another tab since {clock(saved.opened)}.")
        self.problem.value = "".join(sentence(text, "warning") for text in warnings)
        label, steps = saved.interrupted
        gone = any("is not where it was" in text for text in problems)
        self.again.description = f"Go on, then {label} again"
        for button, shown in (
            (self.go_on, not elsewhere and not problems),
            (self.again, bool(steps) and not elsewhere and not problems),
            (self.find, gone),
            (self.as_is, bool(problems) and not gone),
            (self.look, elsewhere and not gone),
            (self.take, elsewhere and not gone),
        ):
            button.layout.display = "" if shown else "none"
        if elsewhere:
            self._ask_again(saved)
        rest = [s for s in self._sessions if s is not saved][:OLDER]
        self.older.children = [self._older(s) for s in rest]
        self.older_card.layout.display = "" if rest else "none"

    def _ask_again(self, saved: Saved) -> None:
        """Look in a moment whether the other tab is gone: the one just closed takes a while."""
        loop = running_loop()
        if loop is None:
            return

        def ask() -> None:
            if saved is not self.saved or self.layout.display == "none":
                return
            if saved.claim.open_elsewhere():
                self._ask_again(saved)
            else:
                self._show(saved)

        loop.call_later(ASK_EVERY_S, ask)

    def _older(self, saved: Saved) -> widgets.Widget:
        last = saved.lines()[-1]
        button = widgets.Button(description="Open", tooltip=f"Offer {saved.name}")
        button.on_click(lambda _: self._show(saved))
        text = f"{last.label}: {last.text}" if last.label else last.text
        row = widgets.HTML(
            f"<div class='tj-resume-row'><b>{escape(saved.name)}</b><span>{escape(text)}</span>"
            f"<span>{clock(saved.time)}</span></div>"
        )
        return widgets.HBox([row, button])

    # ------------------------------------------------------------------ buttons

    def _resume(self, *, look: bool = False, then: Callable[[], Any] | None = None) -> None:
        if self.saved is None:
            return

        def there() -> None:
            self.close()
            if then is not None:
                then()

        self.session.resume(
            self.saved, look=look, then=there,
            failed=lambda text: setattr(self.problem, "value", sentence(text, "error")),
        )  # fmt: skip

    def _go_on(self) -> None:
        self._resume()

    def _look(self) -> None:
        self._resume(look=True)

    def _again(self) -> None:
        assert self.saved is not None
        label, steps = self.saved.interrupted
        self._resume(then=lambda: self.session.apply(*steps, label=label))

    def _find(self) -> None:
        self.finding = True
        self.session.say("Choose the file in the list at the right: it may have another name.")

    def found(self, path: Path) -> bool:
        """Take a file for the one that is missed; False where none is."""
        if not self.finding or self.saved is None:
            return False
        self.finding = False
        was = self.saved.source()
        self.saved.relocate(path)
        self._show(self.saved)
        if was is not None and was.size != path.stat().st_size:
            self.problem.value = sentence(
                f"{path.name} has another size than {was.name} had: the results may differ.",
                "warning",
            )
        return True

    def _as_is(self) -> None:
        assert self.saved is not None
        source = self.saved.source()
        if source is not None:
            self.saved.relocate(source.path)
        self._resume()

    def _new(self) -> None:
        self.close()


def clock(time: datetime.datetime) -> str:
    """Write a time: 14:02, "yesterday 17:40", "19 Nov, 11:02"."""
    days = (now().date() - time.date()).days
    if days == 0:
        return f"{time:%H:%M}"
    return f"yesterday {time:%H:%M}" if days == 1 else f"{time.day} {time:%b, %H:%M}"


def ending(saved: Saved, elsewhere: bool) -> str:
    """Say how a session ended."""
    if elsewhere:
        return "Another tab has it. Every finished step was kept."
    label, _ = saved.interrupted
    how = f", while {label} was under way" if label else ""
    return f"The session ended at {clock(saved.time)}{how}. Every finished step was kept."


def lines_html(saved: Saved) -> str:
    """Return what was done as a table."""
    rows = []
    for line in saved.lines():
        icon, kind = ("check", "good") if line.done else ("exclamation-triangle", "warning")
        rows.append(
            f'<tr><td><i class="fa fa-{icon} tj-say-{kind}" aria-hidden="true"></i></td>'
            f"<td><b>{escape(line.label)}</b></td><td>{escape(line.text)}</td>"
            f'<td class="tj-n">{clock(line.time)}</td></tr>'
        )
    return f'<table class="tj-table">{"".join(rows)}</table>'
