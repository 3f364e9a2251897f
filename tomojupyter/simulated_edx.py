"""Simulated series of X-ray spectrum images, with their truth and an image series beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation.compositions import make_composition
from tomojupyter.numerics.simulation.spectra import Emission, counted_spectra
from tomojupyter.numerics.spectral.shapes import bremsstrahlung, family_shape
from tomojupyter.signals.series import TomoTilts
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps.run import start_history
from tomojupyter.steps.xray_lines import families_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.numerics.simulation.phantoms import Phantom

FIELD_NM = 100.0
# What a shell of the element emits into the detector, relative to the other elements.
EMITTED: dict[str, dict[str, float]] = {
    "C": {"K": 0.08},
    "O": {"K": 0.2},
    "Si": {"K": 0.6},
    "Cr": {"K": 0.8, "L": 0.25},
    "Ni": {"K": 0.8, "L": 0.4},
    "Cu": {"K": 0.8, "L": 0.35},
    "Pt": {"L": 0.8, "M": 1.2},
}
NUMBER = {"C": 6, "O": 8, "Si": 14, "Cr": 24, "Ni": 28, "Cu": 29, "Pt": 78}
BACKGROUND = 0.012  # bremsstrahlung of an element, per atomic number
CONTRAST = 1.7  # exponent of the atomic number in the intensity of a dark-field image


@dataclass(frozen=True)
class SpectralTruth:
    """What a simulated series of spectrum images was made of.

    Parameters
    ----------
    maps
        (n, ny, nx) projected amounts of each element, amount times px, as they lie in the
        images.
    volumes
        (nx, nz, ny) amounts of each element; 1 is a voxel full of it.
    counts
        Counts that all lines of an element in range give for an amount of 1, a pixel deep.
    shifts
        (n, 2) shifts (y, x) in px that align the series.
    seed
        Of specimen, counts and shifts.
    """

    maps: Mapping[str, np.ndarray]
    volumes: Mapping[str, np.ndarray]
    counts: Mapping[str, float]
    shifts: np.ndarray
    seed: int


class SpectralSeries(NamedTuple):
    """A simulated series: spectra, an image series acquired with them, tilts, and the truth.

    Parameters
    ----------
    edx
        exSpy's signal of X-ray spectra, (x, y, tilt|energy), counts.
    haadf
        TomoStack of dark-field images of the same field, of smaller pixels.
    tilts
        (n,) degrees.
    truth
        What it was made of.
    """

    edx: Any
    haadf: TomoStack
    tilts: np.ndarray
    truth: SpectralTruth


def get_simulated_edx_data(
    phantom: str = "needle",
    size: int = 32,
    tilts: Sequence[float] | np.ndarray | None = None,
    *,
    counts: float = 20.0,
    channels: int = 512,
    channel_width: float = 0.02,
    resolution: float = 130.0,
    jitter: float = 0.0,
    tilt_shift: float = 0.0,
    holder: float = 0.04,
    image_ratio: int = 2,
    image_counts: float = 4000.0,
    seed: int = 0,
) -> SpectralSeries:
    """Simulate a tilt series of X-ray spectrum images whose composition is known.

    Parameters
    ----------
    phantom
        ``"needle"``: layers of nickel and chromium on oxide and silicon, capped by platinum;
        ``"coreshell"``: particles of two kinds on a flake of carbon.
    size
        Width and height of the images in px, at least 8.
    tilts
        Degrees. None: 0 to 180 by 5.
    counts
        Mean counts, in all channels, of a pixel of the specimen.
    channels, channel_width
        Their number, and their width in keV. The first is at 0 keV.
    resolution
        Width of Mn K-alpha in eV.
    jitter
        Standard deviation of a random move of every image in y and x, in px.
    tilt_shift
        How far all images are moved along y, across the tilt axis, in px.
    holder
        Copper lines of grid and holder in every pixel, as a share of `counts`.
    image_ratio
        How many pixels of the dark-field images one pixel of the spectra is wide.
    image_counts
        Counts of the brightest pixel of the dark-field images.
    seed
        Of everything that is drawn by chance.

    Returns
    -------
    SpectralSeries
        ``edx``, ``haadf``, ``tilts`` and ``truth``.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Notes
    -----
    Projections are exact line integrals. There is neither absorption nor fluorescence, and the
    dark-field intensity is linear in thickness: favourable on purpose.

    Examples
    --------
    >>> import tomojupyter.api as tomo
    >>> made = tomo.datasets.get_simulated_edx_data(size=16, tilts=[-40, 0, 40], channels=256)
    >>> made.edx.data.shape, sorted(made.truth.maps)
    ((3, 16, 16, 256), ['C', 'Cr', 'Ni', 'O', 'Pt', 'Si'])
    """
    if size < 8 or channels < 16 or not channel_width > 0 or not holder >= 0 or image_ratio < 1:
        raise ParameterError(
            "size must be at least 8 px, channels at least 16, channel_width above 0, holder at "
            f"least 0 and image_ratio at least 1, got {size}, {channels}, {channel_width}, "
            f"{holder} and {image_ratio}"
        )
    specimen = make_composition(phantom, seed)
    angles = np.arange(0.0, 181.0, 5.0) if tilts is None else np.asarray(tilts, float).ravel()
    moves = jitter * np.clip(
        np.random.default_rng([seed, 23]).normal(size=(len(angles), 2)), -2.5, 2.5
    )
    where: dict[str, Any] = {"shifts": -moves, "shift": -tilt_shift}
    maps = {e: np.maximum(p.project(angles, size, size, **where), 0) for e, p in specimen.items()}
    axis = channel_width * np.arange(channels)
    background = bremsstrahlung(axis)
    emissions = {e: Emission(_lines(e, axis, resolution), BACKGROUND * NUMBER[e]) for e in maps}
    copper = 0.85 * _lines("Cu", axis, resolution)
    copper = counts * holder * (0.85 * copper / copper.sum() + 0.15 * background)
    spectra, gain = counted_spectra(
        maps, emissions, background, counts=counts, holder=copper, seed=seed
    )
    where["shifts"] = -moves * image_ratio
    where["shift"] = -tilt_shift * image_ratio
    images = _images(specimen, angles, size * image_ratio, where, image_counts, image_ratio, seed)
    truth = SpectralTruth(
        maps=maps,
        volumes={e: np.maximum(p.volume(size, size, size), 0) for e, p in specimen.items()},
        counts={e: float(gain * emissions[e].lines.sum()) for e in maps},
        shifts=-moves,
        seed=seed,
    )
    edx = _as_signal(spectra, angles, channel_width, resolution, f"Simulated {phantom}", list(maps))
    return SpectralSeries(
        edx, _as_stack(images, angles, f"Simulated {phantom}, HAADF"), angles, truth
    )


def _lines(element: str, axis: np.ndarray, resolution: float) -> np.ndarray:
    """Return what an element emits into each channel."""
    shells = {family.shell: family for family in families_of(element)}
    emitted = np.zeros(len(axis))
    for shell, amount in EMITTED[element].items():
        family = shells[shell]
        energies, weights = np.array(family.energies_kev), np.array(family.weights)
        emitted += amount * family_shape(axis, energies, weights, resolution)
    return emitted


def _images(
    specimen: Mapping[str, Phantom],
    angles: np.ndarray,
    size: int,
    where: dict[str, Any],
    counts: float,
    ratio: int,
    seed: int,
) -> np.ndarray:
    """Return float32 dark-field images, intensity per px of the spectra."""
    images = np.zeros((len(angles), size, size))
    for element, phantom in specimen.items():
        images += NUMBER[element] ** CONTRAST / 100 * phantom.project(angles, size, size, **where)
    images = np.maximum(images, 0) / ratio
    scale = counts / images.max()
    counted = np.random.default_rng([seed, 24]).poisson(images * scale)
    return (counted / scale).astype(np.float32)


def _as_signal(
    spectra: np.ndarray,
    angles: np.ndarray,
    width: float,
    resolution: float,
    title: str,
    elements: list[str],
) -> Any:
    from exspy.signals import EDSTEMSpectrum

    size = spectra.shape[1]
    edx = EDSTEMSpectrum(spectra)
    for axis, name in zip(edx.axes_manager._axes, ("tilt", "y", "x", "Energy"), strict=True):
        axis.name = name
    for axis in edx.axes_manager._axes[1:3]:
        axis.scale, axis.units = FIELD_NM / size, "nm"
    edx.axes_manager._axes[0].units = "degrees"
    edx.axes_manager._axes[3].scale, edx.axes_manager._axes[3].units = width, "keV"
    edx.set_microscope_parameters(beam_energy=200.0, energy_resolution_MnKa=resolution)
    edx.metadata.set_item("Sample.elements", sorted({*elements, "Cu"}))
    edx.metadata.General.title = title
    edx.metadata.set_item("Tomography.tilts", TomoTilts(angles))
    return edx


def _as_stack(images: np.ndarray, angles: np.ndarray, title: str) -> TomoStack:
    stack = TomoStack(images, angles)
    stack.metadata.General.title = title
    for axis in stack.axes_manager.signal_axes:
        axis.scale, axis.units = FIELD_NM / images.shape[-1], "nm"
    start_history(stack, reader="simulation", file=title, shape=images.shape)
    return stack
