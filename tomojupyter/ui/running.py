"""A session's one job at a time, and what it says of it; part of `Session`."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.ui.jobs import Inline, Report, Result
from tomojupyter.ui.messages import Job, Message, error_message, whole_sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tomojupyter.monitor import Monitor


class Running(tr.HasTraits):
    """What `Session` does to run work in the background.

    Attributes
    ----------
    job : Job or None
        The work under way.
    message : Message
        The last sentence.
    warnings : list of str
        Those of the last work.
    """

    job = tr.Any(None)
    message = tr.Any(Message())
    warnings = tr.List(tr.Unicode())

    executor: Inline
    # What keeps the session on disk is told of reports.
    _follow_run: Callable[[Report], None]

    def __init__(self) -> None:
        super().__init__()
        self._yields = False
        self._waiting: Callable[[], Any] | None = None

    def start(
        self,
        name: str,
        work: Callable[[Monitor], Any],
        done: Callable[[Result], None],
        *,
        can_finish: bool = False,
        stop_text: str = Job.stop_text,
        failed: Callable[[str], None] | None = None,
        yields: bool = False,
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
        stop_text
            What Stop says, where it does not throw everything away.
        failed
            Called with the sentence where it did not go well; the message says it anyway.
        yields
            Nobody asked for it: what is asked for meanwhile comes in its place.

        Returns
        -------
        bool
            False where another job is under way; the message says which.
        """
        if self._yields and self.executor.busy:
            self._waiting = partial(
                self.start, name, work, done, can_finish=can_finish, stop_text=stop_text,
                failed=failed,
            )  # fmt: skip
            self.executor.cancel()
            return True
        if self.busy():
            return False
        self._yields = yields
        self.job = Job(name, Report(), can_finish, stop_text)
        self.warnings = []

        def report(latest: Report) -> None:
            self.job = Job(name, latest, can_finish, stop_text)
            self._follow_run(latest)

        def ended(result: Result) -> None:
            self.job = None
            if self._waiting is not None:
                instead, self._waiting = self._waiting, None
                instead()
                return
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
        self._waiting = None
        if self.executor.busy:
            self.say(f"Stopping {self.job.name if self.job else 'the job'} ...")
            self.executor.cancel()

    def finish(self) -> None:
        """Finish: keep what the job has."""
        if self.executor.busy:
            self.say(f"Finishing {self.job.name if self.job else 'the job'} ...")
            self.executor.finish()

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
