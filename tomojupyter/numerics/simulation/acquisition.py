"""Simulated acquisition of a tilt series: misalignment, counts and bad frames, with the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation.misalignment import misaligned, voxel_projections
from tomojupyter.numerics.simulation.phantoms import checked_shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.numerics.simulation.phantoms import Phantom

HOT = 0.004  # fraction of the pixels of a hot frame that are hot
DIM = 0.4  # what is left of the beam in a dim frame
BLUR = 1 / 32  # standard deviation of a blurred frame, in shorter edges of the images
DEFECTS = ("blank", "hot", "dim", "blur")


@dataclass(frozen=True)
class Truth:
    """What was done to a simulated series, as the corrections that undo it.

    Parameters
    ----------
    tilts_deg
        (n,) true tilts in degrees.
    shifts
        (n, 2) shifts (y, x) in px to be applied to the images.
    angle, shift
        Degrees and px, to be applied afterwards: ``Frame.tilted(angle, shift)``.
    gain
        Counts per unit of the images; 0 for a series without noise.
    vacuum
        Level of the vacuum in units of the images.
    bad
        Index of a frame to its defect.
    seed
        Of the noise.
    """

    tilts_deg: np.ndarray
    shifts: np.ndarray
    angle: float = 0.0
    shift: float = 0.0
    gain: float = 0.0
    vacuum: float = 0.0
    bad: Mapping[int, str] = field(default_factory=dict)
    seed: int = 0


def tilt_series(
    phantom: Phantom,
    tilts_deg: Sequence[float] | np.ndarray,
    ny: int,
    nx: int,
    *,
    shifts: np.ndarray | None = None,
    angle: float = 0.0,
    shift: float = 0.0,
    counts: float | None = None,
    vacuum: float = 0.0,
    read_noise: float = 0.0,
    bad: Mapping[int, str] | None = None,
    voxels: bool = False,
    seed: int = 0,
) -> tuple[np.ndarray, Truth]:
    """Simulate the acquisition of a tilt series.

    Parameters
    ----------
    phantom, tilts_deg, ny, nx, shifts, angle, shift
        As for :meth:`Phantom.project`.
    counts
        Mean number of counts, above the vacuum, in the pixels that the specimen covers in
        all images together; every pixel is an independent Poisson number. None: no noise.
    vacuum
        Level of the vacuum in units of the images (density times px). With `counts`, a pixel
        of the vacuum holds ``truth.gain * vacuum`` counts on average; without, any sign.
    read_noise
        Standard deviation of an additional Gaussian, in counts, or in units of the images
        where `counts` is None.
    bad
        Index of a frame to ``"blank"`` (no beam), ``"hot"`` (0.4 % of its pixels at six times
        the peak), ``"dim"`` (0.4 of the beam) or ``"blur"`` (a Gaussian of 1/32 of the shorter
        edge, before the noise).
    voxels
        False: exact line integrals. True: what the projector of the reconstructions makes of
        the phantom's volume in the field of view, so that the volume explains the images
        entirely; misalignment is interpolated.
    seed
        Of the noise and of the hot pixels.

    Returns
    -------
    images
        float32 (n, ny, nx), counts divided by ``truth.gain``: density times px, plus `vacuum`.
    truth
        The corrections that align the series, and its noise.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or there is nothing to count.
    """
    if voxels:
        images = misaligned(voxel_projections(phantom, tilts_deg, ny, nx), shifts, angle, shift)
    else:
        images = phantom.project(tilts_deg, ny, nx, shifts=shifts, angle=angle, shift=shift)
    defects = _checked_defects(bad, len(images))
    gain = _gain(images, counts, vacuum)
    if not read_noise >= 0:
        raise ParameterError(f"read_noise must be at least 0, got {read_noise}.")
    rng = np.random.default_rng([seed, 1])
    peak = float(images.max(initial=0.0))
    images += np.float32(vacuum)
    for i, defect in defects.items():
        if defect == "blur":
            images[i] = ndimage.gaussian_filter(images[i], BLUR * min(ny, nx))
        elif defect != "hot":
            images[i] *= np.float32(DIM if defect == "dim" else 0)
    if counts is not None:
        for image in images:
            image[...] = rng.poisson(np.maximum(image, 0).astype(np.float64) * gain) / gain
    if read_noise:
        images += rng.normal(scale=read_noise / (gain or 1), size=images.shape).astype(np.float32)
    for i, defect in defects.items():
        if defect == "hot":
            images[i][rng.random((ny, nx)) < HOT] = 6 * peak + vacuum
    truth = Truth(
        tilts_deg=np.atleast_1d(np.asarray(tilts_deg, float)).copy(),
        shifts=checked_shifts(shifts, len(images)).copy(),
        angle=float(angle),
        shift=float(shift),
        gain=gain,
        vacuum=float(vacuum),
        bad=defects,
        seed=seed,
    )
    return images, truth


def _checked_defects(bad: Mapping[int, str] | None, n: int) -> dict[int, str]:
    """Return the bad frames, or say which cannot be."""
    defects = dict(bad or {})
    for i, defect in defects.items():
        if defect not in DEFECTS or not 0 <= i < n:
            raise ParameterError(
                f"a bad frame is an index from 0 to {n - 1} and one of {', '.join(DEFECTS)}, "
                f"got {i}: {defect!r}."
            )
    return defects


def _gain(images: np.ndarray, counts: float | None, vacuum: float) -> float:
    """Return counts per unit of the images, 0 without noise."""
    if counts is None:
        return 0.0
    specimen = images[images > 0]
    if not counts > 0 or not vacuum >= 0 or not len(specimen):
        raise ParameterError(
            f"counts must be above 0, vacuum at least 0 and the specimen within the images, got "
            f"counts={counts}, vacuum={vacuum} and {len(specimen)} pixels of specimen."
        )
    return float(counts / specimen.mean())
