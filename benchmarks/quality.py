"""How well an alignment fits the measured pixels, whatever package it comes from.

Every alignment is a set of transforms (n, 3, 3), acquired to aligned pixels. All of them move
the same raw pixels by the same cubic spline into the same box, are reconstructed by the same
SIRT, and are judged on the pixels that are covered. A residual taken after each package's own
resampling would reward blur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.geometry import covered, resample, translation
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.reconstruct import sirt

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

MARGIN = 8  # px at the edges that a package's own interpolation may have touched


@dataclass(frozen=True)
class Box:
    """The part of the aligned images that is compared.

    Parameters
    ----------
    left, right
        Columns, end exclusive.
    top, bottom
        Rows, end exclusive, as many above the middle row as below: the axis stays central.
    """

    left: int
    right: int
    top: int
    bottom: int

    @property
    def shape(self) -> tuple[int, int]:
        """Return (ny, nx)."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Series:
    """The measured pixels, less the vacuum level.

    Parameters
    ----------
    pixels
        float32, (n, ny, nx).
    tilts_deg
        (n,).
    """

    pixels: np.ndarray
    tilts_deg: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Return (ny, nx)."""
        return self.pixels.shape[1], self.pixels.shape[2]


def shared_box(alignments: list[np.ndarray], shape: tuple[int, int]) -> Box:
    """Return the largest box that all alignments cover in all projections.

    Parameters
    ----------
    alignments
        Arrays (n, 3, 3).
    shape
        (ny, nx) of the images.
    """
    ny = shape[0]
    known = np.logical_and.reduce([covered(a, shape, shape).all(axis=0) for a in alignments])
    known &= known[::-1]  # the rotation axis has to stay in the middle row
    best, area = Box(0, 0, 0, 0), 0
    for top in range(ny // 2):
        run = _longest_run(known[top : ny - top].all(axis=0))
        if (run[1] - run[0]) * (ny - 2 * top) > area:
            best, area = Box(*run, top, ny - top), (run[1] - run[0]) * (ny - 2 * top)
    if not area:
        raise ValueError("these alignments have no pixel in common: compare fewer of them")
    return best


def _longest_run(flags: np.ndarray) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    if not len(edges):
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def chosen_columns(nx: int, wanted: int, block: int = 8) -> np.ndarray:
    """Return about `wanted` of `nx` columns, in evenly spaced blocks of neighbours."""
    blocks = max(1, round(wanted / block))
    if wanted <= 0 or blocks * block >= nx:
        return np.arange(nx)
    starts = np.round((np.arange(blocks) + 0.5) * nx / blocks - block / 2).astype(int)
    return np.unique((starts[:, None] + np.arange(block)).ravel().clip(0, nx - 1))


def sinograms(
    series: Series, transforms: np.ndarray, box: Box, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return sinograms and weights, (len(columns), n, ny of the box), in one resampling."""
    matrices = translation(-box.left, -box.top) @ transforms
    images = resample(series.pixels, matrices, box.shape)[:, :, columns]
    known = covered(matrices, series.shape, box.shape)[:, :, columns]
    weights = np.ascontiguousarray(known.transpose(2, 0, 1), np.float32)
    return np.ascontiguousarray(images.transpose(2, 0, 1)) * weights, weights


def residual_percent(
    projector: Projector, volume: np.ndarray, measured: np.ndarray, weights: np.ndarray
) -> float:
    """Return the relative L2 misfit of the projected volume on the covered pixels."""
    misfit = (projector.forward(volume) - measured) * weights
    return 100 * float(np.linalg.norm(misfit) / np.linalg.norm(measured * weights))


