"""What the joint alignment works on: clean images, what each counts for, the kind of specimen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.alignment.mass import masses
from tomojupyter.numerics.gaps import filled
from tomojupyter.numerics.images.bad_frames import bad_frames
from tomojupyter.numerics.images.intensity import brightness, robust_line
from tomojupyter.numerics.images.spikes import despike
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum

LEAST_FRAMES = 7
LEAST_SPAN = 40.0  # degrees
SMALLEST = 24  # px
FAINT = 0.3  # of the thinnest view of a slab; a vacuum below this cannot be told from none
HARMLESS = ("jumped",)  # what alignment is there to mend
NOTHING = ("blank", "empty")  # what cannot be placed
MENDED = ("hot",)  # what despiking makes good
SPOILT = 0.1  # of the rms of an image, what spikes that count change
MANY = 0.3  # of the projections; if more are called bad, the measure of bad is at fault


@dataclass(frozen=True)
class Series:
    """A tilt series made ready.

    Parameters
    ----------
    images
        float32 (n, ny, nx): vacuum at 0, without spikes and gaps, all equally bright.
    known
        bool (n, ny, nx), pixels that were measured.
    tilts_deg
        (n,).
    placed
        bool (n,), images that have anything to be placed by.
    model
        bool (n,), images that the reconstruction is made of.
    reasons
        Why images are not in the model, by index.
    slab
        The specimen goes on beyond the upper or lower edge.
    flat_deg
        Tilt at which a slab is seen along its normal; 0 for a compact specimen.
    """

    images: np.ndarray
    known: np.ndarray
    tilts_deg: np.ndarray
    placed: np.ndarray
    model: np.ndarray
    reasons: dict[int, str]
    slab: bool
    flat_deg: float


def make_series(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    mask: np.ndarray | None,
    vacuum: float | None,
    use: np.ndarray,
    specimen: str,
) -> Series:
    """Clean the images, judge the frames, and tell what kind of specimen it is.

    Raises
    ------
    AlignmentRefused
        If there are too few tilts or too little to see.
    """
    n = len(images)
    known = np.isfinite(images)
    if mask is not None:
        known &= np.broadcast_to(mask, images.shape)
    _refuse_small(images.shape)
    if not known.all():  # what was put where nothing is known has edges of its own
        images = np.where(known, images, np.float32(np.nan))
    placed = ~blank_frames(images) & known.any(axis=(1, 2))
    _refuse_few(tilts_deg[placed], n)
    if vacuum is None:
        vacuum = estimate_vacuum(images[placed], known[placed])
    slab = specimen == "slab"
    if specimen == "auto":
        slab = masses(images, tilts_deg, mask=known, vacuum=vacuum).film
    flat = 0.0
    if slab:
        flat, vacuum = slab_brightness(images, known, placed, tilts_deg)
    reasons = _reasons(images, tilts_deg, vacuum, placed)
    for i in np.flatnonzero(~use & placed):
        reasons.setdefault(int(i), "")
    nothing = {i for i, why in reasons.items() if why.startswith(NOTHING)}
    placed &= ~np.isin(np.arange(n), list(nothing))
    unfit = [i for i, why in reasons.items() if not why.startswith(MENDED)]
    model = placed & ~np.isin(np.arange(n), unfit)
    _refuse_few(tilts_deg[model], n)
    clean = zeros(images.shape)
    for i in np.flatnonzero(placed):
        image = images[i].astype(np.float32) - np.float32(vacuum)
        gaps = ~known[i]
        image = filled(image, gaps) if gaps.any() else image
        clean[i] = despike(image)
        if reasons.get(int(i), "").startswith(MENDED) and not _spoilt(image, clean[i]):
            del reasons[int(i)]
    for frame, why in reasons.items():
        if placed[frame] and why.startswith(("dim", "bright")):
            clean[frame] *= _level(clean, known, tilts_deg, model, frame)
    return Series(clean, known, tilts_deg, placed, model, reasons, slab, flat)


def _refuse_small(shape: tuple[int, ...]) -> None:
    if min(shape[1:]) < SMALLEST:
        raise AlignmentRefused(
            f"the images have {shape[2]} x {shape[1]} px, and joint needs at least {SMALLEST} px a "
            "side; use PC or COM, or images that are binned less"
        )


def _refuse_few(tilts: np.ndarray, n: int) -> None:
    """Refuse a series from which no volume can be made."""
    count = len(np.unique(np.round(tilts, 2)))
    if count < LEAST_FRAMES:
        raise AlignmentRefused(
            f"{len(tilts)} of {n} projections can be used, at {count} different tilts, and joint "
            f"needs {LEAST_FRAMES} different tilts to make a volume; check the data, or use PC"
        )
    if np.ptp(tilts) < LEAST_SPAN:
        raise AlignmentRefused(
            f"the usable tilts span {np.ptp(tilts):.1f}°, and below {LEAST_SPAN:.0f}° a volume "
            "does not tell where the tilt axis is; use PC, and align the axis by hand"
        )


def _reasons(
    images: np.ndarray, tilts_deg: np.ndarray, vacuum: float, placed: np.ndarray
) -> dict[int, str]:
    """Return why images are bad, by index."""
    found = bad_frames(images, tilts_deg, vacuum=vacuum)
    reasons = {b.frame: b.reason for b in found if not b.reason.startswith(HARMLESS)}
    for i in np.flatnonzero(~placed):
        reasons.setdefault(int(i), "blank: nothing to see")
    doubtful = [frame for frame, why in reasons.items() if not why.startswith(NOTHING)]
    if len(doubtful) > MANY * len(images):
        for frame in doubtful:
            del reasons[frame]
    return reasons


def slab_brightness(
    images: np.ndarray, known: np.ndarray, placed: np.ndarray, tilts_deg: np.ndarray
) -> tuple[float, float]:
    """Return at which tilt a slab is seen along its normal, and the level of the vacuum.

    Notes
    -----
    A slab that fills the field is brighter by 1 / cos(t - flat). No pixel shows the vacuum; it
    is the level above which this law holds. Where the law holds above 0 nearly as well, 0 is
    taken, because matter that enters and leaves moves the level.
    """
    t = np.deg2rad(tilts_deg[placed])
    bright = np.array(
        [
            np.median(image[seen]) if seen.any() else np.nan
            for image, seen in zip(images[placed], known[placed], strict=True)
        ],
        float,
    )
    scale = max(float(np.ptp(bright)), 1e-12)

    def left(p: np.ndarray) -> np.ndarray:
        thick = 1 / np.cos(np.clip(t - p[1], -1.5, 1.5))
        return np.asarray((p[0] * scale * thick + p[2] * scale - bright) / scale)

    limits = ([0, -0.35, -np.inf], [np.inf, 0.35, np.inf])
    start = [0.5, 0.0, float(bright.min()) / scale - 0.5]
    fit = optimize.least_squares(left, start, bounds=limits, loss="soft_l1", f_scale=0.05)
    level = float(fit.x[2] * scale)
    if abs(level) < FAINT * bright.min():
        fixed = optimize.least_squares(
            lambda p: left(np.array([p[0], p[1], 0.0])), fit.x[:2],
            bounds=([0, -0.35], [np.inf, 0.35]), loss="soft_l1", f_scale=0.05,
        )  # fmt: skip
        return float(np.rad2deg(fixed.x[1])), 0.0
    return float(np.rad2deg(fit.x[1])), level


def _spoilt(image: np.ndarray, clean: np.ndarray) -> bool:
    """Tell whether spikes were more than a few pixels that may be sharp detail."""
    return bool(np.linalg.norm(image - clean) > SPOILT * np.linalg.norm(clean))


def _level(
    images: np.ndarray, known: np.ndarray, tilts_deg: np.ndarray, model: np.ndarray, i: int
) -> float:
    """Return what makes an image as bright as its neighbours in tilt."""
    which = np.flatnonzero(model)
    near = which[np.argsort(np.abs(tilts_deg[which] - tilts_deg[i]), kind="stable")[:7]]
    index = np.append(near, i)
    bright = np.maximum(brightness(images[index], 0.0, known[index]), 1e-12)
    usual = np.exp(np.interp(tilts_deg[i], *_sorted(tilts_deg[near], np.log(bright[:-1]))))
    return float(usual / bright[-1])


def _sorted(tilts: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(tilts, kind="stable")
    return tilts[order], robust_line(values, tilts, 5)[order]
