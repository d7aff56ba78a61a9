from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import spsolve

from baselines import method
from baselines.classical import lime
from baselines.classical.lime import EPSILON, illumination
from baselines.inference.grids import paths
from baselines.inference.grids.five_point import FivePoint
from baselines.inference.grids.nine_point import NinePoint
from baselines.inference.grids.smoothing import solve
from baselines.inference.grids.transfer import Transfer
from lldata.errors import MethodError
from lldata.sample import Sample
from tests.captures import light


def initial(shape: tuple[int, int], noise: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(1)
    edges = light(3, shape)
    edges[shape[0] // 3 :, shape[1] // 2 :] /= 8
    return np.clip(edges + rng.normal(0, noise, shape), 0, 1)


def differences(shape: tuple[int, int]) -> tuple[scipy.sparse.csr_matrix, ...]:
    """Forward differences across and down on the raveled grid, built without the solver."""
    steps = [scipy.sparse.diags([-1.0, 1.0], [0, 1], (n - 1, n)) for n in shape]
    eyes = [scipy.sparse.eye(n) for n in shape]
    return scipy.sparse.kron(eyes[0], steps[1]).tocsr(), scipy.sparse.kron(
        steps[0], eyes[1]
    ).tocsr()


def matrix(shape: tuple[int, int], across: np.ndarray, down: np.ndarray) -> scipy.sparse.csc_matrix:
    system = scipy.sparse.eye(shape[0] * shape[1])
    for step, weight in zip(differences(shape), (across, down), strict=True):
        system = system + step.T @ scipy.sparse.diags(weight.ravel()) @ step
    return system.tocsc()


def first_strategy(start: np.ndarray, alpha: float) -> list[np.ndarray]:
    return [alpha / (np.abs(np.diff(start, axis=axis)) + EPSILON) for axis in (1, 0)]


@pytest.mark.parametrize("shape", [(2, 2), (1, 40), (16, 17), (65, 96), (130, 77), (256, 200)])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_solution_is_that_of_a_sparse_direct_solver(shape: tuple[int, int], noise: float):
    start = initial(shape, noise)
    weights = first_strategy(start, 0.15)
    weights = [w / (np.abs(w) * 1e-2 + 1e-3) ** 2 for w in weights]  # spread over many orders
    found = solve(start, *weights)
    expected = spsolve(matrix(shape, *weights), start.ravel()).reshape(shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("strategy", ["I", "II", "III"])
def test_the_residual_of_the_linear_system_is_below_a_millionth(strategy: str):
    start = initial((120, 150))
    smoothed = illumination(start, 0.15, 2.0, strategy)  # type: ignore[arg-type]
    gradients = [np.diff(start, axis=axis) for axis in (1, 0)]
    steep = [np.abs(g) + EPSILON for g in gradients]
    if strategy == "I":
        weights = [0.15 / s for s in steep]
    elif strategy == "II":
        weights = [0.15 / s**2 for s in steep]
    else:
        kernel = np.exp(-(np.arange(-7, 8) ** 2) / (2 * 2.0**2))
        kernel /= kernel.sum()
        means = []
        for gradient in gradients:
            padded = np.pad(gradient, 7, mode="symmetric")
            rows = np.apply_along_axis(np.convolve, 0, padded, kernel, "valid")
            means.append(np.apply_along_axis(np.convolve, 1, rows, kernel, "valid"))
        weights = [0.15 / ((np.abs(m) + EPSILON) * s) for m, s in zip(means, steep, strict=True)]
    left = matrix(start.shape, *weights) @ smoothed.ravel()
    assert np.linalg.norm(left - start.ravel()) < 1e-6 * np.linalg.norm(start)


def amplified(shape: tuple[int, int]) -> np.ndarray:
    """Saturated areas that noise punches holes into: what conducts winds from pixel to pixel."""
    noise = np.random.default_rng(0).normal(0, 2, shape)
    return np.clip(0.9 + cv2.GaussianBlur(noise, (3, 3), 0.7), 0, 1)


@pytest.mark.parametrize(("strategy", "iterations"), [("I", 35), ("III", 60)])
def test_a_very_noisy_amplified_picture_is_smoothed_in_few_iterations(
    strategy: Any, iterations: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lime, "solve", partial(solve, most_iterations=iterations))
    start = amplified((257, 301))
    smoothed = lime.illumination(start, 0.15, 2.0, strategy)
    assert smoothed.mean() == pytest.approx(start.mean(), rel=1e-4)  # the edges only move light


def test_the_steepest_weights_are_smoothed_too_however_many_iterations_it_takes():
    start = amplified((257, 151))
    smoothed = lime.illumination(start, 0.15, 2.0, "II")
    assert smoothed.mean() == pytest.approx(start.mean(), rel=1e-4)


def test_the_nine_point_product_and_inflows_are_those_of_its_matrix():
    rng, shape = np.random.default_rng(0), (4, 5)
    sizes = [shape, (4, 4), (3, 5), (3, 4), (3, 4)]
    system = NinePoint(*(rng.random(size) for size in sizes))
    grid, flow = rng.random(shape), np.zeros((3, *shape))  # from the column, the row, aslant
    for y, x in np.ndindex(shape):
        for v, u in np.ndindex(shape):
            steps = (v - y, u - x)
            if max(map(abs, steps)) != 1:
                continue
            edges, kind = {
                (0, 1): (system.across, 1), (1, 0): (system.down, 0),
                (1, 1): (system.falling, 2), (1, -1): (system.rising, 2),
            }[max(steps, (-steps[0], -steps[1]))]  # fmt: skip
            flow[kind, y, x] += edges[min(y, v), min(x, u)] * grid[v, u]
    np.testing.assert_allclose(system.times(grid), system.diagonal * grid - flow.sum(axis=0))
    for inflow, expected in ((system.inflow_across, flow[1]), (system.inflow_down, flow[0])):
        np.testing.assert_allclose(inflow(grid, np.ones(shape)), 1 + expected + flow[2])


def test_the_coarse_system_is_the_fine_one_seen_through_the_interpolation():
    rng, shape = np.random.default_rng(0), (9, 13)
    five = FivePoint.of_mass(np.ones(shape), rng.random((9, 12)), rng.random((8, 13)))
    nine = Transfer(five).coarsened(five)
    for system in (five, nine):
        if system is nine:
            assert nine.shape == (5, 7)
        transfer = Transfer(system)
        size = system.shape[0] // 2 + 1, system.shape[1] // 2 + 1
        given = rng.random(size)
        expected = transfer.restricted(system.times(transfer.interpolated(given)))
        found = transfer.coarsened(system).times(given)
        np.testing.assert_allclose(found, expected, atol=1e-6)  # shares are float32
        fine = rng.random(system.shape)
        assert np.vdot(transfer.interpolated(given), fine) == pytest.approx(
            np.vdot(given, transfer.restricted(fine))
        )


def test_what_joins_a_pixel_to_coarse_ones_counts_the_ways_through_the_row_beside():
    rng = np.random.default_rng(0)
    edges = [rng.random(size) for size in ((3, 2), (2, 3), (2, 2), (2, 2))]
    five, nine = FivePoint(np.ones((3, 3)), *edges[:2]), NinePoint(np.ones((3, 3)), *edges)
    for system in (five, nine, nine.turned()):
        edges = [part[:1] for part in system.parts[2:]]
        pair = system.of_mass(np.zeros((2, 3)), system.across[:2], *edges)
        laplacian = np.stack([pair.times(unit.reshape(2, 3)).ravel() for unit in np.eye(6)])
        kept, beside = laplacian[:3], laplacian[3:]
        alone = kept[:, :3] - kept[:, 3:] @ np.linalg.solve(beside[:, 3:], beside[:, :3])
        left, right = paths.ends_across(system)
        assert (left[0, 0], right[0, 0]) == pytest.approx((-alone[1, 0], -alone[1, 2]))
    above, below = paths.ends_down(nine)
    left, right = paths.ends_across(nine.turned())
    np.testing.assert_array_equal([above, below], [left.T, right.T])


def test_a_constant_picture_stays_constant():
    grey = Sample("1/1", 1.0, srgb=np.full((3, 33, 70), 0.25, np.float32))
    expected = 0.25 / (0.25**0.8 + 1e-3)
    np.testing.assert_allclose(method.build("lime")(grey), expected, rtol=1e-6)


def test_no_smoothing_gives_the_initial_map_and_little_nearly_so():
    start = initial((40, 50))
    np.testing.assert_array_equal(illumination(start, 0.0), start)
    np.testing.assert_allclose(illumination(start, 1e-12), start, atol=1e-6)


def test_the_map_stays_between_the_extremes_of_the_initial_one():
    start = initial((90, 70))
    smoothed = illumination(start, 0.15)
    assert start.min() - 1e-6 <= smoothed.min()
    assert smoothed.max() <= start.max() + 1e-6
    assert np.abs(np.diff(smoothed)).mean() < 0.2 * np.abs(np.diff(start)).mean()


def test_presets_are_the_paper_and_the_demonstration_and_options_go_before():
    paper, demo = lime.build(), lime.build("demo", denoise="none")
    assert (paper.alpha, paper.gamma, paper.denoiser) == (0.15, 0.8, None)
    assert (demo.alpha, demo.gamma) == (0.15, 0.7)
    assert lime.build(solver="exact").alpha == 0.08
    assert lime.build("demo", gamma=0.5, denoise="nlm").gamma == 0.5


def test_a_map_without_exponent_leaves_the_picture():
    picture = np.random.default_rng(0).random((3, 20, 20), np.float32)
    enhanced = method.build("lime", gamma=0)(Sample("1/1", 1.0, srgb=picture))
    np.testing.assert_allclose(enhanced, picture / np.float32(1.001), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "best"}, "--set preset: it is 'best', but it can be paper, demo"),
        ({"strategy": "IV"}, "--set strategy: it is 'IV', but it can be I, II, III"),
        ({"solver": "fft"}, "--set solver: it is 'fft', but it can be sped_up, exact"),
        ({"denoise": True}, "--set denoise: it is True, but it can be none, bm3d, nlm"),
        ({"alpha": -1}, "--set alpha: it is -1, but it is a number from 0 to 100"),
        ({"sigma": 0}, "--set sigma: it is 0, but it is a number from 0.1 to 100"),
    ],
)
def test_an_option_out_of_range_says_its_range(options: dict, message: str):
    with pytest.raises(MethodError) as caught:
        method.build("lime", **options)
    assert message in str(caught.value)


def test_a_tolerance_that_is_not_reached_is_an_error_with_both_residuals():
    start = initial((80, 80))
    with pytest.raises(ArithmeticError, match=r"residual .* after 1 iterations"):
        solve(start, *first_strategy(start, 100.0), tolerance=1e-14, most_iterations=1)
