"""Decomposition of counted spectra: how many components there are, and which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent

SILENT = Silent()
MARGIN = 1.1  # above the farthest eigenvalue of noise, for values that scatter about it
STARTS = 2  # further starts, from some of the pixels, to see whether all lead to the same
HALF = 0.5  # share of the pixels of such a start
POOREST = 0.4  # share of the pixels with the fewest counts, which a start does not look at
TINY = 1e-9


@dataclass(frozen=True)
class Factors:
    """Components of counted spectra.

    Parameters
    ----------
    spectra
        (k, c) spectrum of each component, sum 1.
    counts
        (k,) counts of each component in the data they were found in.
    scree
        Eigenvalues of the weighted data, largest first: see :func:`scree`.
    edge
        The largest eigenvalue that noise alone gives.
    proposed
        Eigenvalues above the edge: the number of components that the data can tell.
    agreement
        Smallest cosine between a component and its partner from another start: 1 where the
        components are unique, lower where they may be rotated into each other.
    deviance
        Mean Poisson deviance of a value, about 1 at high counts where the components explain
        all but noise.
    """

    spectra: np.ndarray
    counts: np.ndarray
    scree: np.ndarray
    edge: float
    proposed: int
    agreement: float
    deviance: float


def channel_groups(total: np.ndarray, most: int = 160) -> np.ndarray:
    """Return the first channels of at most `most` even groups, and the end of the last.

    Parameters
    ----------
    total
        (nc,) the sum spectrum; channels after its last count are left out.
    most
        Number of groups at most.

    Raises
    ------
    ParameterError
        If there are no counts.
    """
    used = np.flatnonzero(total > 0)
    if not len(used):
        raise ParameterError("the spectra hold no counts: all of them are zero")
    end = int(used[-1]) + 1
    size = max(1, -(-end // most))
    return np.append(np.arange(0, end, size), end)


def scree(data: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float, int]:
    """Return how much the components of counts stand out of their noise.

    Parameters
    ----------
    data
        (p, c) counts, whole numbers. Pixels and channels without counts do not matter.
    seed
        Of the split.

    Returns
    -------
    eigenvalues
        float64, largest first. That of the mean spectrum is one of them.
    edge
        What noise alone gives at most.
    proposed
        Eigenvalues above it, at least 1.

    Notes
    -----
    Every count is given to one of two halves by chance, which makes two independent series of
    Poisson numbers of the same specimen. Eigenvalues are those of the covariance between the
    halves, each value divided by the root of what its pixel and channel have on average (Keenan
    and Kotula). Noise is independent in the halves, so its eigenvalues lie about zero, negative
    as often as positive: the most negative one says how far noise reaches. That holds whatever
    the noise, which the edge of Marchenko and Pastur for even noise does not.

    References
    ----------
    M. R. Keenan and P. G. Kotula, Surf. Interface Anal. 36 (2004) 203, doi:10.1002/sia.1657.
    """
    rows, columns = data.sum(axis=1, dtype=np.float64), data.sum(axis=0, dtype=np.float64)
    pixels, channels = rows > 0, columns > 0
    if not pixels.any():
        raise ParameterError("the spectra hold no counts: all of them are zero")
    kept = np.rint(data[pixels][:, channels]).astype(np.int64)
    one = np.random.default_rng([seed, 30]).binomial(kept, 0.5).astype(np.float32)
    other = kept.astype(np.float32) - one
    scale = np.sqrt(rows[pixels] / rows.sum()).astype(np.float32)[:, None]
    scale = scale * np.sqrt(columns[channels] / 4).astype(np.float32)
    one, other = one / scale, other / scale
    covariance = (one.T @ other).astype(np.float64) / len(kept)
    values = np.linalg.eigvalsh(covariance + covariance.T)[::-1] / 2
    edge = MARGIN * max(float(-values[-1]), 0.0)
    return values, edge, max(1, int((values > edge).sum()))


def poisson_nmf(
    data: np.ndarray,
    components: int | None = None,
    *,
    iterations: int = 200,
    seed: int = 0,
    monitor: Monitor = SILENT,
) -> Factors:
    """Find non-negative components of counted spectra by their Poisson likelihood.

    Parameters
    ----------
    data
        (p, c) counts of p pixels (or blocks of them) in c channels (or groups). Not modified.
    components
        Their number. None: as many as the scree shows.
    iterations
        Of multiplicative updates, of each start.
    seed
        Of the starts.
    monitor
        Called as ``monitor(iterations done, iterations of all starts)``.

    Returns
    -------
    Factors
        Those of the best start.

    Raises
    ------
    ParameterError
        If there are no counts, or fewer pixels or channels than components.

    Notes
    -----
    The Kullback-Leibler divergence, which is the Poisson likelihood, needs no weights and no
    mask: pixels without counts have no say. Components are positive, so their sign is fixed;
    that they are not rotated into each other is checked by other starts.

    References
    ----------
    D. D. Lee and H. S. Seung, Nature 401 (1999) 788, doi:10.1038/44565.
    """
    data = data[data.sum(axis=1) > 0].astype(np.float32)
    if not len(data):
        raise ParameterError("the spectra hold no counts: all of them are zero")
    values, edge, proposed = scree(data, seed)
    k = proposed if components is None else components
    if k > min(data.shape):
        raise ParameterError(
            f"components must be at most {min(data.shape)}, the number of pixels or of groups of "
            f"channels with counts, got {k}"
        )
    rng = np.random.default_rng(seed)
    total = (1 + STARTS) * iterations
    found = []
    for start in range(1 + STARTS):
        some = data if start == 0 else data[rng.random(len(data)) < HALF]
        spectra = _first(some if len(some) >= 2 * k else data, k, rng)
        found.append(_update(data, spectra, iterations, monitor, start * iterations, total))
    best = min(range(len(found)), key=lambda i: found[i][2])
    loads, spectra, divergence = found[best]
    others = [f[1] for i, f in enumerate(found) if i != best]
    order = np.argsort(-loads.sum(axis=0))
    return Factors(
        spectra=spectra[order],
        counts=loads.sum(axis=0)[order],
        scree=values,
        edge=edge,
        proposed=proposed,
        agreement=max(_agreement(spectra, other) for other in others) if k > 1 else 1.0,
        deviance=2 * divergence / data.size,
    )


def _first(data: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return the spectra of k groups of pixels that differ most, after most noise is taken off.

    Pixels are described by the k strongest principal components, to which all of their channels
    contribute. The next group is always about the pixel that lies farthest from the span of
    those before (successive projections).
    """
    counts = data.sum(axis=1)
    rich = np.flatnonzero(counts >= np.quantile(counts, POOREST))
    mean = np.maximum(data.sum(axis=0), TINY)
    few = data[rich] / np.sqrt(mean)
    _, axes = np.linalg.eigh((few.T @ few).astype(np.float64))
    places = (few @ axes[:, -k:]).astype(np.float64)
    # A pixel and its likes, whatever their thickness: unit length.
    places /= np.maximum(np.linalg.norm(places, axis=1, keepdims=True), TINY)
    near = max(5, len(rich) // (15 * k))
    left, spectra = places.copy(), []
    for _ in range(k):
        length = np.linalg.norm(left, axis=1)
        # Not the very farthest, which noise has carried there: the middle of those far off.
        far = np.argsort(-length)[: max(1, len(rich) // 100)]
        middle = places[far[np.argmax(places[far] @ places[far].sum(axis=0))]]
        alike = np.argsort(-(places @ middle))[:near]
        spectra.append(data[rich[alike]].sum(axis=0))
        way = left[alike].mean(axis=0)
        way /= max(float(np.linalg.norm(way)), TINY)
        left -= np.outer(left @ way, way)
    made = np.stack(spectra) + 1e-3 * mean / len(data) + 1e-6
    made *= rng.uniform(0.98, 1.02, made.shape)
    return np.asarray(made / made.sum(axis=1, keepdims=True), np.float32)


def _update(
    data: np.ndarray,
    spectra: np.ndarray,
    iterations: int,
    monitor: Monitor,
    done: int,
    total: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return loads (p, k) in counts, spectra (k, c), and the divergence."""
    k = len(spectra)
    loads = np.repeat(data.sum(axis=1, keepdims=True) / k, k, axis=1).astype(np.float32)
    for i in range(iterations):
        monitor(done + i, total)
        ratio = data / np.maximum(loads @ spectra, TINY)
        loads *= ratio @ spectra.T
        ratio = data / np.maximum(loads @ spectra, TINY)
        spectra = spectra * (loads.T @ ratio)
        sums = np.maximum(spectra.sum(axis=1, keepdims=True), TINY)
        loads *= sums[:, 0] / np.maximum(loads.sum(axis=0), TINY)
        spectra = spectra / sums
    model = np.maximum(loads @ spectra, TINY).astype(np.float64)
    logs = np.where(data > 0, data * np.log(np.maximum(data, TINY) / model), 0)
    return loads, spectra, float((logs - data + model).sum())


def _agreement(ours: np.ndarray, other: np.ndarray) -> float:
    """Return the smallest cosine between partners, of the best one-to-one match."""
    from scipy.optimize import linear_sum_assignment

    a, b = (m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), TINY) for m in (ours, other))
    cosines = a @ b.T
    rows, columns = linear_sum_assignment(-cosines)
    return float(cosines[rows, columns].min())
