from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from skimage import data
from sklearn.linear_model import orthogonal_mp_gram

from baselines import method
from baselines.inference.denoising.dictionary import cosines, learned
from baselines.inference.denoising.noise_level import calibrated_sigma, estimated_sigma
from baselines.inference.denoising.sparse_coding import approximations, sparse_codes
from lldata.errors import MethodError
from lldata.noise import calibration
from lldata.noise.calibration import Calibration, IsoNoise
from lldata.noise.photon_transfer import Estimate
from lldata.render import render
from lldata.sample import Sample, sample_of_frame
from lldata.synthesis.noise import expose
from tests.captures import SONY

CLEAN = (data.astronaut()[40:168, 150:310] / 255).astype(np.float32).transpose(2, 0, 1)


def noisy(sigma: float, clean: np.ndarray = CLEAN) -> np.ndarray:
    """Add white Gaussian noise of so many 1/255."""
    noise = np.random.default_rng(3).normal(0, sigma / 255, clean.shape)
    return np.clip(clean + noise, 0, 1).astype(np.float32)


def psnr(picture: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((picture - CLEAN) ** 2)))


@pytest.mark.parametrize(
    ("name", "options", "sigma", "gain_db"),
    [
        ("nlm", {}, 10, 4),
        ("nlm", {}, 25, 7),
        ("nlm", {"sigma": 25}, 25, 7),
        ("ksvd", {"patches": 2000}, 25, 7.2),
        ("ksvd", {"per_channel": False, "patches": 1000}, 25, 0.8),  # the noise of colours stays
        ("bm3d", {}, 25, 9.9),
        ("bm3d", {"sigma": 25, "profile": "fast"}, 25, 9.9),
    ],
)
def test_known_noise_is_removed(name: str, options: dict[str, Any], sigma: float, gain_db: float):
    if name == "bm3d":
        pytest.importorskip("bm3d")
    picture = noisy(sigma)
    clean = method.build(name, **options)(Sample("1/1", 1.0, srgb=picture))
    assert psnr(clean) - psnr(picture) > gain_db


@pytest.mark.parametrize(("sigma", "percent"), [(10, 14), (25, 3), (50, 5)])
def test_white_noise_is_estimated_also_where_it_is_clipped(sigma: float, percent: float):
    for channel in noisy(sigma):
        assert 255 * estimated_sigma(channel) == pytest.approx(sigma, rel=percent / 100)


def test_noise_that_is_clipped_everywhere_is_none():
    assert estimated_sigma(np.zeros((40, 40))) == 0
    assert estimated_sigma(np.ones((3, 90))) == 0


@pytest.mark.parametrize("name", ["nlm", "ksvd", "bm3d"])
def test_a_constant_picture_stays_as_it_is(name: str):
    if name == "bm3d":
        pytest.importorskip("bm3d")
    grey = np.full((3, 20, 30), 0.3, np.float32)
    np.testing.assert_array_equal(method.build(name)(Sample("1/1", 1.0, srgb=grey)), grey)
    denoised = method.build(name, sigma=5)(Sample("1/1", 1.0, srgb=grey))
    np.testing.assert_allclose(denoised, grey, atol=1e-5)


