"""Thresholds of volumes, and the voxels that lie above them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import filters

from tomojupyter.errors import DataError, ParameterError

RULES = ("otsu", "li")
SAMPLES = 4_000_000  # voxels that describe a distribution well enough
CLASSES = (2, 5)


def find_threshold(volume: np.ndarray, rule: str, mask: np.ndarray | None = None) -> float:
    """Find the value that separates bright voxels from dark ones.

    Parameters
    ----------
    volume
        Array of real numbers; what is not finite does not count.
    rule
        ``"otsu"``: the two classes have the smallest variances. ``"li"``: the two classes have
        the smallest cross-entropy, which suits a small bright part in noise.
    mask
        bool, shape of `volume`; True marks voxels that count. None: all.

    Returns
    -------
    float
        In units of the voxels, in the middle of the gap that it lies in: halfway between the
        values of a volume that has only two.

    Raises
    ------
    ParameterError
        If there is no such rule.
    DataError
        If all voxels have the same value.

    References
    ----------
    Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979), doi:10.1109/TSMC.1979.4310076.
    Li and Tam, Pattern Recognit. Lett. 19, 771 (1998), doi:10.1016/S0167-8655(98)00057-9.
    """
    if rule not in RULES:
        raise ParameterError(f"the rule must be one of {', '.join(RULES)}, got {rule!r}")
    values = _values(volume, mask)
    low, high = float(values.min()), float(values.max())
    # Between 0 and 1 the rules do not depend on units; many bins, as spikes stretch them.
    scaled = (values - low) / (high - low)
    find = filters.threshold_li if rule == "li" else filters.threshold_otsu
    options = {} if rule == "li" else {"nbins": 1024}
    return low + _centred(scaled, float(find(scaled, **options))) * (high - low)


def chosen_threshold(
    volume: np.ndarray, rule: str, threshold: float | None, mask: np.ndarray | None = None
) -> float:
    """Return a threshold that is given, by the rule "value", or that another rule finds.

    Raises
    ------
    ParameterError
        If the rule is unknown, or "value" without one.
    DataError
        If there is nothing to separate.
    """
    if mask is not None and not mask.any():
        raise DataError("the mask is empty: no voxel counts")
    if rule != "value":
        return find_threshold(volume, rule, mask)
    if threshold is None:
        raise ParameterError("the rule value needs a threshold")
    return float(threshold)


def find_thresholds(volume: np.ndarray, classes: int) -> tuple[float, ...]:
    """Find the values that separate several classes after Otsu.

    Parameters
    ----------
    volume
        Array of real numbers; what is not finite does not count.
    classes
        Number of classes, 2 to 5.

    Returns
    -------
    tuple of float
        ``classes - 1`` values, rising.

    Raises
    ------
    ParameterError
        If `classes` is out of range.
    DataError
        If there are fewer different values than classes.
    """
    if not CLASSES[0] <= classes <= CLASSES[1]:
        raise ParameterError(f"classes must be from {CLASSES[0]} to {CLASSES[1]}, got {classes}")
    values = _values(volume, None)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low)
    try:
        found = filters.threshold_multiotsu(scaled, classes=classes, nbins=256)
    except ValueError as error:
        raise DataError(
            f"the volume has fewer than {classes} different values: ask for fewer classes"
        ) from error
    return tuple(low + _centred(scaled, float(v)) * (high - low) for v in found)


def above(volume: np.ndarray, threshold: float, dark: bool = False) -> np.ndarray:
    """Tell which voxels lie above `threshold`; with `dark`, which lie below. NaN never does."""
    with np.errstate(invalid="ignore"):
        return volume < threshold if dark else volume > threshold


def without_small(mask: np.ndarray, smallest: int) -> np.ndarray:
    """Take pieces of fewer than `smallest` voxels out of a mask; voxels touch by their faces."""
    if smallest <= 1:
        return mask
    pieces, _ = ndimage.label(mask)
    large = np.bincount(pieces.ravel()) >= smallest
    large[0] = False
    return large[pieces]


def two_valued(volume: np.ndarray) -> bool:
    """Tell whether the finite voxels have two values only, as a binary volume has."""
    low, high = np.nanmin(volume), np.nanmax(volume)
    return bool(((volume == low) | (volume == high) | ~np.isfinite(volume)).all())


def _centred(values: np.ndarray, threshold: float) -> float:
    """Return the middle of the gap between values that a threshold lies in.

    Both sides stay as they are. Otsu's rule takes the lowest of equally good thresholds, and a
    surface drawn there would lie outside of the specimen.
    """
    upper = values > threshold
    if upper.all() or not upper.any():
        return threshold
    return 0.5 * float(values[~upper].max() + values[upper].min())


def _values(volume: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the finite voxels, a sample of a large volume, float64."""
    values = volume.ravel() if mask is None else volume[mask]
    # An odd step: an even one would take the same columns of every row.
    values = values[:: max(1, len(values) // SAMPLES) | 1]
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values) or values.min() == values.max():
        where = "" if mask is None else " within the mask"
        raise DataError(
            f"all voxels{where} have the same value or none: there is nothing to separate"
        )
    return values
