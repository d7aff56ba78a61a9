from __future__ import annotations

import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from baselines.inference.clips import temporal_smoothing
from baselines.inference.clips.motion import shift, view
from baselines.inference.clips.temporal_smoothing import Smoothing, smooth
from lldata.errors import MethodError

HEIGHT, WIDTH, SIGMA = 180, 480, 0.03


def texture() -> np.ndarray:
    """Return a wide band-limited picture, 0.3 to 0.9."""
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH + 4000), dtype=np.float32)
    smoothed = cv2.GaussianBlur(noise, (0, 0), 3)
    unit = (smoothed - smoothed.min()) / (smoothed.max() - smoothed.min())
    return np.repeat(0.3 + 0.6 * unit[None], 3, axis=0).astype(np.float32)


WIDE = texture()


def panned(step: int, count: int, sigma: float = 0.0) -> list[np.ndarray]:
    """Return frames whose content moves left by `step` px from one to the next."""
    rng = np.random.default_rng(1)
    shape = (3, HEIGHT, WIDTH)
    return [
        WIDE[..., step * t : step * t + WIDTH] + np.float32(sigma) * rng.standard_normal(shape, "f")
        for t in range(count)
    ]


def seen(frame: np.ndarray, longest_px: int = 1280) -> temporal_smoothing.View:
    return view(np.rint(frame.transpose(1, 2, 0) * 65535).astype(np.uint16), longest_px)


def test_noise_of_a_static_scene_falls_to_a_thirteenth_of_its_variance():
    frames = panned(0, 13, SIGMA)
    found = list(smooth(frames))
    assert np.var(found[6] - WIDE[..., :WIDTH]) == pytest.approx(SIGMA**2 / 13, rel=0.02)
    assert np.var(found[0] - WIDE[..., :WIDTH]) == pytest.approx(SIGMA**2 / 7, rel=0.02)


def test_a_scene_that_moves_more_than_256_px_stays_as_it_is():
    frames = panned(300, 5, SIGMA)
    for before, after in zip(frames, smooth(frames), strict=True):
        np.testing.assert_allclose(after, before, atol=1 / 65535)


def test_a_cut_is_not_blended():
    frames = panned(0, 3) + [np.ascontiguousarray(WIDE[..., 3000 : 3000 + WIDTH])] * 3
    found = list(smooth(frames))
    np.testing.assert_allclose(found, frames, atol=1 / 65535)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_clip_stays_constant(value: float):
    frames = [np.full((3, 33, 47), value, np.float32)] * 9
    np.testing.assert_allclose(list(smooth(frames)), frames, atol=1e-5)


def test_flicker_of_a_tenth_is_averaged():
    gains = np.array([1, 0.9] * 7, np.float32)
    frames = [WIDE[..., :WIDTH] * gain for gain in gains]
    means = np.array([frame.mean() for frame in smooth(frames)])
    assert np.ptp(means[6:8]) < 0.01 * means.mean()


@pytest.mark.parametrize("step", [3, 40, 108])
def test_the_shift_of_a_frame_is_found_at_any_distance(step: int):
    first, second = panned(step, 2)
    flow = shift(seen(first), seen(second)).flow
    inside = flow[20:-20, step + 20 : -20]
    np.testing.assert_allclose(np.median(inside, axis=(0, 1)), (-step, 0), atol=0.1)
    assert np.mean(np.abs(inside[..., 0] + step) < 1) > 0.9


def test_a_slow_pan_is_denoised_and_stays_sharp():
    clean, noisy = panned(5, 13), panned(5, 13, SIGMA)
    found = list(smooth(noisy))[6][..., 40:-40]
    wanted = clean[6][..., 40:-40]
    assert np.var(found - wanted) < SIGMA**2 / 8
    assert np.std(found - wanted) < np.std(noisy[6][..., 40:-40] - wanted) / 2.8


def test_motion_is_found_on_a_smaller_scale_too():
    noisy = panned(8, 13, SIGMA)
    found = list(smooth(noisy, Smoothing(flow_px=240)))[6][..., 60:-60]
    assert np.var(found - panned(8, 13)[6][..., 60:-60]) < SIGMA**2 / 4


def test_at_most_thirteen_frames_are_held(monkeypatch: pytest.MonkeyPatch):
    held: list[int] = []
    drop = temporal_smoothing._Window.drop_before

    def counted(window: temporal_smoothing._Window, first: int) -> None:
        held.append(len(window.frames))
        drop(window, first)

    monkeypatch.setattr(temporal_smoothing._Window, "drop_before", counted)
    read: list[int] = []

    def source() -> Iterator[np.ndarray]:
        for number in range(40):
            read.append(number)
            yield np.full((3, 8, 8), 0.5, np.float32)

    for number, _ in enumerate(smooth(source())):
        assert len(read) == min(number + 7, 40)
    assert number == 39
    assert max(held) == 13


def test_a_frame_that_was_read_is_let_go():
    read: list[weakref.ref[np.ndarray]] = []

    def made(value: float) -> np.ndarray:
        frame = np.full((3, 8, 8), value, np.float32)
        read.append(weakref.ref(frame))
        return frame

    for _ in smooth(map(made, np.linspace(0, 1, 9))):
        assert [frame() for frame in read] == [None] * len(read)


def test_bands_of_rows_give_the_picture_of_a_whole_one(monkeypatch: pytest.MonkeyPatch):
    frames = panned(5, 3, SIGMA)
    assert HEIGHT > 2 * temporal_smoothing._ROWS
    banded = list(smooth(frames))
    monkeypatch.setattr(temporal_smoothing, "_ROWS", HEIGHT)
    np.testing.assert_array_equal(banded, list(smooth(frames)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_short_clips_keep_their_length(count: int):
    assert len(list(smooth([np.zeros((3, 5, 4), np.float32)] * count))) == count


def test_frames_of_two_sizes_are_refused():
    frames = [np.zeros((3, 8, 9), np.float32), np.zeros((3, 9, 9), np.float32)]
    with pytest.raises(MethodError, match="frame 1: it has 9x9 px, but the frames before have 9x8"):
        list(smooth(frames))


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(MethodError, match="--set cap_px: it is 0"):
        Smoothing(cap_px=0)
