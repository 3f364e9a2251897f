"""STL and PLY files, read back by their definitions."""

import struct

import numpy as np
import pytest

from tomojupyter.errors import DataError, FormatError, MissingFileError
from tomojupyter.formats.mesh import write_mesh

# A tetrahedron with its corner at the origin; faces anticlockwise from outside.
VERTICES = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4.5]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def test_stl_holds_corners_and_outward_normals(tmp_path):
    path = write_mesh(tmp_path / "part.stl", VERTICES, FACES, "nm")
    content = path.read_bytes()
    assert len(content) == 84 + 4 * 50
    assert not content.startswith(b"solid")
    assert b"units nm" in content[:80]
    assert struct.unpack("<I", content[80:84]) == (4,)
    normals = []
    for k, face in enumerate(FACES):
        numbers = struct.unpack("<12fH", content[84 + 50 * k : 134 + 50 * k])
        assert np.array_equal(np.reshape(numbers[3:12], (3, 3)), VERTICES[face])
        assert numbers[12] == 0
        normals.append(numbers[:3])
    assert np.allclose(normals[:3], [[0, 0, -1], [0, -1, 0], [-1, 0, 0]])
    assert np.linalg.norm(normals[3]) == pytest.approx(1)


def test_ply_holds_vertices_and_faces(tmp_path):
    content = write_mesh(tmp_path / "part.PLY", VERTICES, FACES, "µm").read_bytes()
    header, _, body = content.partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    assert "element vertex 4" in lines
    assert "element face 4" in lines
    assert np.array_equal(np.reshape(struct.unpack("<12f", body[:48]), (4, 3)), VERTICES)
    faces = [struct.unpack("<B3i", body[48 + 13 * k : 61 + 13 * k]) for k in range(4)]
    assert [f[0] for f in faces] == [3] * 4
    assert np.array_equal([f[1:] for f in faces], FACES)
    assert len(body) == 48 + 4 * 13


def test_what_cannot_be_saved_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"part.obj: a mesh is saved as .stl or .ply"):
        write_mesh(tmp_path / "part.obj", VERTICES, FACES)
    with pytest.raises(MissingFileError, match="no such folder"):
        write_mesh(tmp_path / "none" / "part.stl", VERTICES, FACES)
    with pytest.raises(DataError, match="surface is empty"):
        write_mesh(tmp_path / "part.stl", VERTICES, FACES[:0])
    write_mesh(tmp_path / "part.stl", VERTICES, FACES)
    with pytest.raises(FormatError, match="is there already"):
        write_mesh(tmp_path / "part.stl", VERTICES, FACES)
    write_mesh(tmp_path / "part.stl", VERTICES, FACES[:2], overwrite=True)
    assert (tmp_path / "part.stl").stat().st_size == 84 + 100
