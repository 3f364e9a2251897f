"""Where a reconstruction goes: into memory, into a file, or into a lazy volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.formats.volume_file import VolumeFile, check_new
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.images.vacuum import estimate_vacuum
from tomojupyter.steps import history
from tomojupyter.steps.base import Outcome
from tomojupyter.steps.checks import warn
from tomojupyter.steps.columns import Sinograms, preview, preview_factor
from tomojupyter.steps.lazily import lazy_volume
from tomojupyter.steps.memory import allowed_bytes, bytes_text, free_bytes
from tomojupyter.steps.streaming import plan, stream

if TYPE_CHECKING:
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps.reconstruct import ReconstructionStep

SAMPLE = 1_000_000  # pixels that tell how widely a series is spread


def reconstructed(
    step: ReconstructionStep, signal: Any, monitor: Monitor, *, ncores: int | None,
    max_memory: int | str | None, output: str | Path | None, **options: Any,
) -> Outcome:  # fmt: skip
    """Reconstruct a TomoStack.

    Parameters
    ----------
    step
        As resolved.
    signal
        The TomoStack.
    monitor
        Follows and stops the work.
    ncores
        Threads. None: one per core.
    max_memory
        Bytes, or text such as ``"256 MB"``, that may be taken beyond input and output. None: half
        of what is free.
    output
        A ``.hspy`` or ``.zspy`` to fill. None: a volume in memory; of a lazy series a lazy one,
        which is computed when its voxels are asked for.
    **options
        For the Step's `solve`.

    Raises
    ------
    ParameterError
        If memory does not suffice, or the file is there.
    """
    path = None if output is None else check_new(output)
    allowed = allowed_bytes(max_memory, free_bytes())
    with Workers(1) as looking:
        # A large series takes seconds, in which the monitor wants to be called.
        series = looking.run(Sinograms, [signal], lambda _: monitor(0, 1))[0]
        looking.run(warn_of_vacuum, [signal], lambda _: monitor(0, 1))
    if signal._lazy and path is None:
        volume, done = lazy_volume(step, series, allowed, monitor, ncores=ncores, **options)
        return Outcome(signal._volume(volume), {}, done)
    projector = step.projector(series.tilts, series.shape[1])
    there = isinstance(series.data, np.ndarray) and path is None
    slabs = plan(step, series.shape, ncores, allowed, gaps=series.cover is not None,
                 copied=not there, projector=projector)  # fmt: skip
    shape = (series.nx, step.thickness or series.shape[1], series.shape[1])
    options |= {"ncores": ncores}
    if path is None:
        check_room(shape, slabs.peak_bytes, series.data.nbytes)
        return _into_memory(step, signal, series, projector, slabs, monitor, shape, options)
    return _into_file(step, signal, series, projector, slabs, monitor, shape, options, path)


def check_room(shape: tuple[int, int, int], peak: int, given: int) -> None:
    """Refuse a volume that has no room in memory, with the figures."""
    free, size = free_bytes(), 4 * math.prod(shape)
    if free is not None and size + peak > free:
        raise ParameterError(
            f"the volume takes {bytes_text(size)} and the work {bytes_text(peak)} (the series has "
            f"{bytes_text(given)}), but {bytes_text(free)} of memory are free: write it to a file "
            'with output="volume.hspy", or bin or crop the series, or reduce the thickness'
        )


def _into_memory(
    step: Any, signal: Any, series: Sinograms, projector: Any, slabs: Any, monitor: Monitor,
    shape: tuple[int, int, int], options: dict[str, Any],
) -> Outcome:  # fmt: skip
    if not slabs.streamed:
        sinograms, weights = series.columns(slice(None))
        volume, scalars, done = step.solve(
            projector, sinograms, series.tilts, weights, monitor=monitor,
            **options, **step.given(slice(None)),
        )  # fmt: skip
        return Outcome(signal._volume(volume), scalars, done)
    volume = np.empty(shape, np.float32)

    def keep(where: slice, part: np.ndarray) -> None:
        volume[where] = part

    scalars, done = stream(step, series, projector, slabs.slabs, keep, monitor, **options)
    return Outcome(signal._volume(volume), scalars, done)


def _into_file(
    step: Any, signal: Any, series: Sinograms, projector: Any, slabs: Any, monitor: Monitor,
    shape: tuple[int, int, int], options: dict[str, Any], path: Path,
) -> Outcome:  # fmt: skip
    from dask import array

    title = signal.metadata.get_item("General.title", default="")
    file = VolumeFile(path, title, shape)
    try:
        scalars, done = stream(step, series, projector, slabs.slabs, file.write, monitor, **options)
        file.close()
    except BaseException:
        file.remove()
        raise
    voxels = array.from_array(file.voxels(), chunks=(1, *shape[1:]))

    def describe(volume: Any) -> None:
        """Write axes, metadata and history beside the voxels."""
        file.close()
        kept = volume.metadata.get_item(history.PIXELS)
        # The name of a dask graph tells nothing once the file is opened anew.
        history.forget_pixels(volume)
        volume._save_description(path)
        volume.metadata.set_item(history.PIXELS, kept)
        volume.data = array.from_array(file.voxels(), chunks=(1, *shape[1:]), name=voxels.name)

    return Outcome(signal._volume(voxels), scalars, done, describe)


def warn_of_vacuum(signal: Any) -> None:
    """Warn if the vacuum is not near zero."""
    if signal._lazy:
        images = preview(signal.data)
        level = estimate_vacuum(images, signal._cover().mask(preview_factor(signal.data)))
    else:
        images, level = signal.data, signal.vacuum()
    n, ny, nx = images.shape
    every = max(1, math.ceil(math.sqrt(n * ny * nx / SAMPLE)))
    sample = np.asarray(images[:, ::every, ::every]).ravel()
    sample = sample[np.isfinite(sample)]
    spread = float(np.percentile(sample, 99.5) - level) if sample.size else math.nan
    if spread > 0 and abs(level) > 0.1 * spread:
        warn(
            f"the vacuum lies at {level:.4g}, not near 0, and is reconstructed as matter; "
            "take it off with background() first"
        )
