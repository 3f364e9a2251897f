"""Large files stay on the disk."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.mrc_header import HEADER
from tomojupyter.signals.rec import LazyRecStack
from tomojupyter.signals.stack import LazyTomoStack
from tomojupyter.steps import history

GIANT = (400, 5120, 10240)  # 42 GB of int16, nearly all of them holes in the file


@pytest.fixture
def giant(tmp_path):
    """A file that no machine would read by accident; three pixels are not nought."""
    path = tmp_path / "giant.mrc"
    write_mrc(path, np.zeros((1, 8, 8), "i2"), 0.5, is_volume=False)
    raw = bytearray(path.read_bytes()[: HEADER.itemsize])
    header = np.frombuffer(raw, HEADER)
    header["size"], header["grid"] = GIANT[::-1], (*GIANT[:0:-1], 1)
    header["cell"] = (GIANT[2] * 5.0, GIANT[1] * 5.0, 5.0)
    with path.open("wb") as file:
        file.write(raw)
        for frame in (0, 7, 399):
            file.seek(HEADER.itemsize + 2 * (frame * GIANT[1] * GIANT[2] + 3 * GIANT[2] + 4))
            file.write(np.int16(frame + 1).tobytes())
        try:
            file.truncate(HEADER.itemsize + 2 * int(np.prod(GIANT)))
        except OSError:
            pytest.skip("this file system has no room for files with holes")
    path.with_suffix(".tlt").write_text(
        "\n".join(map(str, np.linspace(-60, 60, 400))), encoding="utf-8"
    )
    yield path
    for left in (path, path.with_suffix(".rec")):
        left.unlink(missing_ok=True)


def test_a_giant_file_is_opened_and_one_projection_read(giant):
    stack = tomo.load(giant, lazy=True)
    assert type(stack) is LazyTomoStack
    assert stack.data.shape == GIANT
    assert stack.data.dtype == np.int16
    assert stack.tilts.data[399] == 60
    assert stack.axes_manager["x"].scale == 0.5
    assert np.asarray(stack.data[7, 3, 2:6]).tolist() == [0, 0, 8, 0]
    part = stack.inav[398:].isig[:6, 2:5]
    assert np.asarray(part.data)[1].tolist() == [[0] * 6, [0, 0, 0, 0, 400, 0], [0] * 6]
    assert "checksum" not in history.read(stack)[0]
    assert history.read(part)[0]["after"].startswith("dask:")


def test_a_giant_volume(giant):
    volume = tomo.load(giant.rename(giant.with_suffix(".rec")), lazy=True)
    assert type(volume) is LazyRecStack
    assert volume.data.shape == (GIANT[2], GIANT[0], GIANT[1])
    assert np.asarray(volume.data[2:6, 399, 3]).tolist() == [0, 0, 400, 0]


@pytest.mark.parametrize("suffix", [".mrc", ".st", ".hspy", ".npy"])
def test_work_on_a_lazy_series_gives_the_same(series, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".hspy":
        series.save(path)
    elif suffix == ".npy":
        np.save(path, series.data)
    else:
        write_mrc(path, series.data, 0.5, is_volume=False)
    tilts = series.tilts.data.ravel()
    lazy, eager = (tomo.load(path, tilts=tilts, lazy=lazy) for lazy in (True, False))
    assert type(lazy) is LazyTomoStack

    def work(stack):
        return stack.inav[1:-1].isig[2:, :-2].stack_register("PC")

    assert np.allclose(work(lazy).data, work(eager).data, atol=1e-5)
    assert np.array_equal(np.asarray(lazy.data), eager.data)
    lazy.save(tmp_path / "again.hspy", overwrite=True)
    assert np.array_equal(tomo.load(tmp_path / "again.hspy").data, eager.data)
