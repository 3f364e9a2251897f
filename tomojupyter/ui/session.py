"""The state that panels share, and its only writer. No widget is imported here."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.errors import DataError
from tomojupyter.steps import run
from tomojupyter.ui.jobs import Inline, Result, Worker
from tomojupyter.ui.keeping import Keeping
from tomojupyter.ui.running import Running
from tomojupyter.ui.saving import Saving, save_whole
from tomojupyter.ui.timeline import Node
from tomojupyter.ui.words import capital, seconds_text, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.sources import Source


class Session(Keeping, Saving, Running):
    """Named signals, a cursor into what was done, one worker, and the message.

    Panels observe `state` (the signals changed), `job` and `message`, and call `apply`.

    Parameters
    ----------
    signal
        A TomoStack or RecStack to begin with.
    name
        Its name.
    executor
        Where work is done; None takes a thread where a loop runs. Tests give `jobs.Inline()`.
    folder
        The data folder, where results go too if it can be written; None: the current folder.
    memory
        Bytes that the states may take together; what exceeds them is put away and worked out
        again when somebody goes back to it. None: no limit.

    Attributes
    ----------
    state : int
        Counts up whenever the current signals, the runs or the names change.
    job : Job or None
        The work under way.
    message : Message
        The last sentence.
    warnings : list of str
        Sentences of the last job.
    specimen : str
        What a person says it is: "compact", "needle", "slab" or nothing. Drives proposals only.
    looking : list of str
        Name and facts of what is looked at and not worked on; empty where nothing is.
    """

    # Signals are no traits: traitlets compares old and new, and HyperSpy compares every pixel.
    state = tr.Int(0)
    specimen = tr.Unicode()
    looking = tr.List(tr.Unicode())

    def __init__(
        self,
        signal: Any = None,
        name: str = "series",
        *,
        executor: Inline | None = None,
        folder: str | Path | None = None,
        memory: float | None = None,
    ) -> None:
        super().__init__()
        self.memory = memory
        self.executor = executor if executor is not None else Worker()
        self.folder = Path(folder) if folder is not None else Path()
        self.signals: dict[str, Any] = {}
        if signal is not None:
            self.replace(signal, name)

    # ------------------------------------------------------------------ changing

    def replace(
        self,
        signal: Any,
        name: str = "series",
        *,
        source: Source | None = None,
        steps: tuple[Step, ...] = (),
    ) -> None:
        """Begin with another signal; Undo brings the one before back.

        Parameters
        ----------
        signal
            A TomoStack or RecStack.
        name
            Its name.
        source
            Where it can be loaded again; None: nowhere, so it stays in memory.
        steps
            What was done to it since it was loaded.
        """
        if self.look_only:
            self.start_new()
        self.timeline.add(Node(signal, None, steps, "Load", name, source=source))
        self._changed()

    def apply(
        self,
        *steps: Step,
        label: str = "",
        then: Callable[[Any], None] | None = None,
        ready: Any = None,
    ) -> bool:
        """Run Steps, one after the other, as one change that one Undo takes back.

        Parameters
        ----------
        *steps
            In order.
        label
            Name of the change; the method's where it is not given.
        then
            Called with the result after it has become the current signal.
        ready
            What `run` made of these Steps on the current signal already, for a preview.

        Returns
        -------
        bool
            False where nothing was begun; the message says why.
        """
        if not steps:
            self.say("There is nothing to change: set a value first.")
            return False
        if not self.may_change():
            return False
        base = self.cursor
        if base is not None and steps[0].on == "TomoStack":
            base = base.stack
        if base is None:
            self.say("Load a series first.", "error")
            return False
        node, made_from = base, base.signal
        name = " and ".join(dict.fromkeys(map(spoken, steps)))

        def work(monitor: Monitor) -> Any:
            made = made_from if ready is None else ready
            for step in steps if ready is None else ():
                made = run(made, step, monitor, **self.options)
            # Pixels that a geometric Step left for later are worked out here, not in the view.
            _ = made.data
            if file is not None and made._signal_type == "RecStack":
                save_whole(made, file)
            return made

        def done(result: Result) -> None:
            made = Node(result.value, node, steps, label or name, self._run_name(result.value))
            # a preview took its time before
            spent = sum(float(r.get("seconds", 0)) for r in made.records[-len(steps) :])
            made.seconds = result.seconds if ready is None else result.seconds + spent
            made.file = file if made.is_volume else None
            self.timeline.add(made)
            self._end_run(kept=True)
            self._changed()
            text = f"{capital(name)} took {seconds_text(made.seconds)}."
            self._say_with(text, "good", result.warnings)
            if then is not None:
                then(result.value)

        can_finish = any(step.finished_by for step in steps)
        if self.busy():
            return False
        self._begin_run(label or name, steps)
        file = self._volume_file()
        return self.start(
            name, work, done, can_finish=can_finish, failed=lambda _text: self._end_run(kept=False)
        )

    def add_runs(
        self,
        runs: Mapping[str, Any],
        step: Step,
        label: str,
        seconds: float = 0.0,
        source: Source | None = None,
    ) -> None:
        """Add reconstructions that were made together; one Undo takes all of them back.

        Parameters
        ----------
        runs
            RecStacks by name; the first one becomes the current state.
        step
            What was asked for last.
        label
            Name of the change.
        seconds
            What it took.
        source
            Where the spectra that they were made of can be loaded again.
        """
        base = self.cursor.stack if self.cursor else None
        if base is None:
            raise DataError("reconstructions belong to a series: load one first")
        nodes = [
            Node(volume, base, (step,), label, name, source=source) for name, volume in runs.items()
        ]
        for node in nodes:
            node.seconds = seconds
        self.timeline.add(nodes[0])
        self.timeline.nodes.extend(nodes[1:])
        self._changed()

    def _run_name(self, signal: Any) -> str:
        if signal._signal_type != "RecStack":
            return ""
        letters = string.ascii_uppercase
        count = len(self._all_runs())
        return letters[count % 26] * (count // 26 + 1)

    def undo(self) -> None:
        """Go back to the signals before the last change."""
        name = self.undo_name
        if name:
            self._move(self.timeline.undo_to, self.timeline.undo, f"Undone: {name}.")

    def redo(self) -> None:
        """Take the last Undo back."""
        name = self.redo_name
        if name:
            self._move(self.timeline.redo_to, self.timeline.redo, f"Done again: {name}.")

    def go_to(self, node: Node, label: str = "Go back") -> None:
        """Make an earlier state or a run the current one; the next Step branches off."""
        if node not in self.timeline.nodes:
            raise DataError("this state is not in the timeline of this session")
        self._move(node, lambda: self.timeline.go_to(node, label), "")

    def _move(self, target: Node | None, move: Callable[[], Any], text: str) -> None:
        """Go to a state; one that was put away is worked out first, in the background."""
        if self.executor.busy:
            self.say(f"{self.job.sentence if self.job else 'A job is running'}. Stop it first.")
            return
        away = [n for n in (target and target.stack, target) if n and n.held is None]

        def arrive(warnings: list[str]) -> None:
            move()
            self._changed()
            if text or warnings:
                self._say_with(text or "Back again.", "good", warnings)

        def work(monitor: Monitor) -> None:
            for node in away:
                node.fetch(monitor, **self.options)

        if away:
            label = f"Going back to {away[-1].label or away[-1].name}"
            self.start(label, work, lambda result: arrive(result.warnings))
        else:
            arrive([])

    def rename(self, node: Node, name: str) -> None:
        """Give a run another name."""
        node.name = name.strip() or node.name
        self._changed()

    def _changed(self) -> None:
        self.saved = ""
        self.warnings = []
        self.signals = {
            key: value
            for key, value in (("stack", self.signal), ("volume", self.volume))
            if value is not None
        }
        if self.memory is not None and self.cursor is not None:
            shown = next((n for n in reversed(self.runs) if n.signal is self.volume), None)
            self.timeline.spare(self.memory, [self.cursor, self.cursor.stack, shown])
        self.state += 1
        self._keep()
