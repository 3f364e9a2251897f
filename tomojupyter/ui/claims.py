"""Who writes a session: one page at a time, and the system forgets a page that died."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OWNER, LOCK = "owner", "open.lock"


class Claim:
    """The right to write into a folder.

    A lock of the operating system tells whether a page is alive that has the folder open; it goes
    with the process. The name in the file `owner` tells whose the folder is: who takes it over
    writes another one there.

    Parameters
    ----------
    folder
        Of the session; made when it is claimed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.me = uuid.uuid4().hex
        self._lock: Any = None

    def open_elsewhere(self) -> bool:
        """Tell whether another page that is alive has the session open."""
        if self._lock is not None or not (self.folder / LOCK).exists():
            return False
        taken = _take(self.folder / LOCK)
        if taken is None:
            return True
        taken.close()
        return False

    def take(self) -> None:
        """Make the folder ours, whoever had it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = _take(self.folder / LOCK)
        write_whole(self.folder / OWNER, self.me)

    def ours(self) -> bool:
        """Tell whether nobody took the folder over since; our lock is let go if somebody did."""
        try:
            owner = (self.folder / OWNER).read_text(encoding="ascii")
        except OSError:
            owner = ""
        if owner == self.me:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Let others open it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new one, never a part."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _take(path: Path) -> Any:
    """Return an open file that is locked, or None where another process locked it."""
    file = path.open("a+b")
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            lock: Any = msvcrt
            lock.locking(file.fileno(), lock.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        # A disk in a network may know no locks: the name in `owner` has to do.
        if os.name == "nt" and error.errno in (13, 36):
            file.close()
            return None
    return file
