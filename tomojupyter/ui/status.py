"""The status line: the last sentence, progress, Finish and Stop."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.words import rough_text, seconds_text

if TYPE_CHECKING:
    from tomojupyter.ui.messages import Job
    from tomojupyter.ui.session import Session

ICONS = {
    "good": "check",
    "info": "info-circle",
    "warning": "exclamation-triangle",
    "error": "exclamation-triangle",
}


class StatusLine(widgets.HBox):
    """The only place for progress, Stop, Finish and the last message of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.message = widgets.HTML().add_class("tj-status-message")
        self.progress = widgets.FloatProgress(min=0, max=1).add_class("tj-status-progress")
        self.spring = widgets.Box().add_class("tj-spring")
        self.note = widgets.HTML().add_class("tj-note")
        self.finish = widgets.Button(icon="flag-checkered").add_class("tj-status-finish")
        self.stop = widgets.Button(icon="times")
        self.stop.add_class("tj-status-stop")
        super().__init__(
            [self.message, self.progress, self.spring, self.note, self.finish, self.stop]
        )
        self.add_class("tj-status")
        self.finish.on_click(lambda _: session.finish())
        self.stop.on_click(lambda _: session.cancel())
        session.observe(lambda _: self.update(), ["message", "job"])
        self.update()

    def update(self) -> None:
        """Show the job, or the message where none is under way."""
        job: Job | None = self.session.job
        shown = "" if job is not None else "none"
        self.progress.layout.display = self.stop.layout.display = shown
        self.finish.layout.display = shown if job is not None and job.can_finish else "none"
        if job is None:
            message: Any = self.session.message
            text, kind = message.text or "Ready.", message.kind
            role = "alert" if kind == "error" else "status"
            self._say(f"<span role='{role}'>{escape(text)}</span>", ICONS[kind], kind)
            return
        report = job.report
        parts = []
        if report.total:
            unit = "iteration " if job.can_finish else ""
            parts.append(f"{unit}{report.done} of {report.total}")
            if report.values.get("slabs", 1) > 1:
                parts[0] = f"part {report.values['slab']} of {report.values['slabs']}"
        if report.values.get("failed"):
            parts.append(f"{report.values['failed']} failed")
        if report.seconds_left is not None:
            # What the work itself says of its rest goes by large pieces.
            write = rough_text if "seconds_left" in report.values else seconds_text
            parts.append(f"{write(report.seconds_left)} left")
        text = f"<b>{escape(job.name)}</b>" + (f": {', '.join(parts)}" if parts else " ...")
        self._say(text, "sync-alt", "info")
        self.progress.value = report.done / report.total if report.total else 0.0
        self.stop.description = job.stop_text
        self.finish.description = f"Finish: keep iteration {report.done}"
        heeded = bool(report.values.get("can_finish", True))
        self.finish.disabled = not (report.done and heeded)
        self.finish.tooltip = "" if heeded else "This part of the work is done to its end"

    def _say(self, html: str, icon: str, kind: str) -> None:
        self.message.value = f'<i class="fa fa-{icon} tj-say-{kind}" aria-hidden="true"></i>{html}'
