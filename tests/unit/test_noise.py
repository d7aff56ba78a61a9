import io
import math

import numpy as np
import pytest
import rawpy
from scipy import stats

from lldata import protocol
from lldata.dng import dng_bytes
from lldata.frame import Frame
from lldata.synthesis import noise, sensor

NAMES = ("sid_sony", "canon6d_iso200", "canon6d_iso12600")


@pytest.mark.parametrize("shape", [-0.14, 0.0, 0.14, 0.5])
def test_read_noise_follows_scipys_tukey_lambda(shape):
    drawn = noise.tukey_lambda(np.random.default_rng(1), shape, (200_000,))
    levels = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
    expected = stats.tukeylambda.ppf(levels, shape)
    assert np.quantile(drawn, levels) == pytest.approx(expected, abs=0.06)
    assert noise.tukey_lambda_sigma(shape) == pytest.approx(stats.tukeylambda.std(shape), rel=1e-5)
    assert drawn.std() == pytest.approx(noise.tukey_lambda_sigma(shape), rel=0.02)


def test_the_sony_at_iso_100_has_the_calibrated_figures():
    at = sensor.load(protocol.load_raw("sid_sony")).noise.at(100)
    assert at.gain == pytest.approx(0.0939)
    assert at.read_scale == pytest.approx(math.exp(0.4621 * math.log(0.0939) + 0.5657))
    assert at.row_sigma == pytest.approx(math.exp(0.5275 * math.log(0.0939) - 0.5917))


def test_gain_is_proportional_to_iso():
    model = sensor.load(protocol.load_raw("canon6d_iso200")).noise
    assert model.at(12800).gain == pytest.approx(64 * model.at(200).gain)


def test_row_noise_is_one_value_for_a_whole_row():
    only_rows = noise.Noise(gain=1.0, read_scale=0.0, read_shape=0.1, row_sigma=3.0)
    signal = noise.expose(np.zeros((500, 40)), only_rows, np.random.default_rng(2))
    assert np.ptp(signal, axis=1).max() == 0
    assert signal[:, 0].std() == pytest.approx(3.0, rel=0.1)


def test_quantising_adds_black_clips_and_rounds():
    signal = np.array([[-600.0, 0.4, 0.6, 1e6]])
    assert noise.quantise(signal, 512, 16383).tolist() == [[0, 512, 513, 16383]]


def shot(name, rate, seed, iso):
    """Take a flat field, write it as a DNG and read it by LibRaw; DN above black."""
    body = sensor.load(protocol.load_raw(name))
    light = np.full((256, 384), rate)
    mosaic = body.capture(light, 0.01, body.noise.at(iso), [seed])
    frame = Frame(
        mosaic=mosaic, cfa=body.cfa, black_level=(body.black_level,) * 4,
        white_level=body.white_level, white_balance=(2.0, 1.0, 1.5, 1.0),
        colour_matrix=body.matrix, exposure_s=0.01, iso=iso, camera=body.model, sha256="",
    )  # fmt: skip
    with rawpy.imread(io.BytesIO(dng_bytes(frame))) as raw:
        return raw.raw_image_visible.astype(float) - raw.black_level_per_channel[0]


def row_free(one, other):
    difference = (one - other) / math.sqrt(2)
    return difference - difference.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "iso"),
    [("sid_sony", 400), ("sid_sony", 3200), ("canon6d_iso200", 200), ("canon6d_iso12600", 12800)],
)
def test_photon_transfer_returns_the_gain_and_read_noise_put_in(name, iso):
    body = sensor.load(protocol.load_raw(name))
    put_in = body.noise.at(iso)
    dark = row_free(shot(name, 0.0, 1, iso), shot(name, 0.0, 2, iso)).var()
    half_full = 0.5 * body.range_dn() / put_in.gain / 0.01
    means, variances = [], []
    for number, share in enumerate((0.05, 0.2, 0.5, 1.0)):
        pair = [shot(name, share * half_full, 10 * number + i, iso) for i in (3, 4)]
        means.append(np.mean(pair))
        variances.append(row_free(*pair).var() - dark)
    gain = np.dot(means, variances) / np.dot(means, means)
    assert gain == pytest.approx(put_in.gain, rel=0.05)
    assert math.sqrt(dark - 1 / 12) == pytest.approx(put_in.read_sigma, rel=0.05)
