"""One series of a batch: what is to be done, whether it is done, and doing it."""

from __future__ import annotations

import json
import logging
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomojupyter.batch.single import load_for, save_whole
from tomojupyter.errors import Cancelled, TomojupyterError, TomojupyterWarning
from tomojupyter.formats.suffixes import SIDECARS
from tomojupyter.io import load
from tomojupyter.steps import Recipe, history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomojupyter.monitor import Monitor

log = logging.getLogger(__name__)
NOTE = "Tomojupyter.batch"


@dataclass(frozen=True)
class Job:
    """A series and what is to become of it; it holds no pixels, so it goes to any process.

    Parameters
    ----------
    source
        File of the series.
    target
        File of the result.
    recipe
        Text of the recipe.
    tilts
        Text file with one tilt angle a line; None: those of the series.
    cores
        Threads to use; None: all.
    """

    source: Path
    target: Path
    recipe: str
    tilts: Path | None = None
    cores: int | None = None

    @property
    def name(self) -> str:
        """Name of the series."""
        return self.source.name

    def key(self) -> str:
        """Return what the result depends on: recipe, series, and the files beside it.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        parts = [f"recipe {zlib.crc32(self.recipe.encode()):08x}"]
        parts += [f"{path.name} {history.checksum(path)}" for path in self._files()]
        return ", ".join(parts)

    def _files(self) -> Iterator[Path]:
        if self.source.is_dir():
            yield from sorted(path for path in self.source.rglob("*") if path.is_file())
        else:
            yield self.source
        stems = (self.source, self.source.with_suffix(""))
        beside = {Path(f"{stem}{suffix}") for stem in stems for suffix in SIDECARS}
        yield from sorted(path for path in beside if path.is_file())
        if self.tilts is not None:
            yield self.tilts


@dataclass(frozen=True)
class End:
    """How a job ended.

    Parameters
    ----------
    why
        What went wrong, in a sentence; empty if nothing did.
    """

    why: str = ""


def note_in(target: Path) -> dict[str, object] | None:
    """Return what a batch noted in a result, or None if this is not a whole result of a batch."""
    try:
        note = load(target, lazy=True).metadata.get_item(NOTE, default="")
    except TomojupyterError:
        return None
    return json.loads(note) if note else None


def do(job: Job, monitor: Monitor | None = None) -> End:
    """Do a job; whatever goes wrong is told in the end that is returned.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    trace = job.target.with_name(f"{job.target.stem}.traceback.txt")
    trace.unlink(missing_ok=True)
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", TomojupyterWarning)
            recipe = Recipe.from_yaml(job.recipe)
            key = job.key()
            result = recipe.run(load_for(recipe, job.source, job.tilts), monitor, ncores=job.cores)
            said = [str(w.message) for w in heard if issubclass(w.category, TomojupyterWarning)]
        note = {"key": key, "warnings": list(dict.fromkeys(said))}
        result.metadata.set_item(NOTE, json.dumps(note))
        save_whole(result, job.target)
    except Cancelled:
        raise
    except TomojupyterError as error:
        return End(str(error))
    except MemoryError:
        return End("there was not enough memory: do fewer at a time, or bin the series first")
    except Exception as error:  # one series must not stop the others
        import traceback

        log.info("%s", job.source, exc_info=True)
        trace.write_text(traceback.format_exc(), encoding="utf-8")
        return End(f"{type(error).__name__}: {error} (see {trace.name})")
    return End()
