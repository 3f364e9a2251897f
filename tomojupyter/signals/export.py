"""Volumes to files of other programs: voxels and calibration, without history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.suffixes import EXPORTED, MRC, TIFF
from tomojupyter.formats.tiff import write_tiff
from tomojupyter.formats.volumes import write_ome_zarr, write_raw, write_vti

NM = {"nm": 1.0, "Å": 0.1, "A": 0.1, "µm": 1e3, "um": 1e3, "pm": 1e-3, "mm": 1e6, "m": 1e9}
OTHERS = {".raw": write_raw, ".vti": write_vti, ".ome.zarr": write_ome_zarr}


def export(volume: Any, filename: str | Path, overwrite: bool = False) -> Path:
    """Write a RecStack; return the path.

    Parameters
    ----------
    volume
        The RecStack; its voxel [x, z, y] becomes voxel (z, y, x) of the file.
    filename, overwrite
        As for :meth:`RecStack.export`.

    Raises
    ------
    ParameterError
        If the ending is unknown, or the file is there and `overwrite` is false.
    """
    path = Path(filename).expanduser()
    ending = next((s for s in EXPORTED if path.name.lower().endswith(s)), None)
    if ending is None:
        raise ParameterError(
            f"{path.name}: a volume is exported to {', '.join(EXPORTED)}; save() writes .hspy, "
            "which keeps the history"
        )
    if path.exists() and not overwrite:
        raise ParameterError(f"{path} is there already: choose another name, or overwrite=True")
    data = np.asarray(volume.data).transpose(1, 2, 0)
    sizes = tuple(_voxel_nm(volume, name) for name in "zyx")
    if ending in MRC:
        write_mrc(path, data, sizes)  # type: ignore[arg-type]
    elif ending in TIFF:
        # A mask has no type of its own there.
        write_tiff(path, data.astype(np.uint8) if data.dtype.kind == "b" else data, sizes)  # type: ignore[arg-type]
    else:
        OTHERS[ending](path, data, sizes)  # type: ignore[arg-type]
    return path


def _voxel_nm(volume: Any, name: str) -> float | None:
    """Return the size of a voxel along an axis in nm, None where it is unknown."""
    axis = next(a for a in volume.axes_manager._axes if str(a.name) == name)
    factor = NM.get(str(axis.units))
    return float(axis.scale) * factor if factor and axis.scale > 0 else None
