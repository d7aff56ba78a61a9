from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldata.errors import ProtocolError
from lldata.protocol import SynthesisProtocol, load, parse
from lldata.synthesis import pairs, retinex
from lldata.synthesis.retinex import Drawn
from tests.pictures import picture

RAMP = np.linspace(0, 1, 2001)
GAMMAS = st.floats(0.2, 4)
PROTOCOL = load("raise_retinex")
assert isinstance(PROTOCOL, SynthesisProtocol)


@pytest.mark.parametrize(
    ("value", "alpha", "gamma", "dark"),
    [(0.5, 1, 0.5, 0.5**1.5), (0.5, 1, 1, 0.25), (0.25, 0.5, 0.5, 0.1875), (0.4, 2, 1, 0.0),
     (0.6, 2, 1, 0.12)],
)  # fmt: skip
def test_known_values_of_equation_5(value: float, alpha: float, gamma: float, dark: float):
    assert retinex.degrade(np.array(value), alpha, gamma) == pytest.approx(dark)


def test_the_mean_of_a_uniform_picture_falls_to_four_tenths_at_alpha_1_gamma_a_half():
    assert retinex.degrade(RAMP, 1, 0.5).mean() == pytest.approx(0.4, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 3), GAMMAS)
def test_black_stays_black_white_stays_white_and_nothing_gets_brighter(alpha: float, gamma: float):
    dark = retinex.degrade(RAMP, alpha, gamma)
    assert (dark[0], dark[-1]) == (0, pytest.approx(1))
    assert (dark <= RAMP + 1e-15).all()
    above = dark[dark > 0]
    assert (np.diff(above) > 0).all()


@settings(max_examples=60, deadline=None)
@given(st.floats(1.01, 3), GAMMAS)
def test_above_alpha_1_nothing_is_left_below_the_dead_threshold(alpha: float, gamma: float):
    threshold = retinex.dead_threshold(alpha, gamma)
    dark = retinex.degrade(RAMP, alpha, gamma)
    assert (dark[threshold - 1e-9 > RAMP] == 0).all()
    assert (dark[threshold + 1e-9 < RAMP] > 0).all()


@pytest.mark.parametrize(
    ("alpha", "gamma", "threshold"),
    [(1.5, 0.5, 0.111), (1.5, 1, 0.333), (1.5, 2, 0.577), (2, 0.5, 0.25), (2, 1, 0.5),
     (2, 2, 0.707), (1, 1, 0), (0.5, 2, 0)],
)  # fmt: skip
def test_known_dead_thresholds(alpha: float, gamma: float, threshold: float):
    assert retinex.dead_threshold(alpha, gamma) == pytest.approx(threshold, abs=5e-4)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 1), GAMMAS)
def test_up_to_alpha_1_the_inverse_is_exact(alpha: float, gamma: float):
    dark = retinex.degrade(RAMP, alpha, gamma)
    assert retinex.invert(dark, alpha, gamma) == pytest.approx(RAMP, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(1.01, 3), GAMMAS)
def test_above_alpha_1_only_what_became_0_is_lost(alpha: float, gamma: float):
    dark = retinex.degrade(RAMP, alpha, gamma)
    expected = np.where(dark > 0, RAMP, 0)
    assert retinex.invert(dark, alpha, gamma) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 1), GAMMAS)
def test_the_dark_picture_and_alpha_times_the_difference_map_give_the_picture(
    alpha: float, gamma: float
):
    dark = retinex.degrade(RAMP, alpha, gamma)
    assert dark + alpha * retinex.difference_map(RAMP, gamma) == pytest.approx(RAMP, abs=1e-12)


def test_the_inverse_keeps_shape_and_type():
    dark = retinex.degrade(np.full((2, 3, 3), 0.5, np.float32), 0.7, 2.0)
    assert dark.dtype == np.float32
    found = retinex.invert(dark, 0.7, 2.0)
    assert (found.dtype, found.shape) == (np.float32, (2, 3, 3))
    assert found == pytest.approx(0.5, abs=1e-6)


def test_the_other_generator_is_a_power_law():
    drawn = Drawn("gamma", 0.5, 3.0, 0.0)
    dark = retinex.darken(np.array([0.0, 0.5, 1.0]), drawn, np.random.default_rng(0))
    assert dark.tolist() == [0, 0.0625, 0.5]


def test_noise_has_the_drawn_deviation_and_stays_within_0_and_1():
    drawn = Drawn("retinex", 1.0, 1.0, 0.03)
    dark = retinex.darken(np.full((200, 200), 0.7, np.float32), drawn, np.random.default_rng(0))
    assert dark.mean() == pytest.approx(0.49, abs=1e-3)
    assert dark.std() == pytest.approx(0.03, rel=0.02)
    extremes = retinex.darken(np.array([0.0, 1.0] * 50), drawn, np.random.default_rng(0))
    assert (extremes.min(), extremes.max()) == (0, 1)


def test_draws_fill_the_ranges_of_the_protocol():
    random = np.random.default_rng(0)
    drawn = [retinex.draw(PROTOCOL.degradation, random) for _ in range(400)]
    for name, low, high in (("alpha", 0.5, 2), ("gamma", 0.5, 2), ("noise_sigma", 0, 0.0392)):
        values = [getattr(one, name) for one in drawn]
        assert min(values) == pytest.approx(low, abs=0.02 * high)
        assert max(values) == pytest.approx(high, rel=0.02)


def test_a_darkened_photograph_is_the_formula_to_half_a_level():
    protocol = parse("quiet", PROTOCOL.text.replace("[0.0, 0.0392]", "[0.0, 0.0]"))
    low, drawn = pairs.darkened(picture(1, (300, 40)), protocol, 5)
    exact = 255 * retinex.degrade(picture(1, (300, 40)) / 255, drawn.alpha, drawn.gamma)
    assert low.dtype == np.uint8
    assert np.abs(low - exact).max() <= 0.5001


def test_seed_and_picture_decide_the_draw():
    first, drawn = pairs.darkened(picture(1), PROTOCOL, 0)
    again, same = pairs.darkened(picture(1), PROTOCOL, 0)
    assert np.array_equal(first, again)
    assert same == drawn
    assert pairs.darkened(picture(1), PROTOCOL, 1)[1] != drawn
    assert pairs.darkened(picture(2), PROTOCOL, 0)[1] != drawn


def test_without_eight_bit_the_dark_picture_has_sixteen():
    protocol = parse("deep", PROTOCOL.text.replace("eight_bit   = true", "eight_bit   = false"))
    low, _ = pairs.darkened(picture(1), protocol, 0)
    assert low.dtype == np.uint16
    assert len(np.unique(low)) > 256


@pytest.mark.parametrize("wrong", ["[2.0, 0.5]", "[1.0]", "[-1.0, 1.0]"])
def test_a_range_that_is_none_is_named(tmp_path, wrong: str):  # type: ignore[no-untyped-def]
    protocol = parse("mine", PROTOCOL.text.replace("[0.5, 2.0]     # the paper's", wrong + " #"))
    with pytest.raises(ProtocolError, match=r"mine.toml: degradation.alpha: it is \[.*from 0 up"):
        pairs.find(tmp_path, protocol)
