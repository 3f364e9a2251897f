"""The state that panels share, and its only writer. No widget is imported here."""

from __future__ import annotations

import contextlib
import datetime
import os
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.steps import history, run
from tomojupyter.ui.jobs import Inline, Report, Result, Worker
from tomojupyter.ui.messages import Job, Message, error_message, whole_sentence
from tomojupyter.ui.timeline import Node, Timeline
from tomojupyter.ui.words import capital, seconds_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step


class Session(tr.HasTraits):
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

    Attributes
    ----------
    state : int
        Counts up whenever the current signals, the runs or the names change.
    job : Job or None
        The work under way.
    message : Message
        The last sentence.
    saved : str
        When the current state was saved, "14:02", or nothing.
    warnings : list of str
        Sentences of the last job.
    """

    # Signals are no traits: traitlets compares old and new, and HyperSpy compares every pixel.
    state = tr.Int(0)
    job = tr.Any(None)
    message = tr.Any(Message())
    saved = tr.Unicode("")
    warnings = tr.List(tr.Unicode())

    def __init__(
        self,
        signal: Any = None,
        name: str = "series",
        *,
        executor: Inline | None = None,
        folder: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.executor = executor if executor is not None else Worker()
        self.timeline = Timeline()
        self.folder = Path(folder) if folder is not None else Path()
        self.options: dict[str, Any] = {}
        self.signals: dict[str, Any] = {}
        if signal is not None:
            self.replace(signal, name)

    # ------------------------------------------------------------------ reading

    @property
    def cursor(self) -> Node | None:
        """The current state of the work."""
        return self.timeline.cursor

    @property
    def result(self) -> Any:
        """The current signal: the reconstruction if one was just made, else the series."""
        return self.cursor.signal if self.cursor else None

    @property
    def signal(self) -> Any:
        """The current tilt series, or None."""
        node = self.cursor.stack if self.cursor else None
        return node.signal if node else None

    @property
    def volume(self) -> Any:
        """The chosen reconstruction, else the latest one of this series, or None."""
        if self.cursor and self.cursor.is_volume:
            return self.cursor.signal
        return self.runs[-1].signal if self.runs else None

    @property
    def runs(self) -> list[Node]:
        """The reconstructions of this series, A, B, C ..., undone ones included."""
        root = self.cursor.root if self.cursor else None
        return [n for n in self.timeline.nodes if n.is_volume and n.parent and n.root is root]

    @property
    def name(self) -> str:
        """The name of the series."""
        return self.cursor.root.name if self.cursor else ""

    @property
    def records(self) -> list[dict[str, Any]]:
        """The history of the current signal, oldest first."""
        return history.read(self.result) if self.cursor else []

    @property
    def undo_name(self) -> str:
        """What Undo would undo, or nothing."""
        return self.timeline.undo_name

    @property
    def redo_name(self) -> str:
        """What Redo would do again, or nothing."""
        return self.timeline.redo_name

    # ------------------------------------------------------------------ changing

    def replace(self, signal: Any, name: str = "series") -> None:
        """Begin with another signal; Undo brings the one before back."""
        self.timeline.add(Node(signal, label="Load", name=name))
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
        base = self.cursor
        if base is not None and steps[0].on == "TomoStack":
            base = base.stack
        if base is None:
            self.say("Load a series first.", "error")
            return False
        node, made_from = base, base.signal
        name = " and ".join(dict.fromkeys(step.method for step in steps))

        def work(monitor: Monitor) -> Any:
            made = made_from if ready is None else ready
            for step in steps if ready is None else ():
                made = run(made, step, monitor, **self.options)
            # Pixels that a geometric Step left for later are worked out here, not in the view.
            _ = made.data
            return made

        def done(result: Result) -> None:
            made = Node(result.value, node, steps, label or name, self._run_name(result.value))
            made.seconds = result.seconds
            self.timeline.add(made)
            self._changed()
            text = f"{capital(name)} took {seconds_text(result.seconds)}."
            self._say_with(text, "good", result.warnings)
            if then is not None:
                then(result.value)

        can_finish = any("iterations" in step.as_dict() for step in steps)
        return self.start(name, work, done, can_finish=can_finish)

    def _run_name(self, signal: Any) -> str:
        if signal._signal_type != "RecStack":
            return ""
        letters = string.ascii_uppercase
        count = len(self.runs)
        return letters[count % 26] * (count // 26 + 1)

    def start(
        self,
        name: str,
        work: Callable[[Monitor], Any],
        done: Callable[[Result], None],
        *,
        can_finish: bool = False,
        failed: Callable[[str], None] | None = None,
    ) -> bool:
        """Begin any long work that follows a monitor; one job at a time.

        Parameters
        ----------
        name
            As in "SIRT is running".
        work
            Called with a monitor, in a thread. It must not touch widgets or this session.
        done
            Called with the jobs.Result of work that went well, in the kernel's loop.
        can_finish
            Whether the work heeds ``monitor.finish_early``.
        failed
            Called with the sentence where it did not go well; the message says it anyway.

        Returns
        -------
        bool
            False where another job is under way; the message says which.
        """
        if self.busy():
            return False
        self.job = Job(name, Report(), can_finish)
        self.warnings = []

        def report(latest: Report) -> None:
            self.job = Job(name, latest, can_finish)

        def ended(result: Result) -> None:
            self.job = None
            self.warnings = result.warnings
            text = ""
            if result.error is None:
                with self.attempt(name) as problem:
                    done(result)
                text = problem[0] if problem else ""
            else:
                text = self.fail(result.error, name)
            if text and failed is not None:
                failed(text)

        self.executor.submit(work, report, ended)
        return True

    def busy(self) -> bool:
        """Tell whether a job is under way, and say so in the message."""
        if self.executor.busy:
            ways = "Stop or Finish" if self.job and self.job.can_finish else "Stop"
            running = self.job.sentence if self.job else "Another job is running"
            self.say(f"{running}. {ways} it first.", "warning")
        return bool(self.executor.busy)

    def cancel(self) -> None:
        """Stop: throw the result of the job away."""
        if self.executor.busy:
            self.say(f"Stopping {self.job.name if self.job else 'the job'} ...")
            self.executor.cancel()

    def finish(self) -> None:
        """Finish: keep what the job has."""
        if self.executor.busy:
            self.say(f"Finishing {self.job.name if self.job else 'the job'} ...")
            self.executor.finish()

    def undo(self) -> None:
        """Go back to the signals before the last change."""
        self._move(self.timeline.undo, f"Undone: {self.undo_name}.")

    def redo(self) -> None:
        """Take the last Undo back."""
        self._move(self.timeline.redo, f"Done again: {self.redo_name}.")

    def go_to(self, node: Node, label: str = "Go back") -> None:
        """Make an earlier state or a run the current one; the next Step branches off."""

        def move() -> bool:
            self.timeline.go_to(node, label)
            return True

        self._move(move, "")

    def _move(self, move: Callable[[], bool], text: str) -> None:
        if self.executor.busy:
            self.say(f"{self.job.sentence if self.job else 'A job is running'}. Stop it first.")
        elif move():
            self._changed()
            if text:
                self.say(text, "good")

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
        self.state += 1

    # ------------------------------------------------------------------ saving

    @property
    def results(self) -> Path:
        """Where results go: `folder`, or the person's own where that cannot be written."""
        return self.folder if os.access(self.folder, os.W_OK) else Path.home()

    def save(self, path: str | Path | None = None) -> bool:
        """Save the current signal with its history, in the background.

        Parameters
        ----------
        path
            Of the file; None: the name of the series in `folder`, as .hspy.
        """
        if self.cursor is None:
            self.say("There is nothing to save yet: load a series first.", "error")
            return False
        signal = self.result
        end = f"_{self.cursor.name}" if self.cursor.is_volume and self.cursor.name else ""
        target = Path(path) if path else self.results / f"{Path(self.name).stem}{end}.hspy"

        def work(_monitor: Monitor) -> int:
            target.parent.mkdir(parents=True, exist_ok=True)
            signal.save(target, overwrite=True)
            return target.stat().st_size

        def done(result: Result) -> None:
            self.saved = datetime.datetime.now().astimezone().strftime("%H:%M")
            self.say(f"Saved {target} ({size_text(result.value)}).", "good")

        return self.start("Save", work, done)

    # ------------------------------------------------------------------ saying

    def say(self, text: str, kind: str = "info") -> None:
        """Show a sentence in the status line."""
        self.message = Message(text, kind)

    def _say_with(self, text: str, kind: str, warnings: list[str]) -> None:
        self.warnings = warnings
        if warnings:
            self.say(f"{text} {whole_sentence(warnings[0])}", "warning")
        else:
            self.say(text, kind)

    def fail(self, error: BaseException, name: str = "") -> str:
        """Turn an error into a sentence, say it and return it; the traceback goes to the log."""
        self.message = error_message(error, name)
        return self.message.text

    @contextlib.contextmanager
    def attempt(self, name: str = "") -> Iterator[list[str]]:
        """Do something here whose errors become the message; yields the list they go to."""
        problems: list[str] = []
        try:
            yield problems
        except Exception as error:
            problems.append(self.fail(error, name))
