"""A volume as a parameter of a Step: given as an array or a file, recorded by its checksum."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.formats.hyperspy_files import read_hyperspy
from tomojupyter.steps import history

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIXES = (".hspy", ".npy")


@dataclass(frozen=True)
class GivenArray:
    """An array that a Step needs and a recipe cannot hold.

    Two are equal if their file and checksum are.

    Parameters
    ----------
    file
        Name of the file that holds it, as it was given; empty for an array from memory.
    checksum
        Of the file's bytes, or of the array; empty for a file that was not read yet.
    values
        The array itself, None where only its checksum is known.
    """

    file: str = ""
    checksum: str = ""
    values: Any = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, name: str, given: Any) -> Self:
        """Make one of what was given for the parameter `name`.

        Raises
        ------
        ParameterError
            If it is no volume, file name, or record of one.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, dict) and {"file", "checksum"} >= set(given) and given:
            return cls(str(given.get("file", "")), str(given.get("checksum", "")))
        if isinstance(given, str | Path) and Path(given).suffix.lower() in SUFFIXES:
            return cls(str(given))
        array = np.asarray(None if isinstance(given, str) else getattr(given, "data", given))
        if array.ndim != 3 or array.dtype.kind not in "buif":
            raise ParameterError(
                f"{name} must be a volume (x, z, y), or the name of a {' or '.join(SUFFIXES)} "
                f"file of one, got {_short(given)}"
            )
        return cls("", history.fingerprint(array), array)

    def plain(self) -> dict[str, str] | str:
        """Return what a record says of it."""
        if not self.checksum:
            return self.file
        return {"file": self.file, "checksum": self.checksum} if self.file else {
            "checksum": self.checksum
        }  # fmt: skip

    def found(self, name: str) -> Self:
        """Return the same with its values, read from the file where it has one.

        Raises
        ------
        MissingFileError, FormatError
            If the file is not there or cannot be read.
        ParameterError
            If the file is another one by now, or there is nothing but a checksum.
        """
        if self.values is not None:
            return self
        if not self.file:
            raise ParameterError(
                f"{name} was an array ({self.checksum}), which a recipe cannot hold: give it "
                f"again, recipe.run(stack, arrays=[{name}]), or step.replace({name}=...)"
            )
        path = Path(self.file)
        if not path.is_file():
            raise MissingFileError(f"{name} is {self.file}, which is not there")
        checksum = history.checksum(path)
        if self.checksum and checksum != self.checksum:
            raise ParameterError(
                f"{name} was {self.file} with {self.checksum}, but the file has {checksum} now: "
                f"give the one that was used, or {name}={self.file!r} to take this one"
            )
        return replace(self, checksum=checksum, values=_read(path))

    def among(self, arrays: Iterable[Any]) -> Self:
        """Return the same with its values, if one of the arrays has its checksum."""
        if self.values is not None or self.file:
            return self
        for array in arrays:
            other = self.of("arrays", array)
            if other.checksum == self.checksum:
                return other
        return self

    def __str__(self) -> str:
        return self.file or self.checksum


def _read(path: Path) -> np.ndarray:
    if path.suffix.lower() != ".npy":
        return np.asarray(read_hyperspy(path)["data"])
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ParameterError(f"{path} is no file of NumPy's: {error}") from error


def _short(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return repr(given) if shape is None else f"{type(given).__name__} of shape {tuple(shape)}"
