"""Meshes of triangles to STL and PLY files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tomojupyter.errors import DataError, FormatError, MissingFileError

SUFFIXES = (".stl", ".ply")


def write_mesh(
    path: str | Path,
    vertices: np.ndarray,
    faces: np.ndarray,
    units: str = "",
    overwrite: bool = False,
) -> Path:
    """Write triangles as binary STL or PLY, by the name's extension.

    Parameters
    ----------
    path
        Name that ends in ``.stl`` or ``.ply``.
    vertices
        (m, 3) coordinates x, y, z.
    faces
        (k, 3) indices of vertices, anticlockwise as seen from outside.
    units
        Of the coordinates; noted in the header, as neither format has a place for them.
    overwrite
        Replace a file that is there.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FormatError
        If the extension is another, or the file is there already.
    MissingFileError
        If the folder is not there.
    DataError
        If there is no triangle.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FormatError(f"{path.name}: a mesh is saved as {' or '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise MissingFileError(f"{path.parent}: there is no such folder to save in")
    if path.exists() and not overwrite:
        raise FormatError(f"{path.name} is there already: choose another name or overwrite=True")
    points, triangles = np.asarray(vertices, float), np.asarray(faces)
    if not len(triangles):
        raise DataError("the surface is empty: choose a threshold within the volume's values")
    note = f"units {units}".encode("ascii", "replace") if units else b"units unknown"
    write = _stl if path.suffix.lower() == ".stl" else _ply
    path.write_bytes(write(points, triangles, note))
    return path


def _stl(vertices: np.ndarray, faces: np.ndarray, note: bytes) -> bytes:
    """Return the bytes of a binary STL file."""
    # The header must not begin with "solid": that marks the text variant.
    header = (b"binary STL, " + note)[:80].ljust(80, b"\0")
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(
        len(faces), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")]
    )
    records["normal"] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    records["corners"] = corners
    return header + np.array(len(faces), "<u4").tobytes() + records.tobytes()


def _ply(vertices: np.ndarray, faces: np.ndarray, note: bytes) -> bytes:
    """Return the bytes of a binary little-endian PLY file."""
    header = "\n".join(
        [
            "ply",
            "format binary_little_endian 1.0",
            f"comment {note.decode('ascii')}",
            f"element vertex {len(vertices)}",
            *(f"property float {name}" for name in "xyz"),
            f"element face {len(faces)}",
            "property list uchar int vertex_indices",
            "end_header\n",
        ]
    )
    records = np.zeros(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    records["count"], records["corners"] = 3, faces
    return header.encode("ascii") + vertices.astype("<f4").tobytes() + records.tobytes()
