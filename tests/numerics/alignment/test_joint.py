"""The joint alignment: known poses come back, bad frames are left out, hopeless series refused."""

import numpy as np
import pytest

from tomojupyter.errors import AlignmentRefused, Cancelled, ParameterError
from tomojupyter.numerics.alignment import joint_binned
from tomojupyter.numerics.alignment.joint import joint
from tomojupyter.numerics.alignment.joint_axis import joint_axis
from tomojupyter.numerics.alignment.joint_level import Level, Pose
from tomojupyter.numerics.alignment.joint_score import score_alignment
from tomojupyter.numerics.alignment.joint_start import matrices
from tomojupyter.numerics.alignment.joint_step import Mixer, compare

N = 48
TILTS = np.arange(-70, 71, 5.0)


def balls(tilts, shifts, angle_deg, offset, n=N, noise=0.0, slab=0.0):
    """Project soft balls exactly, displaced by shifts about an axis that is turned and off."""
    rng = np.random.default_rng(3)
    places = rng.uniform(-0.24, 0.24, (14, 3)) * n
    widths = rng.uniform(1.2, 2.5, 14) * n / N
    if slab:
        places = rng.uniform(-1, 1, (150, 3)) * [n / 2, 1.6 * n, slab / 2]
        widths = rng.uniform(1.2, 2.0, 150)
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    a = np.deg2rad(angle_deg)
    images = np.empty((len(tilts), n, n), np.float32)
    for i, t in enumerate(np.deg2rad(tilts)):
        rows = places[:, 1] * np.cos(t) + places[:, 2] * np.sin(t) + offset
        u = np.cos(a) * places[:, 0] - np.sin(a) * rows + shifts[i, 1]
        v = np.sin(a) * places[:, 0] + np.cos(a) * rows + shifts[i, 0]
        image = np.full((n, n), 0.5 * slab / np.cos(t))
        for k, w in enumerate(widths):
            image += 3 * w * np.exp(-((x - u[k]) ** 2 + (y - v[k]) ** 2) / (2 * w * w))
        images[i] = image
    return images + rng.normal(0, noise, images.shape).astype(np.float32)


