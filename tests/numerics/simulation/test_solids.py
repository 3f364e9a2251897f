"""Solids with faces against formulas that were worked out another way."""

import math

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation import solids
from tomojupyter.numerics.simulation.phantoms import Phantom, random_turn
from tomojupyter.numerics.simulation.solids import Convex, Ellipsoid, block, frustum

TILTS = np.array([-72.0, -40.0, 0.0, 25.0, 60.0, 90.0])


def test_chord_through_a_block_is_its_thickness_over_the_cosine():
    plate = Phantom((block((-4, -4, -0.05), (4, 4, 0.05), 1.5),))
    images = plate.project([-60, 0, 30], 50, 40)
    for image, tilt in zip(images, (-60, 0, 30), strict=True):
        assert np.allclose(image, 1.5 * 0.1 * 40 / math.cos(math.radians(tilt)), rtol=1e-5)


def test_pixels_that_a_block_covers_in_part_hold_its_part():
    image = Phantom((block((-0.2, -0.105, -0.5), (0.205, 0.13, 0.5), 1.0),)).project([0], 100, 100)
    # Its edges lie at columns 29.5 and 70.0, at rows 39.0 and 62.5: half a pixel, or none.
    assert image[0, 50, 29] == 0
    assert image[0, 50, 30] == pytest.approx(100)
    # 25 samples a pixel, all at other columns: exact to half a 25th.
    assert image[0, 50, 70] == pytest.approx(50, abs=2.01)
    assert image[0, 39, 50] == pytest.approx(50, rel=0.25)
    assert image[0, 62, 50] == pytest.approx(100)
    assert image[0].sum() == pytest.approx(0.405 * 0.235 * 1e6, rel=5e-3)


@pytest.mark.parametrize(("taper", "tilt"), [(0.0, 0.0), (0.3, 55.0)])
def test_chord_through_the_axis_of_a_frustum_is_its_width(taper, tilt):
    image = Phantom((frustum(-0.3, 0.4, (0.2, 0.1), taper, 2.0),)).project([tilt], 101, 101)[0]
    t = math.radians(tilt)
    # The radius of the ellipse y^2/0.04 + z^2/0.01 along the beam, which is (-sin t, cos t).
    radius = 1 / math.hypot(math.sin(t) / 0.2, math.cos(t) / 0.1)
    for ix in (30, 50, 80):
        x = (ix - 50) / 101
        assert image[50, ix] == pytest.approx(2 * 2 * radius * (1 + taper * x) * 101, rel=2e-3)
    assert not image[:, :19].any()
    assert not image[:, 92:].any()


@pytest.mark.parametrize("solid", ["block", "frustum"])
def test_mass_is_conserved_over_all_tilts_and_turns(solid):
    rng = np.random.default_rng(2)
    for _ in range(3):
        made = (
            block((-0.2, -0.15, -0.1), (0.25, 0.1, 0.12), 1.3)
            if solid == "block"
            else frustum(-0.2, 0.25, (0.15, 0.1), 0.4, 1.3)
        ).moved(random_turn(rng), np.array([0.05, -0.03, 0.02]))
        phantom = Phantom((made,))
        mass = phantom.project(TILTS, 64, 64).sum(axis=(1, 2), dtype=float)
        # Pixels at the edges are sampled at 25 points.
        assert np.allclose(mass, phantom.mass * 64**3, rtol=2e-3)
        assert phantom.volume(64, 64, 64).sum(dtype=float) == pytest.approx(
            phantom.mass * 64**3, rel=2e-3
        )


def test_an_ellipsoid_is_the_same_by_both_formulas(monkeypatch):
    monkeypatch.setattr(solids, "ACROSS", 1000)
    rng = np.random.default_rng(5)
    turn, by = random_turn(rng), np.array([0.04, -0.1, 0.07])
    semi = np.array([0.3, 0.2, 0.15])
    ball = Convex(
        quadric=np.diag([*(1 / semi**2), -1.0]),
        faces=np.zeros((0, 4)),
        density=1.7,
        volume=4 / 3 * math.pi * semi.prod(),
        middle=np.zeros(3),
        radius=0.3,
    ).moved(turn, by)
    same = Ellipsoid.from_axes((0, 0, 0), semi, 1.7).moved(turn, by)
    assert ball.mass == pytest.approx(same.mass)
    arguments = (TILTS, 64, 72)
    options = {"angle": 3.0, "shift": -2.5, "shifts": np.full((6, 2), 1.25)}
    first, second = (Phantom((s,)).project(*arguments, **options) for s in (ball, same))
    # Sampled at 25 and at 576 points a pixel, which differ at the outline.
    assert np.abs(first - second).max() < 0.01 * second.max()
    assert np.sqrt(np.mean((first - second) ** 2)) < 1e-3 * second.max()
    one, two = (Phantom((s,)).volume(64, 64, 72) for s in (ball, same))
    assert np.abs(one - two).max() < 0.1 * 1.7
    assert np.sqrt(np.mean((one - two) ** 2)) < 2e-3 * 1.7


def test_volume_sums_up_to_the_projections_at_0_and_90_degrees():
    rng = np.random.default_rng(8)
    solid = frustum(-0.3, 0.3, (0.2, 0.15), 0.3, 1.0).moved(random_turn(rng), np.full(3, 0.02))
    phantom = Phantom((solid,))
    volume = phantom.volume(64, 64, 64)
    flat, upright = phantom.project([0, 90], 64, 64)
    assert volume.min() >= 0
    assert volume.max() == pytest.approx(1, abs=1e-5)
    for summed, image in ((volume.sum(1).T, flat), (volume.sum(2)[:, ::-1].T, upright)):
        # Edges are sampled at other points: a tenth of a pixel's jump at most.
        assert np.abs(summed - image).max() < 0.05 * image.max()
        assert np.sqrt(np.mean((summed - image) ** 2)) < 3e-3 * image.max()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: frustum(0.3, 0.1, (0.1, 0.1), 0, 1), "from left to a larger right"),
        (lambda: frustum(-2, 1, (0.1, 0.1), 0.5, 1), "wider than 0 all along"),
        (lambda: block((0, 0, 0), (1, 0, 1), 1), "from low to a larger high"),
        (
            lambda: Phantom(
                (
                    frustum(-0.1, 0.1, (0.1, 0.1), 0, 1).moved(
                        np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]), np.zeros(3)
                    ),
                )
            ).project([0], 8, 8),
            "cannot be projected along its axis",
        ),
    ],
)
def test_solids_that_cannot_be_are_sentences(make, sentence):
    with pytest.raises(ParameterError, match=sentence):
        make()
