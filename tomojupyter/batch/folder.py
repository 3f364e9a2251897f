"""A recipe on all series of a folder: what is to do, in which order, and what came of it."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tomojupyter.batch.jobs import End, Job, note_in
from tomojupyter.batch.memory import planned
from tomojupyter.batch.single import read_recipe
from tomojupyter.batch.table import DONE, FAILED, KEPT, WAITING, Row, safe_row, write_tables
from tomojupyter.errors import MissingFileError, ParameterError, RecipeError
from tomojupyter.formats.suffixes import READABLE, VOLUMES
from tomojupyter.steps.recipe import DEFAULT, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Options:
    """How a batch is run.

    Parameters
    ----------
    pattern
        Of the names of the series, such as ``"*.mrc"``.
    tilts
        Text file with the tilts of all series; None: each brings its own.
    jobs
        Series at a time; None: one a processor, as far as memory goes.
    memory
        What all may take together, in bytes; None: 0.8 of what is free.
    cores
        Threads a series; None: the processors are shared out.
    scheduler
        Address of a dask scheduler; None: processes on this machine.
    overwrite
        Replace results that no batch has made.
    only
        Names of the series to do; empty: all that the pattern names.
    again
        Do again what is done already.
    """

    pattern: str = "*"
    tilts: Path | None = None
    jobs: int | None = None
    memory: int | None = None
    cores: int | None = None
    scheduler: str | None = None
    overwrite: bool = False
    only: tuple[str, ...] = ()
    again: bool = False

    def __post_init__(self) -> None:
        for name in ("jobs", "memory", "cores"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name} must be at least 1, got {value}")


class Batch:
    """The series of a folder, a recipe, and what came of it.

    Parameters
    ----------
    folder
        Folder of the series; folders in it are left alone.
    recipe
        Recipe file.
    output
        Folder of the results, made if it is not there; None: one named as the recipe, in `folder`.
    options
        How to run.

    Attributes
    ----------
    rows : dict
        What came of each series, by its name.
    at : dict
        How far those under way are, by their names: "begun", or "6/20" of the step they are at.

    Raises
    ------
    MissingFileError
        If folder, recipe or list of tilts is not there, or the folder holds no series.
    RecipeError, ParameterError
        If the recipe is wrong or needs more than one signal.
    """

    def __init__(
        self,
        folder: str | Path,
        recipe: str | Path,
        output: str | Path | None = None,
        options: Options | None = None,
    ) -> None:
        self.folder, self.options = Path(folder), options or Options()
        self.recipe = read_recipe(recipe)
        check_one_signal(self.recipe)
        tilts = self.options.tilts
        if tilts is not None and not tilts.is_file():
            raise MissingFileError(f"{tilts}: there is no such file")
        found = find_series(self.folder, self.options.pattern)
        only = set(self.options.only)
        if strange := sorted(only - {path.name for path in found}):
            raise MissingFileError(
                f"{self.folder} holds no series {', '.join(strange)} that fits the pattern "
                f"{self.options.pattern}"
            )
        sources = [path for path in found if not only or path.name in only]
        self.output = Path(output) if output else self.folder / Path(recipe).stem
        self.title = f"{Path(recipe).name} on {self.folder.resolve().name}"
        # Of all that are there, so that a result has the same name whichever are chosen.
        stems = Counter(path.stem for path in found)
        text = self.recipe.to_yaml()
        # A worker may have another working directory.
        self.jobs = [
            Job(path.absolute(),
                (self.output / _target_name(path, stems[path.stem] > 1)).absolute(),
                text, tilts and tilts.absolute(), self.options.cores)
            for path in sources
        ]  # fmt: skip
        self.rows = {job.name: Row(job.name, WAITING) for job in self.jobs}
        self.at: dict[str, str] = {}

    @property
    def failed(self) -> int:
        """How many series have failed."""
        return sum(row.state == FAILED for row in self.rows.values())

    def run(
        self,
        say: Callable[[str], None],
        follow: Callable[[str], None] | None = None,
        most: int | None = None,
    ) -> None:
        """Do what is not done yet, and write the tables after every series.

        Parameters
        ----------
        say
            Called with a line when a series has ended.
        follow
            Called with a line whenever there is progress, and every half second without; what it
            raises ends the batch.
        most
            Do only so many series, the first ones, and leave the others as they are; None: all.

        Raises
        ------
        ParameterError
            If another batch works in the output folder, or the scheduler does not answer.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        with _alone(self.output):
            for part in self.output.glob(".*.part*"):
                part.unlink()
            try:
                left = list(self._left(say, follow, most))
                for job, news in self._work(left):
                    if isinstance(news, End):
                        self.at.pop(job.name, None)
                        self._note(job, news, say)
                    else:
                        self.at[job.name] = f"{news[0]}/{news[1]}" if news else "begun"
                    if follow:
                        follow(", ".join(f"{name} {where}" for name, where in self.at.items()))
            finally:
                self.at.clear()
                self._write()

    def _left(
        self, say: Callable[[str], None], follow: Callable[[str], None] | None, most: int | None
    ) -> Iterator[Job]:
        """Yield what is to be done now; what is settled already is noted."""
        for number, job in enumerate(self.jobs):
            if follow and job.target.exists():
                follow(f"{job.name} checked")
            wanted = most is None or number < most
            if not self._settled(job, say, wanted and self.options.again) and wanted:
                yield job

    def _settled(self, job: Job, say: Callable[[str], None], again: bool) -> bool:
        """Note a series that is done or cannot be done; tell whether it is settled."""
        if not job.target.exists():
            return False
        note = note_in(job.target)
        if note is None and not self.options.overwrite:
            why = (
                f"{job.target.name} is there already and no batch made it: "
                "choose another output folder, or use --overwrite"
            )
            self._note(job, End(why), say)
            return True
        with contextlib.suppress(OSError):
            if note and not again and note["key"] == job.key():
                self.rows[job.name] = safe_row(job.name, KEPT, job.target)
                return self.rows[job.name].state == KEPT
        return False

    def _work(self, jobs: list[Job]) -> Iterator[tuple[Job, End | tuple[int, int] | None]]:
        if self.options.scheduler:
            from tomojupyter.batch.cluster import run_on

            yield from run_on(self.options.scheduler, jobs)
            return
        if not jobs:
            return
        from dataclasses import replace

        from tomojupyter.batch.workers import run_jobs

        limits = self.options
        plan = planned(
            [job.source for job in jobs], self.recipe, limits.jobs, limits.memory, limits.cores
        )
        shared = [replace(job, cores=plan.cores) for job in jobs]
        yield from run_jobs(list(zip(shared, plan.needs, strict=True)), plan.count, plan.memory)

    def _note(self, job: Job, end: End, say: Callable[[str], None]) -> None:
        if end.why:
            row = Row(job.name, FAILED, remarks=[end.why])
        else:
            row = safe_row(job.name, DONE, job.target)
        self.rows[job.name] = row
        settled = sum(r.state != WAITING for r in self.rows.values())
        took = f" in {row.seconds:.1f} s" if row.seconds is not None else ""
        remarks = f": {'; '.join(row.remarks)}" if row.remarks else ""
        say(f"[{settled}/{len(self.jobs)}] {job.name} {row.state}{took}{remarks}")
        self._write()

    def _write(self) -> None:
        write_tables(list(self.rows.values()), self.output, self.title)