def misfit(found, tilts, shifts, angle_deg, offset, n=N):
    """Return the rms misfit in px of points of the specimen to the ideal geometry."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.25, 0.25, (50, 3)) * n
    maps = matrices(Pose(found.shifts, found.angle_deg), (n, n))
    t, a, c = np.deg2rad(tilts)[:, None], np.deg2rad(angle_deg), (n - 1) / 2
    rows = points[:, 1] * np.cos(t) + points[:, 2] * np.sin(t) + offset
    u = np.cos(a) * points[:, 0] - np.sin(a) * rows + shifts[:, 1:] + c
    v = np.sin(a) * points[:, 0] + np.cos(a) * rows + shifts[:, :1] + c
    moved = np.einsum("nij,jnm->inm", maps, np.stack([u, v, np.ones_like(u)]))[:2] - c
    waves = np.concatenate([np.cos(t), np.sin(t)], axis=1)
    good = ~found.blank
    across = moved[1] - waves @ np.linalg.lstsq(waves[good], moved[1][good], rcond=None)[0]
    along = moved[0] - moved[0][good].mean(axis=0)
    return np.sqrt((across**2 + along**2).mean(axis=1))


@pytest.fixture(scope="module")
def shifts():
    return np.random.default_rng(1).uniform(-3, 3, (len(TILTS), 2))


@pytest.fixture(scope="module")
def series(shifts):
    return balls(TILTS, shifts, 2.0, 1.5, noise=0.1)


@pytest.fixture(scope="module")
def found(series):
    return joint(series, TILTS)


def test_shifts_angle_and_offset_of_a_compact_specimen_come_back(found, shifts):
    assert found.specimen == "compact"
    assert found.angle_deg == pytest.approx(-2.0, abs=0.15)
    assert np.sqrt(np.mean(misfit(found, TILTS, shifts, 2.0, 1.5) ** 2)) < 0.05
    assert len(found.history) >= 2
    assert found.history[-1] <= found.history[0]


def test_order_of_the_file_does_not_matter(series, found):
    order = np.random.default_rng(0).permutation(len(TILTS))
    mixed = joint(series[order], TILTS[order])
    assert np.allclose(mixed.shifts, found.shifts[order], atol=0.01)
    assert mixed.angle_deg == pytest.approx(found.angle_deg, abs=0.02)


def test_results_do_not_depend_on_the_number_of_threads(series, found):
    assert np.array_equal(joint(series, TILTS, ncores=1).shifts, found.shifts)


def test_an_aligned_series_stays(shifts):
    still = np.zeros_like(shifts)
    found = joint(balls(TILTS, still, 0.0, 0.0), TILTS)
    assert np.sqrt(np.mean(misfit(found, TILTS, still, 0.0, 0.0) ** 2)) < 0.02


def test_a_blank_frame_is_interpolated_and_a_blurred_one_is_placed(series, shifts):
    from scipy import ndimage

    bad = series.copy()
    bad[5] = 0.0
    bad[20] = ndimage.gaussian_filter(bad[20], 2)
    found = joint(bad, TILTS)
    assert found.reasons[5].startswith("blank")
    assert found.reasons[20].startswith("blurred")
    assert found.blank.sum() == 1
    assert np.allclose(found.shifts[5], found.shifts[[4, 6]].mean(axis=0))
    each = misfit(found, TILTS, shifts, 2.0, 1.5)
    assert each[20] < 0.15
    assert np.sqrt(np.mean(np.delete(each, 5) ** 2)) < 0.06


def test_a_slab_is_told_and_its_thickness_measured():
    tilts = np.arange(-60, 61, 4.0)
    shifts = np.random.default_rng(2).uniform(-2, 2, (len(tilts), 2))
    found = joint(balls(tilts, shifts, 1.0, 1.0, n=64, noise=0.1, slab=12.0), tilts)
    assert found.specimen == "slab"
    assert 8 < found.thickness < 26
    # A compact specimen's axis would come to a tenth of this.
    assert np.sqrt(np.mean(misfit(found, tilts, shifts, 1.0, 1.0, 64) ** 2)) < 0.4


@pytest.mark.parametrize(
    ("images", "tilts", "says"),
    [
        (np.zeros((13, 32, 32)), np.arange(-60, 61, 10.0), "0 of 13 projections"),
        (np.ones((13, 32, 32)), np.arange(-60, 61, 10.0), "0 of 13 projections"),
        (None, np.array([-60.0, 0, 60]), "needs 7 different tilts"),
        (None, np.full(12, 5.0), "1 different tilts"),
        (None, np.linspace(-10, 10, 12), "span 20.0"),
        (np.zeros((13, 8, 8)), np.arange(-60, 61, 10.0), "8 x 8 px"),
    ],
)
def test_hopeless_series_are_refused(images, tilts, says):
    if images is None:
        images = balls(tilts, np.zeros((len(tilts), 2)), 0.0, 0.0, n=32)
    with pytest.raises(AlignmentRefused, match=says):
        joint(images, tilts)


def test_a_tilt_taken_twice_is_no_obstacle(series, shifts):
    index = np.append(np.arange(len(TILTS)), 10)
    found = joint(series[index], TILTS[index])
    each = misfit(found, TILTS[index], shifts[index], 2.0, 1.5)
    assert np.sqrt(np.mean(each**2)) < 0.05


def test_an_unknown_kind_of_specimen_is_refused(series):
    with pytest.raises(ParameterError, match="auto, compact, slab"):
        joint(series, TILTS, specimen="film")


def test_finish_keeps_the_pose_and_cancel_stops(series, recorder):
    finished = recorder(finish_at=1)
    found = joint(series, TILTS, monitor=finished)
    assert len(found.history) == 1
    told = [values for _, _, values in finished.calls if "picture" in values]
    assert told[0]["picture"].shape == (N, N)
    assert told[0]["residual"] == pytest.approx(found.history[0])
    with pytest.raises(Cancelled):
        joint(series, TILTS, monitor=recorder(cancel_after=3))


@pytest.mark.parametrize("at", [1, 3, 5])
def test_what_finish_ended_comes_back_by_its_number_of_rounds(series, recorder, at):
    finished = joint(series, TILTS, monitor=recorder(finish_at=at))
    assert finished.rounds == len(finished.history) == at
    again = joint(series, TILTS, rounds=at)
    assert np.array_equal(again.shifts, finished.shifts)
    assert again.angle_deg == finished.angle_deg
    assert again.rounds == at


def test_what_comes_to_its_end_has_no_number_of_rounds(series):
    found = joint(series, TILTS)
    assert found.rounds == 0
    assert not found.kept
    assert joint(series, TILTS, rounds=1000).rounds == 0


def test_a_series_that_lies_as_well_as_can_be_told_is_not_moved():
    still = np.zeros((len(TILTS), 2))
    found = joint(balls(TILTS, still, 0.0, 0.0, noise=0.5), TILTS)
    assert found.kept
    assert not found.shifts.any()
    assert found.angle_deg == 0
    off = joint(balls(TILTS, still, 0.5, 0.5, noise=0.1), TILTS)
    assert not off.kept
    assert off.angle_deg == pytest.approx(-0.5, abs=0.1)


def test_what_fills_gaps_makes_no_picture_of_a_blank_frame(series):
    images, mask = series.copy(), np.ones(series.shape, bool)
    mask[:, :6] = False
    images[~mask] = images.max()
    images[4] = np.where(mask[4], 0, images.max())
    found = score_alignment(images, TILTS, mask=mask)
    assert found.left_out[0] == 4
    assert np.isnan(found.moves_px[4]).all()
    assert found.expected_px < 20


def test_images_are_moved_as_the_matrices_say():
    image = balls(TILTS[:1], np.zeros((1, 2)), 0.0, 0.0)
    pose = Pose(np.array([[2.0, -3.0]]), 0.0)
    moved, weights = Level(image, np.ones(image.shape, bool), 1, N).moved(pose)
    assert np.allclose(
        moved[0][weights[0] == 1], np.roll(image[0], (2, -3), (0, 1))[weights[0] == 1], atol=1e-4
    )
    again = pose.moved(np.array([[0.5, 0.0]]), 3.0).moved(np.array([[-0.5, 0.0]]), 0.0)
    back = again.moved(np.zeros((1, 2)), -3.0)
    assert back.angle_deg == pytest.approx(0)
    assert np.allclose(back.shifts, pose.shifts)


def test_one_step_finds_small_moves_and_a_turn():
    still = np.zeros((len(TILTS), 2))
    true = balls(TILTS, still, 0.0, 0.0)
    moves = np.random.default_rng(0).uniform(-0.2, 0.2, still.shape)
    off = balls(TILTS, moves, 0.3, 0.0)
    every = np.ones(len(TILTS))
    found = compare(off, true, np.ones_like(true), every > 0, every)
    assert np.rad2deg(found.turn_rad) == pytest.approx(-0.3, abs=0.03)
    assert np.allclose(found.moves, -moves, atol=0.03)
    assert np.allclose(found.gains, 1, atol=0.02)


def test_mixing_reaches_a_fixed_point_that_plain_steps_only_creep_to():
    matrix = np.diag([0.99, 0.9, 0.5])
    goal = np.array([1.0, -2.0, 3.0])
    mixed, plain, mixer = np.zeros(3), np.zeros(3), Mixer()
    for _ in range(8):
        mixed = mixer.next(mixed, (np.eye(3) - matrix) @ (goal - mixed))
        plain = plain + (np.eye(3) - matrix) @ (goal - plain)
    assert np.abs(mixed - goal).max() < 0.05 < np.abs(plain - goal).max()


def test_wrong_tilts_are_mended_if_that_is_asked_for(shifts):
    off = np.random.default_rng(5).normal(0, 0.7, len(TILTS))
    off -= np.polyval(np.polyfit(TILTS, off, 1), TILTS)
    bright = np.random.default_rng(6).uniform(0.85, 1.15, len(TILTS))
    images = balls(TILTS + off, shifts, 2.0, 1.5, noise=0.05) * bright[:, None, None]
    found = joint(images.astype(np.float32), TILTS, refine_tilts=True)
    left = found.tilts_deg - TILTS - off
    assert left.std() < 0.5 * off.std()
    assert found.tilts_deg.mean() == pytest.approx(TILTS.mean(), abs=0.01)
    assert misfit(found, TILTS + off, shifts, 2.0, 1.5).mean() < 0.1


def test_a_few_sharp_pixels_do_not_make_a_frame_bad():
    images = balls(TILTS, np.zeros((len(TILTS), 2)), 0.0, 0.0)
    images[4, 20:40:5, 24] += 0.5
    found = joint(images, TILTS)
    assert not found.reasons


def test_the_axis_of_a_registered_series_is_found_and_nothing_else():
    still = np.zeros((len(TILTS), 2))
    found = joint_axis(balls(TILTS, still, 2.0, 1.5, noise=0.1), TILTS)
    assert found.angle_deg == pytest.approx(-2.0, abs=0.1)
    assert found.shift_px == pytest.approx(-1.5, abs=0.1)
    assert 0 < found.angle_sigma_deg < 0.15
    assert 0 < found.shift_sigma_px < 0.1
    assert max(found.along_px, found.across_px) < 0.05


def test_the_axis_is_not_turned_by_a_poor_registration(series, shifts):
    found = joint_axis(series, TILTS)
    assert found.angle_deg == pytest.approx(-2.0, abs=0.15)
    # What is left to register is the shifts, less a constant, and what a displaced specimen does.
    assert found.along_px == pytest.approx(shifts[:, 1].std(), rel=0.1)
    t = np.deg2rad(TILTS)
    waves = np.stack([np.ones_like(t), np.cos(t), np.sin(t)], axis=1)
    rest = shifts[:, 0] - waves @ np.linalg.lstsq(waves, shifts[:, 0], rcond=None)[0]
    assert found.across_px == pytest.approx(rest.std(), rel=0.1)


def test_large_series_are_aligned_binned_and_count_in_their_own_px(monkeypatch):
    n = 2 * N + 1  # a row and a column fill no block: the middle of the blocks is another
    shifts = np.random.default_rng(1).uniform(-5, 5, (len(TILTS), 2))
    series = balls(TILTS, shifts, 2.0, 3.0, n=n, noise=0.1)
    mask = np.ones(series.shape, bool)
    mask[4, 30:40, 20:60] = False
    series[4, 30:40, 20:60] = 1e6
    assert joint_binned.worth(series.shape) == 1
    monkeypatch.setattr(joint_binned, "MOST", joint_binned.work(series.shape) / 8)
    assert joint_binned.worth(series.shape) == 2
    found = joint(series, TILTS, mask=mask)
    assert np.sqrt(np.mean(misfit(found, TILTS, shifts, 2.0, 3.0, n=n) ** 2)) < 0.08
    low, high = found.score.interval_px
    assert low < found.score.expected_px < high
    again = score_alignment(balls(TILTS, np.zeros_like(shifts), 0.0, 3.0, n=n), TILTS)
    assert again.offset_px[0] == pytest.approx(-3.0, abs=0.3)


def test_a_large_series_that_is_aligned_is_not_moved(monkeypatch):
    n, still = 2 * N + 1, np.zeros((len(TILTS), 2))
    series = balls(TILTS, still, 0.0, 0.0, n=n, noise=0.1)
    monkeypatch.setattr(joint_binned, "MOST", joint_binned.work(series.shape) / 8)
    found = joint(series, TILTS)
    assert found.kept
    assert not found.shifts.any()


def test_blocks_with_a_gap_are_gaps():
    images = np.arange(2 * 5 * 6, dtype=np.int16).reshape(2, 5, 6)
    mask = np.ones(images.shape, bool)
    mask[0, 1, 3] = False
    small = joint_binned.binned(images, mask, 2)
    assert small.shape == (2, 2, 3)
    assert np.argwhere(np.isnan(small)).tolist() == [[0, 0, 1]]
    assert small[1, 1, 2] == images[1, 2:4, 4:6].mean()
