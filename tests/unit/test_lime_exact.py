from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import spsolve

from baselines import method
from baselines.classical import lime
from baselines.inference.grids import total_variation
from lldata.errors import MethodError
from lldata.sample import Sample
from tests.captures import light

LUMA = np.array([0.299, 0.587, 0.114])


def night(shape: tuple[int, int] = (60, 80), noise: float = 0.01) -> np.ndarray:
    """Return a dark noisy picture, (3, H, W)."""
    rng = np.random.default_rng(2)
    planes = np.stack([light(seed, shape) ** 2 / 3 for seed in (1, 2, 3)])
    return np.clip(planes + rng.normal(0, noise, planes.shape), 0, 1).astype(np.float32)


def periodic(size: int) -> scipy.sparse.csr_matrix:
    """Return forward differences on a ring."""
    ones = np.ones(size)
    steps = scipy.sparse.diags([-ones, ones[1:]], [0, 1], (size, size), format="lil")
    steps[-1, 0] += 1
    return steps.tocsr()


def cost(found: np.ndarray, start: np.ndarray, weights: list[np.ndarray]) -> float:
    steps = [np.diff(found, axis=axis) for axis in (1, 0)]
    varied = sum(float((w * np.abs(s)).sum()) for w, s in zip(weights, steps, strict=True))
    return float(((start - found) ** 2).sum()) + varied


@pytest.mark.parametrize("shape", [(7, 9), (16, 12), (1, 6)])
def test_the_fourier_solver_agrees_with_a_sparse_one_on_the_quadratic_sub_problem(
    shape: tuple[int, int],
):
    right = np.random.default_rng(0).random(shape)
    across = scipy.sparse.kron(scipy.sparse.eye(shape[0]), periodic(shape[1]))
    down = scipy.sparse.kron(periodic(shape[0]), scipy.sparse.eye(shape[1]))
    for penalty in (0.1, 3.0, 1e4):
        matrix = 2 * scipy.sparse.eye(right.size) + penalty * (across.T @ across + down.T @ down)
        expected = spsolve(matrix.tocsc(), right.ravel()).reshape(shape)
        found = total_variation.quadratic(right, penalty)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_divergence_is_the_transpose_of_the_differences():
    rng = np.random.default_rng(1)
    grid, flow = rng.random((5, 6)), rng.random((2, 5, 6))
    onto = sum(np.vdot(total_variation.difference(grid, a), flow[1 - a]) for a in (1, 0))
    assert np.vdot(grid, total_variation.divergence(list(flow))) == pytest.approx(onto)


def test_the_exact_map_of_one_edge_is_the_minimum_in_closed_form():
    start = np.zeros((8, 12))
    start[:, 4:] = 0.5  # each row: 4 pixels rise and 8 sink by w / (2 n) until the minimum
    w = 0.08
    weights = [np.full((8, 11), w), np.full((7, 12), w)]
    found = total_variation.smoothed(start, *weights, most_iterations=300, growth=1.02)
    np.testing.assert_allclose(found[:, :4], w / 8, atol=1e-3)
    np.testing.assert_allclose(found[:, 4:], 0.5 - w / 16, atol=1e-3)


def test_fifty_iterations_come_near_the_minimum():
    start = night()[0].astype(np.float64)
    weights = [np.full(np.diff(start, axis=axis).shape, 0.08) for axis in (1, 0)]
    least = total_variation.smoothed(
        start, *weights, penalty=10, growth=1.005, tolerance=0, most_iterations=800
    )
    found = lime.illumination(start, 0.08, strategy="I", solver="exact")
    assert cost(found, start, weights) < 1.01 * cost(least, start, weights)
    assert np.abs(found - least).mean() < 2e-3


@pytest.mark.parametrize("strategy", ["I", "II", "III"])
def test_without_strength_the_exact_solver_gives_the_initial_map(strategy: Any):
    start = night()[0].astype(np.float64)
    found = lime.illumination(start, 1e-9, 2.0, strategy, "exact")
    np.testing.assert_allclose(found, start, atol=2e-5)


@pytest.mark.parametrize("options", [{"solver": "exact"}, {"denoise": "nlm"}])
def test_a_constant_picture_stays_constant(options: dict[str, Any]):
    grey = Sample("1/1", 1.0, srgb=np.full((3, 33, 50), 0.25, np.float32))
    expected = 0.25 / (0.25**0.8 + 1e-3)
    np.testing.assert_allclose(method.build("lime", **options)(grey), expected, rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"solver": "exact"}, {"strategy": "II"}])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_picture_gives_the_mirrored_result(options: dict[str, Any], axis: int):
    picture, enhance = night(), method.build("lime", **options)
    upright = enhance(Sample("1/1", 1.0, srgb=picture))
    mirrored = enhance(Sample("1/1", 1.0, srgb=np.flip(picture, axis)))
    assert np.abs(np.flip(mirrored, axis) - upright).mean() <= 1 / 255


def test_the_luma_is_denoised_more_where_it_was_darker():
    rng, ramp = np.random.default_rng(0), np.linspace(0.02, 1, 120)
    picture = (np.tile(ramp, (3, 80, 1)) * 0.9 * (1 + rng.normal(0, 0.03, (3, 80, 120)))).clip(0, 1)
    sample = Sample("1/1", 1.0, srgb=picture.astype(np.float32))
    noisy, clean = (lime.build(denoise=way, gamma=0.3)(sample) for way in ("none", "nlm"))
    move = clean - noisy
    np.testing.assert_allclose(move[0, :, :90], move[1, :, :90], atol=1e-5)  # equal chroma
    roughness = [np.diff(np.tensordot(LUMA, p, 1), axis=0).std(axis=0) for p in (noisy, clean)]
    gain = roughness[1] / roughness[0]
    assert gain[:30].mean() < 0.4
    assert gain[-30:-5].mean() > gain[:30].mean() + 0.2


def test_the_demonstration_needs_bm3d_or_a_substitute(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    monkeypatch.delitem(sys.modules, "baselines.inference.denoising.block_matching", raising=False)
    with pytest.raises(MethodError, match=r"needs the extra 'bm3d'.*or use --set denoise=nlm"):
        method.build("lime", preset="demo")


def test_the_demonstration_denoises_the_luma_by_bm3d_of_noise_ten():
    bm3d = pytest.importorskip("bm3d")
    sample = Sample("1/1", 1.0, srgb=night((24, 32)))
    raw = method.build("lime", preset="demo", denoise="none")(sample)
    initial = night((24, 32)).max(axis=0).astype(np.float64)
    luma = np.tensordot(LUMA, raw.astype(np.float64), 1)
    change = (bm3d.bm3d(luma, 10 / 255) - luma) * (1 - lime.illumination(initial, 0.15))
    found = method.build("lime", preset="demo")(sample)
    np.testing.assert_allclose(found, (raw + change).clip(0, 1), atol=2e-3)


def test_maps_of_both_solvers_are_alike_where_the_light_is_smooth():
    start = cv2.GaussianBlur(night((90, 120), 0)[0].astype(np.float64), (0, 0), 12)
    fast = lime.illumination(start, 0.15)
    exact = lime.illumination(start, 0.08, solver="exact")
    assert np.abs(fast - exact).mean() < 0.01
