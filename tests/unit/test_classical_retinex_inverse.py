"""The inverse of the Retinex darkening, and the one field that tells a method what was drawn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import method
from eval.running import pairs
from eval.running.pairs import Job
from lldata import store, upkeep
from lldata.errors import MethodError, StoreError
from lldata.sample import Sample, read_sample
from lldata.scene import Pixels, SceneFile
from lldata.synthesis.retinex import Drawn, darken, degrade
from tests.stores import night

DRAWN = Drawn("retinex", 0.8, 1.7, 0.0)
RAMP = np.linspace(0, 1, 3 * 40 * 50, dtype=np.float32).reshape(3, 40, 50)


def dusk(folder: Path, **facts: Any) -> store.Store:
    """Publish and open one photograph and its copy darkened by DRAWN, with these facts of it."""
    row = {
        "pair": "p/p", "scene": "p", "group": "p", "short": "p", "long": "", "reference": "p",
        "split": "test", "ratio": None, "iso": None, "exposure_s": None, "status": "pass",
        "shift_y_px": 0.0, "shift_x_px": 0.0,
    }  # fmt: skip
    dark = darken(RAMP, DRAWN, np.random.default_rng(0))
    low, normal = (np.rint(p.transpose(1, 2, 0) * 65535).astype(np.uint16) for p in (dark, RAMP))
    scene = SceneFile(
        scene="p", group="p", split="test", camera="", protocol="raise_retinex", protocol_text="",
        synthetic=True, origin="p.png", pairs=(row,), findings=(), sources={}, kind="pictures",
        versions={"lldata": "1", "rawpy": "2", "libraw": "3", "numpy": "4"},
    )  # fmt: skip
    pixels = Pixels(low={"p": low}, normal={"p": normal}, facts={"low/p": facts})
    upkeep.publish_scene(folder, scene, pixels)
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    return store.open_store(folder)


def test_a_sample_holds_what_was_drawn_only_when_it_is_asked_for(tmp_path: Path):
    dataset = dusk(tmp_path / "dusk", **asdict(DRAWN), seed=3)
    assert read_sample(dataset, "p/p", reference=True).drawn is None
    told = read_sample(dataset, "p/p", degradation=True)
    assert (told.drawn, told.reference) == (DRAWN, None)


@pytest.mark.parametrize(
    "facts",
    [{}, {"generator": "retinex", "alpha": 0.8}, {**asdict(DRAWN), "generator": "haze"},
     {**asdict(DRAWN), "gamma": "nan"}, {**asdict(DRAWN), "alpha": [1.0, 2.0]}],
)  # fmt: skip
def test_a_dataset_that_does_not_say_what_was_drawn_is_refused(
    tmp_path: Path, facts: dict[str, Any]
):
    with pytest.raises(StoreError, match="pair p/p: the store does not say how it was darkened"):
        read_sample(dusk(tmp_path / "dusk", **facts), "p/p", degradation=True)


def test_a_captured_frame_has_no_degradation_to_tell(tmp_path: Path):
    dataset = night(tmp_path / "night", "test")
    with pytest.raises(StoreError, match=r"00001_00_0\.1s: the store does not say"):
        read_sample(dataset, "00001/00001_00_0.1s", degradation=True)


@pytest.mark.parametrize(
    ("name", "options", "given"),
    [
        ("identity", {}, (False, False)),
        ("retinex_inverse", {}, (False, False)),
        ("scaled", {}, (True, False)),
        ("retinex_inverse", {"degradation": True}, (False, True)),
    ],
)
def test_a_run_withholds_the_answer_but_for_the_part_a_method_declares(
    tmp_path: Path, name: str, options: dict[str, Any], given: tuple[bool, bool]
):
    dataset = dusk(tmp_path / "dusk", **asdict(DRAWN))
    job = Job(name, tuple(options.items()), None, dataset.path, ("psnr",), tmp_path, "")
    sample = pairs.stages_of(job).read("p/p").sample
    assert (sample.reference is not None, sample.drawn is not None) == given


def test_told_the_degradation_it_gives_the_photograph_back(tmp_path: Path):
    dataset = dusk(tmp_path / "dusk", **asdict(DRAWN))
    told = read_sample(dataset, "p/p", degradation=True)
    exact = method.build("retinex_inverse", degradation=True)
    np.testing.assert_allclose(exact(told), RAMP, atol=4e-5)
    assert exact.info.oracle
    assert not method.info("retinex_inverse").oracle


def test_blind_it_is_the_square_root():
    given = Sample("1/1", 1.0, srgb=RAMP)
    np.testing.assert_allclose(method.build("retinex_inverse")(given), np.sqrt(RAMP), atol=1e-6)


@pytest.mark.parametrize(("alpha", "gamma"), [(0, 1), (0.3, 0.5), (0.9, 3), (1, 2)])
def test_a_chosen_alpha_and_gamma_are_undone(alpha: float, gamma: float):
    dark = Sample("1/1", 1.0, srgb=degrade(RAMP, alpha, gamma).astype(np.float32))
    restored = method.build("retinex_inverse", alpha=alpha, gamma=gamma)(dark)
    np.testing.assert_allclose(restored, RAMP, atol=1e-5)


def test_for_alpha_above_one_black_stays_black_and_noise_lands_beyond_the_threshold():
    noise = np.array([0, 1e-4, 1], np.float32).reshape(3, 1, 1)
    restored = method.build("retinex_inverse", alpha=2, gamma=1)(Sample("1/1", 1.0, srgb=noise))
    np.testing.assert_allclose(restored.ravel(), [0, 0.5, 1], atol=2e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degradation": "yes"}, "--set degradation: it is 'yes', but it is true or false"),
        ({"alpha": -1}, "--set alpha: it is -1, but it is a number from 0 to 10"),
        ({"gamma": 0}, "--set gamma: it is 0, but it is a number from 0.01 to 100"),
        ({"gamma": 2, "degradation": True}, "--set gamma: it is 2 and degradation is true, but"),
    ],
)
def test_an_option_it_cannot_have_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(MethodError) as caught:
        method.build("retinex_inverse", **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (None, "1/1: the sample does not hold it, but it needs to know how the photograph"),
        (Drawn("gamma", 0.5, 3, 0), r"1/1: the power law alpha I\^gamma darkened it, but"),
    ],
)
def test_told_nothing_or_of_another_formula_it_refuses(drawn: Drawn | None, message: str):
    exact = method.build("retinex_inverse", degradation=True)
    with pytest.raises(MethodError, match=message):
        exact(Sample("1/1", 1.0, srgb=RAMP, drawn=drawn))


def test_identity_is_the_picture_clipped():
    given = Sample("1/1", 1.0, srgb=np.array([-0.5, 0.25, 1.5], np.float32).reshape(3, 1, 1))
    assert method.build("identity")(given).ravel().tolist() == [0, 0.25, 1]
    assert method.build("identity@amplified").info.input == "amplified"
