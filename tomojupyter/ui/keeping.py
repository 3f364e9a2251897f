"""A session keeps itself on disk step by step, and goes on from there; part of `Session`."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.ui.claims import Claim
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.reading import Reading
from tomojupyter.ui.recall import can_recall, of_spectra
from tomojupyter.ui.store import Saved, Store, content_of, steps_values, write
from tomojupyter.ui.thumbnail import thumbnail
from tomojupyter.ui.timeline import now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Report, Result
    from tomojupyter.ui.timeline import Node

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 5.0
DRAFT_WITHIN_S = 1.0
LOOKING = "This session is open in another tab: here you can only look. Take over to go on here."


class Keeping(Reading):
    """What `Session` does to lose nothing.

    Attributes
    ----------
    kept : str
        When the last step was written to disk, "14:02"; nothing where that is not done.
    look_only : str
        Why nothing may be changed here, as a sentence; nothing where it may.
    keep_volumes : bool
        Write each reconstruction into the session's folder too, so that going on is quick.
    """

    kept = tr.Unicode("")
    look_only = tr.Unicode("")
    keep_volumes = tr.Bool(False)

    def __init__(self) -> None:
        super().__init__()
        self.store: Store | None = None
        self._place: Path | None = None
        self._claim: Claim | None = None
        self._opened = now()
        self._running: dict[str, Any] | None = None
        self._told = 0.0
        self._pictured: Any = None
        self._drafts: dict[str, tuple[Node, dict[str, Any]]] = {}
        self._planned: asyncio.TimerHandle | None = None

    def keep_in(self, store: Store) -> None:
        """Keep the steps in a store, from the first one on."""
        self.store = store

    def may_change(self) -> bool:
        """Tell whether the work may go on here, and say why not."""
        if self._claim is not None and not self.look_only and not self._claim.ours():
            self.look_only = LOOKING
        if self.look_only:
            self.say(self.look_only, "warning")
        return not self.look_only

    def take_over(self) -> None:
        """Go on here, whatever another tab does; what it did since is in its own memory only."""
        if self._claim is not None:
            self._claim.take()
        self.look_only = ""
        self._keep()
        self.say("This tab goes on with the session now.", "good")

    def start_new(self) -> None:
        """Keep what follows as a session of its own."""
        if self._claim is not None:
            self._claim.release()
        self._claim, self._place, self.look_only = None, None, ""

    # ------------------------------------------------------------------ drafts

    def draft(self, panel: str, values: dict[str, Any] | None) -> None:
        """Keep what a person did in a panel to the series and has not applied yet.

        Parameters
        ----------
        panel
            Its name.
        values
            For JSON, with a `text` that says what it is; None: nothing is left to be applied.
        """
        node = self.cursor.stack if self.cursor else None
        if values is None or node is None:
            if self._drafts.pop(panel, None) is None:
                return
        else:
            self._drafts[panel] = node, values
        loop = running_loop()
        if loop is None:
            self._keep()
        elif self._planned is None:
            self._planned = loop.call_later(DRAFT_WITHIN_S, self._keep)

    def draft_of(self, panel: str) -> dict[str, Any] | None:
        """Return what was kept for a panel, if it belongs to the series as it is now."""
        node, values = self._drafts.get(panel, (None, None))
        here = self.cursor.stack if self.cursor else None
        return values if node is not None and node is here else None

    # ------------------------------------------------------------------ writing

    def _keep(self) -> None:
        """Write the session; a disk that refuses is a warning, not the end of the work."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        if self.store is None or self.timeline.cursor is None or self.look_only:
            return
        try:
            if self._claim is None:
                self._opened = now()
                self._place = self.store.new()
                self._claim = Claim(self._place)
                self._claim.take()
            if not self._claim.ours():
                self.look_only = LOOKING
                self.say(LOOKING, "warning")
                return
            assert self._place is not None
            write(self._place, self._content(), self._picture())
        except OSError as error:
            log.warning("the session was not kept", exc_info=error)
            self.kept = ""
            self.say(f"The steps cannot be kept on disk: {error.strerror or error}.", "warning")
            return
        self.kept = f"{now():%H:%M}"

    def _content(self) -> dict[str, Any]:
        name = self.timeline.cursor.root.name if self.timeline.cursor else ""
        return content_of(self.timeline, name, self._opened, self._running, self._drafts)

    def _picture(self) -> bytes:
        cursor = self.timeline.cursor
        if cursor is None or cursor is self._pictured or cursor.held is None:
            return b""
        self._pictured = cursor
        return thumbnail(cursor.held)

    def _begin_run(self, label: str, steps: tuple[Step, ...]) -> None:
        """Note what is under way, for the case that it never ends."""
        self._running = {
            "label": label, "steps": steps_values(steps), "done": 0, "total": 0,
            "time": now().isoformat(timespec="seconds"),
        }  # fmt: skip
        self._told = time.monotonic()
        self._keep()

    def _follow_run(self, report: Report) -> None:
        if self._running is None:
            return
        self._running |= {"done": report.done, "total": report.total}
        if time.monotonic() - self._told > PROGRESS_EVERY_S:
            self._told = time.monotonic()
            self._keep()

    def _end_run(self, kept: bool) -> None:
        """Forget what was under way; `kept` where the state that was made is written anyway."""
        self._running = None
        if not kept:
            self._keep()

    def _volume_file(self) -> Path | None:
        """Return where a reconstruction that is made now is kept, or None."""
        if not self.keep_volumes or self._place is None:
            return None
        return self._place / f"run{len(self.timeline.nodes)}.hspy"

    # ------------------------------------------------------------------ going on

    def resume(
        self,
        saved: Saved,
        *,
        look: bool = False,
        then: Callable[[], Any] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> bool:
        """Go on from a session on disk: its steps are done again on the file, in the background.

        Parameters
        ----------
        saved
            The session.
        look
            Change nothing: another tab has it.
        then
            Called when it is there.
        failed
            Called with the sentence where it could not be.

        Returns
        -------
        bool
            False where nothing was begun.
        """
        timeline = saved.timeline()
        at = timeline.cursor
        lost = at if at and of_spectra(at) and not can_recall(at) else None
        if lost is not None:
            # Nothing tells where the spectra are: it goes on from the series beside them.
            timeline.cursor = next((n for n in lost.line() if not of_spectra(n)), None)
        needed = [n for n in (timeline.cursor and timeline.cursor.stack, timeline.cursor) if n]

        def work(monitor: Monitor) -> None:
            for node in needed:
                node.fetch(monitor, **self.options)

        def done(result: Result) -> None:
            self.start_new()
            self.timeline, self._place = timeline, saved.folder
            self._claim, self._opened, self._pictured = saved.claim, now(), None
            self._drafts = saved.drafts(timeline)
            if look:
                self.look_only = LOOKING
            else:
                saved.claim.take()
            self._changed()
            steps = sum(line.done for line in saved.lines())
            what = f"{saved.name} is back, with {steps} step{'s' if steps != 1 else ''}."
            if lost is not None:
                what = f"{saved.name} is back, without its volumes: open the spectra in Spectral."
            self._say_with(what, "good" if lost is None else "warning", result.warnings)
            if then is not None:
                then()

        return self.start(f"Going on with {saved.name}", work, done, failed=failed)
