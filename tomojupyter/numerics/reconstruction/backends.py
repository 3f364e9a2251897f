"""Which projector works on a geometry: our kernels, ASTRA's matrix, or a GPU."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

CUDA = "astra-cuda"
BACKENDS = ("numba", "astra", CUDA)


def cuda_available() -> bool:
    """Tell whether ASTRA can use a GPU here."""
    import astra

    return bool(astra.use_cuda())


def make_projector(
    tilts_deg: np.ndarray,
    ny: int,
    thickness: int,
    cuda: bool = False,
    backend: str = "numba",
    detector: int | None = None,
) -> Projector:
    """Return the projector of a geometry.

    Parameters
    ----------
    tilts_deg
        (n,) tilts in degrees, any order.
    ny
        Width of the slices, across the tilt axis, in px.
    thickness
        Height of the slices along z, in px.
    cuda
        Use a GPU through ASTRA, whatever the backend: the same as ``backend="astra-cuda"``.
    backend
        ``"numba"``, or ``"astra"`` for ASTRA's matrix: slower by 4, and the reference. It also
        takes the place of numba, with a warning, where that cannot compile. ``"astra-cuda"``
        for ASTRA's GPU algorithms.
    detector
        Pixels of the detector, about the middle of the slices. None: ny.

    Returns
    -------
    Projector
        For any number of slices.

    Raises
    ------
    ParameterError
        If a size is below 1 px, the backend is unknown, or a GPU is asked for and there is none.
    TiltsError
        If the tilts are not finite.
    """
    if backend not in BACKENDS:
        raise ParameterError(f"backend is one of {', '.join(BACKENDS)}; got {backend!r}")
    if (cuda or backend == CUDA) and not cuda_available():
        asked = "cuda=True" if cuda else f'backend="{CUDA}"'
        raise ParameterError(
            f'{asked}, but ASTRA finds no CUDA device here; use cuda=False, backend="numba"'
        )
    if cuda or backend == CUDA:
        from tomojupyter.numerics.reconstruction.projector_astra import CudaProjector

        return CudaProjector(tilts_deg, ny, thickness, detector)
    if backend == "numba" and _compiles():
        from tomojupyter.numerics.reconstruction.projector_numba import NumbaProjector

        return NumbaProjector(tilts_deg, ny, thickness, detector)
    from tomojupyter.numerics.reconstruction.projector_astra import MatrixProjector

    return MatrixProjector(tilts_deg, ny, thickness, detector)


@cache
def _compiles() -> bool:
    """Tell whether numba works here, by projecting one voxel; warn once if it does not."""
    try:
        from tomojupyter.numerics.reconstruction.projector_numba import NumbaProjector

        trial = NumbaProjector(np.zeros(1), 1, 1)
        works = trial.back(trial.forward(np.ones((1, 1, 1)))).item() == 1.0
        reason = "its result is wrong"
    except Exception as error:  # compilers fail in many ways, and there is another projector
        works, reason = False, str(error).partition("\n")[0]
    if not works:
        warnings.warn(
            f"numba cannot compile the projector here ({reason}): ASTRA's matrix is used instead, "
            "which is slower",
            stacklevel=3,
        )
    return works
