"""The ceiling that a reference's own noise sets, against renders with and without that noise."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lldata import protocol, render
from lldata.audit import noise as audit
from lldata.frame import Frame
from lldata.measures import blocks
from lldata.noise import headroom
from lldata.synthesis import noise, scenes, sensor
from tests.captures import frame, light, pair_of

WHITE_BALANCE = (2.0, 1.0, 1.5, 1.0)


def exposed(name: str, iso: int, size: tuple[int, int]) -> tuple[Frame, Frame, float]:
    """Return a noisy and a noiseless exposure of a scene and the noise's gain."""
    body, rng = sensor.load(protocol.load_raw(name)), np.random.default_rng(1)
    found, colours = body.noise.at(iso), scenes.procedural(*size, rng)
    seen = body.camera_colours(colours, WHITE_BALANCE)
    share = 0.7 * body.sample(seen) / np.percentile(seen[..., 1], 99)
    electrons = np.minimum(share, 2) * body.range_dn() / found.gain
    mosaics = (noise.expose(electrons, found, rng), electrons * found.gain)
    noisy, clean = (
        Frame(
            mosaic=noise.quantise(np.float64(m), body.black_level, body.white_level),
            cfa=body.cfa, black_level=(body.black_level,) * 4, white_level=body.white_level,
            white_balance=WHITE_BALANCE, colour_matrix=body.matrix, exposure_s=10.0, iso=iso,
            camera="Any", sha256="",
        )
        for m in mosaics
    )  # fmt: skip
    for each in (noisy, clean):
        each.mosaic[0, :6] = body.white_level  # one white point for both renders
    return noisy, clean, found.gain


@pytest.mark.parametrize(
    ("name", "iso", "size"),
    [("sid_sony", 200, (256, 384)), ("sid_sony", 3200, (256, 384)),
     ("canon6d_iso12600", 12800, (256, 384)), ("sid_fuji", 400, (512, 512))],
)  # fmt: skip
def test_the_ceiling_is_what_the_noiseless_scene_scores(name: str, iso: int, size: tuple[int, int]):
    noisy, clean, gain = exposed(name, iso, size)
    found = sensor.load(protocol.load_raw(name)).noise.at(iso)
    lit = blocks.of_frame(noisy, blocks.side_for(noisy))
    variance = gain * np.maximum(lit.mean, 0) + found.read_sigma**2 + found.row_sigma**2
    white = noisy.white_level - noisy.black_level[0]
    seen, truth = (np.rint(render.render(f)[8:-8, 8:-8] / 257.0) for f in (noisy, clean))
    scored = 10 * np.log10(255**2 / ((seen - truth) ** 2).mean())
    assert headroom.ceiling_db(noisy, lit, white, variance) == pytest.approx(scored, abs=1.8)


@pytest.mark.parametrize("cfa", ["RGGB", "RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB"])
def test_flat_noise_is_demosaiced_as_the_table_says(cfa: str):
    rng, level, sigma = np.random.default_rng(2), 20000, 300
    mosaic = np.rint(level + rng.normal(0, sigma, (516, 516))).astype(np.uint16)
    mosaic[0, :6] = 65535
    flat = replace(
        frame(light(1), 1), mosaic=mosaic, cfa=cfa, black_level=(0.0,) * 4, white_level=65535,
        white_balance=(1.0,) * 4, colour_matrix=((0.0,) * 3,) * 3,
    )  # fmt: skip
    linear = render.linearise(render.render(flat)[12:-12, 12:-12] / 65535.0) * 65535
    measured = np.cov(linear.reshape(-1, 3).T) / sigma**2
    table = headroom._DEMOSAICED[len(cfa)].sum(axis=0)
    assert measured == pytest.approx(table, abs=0.05)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.4, 1.0, 5.0])
def test_the_error_of_rounded_values_is_what_drawing_them_gives(sigma: float):
    rng = np.random.default_rng(3)
    value = rng.uniform(0, 1, 400_000)
    error = np.rint(value + rng.normal(0, sigma, value.size)) - np.rint(value)
    found = headroom.rounded_error(np.array([[sigma]]))[0, 0]
    assert found == pytest.approx((error**2).mean(), rel=0.05)


def test_the_noise_of_a_pair_is_measured_from_it_alone():
    pair = pair_of(frame(light(1, (384, 512)), 0.5), frame(light(1, (384, 512)), 10), shift=None,
                   ratio=20.0)  # fmt: skip
    found = pair.scene.once(audit.of_scene)
    assert isinstance(found, audit.Noise)
    assert found.gain == pytest.approx(
        0.25, rel=0.05
    )  # DN per electron, as tests/captures.py has it
    assert found.read_sigma == pytest.approx(0.75, abs=0.5)  # of a signal whose noise is 5 DN
    assert found.source == "by the shorts against the long"
    assert audit.audit(pair).status == "pass"


@pytest.mark.parametrize(("other", "sets"), [(1, 1), (2, 0)])
def test_only_takes_of_one_picture_tell_the_noise_of_a_scene(other: int, sets: int):
    shorts = [frame(light(seed, (192, 256)), 0.5, take) for take, seed in enumerate((1, other))]
    scene = SimpleNamespace(long=frame(light(1, (192, 256)), 10))
    scene.pairs = [SimpleNamespace(short=s, shift=None, comparable=True) for s in shorts]
    assert len(audit._takes(scene, 1)) == sets


def test_a_reference_as_noisy_as_results_is_a_warning():
    weak = frame(light(1, (384, 512)), 0.5), frame(light(1, (384, 512)), 10)
    coarse = [replace(f, mosaic=_noisier(f.mosaic, seed)) for seed, f in enumerate(weak)]
    finding = audit.audit(pair_of(*coarse, shift=None, ratio=20.0))
    assert (finding.status, finding.limit) == ("warn", 30)
    assert "a perfect method scores 2" in finding.message


def _noisier(mosaic: np.ndarray, seed: int) -> np.ndarray:
    """Return it as a camera of 40 DN per electron gives it."""
    electrons = np.random.default_rng(seed).poisson(np.maximum(mosaic - 512.0, 0) / 40)
    read = np.random.default_rng(seed + 9).normal(0, 30, mosaic.shape)
    return np.clip(np.rint(512 + electrons * 40 + read), 0, 16383).astype(np.uint16)


def test_a_ready_reference_does_not_tell_its_noise():
    picture = np.full((192, 256, 3), 30000, np.uint16)
    finding = audit.audit(pair_of(frame(light(1), 0.1), frame(light(1), 10), reference=picture))
    assert (finding.status, finding.measured) == ("unknown", None)
