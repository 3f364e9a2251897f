"""Frames of one projection: registered, and averaged where they have pixels."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.numerics.alignment.frames import average_frames


@pytest.fixture
def image():
    rng = np.random.default_rng(2)
    image = ndimage.gaussian_filter(rng.normal(size=(64, 80)), 3) * 1000
    image[:6] = image[-6:] = image[:, :6] = image[:, -6:] = 0
    return image


def test_frames_moved_by_whole_pixels_come_back_exactly(image):
    frames = np.stack([np.roll(image, move, (0, 1)) for move in [(0, 0), (2, -3), (4, 1)]])
    mean, shifts, sure = average_frames(frames.astype("f4"))
    assert sure
    assert np.allclose(shifts, [[2, -3], [0, 0], [-2, -4]], rtol=0, atol=0.01)
    assert mean.dtype == np.float32
    assert np.abs(mean - frames[1])[8:-8, 8:-8].max() < 0.01 * np.abs(image).max()


def test_a_dead_pixel_and_a_blank_frame_do_not_count(image):
    frames = np.stack([image, image, image]).astype("f4")
    frames[0, 20, 30] = np.nan
    frames[2] = 0
    mean, shifts, sure = average_frames(frames)
    assert sure
    assert np.abs(shifts[:2]).max() < 1e-6
    assert np.allclose(mean, frames[1], rtol=0, atol=1e-3)


def test_frames_that_seem_to_fly_away_are_averaged_as_they_are(image):
    far = np.roll(image, (25, 30), (0, 1))
    frames = np.stack([image, far]).astype("f4")
    mean, shifts, sure = average_frames(frames)
    assert not sure
    assert not shifts.any()
    assert np.allclose(mean, frames.mean(axis=0), rtol=0, atol=1e-3)