def astra_sirt(
    tilts_deg: np.ndarray, measured: np.ndarray, weights: np.ndarray, iterations: int
) -> np.ndarray:
    """Reconstruct by ASTRA's own SIRT on the CPU, slice by slice."""
    import astra

    ny = measured.shape[2]
    detector = astra.create_proj_geom("parallel", 1.0, ny, np.deg2rad(tilts_deg))
    grid = astra.create_vol_geom(ny, ny)
    projector = astra.create_projector("linear", detector, grid)
    volume = np.empty((len(measured), ny, ny), np.float32)
    for out, one, known in zip(volume, measured, weights, strict=True):
        sinogram = astra.data2d.create("-sino", detector, one)
        mask = astra.data2d.create("-sino", detector, known)
        result = astra.data2d.create("-vol", grid, 0)
        config = astra.astra_dict("SIRT")
        config.update(ProjectorId=projector, ProjectionDataId=sinogram)
        config.update(ReconstructionDataId=result, option={"SinogramMaskId": mask})
        algorithm = astra.algorithm.create(config)
        astra.algorithm.run(algorithm, iterations)
        out[:] = astra.data2d.get(result)
        astra.algorithm.delete(algorithm)
        astra.data2d.delete([sinogram, mask, result])
    astra.projector.delete(projector)
    return volume


def judge(
    series: Series, transforms: np.ndarray, box: Box, columns: np.ndarray, iterations: int
) -> dict[str, float]:
    """Return residual, coverage, and the agreement of the two half-series."""
    measured, weights = sinograms(series, transforms, box, columns)
    projector = make_projector(series.tilts_deg, box.shape[0], box.shape[0])
    volume = sirt(projector, measured, iterations=iterations, weights=weights).volume
    halves = []
    for start in (0, 1):
        part = slice(start, None, 2)
        half = make_projector(series.tilts_deg[part], box.shape[0], box.shape[0])
        some, known = measured[:, part], weights[:, part]
        halves.append(sirt(half, some, iterations=iterations, weights=known).volume)
    return {
        "residual_percent": residual_percent(projector, volume, measured, weights),
        "covered_percent": 100 * float(weights.mean()),
        **agreement(*halves),
    }


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return how alike two volumes (k, n, n) are inside the circle that all tilts see.

    Returns
    -------
    dict
        ``halves_correlation``: Pearson's. ``frc_half``: the spatial frequency, in 1/px, where
        the Fourier ring correlation of their slices first falls below 0.5.
    """
    n = one.shape[-1]
    radius = np.hypot(*(np.mgrid[:n, :n] - (n - 1) / 2))
    inside = radius < n / 2 - 1
    matrix = np.corrcoef(one[:, inside].ravel(), other[:, inside].ravel())
    window = np.clip((n / 2 - 1 - radius) / 8, 0, 1)
    a, b = (np.fft.rfft2(volume * window) for volume in (one, other))
    wave = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None])
    ring = np.round(wave * n).astype(int).ravel()

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(ring, values.sum(axis=0).ravel())[: n // 2]

    cross = total((a * b.conj()).real)
    curve = cross / np.sqrt(total(np.abs(a) ** 2) * total(np.abs(b) ** 2))
    low = np.flatnonzero(curve < 0.5)
    return {
        "halves_correlation": float(matrix[0, 1]),
        "frc_half": float(low[0] / n) if len(low) else 0.5,
    }


def discrepancy(
    series: Series, transforms: np.ndarray, theirs: np.ndarray, frames: np.ndarray
) -> dict[str, Any]:
    """Compare the pixels that `transforms` give with those that a package made itself.

    Parameters
    ----------
    series
        The measured pixels.
    transforms
        (n, 3, 3) that are to be the package's alignment.
    theirs
        (k, ny, nx), the package's aligned projections.
    frames
        (k,) which projections these are.

    Returns
    -------
    dict
        ``correlation``, the lowest over the projections, and ``displacement_px``, the largest
        distance by which ours would have to be moved to match theirs (by least squares).
    """
    ours = resample(series.pixels[frames], transforms[frames], series.shape)
    known = covered(transforms[frames], series.shape, series.shape)
    correlations, distances = [], []
    for image, other, mask in zip(ours, theirs, known, strict=True):
        safe = ndimage.binary_erosion(mask, iterations=MARGIN)
        values, target = image[safe].astype(float), other[safe].astype(float)
        correlations.append(float(np.corrcoef(values, target)[0, 1]))
        slopes = [slope[safe] for slope in np.gradient(ndimage.gaussian_filter(image, 1.0))]
        design = np.column_stack([values, np.ones_like(values), *slopes])
        found = np.linalg.lstsq(design, target, rcond=None)[0]
        distances.append(float(np.hypot(*found[2:]) / abs(found[0])))
    return {"correlation": min(correlations), "displacement_px": max(distances)}
