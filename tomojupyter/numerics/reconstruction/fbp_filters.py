"""The ramp filter of filtered back-projection and the windows that damp it.

Windows are functions of ``u = frequency / Nyquist frequency`` in 0..1 that are 1 at ``u = 0``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable


def _cosines(*terms: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the window ``sum_k terms[k] cos(k pi u)``, scaled to 1 at 0."""

    def window(u: np.ndarray) -> np.ndarray:
        waves = [term * np.cos(k * np.pi * u) for k, term in enumerate(terms)]
        return np.asarray(np.sum(waves, axis=0) / sum(terms))

    return window


def _tukey(u: np.ndarray) -> np.ndarray:
    """Flat over the lower half of the band, then half a cosine."""
    return np.where(u <= 0.5, 1.0, 0.5 + 0.5 * np.cos(2 * np.pi * (u - 0.5)))


def _kaiser(u: np.ndarray) -> np.ndarray:
    """Kaiser's window with alpha = 3."""
    return np.asarray(np.i0(3 * np.pi * np.sqrt(np.clip(1 - u**2, 0, 1))) / np.i0(3 * np.pi))


def _parzen(u: np.ndarray) -> np.ndarray:
    """Return Parzen's piecewise cubic."""
    return np.where(u <= 0.5, 1 - 6 * u**2 * (1 - u), 2 * (1 - u) ** 3)


WINDOWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ram-lak": np.ones_like,
    "shepp-logan": lambda u: np.sinc(u / 2),
    "cosine": lambda u: np.cos(np.pi * u / 2),
    "hamming": _cosines(0.54, 0.46),
    "hann": _cosines(0.5, 0.5),
    "tukey": _tukey,
    "lanczos": np.sinc,
    "triangular": lambda u: 1 - u,
    "gaussian": lambda u: np.exp(-0.5 * (u / 0.4) ** 2),
    # ETSpy's and ASTRA's spelling of Bartlett
    "barlett-hann": lambda u: 0.62 - 0.24 * u + 0.38 * np.cos(np.pi * u),
    "blackman": _cosines(0.42, 0.5, 0.08),
    "nuttall": _cosines(0.355768, 0.487396, 0.144232, 0.012604),
    "blackman-harris": _cosines(0.35875, 0.48829, 0.14128, 0.01168),
    "blackman-nuttall": _cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "flat-top": _cosines(1, 1.93, 1.29, 0.388, 0.032),
    "kaiser": _kaiser,
    "parzen": _parzen,
}

FBP_FILTERS = (*WINDOWS, "none")


def ramp_response(name: str, size: int) -> np.ndarray:
    """Return the response of a filter at the frequencies of ``numpy.fft.rfft``.

    Parameters
    ----------
    name
        One of `FBP_FILTERS`, any case. ``"none"`` is 1/2 at all frequencies, the ramp's value
        at the Nyquist frequency, and leaves a plain back-projection.
    size
        Length of the transform in px, even; at least twice that of the data, so that the ends
        do not meet.

    Returns
    -------
    numpy.ndarray
        (size // 2 + 1,), in cycles per px.

    Raises
    ------
    ParameterError
        If the filter is unknown.

    Notes
    -----
    The ramp is the transform of its own samples (1/4 at 0, ``-1 / (pi k)^2`` at odd k), not
    ``|frequency|``: the latter takes away the mean of what is not infinitely long. ASTRA
    centres the windows from "tukey" to "kaiser" between zero and twice the Nyquist frequency,
    which takes away the low frequencies and so the density; here each one damps the high ones.

    References
    ----------
    A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988,
    equation 61 of chapter 3. F. J. Harris, Proc. IEEE 66 (1978) 51,
    doi:10.1109/PROC.1978.10837.
    """
    key = name.lower()
    if key not in FBP_FILTERS:
        raise ParameterError(f"sino_filter is one of {', '.join(FBP_FILTERS)}; got {name!r}")
    if key == "none":
        return np.full(size // 2 + 1, 0.5)
    offset = np.fft.fftfreq(size, 1 / size)
    kernel = np.zeros(size)
    kernel[0] = 0.25
    odd = np.abs(offset) % 2 == 1
    kernel[odd] = -1 / (np.pi * offset[odd]) ** 2
    return np.asarray(np.fft.rfft(kernel).real * WINDOWS[key](np.linspace(0, 1, size // 2 + 1)))
