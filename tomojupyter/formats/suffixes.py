"""Which files are read, by the end of their names: written here and nowhere else."""

from __future__ import annotations

MRC = (".mrc", ".st", ".ali", ".map", ".rec")
VOLUMES = (".rec",)
"""MRC files that hold a volume (z, y, x) by name."""
HYPERSPY = (".hspy", ".zspy", ".hdf5", ".h5")
SAVED = (".hspy", ".zspy")
"""What holds tilts, alignment and history."""
DM = (".dm3", ".dm4")
TIFF = (".tif", ".tiff")
EMD = (".emd",)
NUMPY = (".npy",)
READABLE = (*MRC, *HYPERSPY, *DM, *TIFF, *EMD, *NUMPY)

MDOC = (".mdoc",)
TILT_LISTS = (".tlt", ".rawtlt")
"""Text files with one tilt a line; the first that is there counts: IMOD refines .tlt."""
SIDECARS = (*MDOC, *TILT_LISTS)
"""Files that say more about the file beside them."""
FOLDERS = (".zspy",)
"""Formats that are folders."""

EXPORTED = (".mrc", ".rec", ".tif", ".tiff", ".raw", ".vti", ".ome.zarr")
"""What a volume is exported to: pixels and calibration, without history."""
