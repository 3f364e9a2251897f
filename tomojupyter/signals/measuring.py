"""Measures of a volume in calibrated units, and its surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.formats.mesh import write_mesh
from tomojupyter.numerics.volumes import measures, surfaces
from tomojupyter.numerics.volumes.particles import Particle, particles
from tomojupyter.signals.masks import mask_of
from tomojupyter.steps.base import make_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomojupyter.numerics.volumes.measures import Measurement, Quantity
    from tomojupyter.numerics.volumes.surfaces import Mesh


class Measuring:
    """What a volume holds above a threshold; nothing is changed or recorded."""

    def measure(
        self,
        method: str = "otsu",
        threshold: float | None = None,
        *,
        dark: bool = False,
        within: Any = None,
        spread: float = 0.1,
    ) -> Measurement:
        """Measure volume, surface and share of what lies above a threshold.

        Parameters
        ----------
        method
            ``"otsu"`` or ``"li"`` find the threshold, ``"value"`` takes `threshold`.
        threshold
            A value in units of the voxels; given alone, it stands for ``"value"``.
        dark
            Measure what lies below instead, such as pores.
        within
            Boolean signal or array of the same shape: only these voxels count, for the
            threshold and for the share. None: all.
        spread
            The ranges come from thresholds this part of the contrast lower and higher, and
            from the other rule.

        Returns
        -------
        Measurement
            ``volume``, ``surface`` and ``fraction``, each with its value, range and units.

        Raises
        ------
        ParameterError, DataError
            If a value is not allowed, or there is nothing to separate.

        Examples
        --------
        >>> import numpy as np
        >>> import tomojupyter.api as tomo
        >>> cube = np.zeros((12, 12, 12))
        >>> cube[2:10, 2:10, 2:10] = 5
        >>> tomo.RecStack(cube).measure().volume
        512 px³ (512 to 512)
        """
        how = _how(self, _cut(method, threshold, dark), within)
        return measures.measure(_voxels(self), spread=spread, **how)

    def volume(self, method: str = "otsu", threshold: float | None = None, **how: Any) -> Quantity:
        """Return the volume of what lies above a threshold; as :meth:`measure`."""
        return self.measure(method, threshold, **how).volume

    def surface(self, method: str = "otsu", threshold: float | None = None, **how: Any) -> Quantity:
        """Return the area of the surface of what lies above; as :meth:`measure`."""
        return self.measure(method, threshold, **how).surface

    def fraction(
        self, method: str = "otsu", threshold: float | None = None, **how: Any
    ) -> Quantity:
        """Return the share of the voxels that lie above a threshold; as :meth:`measure`."""
        return self.measure(method, threshold, **how).fraction

    def particles(
        self: Any,
        method: str = "otsu",
        threshold: float | None = None,
        *,
        dark: bool = False,
        within: Any = None,
        smallest: int = 8,
    ) -> list[Particle]:
        """Find the separate bodies above a threshold, such as particles or, dark, pores.

        Parameters
        ----------
        method, threshold, dark, within
            As for :meth:`measure`.
        smallest
            Bodies of fewer voxels are noise, and left out. Voxels touch by their faces.

        Returns
        -------
        list of Particle
            The largest one first: ``volume``, ``diameter`` (of the ball of the same volume),
            ``position`` (x, z, y) in calibrated units, ``centre`` in voxels, and ``cut`` where
            a face of the volume cuts it.

        Raises
        ------
        ParameterError, DataError
            If a value is not allowed, or there is nothing to separate.

        Examples
        --------
        >>> import numpy as np
        >>> import tomojupyter.api as tomo
        >>> cubes = np.zeros((12, 12, 12))
        >>> cubes[1:5, 1:5, 1:5] = cubes[7:10, 7:10, 7:10] = 5
        >>> [round(p.volume) for p in tomo.RecStack(cubes).particles()]
        [64, 27]
        """
        how = _how(self, _cut(method, threshold, dark), within)
        return particles(_voxels(self), smallest=smallest, **how)

    def isosurface(
        self: Any,
        method: str = "otsu",
        threshold: float | None = None,
        *,
        dark: bool = False,
        closed: bool = True,
        step: int = 1,
    ) -> Mesh:
        """Return the surface of what lies above a threshold.

        Parameters
        ----------
        method, threshold, dark
            As for :meth:`measure`.
        closed
            Close it where the volume's faces cut the specimen.
        step
            Voxels a triangle spans: 2 or 3 make a coarser mesh.

        Returns
        -------
        Mesh
            ``vertices`` (x, y, z) in calibrated units, z from the middle of the volume, and
            ``faces``.
        """
        found = _cut(method, threshold, dark).resolve(self)
        spacing, units = calibration(self)
        x, _, y = self.axes_manager._axes
        return surfaces.isosurface(
            _voxels(self), found.threshold, spacing, origin=(x.offset, y.offset), dark=found.dark,
            closed=closed, step=step, units=units,
        )  # fmt: skip

    def save_surface(
        self: Any,
        filename: str | Path,
        method: str = "otsu",
        threshold: float | None = None,
        overwrite: bool = False,
        **how: Any,
    ) -> Path:
        """Save the surface of what lies above a threshold as STL or PLY.

        Parameters
        ----------
        filename
            Name that ends in ``.stl`` or ``.ply``.
        method, threshold
            As for :meth:`measure`.
        overwrite
            Replace a file that is there.
        **how
            As for :meth:`isosurface`.

        Returns
        -------
        pathlib.Path
            Where it was saved.
        """
        mesh = self.isosurface(method, threshold, **how)
        return write_mesh(filename, mesh.vertices, mesh.faces, mesh.units, overwrite)


def volume_fractions(
    volumes: Mapping[str, Any], method: str = "otsu", threshold: float | None = None, **how: Any
) -> dict[str, Quantity]:
    """Return the share of each of several volumes, such as elements, in their sum.

    Parameters
    ----------
    volumes
        RecStacks by name.
    method, threshold, **how
        As for :meth:`RecStack.measure`, the same for all.

    Returns
    -------
    dict of str to Quantity
        The values add up to 1; a voxel that two volumes claim counts for both.

    Raises
    ------
    DataError
        If their voxels differ in units, or nothing lies above the thresholds.
    """
    found = {name: volume.measure(method, threshold, **how) for name, volume in volumes.items()}
    units = {m.volume.units for m in found.values()}
    if len(units) > 1:
        raise DataError(f"the volumes are calibrated in {' and '.join(sorted(units))}: use one")
    return measures.shares({name: m.volume for name, m in found.items()})


def calibration(signal: Any) -> tuple[list[float], str]:
    """Return the size of a voxel along x, z and y, and the units; px where there are none.

    Raises
    ------
    DataError
        If the axes have different units.
    """
    axes = signal.axes_manager._axes
    units = {str(axis.units) for axis in axes}
    if len(units) > 1:
        raise DataError(
            f"the axes of the volume are in {' and '.join(sorted(units))}: give all the same "
            "units, as in volume.axes_manager[0].units"
        )
    (unit,) = units
    return [float(axis.scale) for axis in axes], unit if unit not in ("", "<undefined>") else "px"


def _cut(method: str, threshold: float | None, dark: bool) -> Any:
    """Return the Step that separates; a threshold alone stands for the method "value"."""
    if threshold is None:
        return make_step("segment", method, dark=dark)
    method = "value" if method == "otsu" else method
    return make_step("segment", method, dark=dark, threshold=threshold)


def _how(signal: Any, step: Any, within: Any) -> dict[str, Any]:
    """Return what the numerics are told of a volume and of the Step that separates it."""
    spacing, units = calibration(signal)
    return {
        "rule": step.method, "threshold": step.threshold, "dark": step.dark,
        "spacing": spacing, "units": units,
        "mask": None if within is None else np.asarray(mask_of(signal, within)),
    }  # fmt: skip


def _voxels(signal: Any) -> np.ndarray:
    return np.asarray(signal.data)