def find_series(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files of a folder that may be series, by name.

    Raises
    ------
    MissingFileError
        If the folder is not there, or none is in it.
    """
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: there is no such folder")
    kinds = [suffix for suffix in READABLE if suffix not in VOLUMES]
    found = [p for p in sorted(folder.glob(pattern))
             if p.suffix.lower() in kinds and not p.name.startswith(".")]  # fmt: skip
    if not found:
        raise MissingFileError(
            f"{folder} holds no series named {pattern}; read are {', '.join(kinds)}"
        )
    return found


def _target_name(path: Path, shared: bool) -> str:
    return f"{path.name.replace('.', '_')}.hspy" if shared else f"{path.stem}.hspy"


def check_one_signal(recipe: Recipe) -> None:
    """Raise RecipeError where a recipe needs more than the series of a file."""
    for entry in recipe.entries:
        if entry.other or entry.on != (DEFAULT,):
            raise RecipeError(
                "a batch runs recipes of one signal; this one names "
                f"{', '.join([*entry.on, *([entry.other] if entry.other else [])])}"
            )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on the output folder, which the system frees if we are killed."""
    if sys.platform == "win32":
        yield
        return
    with (folder / ".lock").open("w") as lock:
        _lock(lock, folder)
        yield


def _lock(lock: IO[str], folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ParameterError(f"another batch is at work in {folder}: wait for its end") from error
    except OSError:
        # Some network file systems have no locks; work goes on without.
        return
