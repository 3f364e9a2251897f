"""Where a series can be loaded from again, and whether it is still the same there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter import api as tomo
from tomojupyter.errors import FormatError, MissingFileError
from tomojupyter.ui.words import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILT_IN = "built-in catalyst"
SIMULATED = "Simulated EDX"
EDX, SUM = "edx", "sum"


@dataclass(frozen=True)
class Source:
    """A file with its size and time of change, or the built-in catalyst.

    Parameters
    ----------
    path
        Of the file; empty for the built-in series.
    size
        In bytes; of a folder, 0.
    changed
        Time of its last change in s since 1970.
    files
        Names of the files in the folder `path` that are one series, a tilt each; empty for a
        series that is one file.
    kind
        What is taken from it: nothing but the series, or of spectra their ``"sum"`` over all
        channels. ``"edx"`` without a path is the simulated series of spectra and its images.
    sections
        How many of a file that ends early; None: all.
    """

    path: str = ""
    size: int = 0
    changed: float = 0.0
    files: tuple[str, ...] = ()
    kind: str = ""
    sections: int | None = None

    @classmethod
    def of_file(cls, path: str | Path, sections: int | None = None) -> Source:
        """Return the source of a file as it is now, or of its first sections."""
        whole = Path(path).resolve()
        about = whole.stat()
        size = about.st_size if whole.is_file() else 0
        return cls(str(whole), size, about.st_mtime, sections=sections)

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> Source:
        """Return the source of several files of one folder, a tilt each."""
        about = [path.stat() for path in paths]
        size, changed = sum(a.st_size for a in about), max(a.st_mtime for a in about)
        return cls(str(paths[0].parent.resolve()), size, changed, tuple(p.name for p in paths))

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> Source | None:
        """Return what `as_dict` wrote."""
        return cls(**{**values, "files": tuple(values.get("files", ()))}) if values else None

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        built_in = SIMULATED if self.kind == EDX else BUILT_IN
        return Path(self.path).name if self.path else built_in

    def problem(self) -> str:
        """Return the sentence that the file is gone or another one now; nothing if all is well."""
        if not self.path:
            return ""
        path = Path(self.path)
        try:
            if self.files:
                again = self.of_files([path / name for name in self.files])
                return (
                    ""
                    if again == replace(self, kind="")
                    else f"The files in {self.name} have changed since."
                )
            about = path.stat()
        except OSError:
            return f"{self.name} is not where it was ({path.parent})."
        if path.is_file() and about.st_size != self.size:
            was, is_now = size_text(self.size), size_text(about.st_size)
            return f"{self.name} has changed since (size {was} to {is_now})."
        if about.st_mtime != self.changed:
            return f"{self.name} has been written anew since, with the same size."
        return ""

    def load(self) -> Any:
        """Load the series.

        Raises
        ------
        MissingFileError, FormatError
            If the file is gone or has another size.
        """
        if self.kind == SUM:
            return tomo.spectral.sums(self.spectra()).stack
        if not self.path:
            return simulated_spectra().haadf if self.kind == EDX else tomo.datasets.get_demo_data()
        if self.files:
            return tomo.load([Path(self.path) / name for name in self.files])
        if not Path(self.path).exists():
            raise MissingFileError(self.problem())
        if Path(self.path).is_file() and Path(self.path).stat().st_size != self.size:
            raise FormatError(self.problem())
        return tomo.load(self.path, sections=self.sections)

    def spectra(self) -> Any:
        """Load the spectra.

        Raises
        ------
        MissingFileError, DataError
            If the files are gone, or hold other spectra.
        """
        if not self.path:
            return simulated_spectra().edx
        if self.problem():
            raise MissingFileError(self.problem())
        return tomo.spectral.load(Path(self.path, *self.files[:1]))


def simulated_spectra() -> Any:
    """Return the simulated series that the app offers, always the same."""
    return tomo.datasets.get_simulated_edx_data(size=32, counts=20, seed=1)