def test_bm3d_by_tiles_is_bm3d_of_the_whole(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("bm3d")
    from baselines.inference.denoising import block_matching

    plane, sigma = noisy(10)[:1, :, :70], np.array([10 / 255])
    whole = block_matching.denoised(plane, sigma, "fast")
    monkeypatch.setattr(block_matching, "_TILE", 60)
    tiled = block_matching.denoised(plane, sigma, "fast")
    assert np.abs(tiled - whole).mean() < 1e-3


def test_without_its_package_bm3d_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    for name in ("baselines.classical.bm3d", "baselines.inference.denoising.block_matching"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(MethodError, match=r"needs the extra 'bm3d'. Install it: pip install"):
        method.build("bm3d")


@pytest.mark.parametrize("value", ["none", -1, 256, True])
def test_a_noise_level_is_a_number_or_where_to_take_it_from(value: object):
    with pytest.raises(MethodError, match="--set sigma: it is "):
        method.build("nlm", sigma=value)


# ---- dictionaries


def patches(sigma: float, number: int = 2000) -> np.ndarray:
    """Draw patches of 8x8 without their mean, (number, 64)."""
    windows = np.lib.stride_tricks.sliding_window_view(noisy(sigma)[1], (8, 8)).reshape(-1, 64)
    drawn = windows[np.random.default_rng(0).choice(len(windows), number, replace=False)]
    return drawn - drawn.mean(axis=1, keepdims=True)


def test_the_codes_of_many_signals_are_those_of_scikit_learn():
    signals, atoms, tolerance = patches(10), cosines(8, 256), 64 * (1.15 * 10 / 255) ** 2
    codes = sparse_codes(signals, atoms, tolerance)
    norms = np.sum(signals.astype(np.float64) ** 2, axis=1)
    expected = orthogonal_mp_gram(
        (atoms @ atoms.T).astype(np.float64), (atoms @ signals.T).astype(np.float64),
        tol=tolerance, norms_squared=norms,
    ).T  # fmt: skip
    expected[norms <= tolerance] = 0  # scikit-learn takes one atom where none is needed
    np.testing.assert_allclose(codes, expected, atol=2e-3)
    left = signals - approximations(signals, atoms, tolerance)
    np.testing.assert_allclose(approximations(signals, atoms, tolerance), codes @ atoms, atol=1e-5)
    assert np.sum(left**2, axis=1).max() <= tolerance


def test_the_overcomplete_cosines_have_norm_one_and_only_the_first_a_mean():
    atoms = cosines(8, 256)
    assert atoms.shape == (256, 64)
    np.testing.assert_allclose(np.linalg.norm(atoms, axis=1), 1, rtol=1e-5)
    assert atoms[0] == pytest.approx(1 / 8)
    assert np.abs(atoms[1:].mean(axis=1)).max() < 1e-6


def test_learning_needs_fewer_atoms_of_norm_one_for_the_same_error():
    signals, atoms, tolerance = patches(10), cosines(8, 256), 64 * (1.15 * 10 / 255) ** 2
    fitted = learned(signals, atoms, tolerance, 4)
    np.testing.assert_allclose(np.linalg.norm(fitted, axis=1), 1, rtol=1e-5)
    before, after = (np.count_nonzero(sparse_codes(signals, d, tolerance)) for d in (atoms, fitted))
    assert after < 0.7 * before


def test_ksvd_learns_the_same_from_the_same_seed_only():
    given = Sample("1/1", 1.0, srgb=noisy(25)[:, :40, :40])
    few: dict[str, Any] = {"patches": 300, "iterations": 2}
    first, again, other = (method.build("ksvd", **few, seed=seed)(given) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# ---- the noise of the calibration


def keep_calibration(iso: float = 1600, gain: float = 2.0) -> Calibration:
    """Keep a calibration of the Sony: read noise 6 DN, hardly any row noise."""
    figures = (Estimate(value, value, value) for value in (gain, 6.0, 0.01))
    of_iso = IsoNoise(iso, next(figures), (gain,) * 4, next(figures), next(figures), 0.14, None, 2)
    kept = Calibration(SONY.camera, (of_iso,), ())
    calibration.write(kept)
    return kept


def frame(seed: int, kept: Calibration, electrons: float = 8.0) -> Any:
    noise, shape = kept.model.at(1600), (512, 512)
    drawn = expose(np.full(shape, electrons), noise, np.random.default_rng(seed))
    mosaic = np.rint(np.clip(drawn + 512, 0, 16383)).astype(np.uint16)
    return replace(SONY, mosaic=mosaic, iso=1600)


@pytest.mark.parametrize("picture", ["short", "amplified"])
def test_the_calibrated_noise_is_that_of_rendered_frames(picture: Any):
    kept = keep_calibration()
    given = sample_of_frame(frame(1, kept), "1/1", 50.0, picture=picture)
    gain = 50.0 if picture == "amplified" else 1.0
    other = render(frame(2, kept), gain).transpose(2, 0, 1) / 65535
    assert given.srgb is not None
    measured = np.sqrt(np.mean((given.srgb - other) ** 2, axis=(1, 2)) / 2)
    np.testing.assert_allclose(calibrated_sigma(given, given.srgb), measured, rtol=0.05)


def test_the_noise_of_a_picture_that_is_not_its_frame_is_not_told():
    given = sample_of_frame(frame(1, keep_calibration()), "1/1", 50.0, picture="amplified")
    with pytest.raises(MethodError, match=r"the picture's mean is 1, but its frame is rendered"):
        calibrated_sigma(given, np.ones((3, 9, 9), np.float32))


def test_a_camera_without_calibration_or_at_another_iso_is_refused():
    given = sample_of_frame(replace(SONY, iso=1600), "1/1", 50.0, picture="amplified")
    denoise = method.build("nlm", sigma="calibration")
    with pytest.raises(MethodError, match=r"the Sony ILCE-7SM2 is not calibrated, but "):
        denoise(given)
    keep_calibration(iso=100)
    with pytest.raises(MethodError, match=r"taken at ISO 1600, but .* was made at ISO 100 to 100"):
        denoise(given)
    with pytest.raises(MethodError, match="the picture comes from no RAW frame"):
        denoise(Sample("1/1", 50.0, srgb=CLEAN))
