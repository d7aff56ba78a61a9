"""Sensor noise: photons in electrons, read and row noise in DN, then whole numbers.

Source: Wei, Fu, Yang, Huang, CVPR 2020 (ELD), its noise formation model: Poisson photon noise,
Tukey-lambda read noise, Gaussian row noise, a black level that is off by some DN (its colour
bias), uniform quantisation; sizes follow the gain on log-log lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 1e-12  # probability; the quantile is infinite at 0 and 1


@dataclass(frozen=True)
class Noise:
    """The noise of a sensor at one ISO."""

    gain: float  # DN per electron
    read_scale: float  # DN, of the Tukey-lambda distribution; not its standard deviation
    read_shape: float  # lambda; 0.14 is close to normal, smaller has heavier tails
    row_sigma: float  # DN, one value per row
    black_error: float = 0.0  # DN, mean of a dark frame over the black level that is stated

    @property
    def read_sigma(self) -> float:
        """Standard deviation of the read noise of a pixel, DN."""
        return self.read_scale * tukey_lambda_sigma(self.read_shape)


@dataclass(frozen=True)
class NoiseModel:
    """How the noise of a sensor follows its ISO: log sigma = slope * log gain + bias."""

    gain_iso_100: float  # DN per electron
    read_slope: float
    read_bias: float
    row_slope: float
    row_bias: float
    read_shapes: tuple[float, ...]  # as calibrated at several ISO, in rising order
    shapes_to_iso: float = 0.0  # of the last shape, the first's is 100; 0: the median is used
    black_errors: tuple[tuple[float, float], ...] = ()  # ISO, DN: mean of a dark frame over black

    def shape(self, iso: float) -> float:
        """Return the shape of the read noise at an ISO.

        Its tails grow with the gain: between the calibrated ones, equal steps of its logarithm
        apart, it is interpolated.
        """
        if not self.shapes_to_iso:
            return float(np.median(self.read_shapes))
        places = np.linspace(0, math.log(self.shapes_to_iso / 100), len(self.read_shapes))
        return float(np.interp(math.log(iso / 100), places, self.read_shapes))

    def at(self, iso: float) -> Noise:
        """Return the noise at an ISO; the gain is proportional to it."""
        gain = self.gain_iso_100 * iso / 100
        return Noise(
            gain=gain,
            read_scale=math.exp(self.read_slope * math.log(gain) + self.read_bias),
            read_shape=self.shape(iso),
            row_sigma=math.exp(self.row_slope * math.log(gain) + self.row_bias),
            black_error=self.black_error(iso),
        )

    def black_error(self, iso: float) -> float:
        """Return the error of the black level at an ISO, DN, interpolated over its logarithm."""
        if not self.black_errors:
            return 0.0
        isos, errors = zip(*self.black_errors, strict=True)
        return float(np.interp(math.log(iso), np.log(isos), errors))


def expose(
    electrons: NDArray[np.floating], noise: Noise, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return what the sensor gives for an expected number of electrons, DN above black.

    Parameters
    ----------
    electrons : (H, W), expected photo-electrons and dark electrons of the exposure
    noise : of the ISO
    rng : source of all the noise

    Returns
    -------
    (H, W), not clipped, not quantised.
    """
    signal = rng.poisson(electrons).astype(np.float64) * noise.gain
    signal += tukey_lambda(rng, noise.read_shape, electrons.shape) * noise.read_scale
    signal += rng.normal(0.0, noise.row_sigma, (electrons.shape[0], 1))
    signal += noise.black_error
    return signal


def quantise(signal: NDArray[np.float64], black: float, white: int) -> NDArray[np.uint16]:
    """Add the black level, clip at the white level and round to whole DN."""
    return np.rint(np.clip(signal + black, 0, white)).astype(np.uint16)


def tukey_lambda(
    rng: np.random.Generator, shape: float, size: tuple[int, ...]
) -> NDArray[np.float64]:
    """Draw from the Tukey-lambda distribution of scale 1, by its quantile function.

    Source: Q(p) = (p^lambda - (1 - p)^lambda) / lambda; the logistic distribution at 0.
    """
    p = rng.random(size).clip(_SMALLEST, 1 - _SMALLEST)
    quantile: NDArray[np.float64]
    quantile = np.log(p) - np.log1p(-p) if shape == 0 else (p**shape - (1 - p) ** shape) / shape
    return quantile


def tukey_lambda_sigma(shape: float) -> float:
    """Return the standard deviation of the Tukey-lambda distribution of scale 1.

    Source: its variance is 2/lambda^2 * (1/(1 + 2 lambda) - Gamma(lambda + 1)^2 /
    Gamma(2 lambda + 2)), and pi^2/3 at 0; it is finite for lambda > -1/2.
    """
    if shape == 0:
        return math.pi / math.sqrt(3)
    overlap = math.gamma(shape + 1) ** 2 / math.gamma(2 * shape + 2)
    return math.sqrt(2 * (1 / (1 + 2 * shape) - overlap)) / abs(shape)
