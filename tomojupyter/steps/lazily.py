"""The reconstruction of a lazy series, as a dask graph with one task for each slab of slices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.steps.streaming import LANES, SlabMonitor, plan, widened

if TYPE_CHECKING:
    from tomojupyter.steps.columns import Cover, Sinograms
    from tomojupyter.steps.reconstruct import ReconstructionStep

MOST = 64  # slices of a task: more are no faster, and fewer tasks share the work less well


def lazy_volume(
    step: ReconstructionStep, series: Sinograms, allowed: int | None, monitor: Monitor,
    *, ncores: int | None, **options: Any,
) -> tuple[Any, ReconstructionStep]:  # fmt: skip
    """Return the (nx, nz, ny) dask array of a volume, and the Step as it will be done.

    Parameters
    ----------
    step
        As resolved.
    series
        The sinograms, of a dask array.
    allowed
        Bytes for all tasks that run on this machine at a time; None: no limit.
    monitor
        Follows the central slab, where that has to choose the number of iterations.
    ncores
        Threads of a task. None: one, since dask runs tasks side by side.
    **options
        For the Step's `solve`.
    """
    from dask import array

    n, ny, nx = series.shape
    cores = os.cpu_count() or 1
    projector = step.projector(series.tilts, ny)
    share = None if allowed is None else allowed // cores
    whole = plan(step, series.shape, 1, share, gaps=series.cover is not None, copied=True,
                 projector=projector)  # fmt: skip
    size = min(MOST, max(s.stop - s.start for s in whole.slabs), -(-nx // (2 * cores)))
    size = nx if step.whole else -(-size // LANES) * LANES
    slabs = [slice(first, min(nx, first + size)) for first in range(0, nx, size)]
    if step.undecided and not step.whole:
        middle = len(slabs) // 2
        step = _decided(step, series, projector, slabs[middle], monitor, options)
    data = series.data
    if n < len(data):
        data = data[series.index]
    parts = []
    for slab in slabs:
        wide = widened(slab, step.halo, nx)
        parts.append(
            array.map_blocks(
                solve_slab, data[:, :, wide].rechunk((n, ny, -1)), step=step.bare(),
                tilts=series.tilts,
                cover=series.cover, wide=wide, slab=slab, ncores=ncores or 1,
                options={**options, **step.given(wide)},
                dtype=np.float32, meta=np.empty((0, 0, 0), np.float32),
                chunks=((slab.stop - slab.start,), (step.thickness or ny,), (ny,)),
            )
        )  # fmt: skip
    return array.concatenate(parts), step


def _decided(
    step: ReconstructionStep, series: Sinograms, projector: Any, slab: slice, monitor: Monitor,
    options: dict[str, Any],
) -> ReconstructionStep:  # fmt: skip
    """Return the Step with the number of iterations that a slab has chosen."""
    wide = widened(slab, step.halo, series.nx)
    sinograms, weights = series.columns(wide)
    view = SlabMonitor(monitor, (slab,), series.nx)
    view.begin(0, wide)
    _, _, done = step.solve(
        projector, sinograms, series.tilts, weights, monitor=view, ncores=None,
        **options, **step.given(wide),
    )  # fmt: skip
    return done  # type: ignore[return-value]


def solve_slab(
    images: np.ndarray, *, step: ReconstructionStep, tilts: np.ndarray, cover: Cover | None,
    wide: slice, slab: slice, ncores: int, options: dict[str, Any],
) -> np.ndarray:  # fmt: skip
    """Reconstruct some columns of a series; what a task does, on whatever machine.

    Parameters
    ----------
    images
        (n, ny, k) pixels of the columns `wide`.
    step, tilts, cover, ncores, options
        Of the whole series.
    wide, slab
        Columns that are given, and those that are wanted.

    Returns
    -------
    numpy.ndarray
        float32 (k, nz, ny).
    """
    weights = None
    if cover is not None:
        mask = cover.window(wide)
        if not mask.all():
            weights = np.ascontiguousarray(mask.transpose(2, 0, 1), np.float32)
    volume, _, _ = step.solve(
        step.projector(tilts, images.shape[1]), images.transpose(2, 0, 1), tilts, weights,
        monitor=Silent(), ncores=ncores, **options,
    )  # fmt: skip
    return volume[slab.start - wide.start : slab.stop - wide.start]
