"""Cross-correlation of two images, to look at; registration has its own in registration_pairs."""

from __future__ import annotations

import numpy as np
from scipy import fft

FADE = 0.2  # of each side fades out; more would pull the peak of a smooth image towards 0


def cross_correlation(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Return the cross-correlation of two images.

    Parameters
    ----------
    fixed, moving
        (ny, nx), of any real type. They fade to their mean towards the edges, so that neither
        their level nor their edges correlate; NaN counts as the mean.

    Returns
    -------
    numpy.ndarray
        float32 (ny, nx), no shift at [ny // 2, nx // 2].
    """
    from scipy import signal  # half a second, which a page would wait for

    window = np.outer(*(signal.windows.tukey(n + 2, FADE)[1:-1] for n in np.shape(fixed)))
    spectra = []
    for image in (fixed, moving):
        pixels = np.asarray(image, np.float64)
        mean = pixels[np.isfinite(pixels)].mean() if np.isfinite(pixels).any() else 0.0
        spectra.append(fft.fft2(np.where(np.isfinite(pixels), pixels - mean, 0) * window))
    surface = fft.ifft2(spectra[0] * np.conj(spectra[1])).real
    return fft.fftshift(surface).astype(np.float32)


def peak(surface: np.ndarray) -> tuple[int, int]:
    """Return the whole-pixel shift (y, x) of a cross-correlation's highest value.

    Parameters
    ----------
    surface
        As :func:`cross_correlation` returns it.

    Returns
    -------
    tuple of int
        In px, to be applied to `moving`.
    """
    y, x = np.unravel_index(int(np.argmax(surface)), surface.shape)
    return int(y) - surface.shape[0] // 2, int(x) - surface.shape[1] // 2
