"""Several frames at one tilt become one projection."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.alignment.frames import average_frames
from tomojupyter.steps.checks import warn

MEAN, FIRST, ALL = "mean", "first", "all"
SAME = 0.005  # degrees; frames at one tilt were taken without moving the stage


def check_frames(frames: Any) -> None:
    """Raise ParameterError unless this names what becomes of several frames."""
    whole = isinstance(frames, numbers.Integral) and not isinstance(frames, bool)
    if not whole and frames not in (MEAN, FIRST, ALL):
        raise ParameterError(
            f"frames must be 'mean', 'first', 'all' or the index of a frame, got {frames!r}"
        )


def frames_per_tilt(tilts: np.ndarray) -> int:
    """Return how many frames each tilt has, if sections that follow each other share tilts.

    One tilt that was taken twice, as at the start of both halves of a bidirectional series, is
    no series of frames: every tilt must have equally many.
    """
    moves = np.flatnonzero(np.abs(np.diff(tilts)) > SAME) + 1
    sizes = np.diff([0, *moves, len(tilts)])
    return int(sizes[0]) if len(sizes) and (sizes == sizes[0]).all() else 1


def merge_frames(name: str, data: Any, k: int, frames: Any) -> tuple[Any, dict[str, Any]]:
    """Make one projection of each `k` sections.

    Parameters
    ----------
    name
        Of the file, for sentences.
    data
        (m k, ny, nx), NumPy or dask.
    k
        Frames a tilt.
    frames
        ``"mean"``, ``"first"``, ``"all"`` or an index.

    Returns
    -------
    data
        (m, ny, nx): float32 for a mean, else as stored; all sections for ``"all"``.
    dict
        What was done, for the record.

    Raises
    ------
    ParameterError
        If there is no such frame.
    """
    if k == 1 or frames == ALL:
        return data, {}
    if frames != MEAN:
        index = 0 if frames == FIRST else int(frames)
        if not -k <= index < k:
            raise ParameterError(
                f"frames must be from 0 to {k - 1}: {name} has {k} frames a tilt, got {index}"
            )
        return data[index % k :: k], {"frames": index % k, "frames_per_tilt": k}
    means, moved = [], []
    for i in range(0, len(data), k):
        mean, shifts, sure = average_frames(np.asarray(data[i : i + k]))
        if not sure:
            warn(f"{name}: the frames of #{i // k} could not be registered; averaged as they are")
        means.append(mean)
        moved.append(np.round(shifts, 4).tolist())
    return np.stack(means), {"frames": MEAN, "frames_per_tilt": k, "frame_shifts": moved}
