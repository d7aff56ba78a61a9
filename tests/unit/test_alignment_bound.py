"""The bound of the alignment study, where it can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lldata.protocol import load_raw
from lldata.synthesis import sensor
from lldata.synthesis.noise import Noise
from tests.benchmarks.alignment_bound import Light, attained, bound

NOISE = Noise(gain=1.0, read_scale=50.0, read_shape=0.14, row_sigma=0.0)  # far above photons'
BODY = replace(sensor.load(load_raw("sid_sony")), dark_e_s=0.0, glow_e_s=0.0, hot_share=0.0)
SIDE, LEVEL, DEEP, ANGLE = 256, 10.0, 0.5, 2 * math.pi / 32


def waves(y: int, x: int) -> Light:
    """Return sine waves down and half as strong ones across, at 1 drawn row a photosite."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    down, across = np.sin(ANGLE * (rows + y)), np.sin(ANGLE * (columns + x))
    return LEVEL * (1 + DEEP * (down + across / 2))


def test_waves_are_placed_as_exactly_as_their_slopes_and_the_noise_allow():
    larger, smaller = bound(waves, BODY, NOISE, step=2, short_s=0.1, long_s=10)
    slope = 2 * 0.1 * LEVEL * DEEP * math.sin(ANGLE) / math.sqrt(2)  # per packed pixel, rms
    expected = NOISE.read_sigma / (slope * math.sqrt(SIDE**2 / 2))
    assert smaller == pytest.approx(expected, rel=1e-3)
    assert larger == pytest.approx(2 * expected, rel=1e-3)


def test_what_the_long_saturates_tells_nothing():
    whole = bound(waves, BODY, NOISE, 2, 0.1, 10)
    white = replace(BODY, white_level=BODY.black_level + 100)  # half of the waves are above
    assert bound(waves, white, NOISE, 2, 0.1, 10)[0] > 1.2 * whole[0]


def test_errors_of_equal_axes_are_lengths_of_two_normal_numbers():
    middle, low, high = attained([(0.1, 0.1)] * 300, 99)
    assert middle == pytest.approx(0.1 * math.sqrt(-2 * math.log(0.01)), rel=0.03)  # Rayleigh
    assert low < middle < high
