"""Reconstruction of several series of one specimen together: their edges lie in the same places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.problem import check_sinograms
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.numerics.spectral.descent import Descent
from tomojupyter.numerics.spectral.noise import precision
from tomojupyter.numerics.spectral.operators import Operators

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
START = 20  # iterations of the reconstruction that the noise is seen against


@dataclass(frozen=True)
class Finer:
    """A guide whose pixels are finer than those of the channels that it guides.

    Parameters
    ----------
    projector
        Of slices of the same size, in voxels as fine as the guide's pixels.
    guide
        (nx, n, factor * ny) the guide; NaN where nothing was measured.
    """

    projector: Projector
    guide: np.ndarray


@dataclass(frozen=True)
class Joint:
    """What a coupled reconstruction found.

    Parameters
    ----------
    volumes
        float32 (c, nx, nz, ny), in units of the sinograms per px.
    noise
        (c,) standard deviation of the noise of a gradient, by the data alone, in units of the
        inverse volume: what `weight` is relative to.
    residuals
        Root mean square of the residual in standard deviations, after each iteration.
    iterations
        Iterations that were done.
    """

    volumes: np.ndarray
    noise: np.ndarray
    residuals: np.ndarray
    iterations: int


def joint(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    weight: float = 1.0,
    iterations: int = 80,
    refinements: int = 0,
    steps: int | None = None,
    weights: np.ndarray | None = None,
    guide: int | None = None,
    finer: Finer | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Joint:
    """Reconstruct several channels together, by total nuclear variation.

    Parameters
    ----------
    projector
        Of the geometry that all channels share.
    sinograms
        (c, nx, n, ny) channels, each in any unit; NaN where nothing was measured. Not modified.
    weight
        Of the coupling, in standard deviations of what noise alone leaves in a gradient.
    iterations
        Of the descent; the look at the noise before it and each refinement take half as many.
    refinements
        How many times the contrast that the coupling took is given back.
    steps
        End after so many iterations in all. None: all of them.
    weights
        Like the sinograms, 0 for pixels that do not count. None: all count.
    guide
        Index of a channel that is there to show edges to the others (`Descent`). None: none is.
    finer
        The same guide in finer pixels: the descent, though not the look at the noise before it,
        is one in voxels as fine. None: voxels are as large as pixels.
    monitor
        Called as ``monitor(done, all, residual=...)``.
    ncores
        Threads. None: one per core.

    Returns
    -------
    Joint

    Raises
    ------
    ParameterError
        If shapes or values do not fit.

    Notes
    -----
    Minimised is ``sum w (A x - b)^2 / 2 + weight * TNV(x / u)`` over volumes that are not
    negative. TNV sums over voxels the nuclear norm (sum of singular values) of the matrix of the
    gradients of all channels: smallest where all edges point the same way, so an edge that one
    channel shows costs the others nothing. ``w`` is the inverse of the variance that a first
    reconstruction leaves: for counts, the Poisson likelihood to second order about that
    reconstruction. ``u`` makes the noise that reaches a gradient through ``A^T w`` one in every
    channel; a guide is smoothed by a third of that. The weight is thus chosen by the data, with
    dose, number of tilts, and units of the maps; `weight` itself is a pure number. ``A`` is
    corrected for the width of the projector's interpolation (`Operators`), so voxels are means
    over their volume.

    The coupling takes contrast along with noise. A refinement repeats the descent with
    ``TNV(x) - <q, x>``, q being the subgradient that was found (Bregman's iteration), which
    makes what was found free and lets contrast come back before noise does.

    No volume of voxels as large as the pixels explains projections of a body with sharp surfaces:
    what such voxels cannot show is 2 to 3 % of them, far above the noise of a guide. With `finer`
    voxels, pixels of the other channels are means over several rays, and volumes means over
    voxels. Halfway the noise of the guide is looked at anew (`Descent.look_again`): what large
    voxels left of it was more than noise, most of all in its weak parts.

    The descent is Chambolle's and Pock's with diagonal steps.

    References
    ----------
    K. M. Holt, IEEE Trans. Image Process. 23 (2014) 3975, doi:10.1109/TIP.2014.2332397.
    Z. Zhong et al., Ultramicroscopy 174 (2017) 35, doi:10.1016/j.ultramic.2016.12.008.
    T. Pock and A. Chambolle, ICCV (2011) 1762, doi:10.1109/ICCV.2011.6126441.
    S. Osher et al., Multiscale Model. Simul. 4 (2005) 460, doi:10.1137/040605412.
    """
    if finer is not None and guide is None:
        raise ParameterError("finer: pixels of a guide, but no channel is one: state its index")
    data, keep = _checked(projector, sinograms, weights, weight, iterations, refinements)
    c, nx = data.shape[:2]
    total = iterations + (1 + refinements) * _later(iterations)
    if steps is not None:
        total = min(total, steps)
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), total)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        both = Operators(projector, workers, beat)
        flat = (c * nx, *data.shape[2:])
        first = sirt(
            projector, data.reshape(flat), iterations=START, constrain=True,
            weights=keep.reshape(flat).astype(np.float32), ncores=ncores,
        ).volume.reshape(c, nx, *projector.slice_shape)  # fmt: skip

        def begin(volumes: np.ndarray, finer: Finer | None = None) -> Descent:
            certain = precision(data, both.forward(volumes), keep)
            if finer is None or guide is None:
                return Descent(both, data, certain, volumes, guide)
            return _refined(both, data, certain, volumes, finer, guide)

        descent = begin(first)
        for stage in range(-1, 1 + refinements):
            if stage == 0:
                # Little noise is left in these volumes, so what they leave of the data is noise.
                volumes = descent.volumes()
                del descent, first
                descent = begin(volumes, finer)
            elif stage > 0:
                descent.give_back()
            count = iterations if stage == 0 else _later(iterations)
            for done in range(count):
                if stage == 0 and done == count // 2 and finer is not None and guide is not None:
                    descent.look_again(guide)
                residuals.append(descent.step(weight))
                monitor(len(residuals), total, residual=residuals[-1])
                if monitor.finish_early or len(residuals) == total:
                    break
            if monitor.finish_early or len(residuals) == total:
                break
        volumes = _mean_over(descent.volumes(), descent.both.factor)
        return Joint(volumes, descent.noise, np.array(residuals), len(residuals))


def _refined(
    coarse: Operators,
    data: np.ndarray,
    precision: np.ndarray,
    volumes: np.ndarray,
    finer: Finer,
    guide: int,
) -> Descent:
    """Return the descent in voxels as fine as the guide's pixels, at its beginning."""
    finer.projector.prepare(lambda: coarse.beat(0))
    factor = finer.projector.ny // coarse.projector.ny
    both = Operators(finer.projector, coarse.workers, coarse.beat, factor, (guide,))
    data = data.repeat(factor, axis=3)
    # A pixel of the guide has the precision of its share in the mean over several.
    precision = precision.repeat(factor, axis=3) / np.float32(factor)
    known = np.isfinite(finer.guide)
    data[guide] = np.where(known, finer.guide, 0)
    precision[guide] *= known
    fine = volumes.repeat(factor, axis=2).repeat(factor, axis=3)
    return Descent(both, data, precision, fine, guide)


def _mean_over(volumes: np.ndarray, factor: int) -> np.ndarray:
    """Return means over `factor` voxels along z and y, (c, nx, nz / factor, ny / factor)."""
    if factor == 1:
        return volumes
    c, nx, nz, ny = volumes.shape
    parts = volumes.reshape(c, nx, nz // factor, factor, ny // factor, factor)
    return np.asarray(parts.mean(axis=(3, 5)))


def _later(iterations: int) -> int:
    """Return the iterations of a refinement, which begins close to its end."""
    return max(1, iterations // 2)


def _checked(
    projector: Projector,
    sinograms: np.ndarray,
    weights: np.ndarray | None,
    weight: float,
    iterations: int,
    refinements: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the data with 0 where nothing counts, and what counts."""
    if sinograms.ndim != 4 or not len(sinograms):
        raise ParameterError(
            f"sinograms have the shape (channels, slices, n, ny), got {sinograms.shape}"
        )
    for channel in sinograms:
        check_sinograms(projector, channel, None)
    if not weight >= 0 or iterations < 1 or refinements < 0:
        raise ParameterError(
            "weight and refinements must be at least 0 and iterations at least 1, got "
            f"{weight}, {refinements} and {iterations}"
        )
    keep = np.isfinite(sinograms)
    if weights is not None:
        keep &= np.asarray(weights) > 0
    return np.where(keep, sinograms, 0).astype(np.float32), keep
