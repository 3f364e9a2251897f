"""Volume, surface and share of what lies above a threshold, and how far the threshold matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.volumes.segmentation import (
    RULES,
    above,
    chosen_threshold,
    find_threshold,
    two_valued,
)
from tomojupyter.numerics.volumes.surfaces import isosurface

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, repr=False)
class Quantity:
    """A measured number and the range it takes as the threshold varies.

    Parameters
    ----------
    value
        At the chosen threshold.
    low, high
        Smallest and largest over all thresholds that were tried.
    units
        Such as ``nm³``; empty for a share.
    """

    value: float
    low: float
    high: float
    units: str = ""

    def __float__(self) -> float:
        return self.value

    def __truediv__(self, other: Quantity) -> Quantity:
        """Return the ratio of two quantities, with the range that both ranges allow."""
        if not isinstance(other, Quantity):
            return NotImplemented
        if other.value <= 0:
            raise DataError(f"a ratio to {other} has no value: nothing lies above that threshold")
        high = self.high / other.low if other.low > 0 else float("inf")
        units = "" if self.units == other.units else f"{self.units}/{other.units}"
        return Quantity(self.value / other.value, self.low / other.high, high, units)

    def __repr__(self) -> str:
        units = f" {self.units}" if self.units else ""
        return f"{self.value:.4g}{units} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True, repr=False)
class Measurement:
    """What lies above a threshold.

    Parameters
    ----------
    rule
        How the threshold was chosen: otsu, li or value.
    threshold
        The value that was used.
    thresholds
        All values that were tried for the ranges, the first of them that was used.
    voxels
        Number of voxels above it.
    volume, surface
        In calibrated units.
    fraction
        Share of the voxels that count.
    """

    rule: str
    threshold: float
    thresholds: tuple[float, ...]
    voxels: int
    volume: Quantity
    surface: Quantity
    fraction: Quantity

    def __repr__(self) -> str:
        tried = f"{min(self.thresholds):.4g} to {max(self.thresholds):.4g}"
        return (
            f"<Measurement, threshold {self.threshold:.4g} ({self.rule}; tried {tried}), "
            f"volume {self.volume}, surface {self.surface}, fraction {self.fraction}>"
        )


def measure(
    volume: np.ndarray,
    rule: str = "otsu",
    threshold: float | None = None,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    units: str = "px",
    dark: bool = False,
    mask: np.ndarray | None = None,
    spread: float = 0.1,
) -> Measurement:
    """Measure what lies above a threshold, in calibrated units.

    Parameters
    ----------
    volume
        (nx, nz, ny); what is not finite does not count.
    rule
        ``"otsu"``, ``"li"`` or ``"value"``.
    threshold
        The value itself, for ``"value"``.
    spacing
        Size of a voxel along x, z and y.
    units
        Of `spacing`.
    dark
        Measure what lies below instead.
    mask
        bool, shape of `volume`: only these voxels count, for the threshold too. None: all.
    spread
        The threshold is varied by this part of the contrast, the difference of the means of
        what lies above and below.

    Returns
    -------
    Measurement

    Raises
    ------
    ParameterError
        If `spread` lies outside 0 to 1, or a value is missing.
    DataError
        If there is nothing to separate.

    Notes
    -----
    Volume is the number of voxels times the volume of one. Surface is the area of the
    isosurface; where the volume's faces cut the specimen it has none. The ranges cover the
    threshold less and plus `spread` times the contrast and, for a rule, the other rule's
    threshold. A binary volume has no spread. Noise roughens a surface: smooth first where the
    area matters.
    """
    if not 0 <= spread < 1:
        raise ParameterError(f"spread must be from 0 to 1, got {spread}")
    chosen = chosen_threshold(volume, rule, threshold, mask)
    use = np.isfinite(volume) if mask is None else np.isfinite(volume) & mask
    tried = _tried(volume, use, rule, chosen, spread, mask)
    voxel = float(np.prod(np.abs(spacing)))
    counts = [int(np.count_nonzero(above(volume, t, dark) & use)) for t in tried]
    areas = [isosurface(volume, t, spacing, dark=dark, closed=False, mask=mask).area for t in tried]
    total = int(np.count_nonzero(use))
    return Measurement(
        rule=rule,
        threshold=chosen,
        thresholds=tuple(tried),
        voxels=counts[0],
        volume=_quantity([count * voxel for count in counts], f"{units}³"),
        surface=_quantity(areas, f"{units}²"),
        fraction=_quantity([count / total for count in counts]),
    )


def shares(volumes: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return the share of each volume in their sum, with the range that all ranges allow.

    Parameters
    ----------
    volumes
        Volumes by name, such as those of `measure`.

    Returns
    -------
    dict of str to Quantity
        The values add up to 1.

    Raises
    ------
    DataError
        If there is nothing in any of them.
    """
    total = sum(v.value for v in volumes.values())
    if not total > 0:
        raise DataError("all volumes are 0: nothing lies above the thresholds")
    found = {}
    for name, own in volumes.items():
        rest = [v for key, v in volumes.items() if key != name]
        least = own.low + sum(v.high for v in rest)
        most = own.high + sum(v.low for v in rest)
        found[name] = Quantity(
            own.value / total,
            own.low / least if least else 0.0,
            own.high / most if most else 1.0,
        )
    return found


def _tried(
    volume: np.ndarray,
    use: np.ndarray,
    rule: str,
    chosen: float,
    spread: float,
    mask: np.ndarray | None,
) -> list[float]:
    """Return the thresholds to try, the chosen one first."""
    values = volume[use]
    if not len(values) or two_valued(values):
        return [chosen]
    upper = values > chosen
    tried = [chosen]
    if upper.any() and not upper.all():
        contrast = float(values[upper].mean(dtype=float) - values[~upper].mean(dtype=float))
        tried += [chosen - spread * contrast, chosen + spread * contrast] if spread else []
    if rule in RULES:
        tried += [find_threshold(volume, other, mask) for other in RULES if other != rule]
    return tried


def _quantity(values: Sequence[float], units: str = "") -> Quantity:
    return Quantity(float(values[0]), float(min(values)), float(max(values)), units)
