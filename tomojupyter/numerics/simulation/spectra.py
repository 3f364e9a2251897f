"""Simulated spectra of specimens of several elements, counted in every channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Emission:
    """What an amount of 1, a pixel deep, emits into the detector, in arbitrary units.

    Parameters
    ----------
    lines
        (nc,) spectrum of its lines.
    background
        Its bremsstrahlung, in all channels together.
    """

    lines: np.ndarray
    background: float


def counted_spectra(
    maps: Mapping[str, np.ndarray],
    emissions: Mapping[str, Emission],
    background: np.ndarray,
    *,
    counts: float,
    holder: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, float]:
    """Draw the counts of every pixel and channel.

    Parameters
    ----------
    maps
        (n, ny, nx) projected amounts of each element, amount times px.
    emissions
        Of each element.
    background
        (nc,) shape of the bremsstrahlung, sum 1.
    counts
        Mean counts, in all channels, of the pixels that the specimen covers by more than a
        twentieth of its largest thickness.
    holder
        (nc,) counts that grid and holder add to every pixel. None: none.
    seed
        Of the counts.

    Returns
    -------
    spectra
        uint16 (n, ny, nx, nc); every value an independent Poisson number.
    gain
        Counts per arbitrary unit of the emissions.

    Raises
    ------
    ParameterError
        If `counts` is not above 0 or there is no specimen in the images.
    """
    elements = list(maps)
    emitted = np.stack(
        [emissions[e].lines + emissions[e].background * background for e in elements]
    ).astype(np.float64)
    amounts = np.stack([np.maximum(maps[e], 0) for e in elements], axis=-1).astype(np.float64)
    thickness = amounts.sum(axis=-1)
    covered = thickness > 0.05 * thickness.max()
    if not counts > 0 or not covered.any():
        raise ParameterError(
            f"counts must be above 0 and the specimen within the images, got counts={counts} and "
            f"{int(covered.sum())} pixels of specimen"
        )
    gain = counts / float((amounts[covered] @ emitted.sum(axis=1)).mean())
    rng = np.random.default_rng([seed, 22])
    spectra = np.empty((*thickness.shape, emitted.shape[1]), np.uint16)
    for image, amount in zip(spectra, amounts, strict=True):
        expected = (gain * amount) @ emitted
        if holder is not None:
            expected += holder
        image[...] = rng.poisson(expected)
    return spectra, gain
