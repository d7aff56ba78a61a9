"""What every method promises, whichever it is: found by its file, asked nothing special."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from baselines import method
from eval import listing
from lldata import cfa
from lldata.errors import MethodError
from lldata.frame import Frame
from lldata.sample import Sample
from lldata.synthesis.retinex import Drawn
from tests.captures import SONY

# networks are drawn small and untrained: the promises do not depend on training
OPTIONS: dict[str, dict[str, Any]] = {
    "contextual_cyclegan": {"width": 2, "blocks": 1, "crop": 16, "region": 32, "device": "cpu"},
    "cyclegan": {"width": 2, "blocks": 1, "crop": 16, "device": "cpu"},
    "deep_image_prior": {"width": 2, "scales": 1, "iterations": 2, "device": "cpu"},
    "llnet": {"outer": 4, "middle": 4, "inner": 4, "device": "cpu"},
    "neural_style": {"perceptual": "random", "iterations": 1, "long_side": 16, "device": "cpu"},
    "residual16": {"width": 2, "device": "cpu"},
    "residual32": {"width": 2, "device": "cpu"},
    "residual32_nose": {"width": 2, "device": "cpu"},
    "residual32_xtrans_nearest": {"width": 2, "device": "cpu"},
    "residual32_xtrans_transposed": {"width": 2, "device": "cpu"},
    "retinex_residual": {"width": 2, "device": "cpu"},
    "sid": {"width": 2, "device": "cpu"},
    "sid_minus1": {"width": 2, "device": "cpu"},
    "sid_minus2": {"width": 2, "device": "cpu"},
    "sid_plus1": {"width": 2, "device": "cpu"},
}
NAMES = method.names()
BLIND = [name for name in NAMES if not method.info(name).oracle]
ORACLES = [name for name in NAMES if method.info(name).reference_use in ("mean", "histogram")]
TOLD = [  # how the photograph was darkened, always or by an option
    ("retinex_inverse", {"degradation": True}),
    ("retinex_residual", {"degradation": True}),
    *((name, {}) for name in NAMES if method.info(name).reference_use == "degradation"),
]
TRAINABLE = [name for name in NAMES if method.info(name).trainable]
CLIP_METHODS = [name for name in NAMES if method.info(name).domain == "clip"]
XTRANS = ["residual32_xtrans_nearest", "residual32_xtrans_transposed"]  # read no Bayer frames
TINY = [(1, 1), (1, 7), (7, 1)]  # pictures only: a frame has one period of its CFA at least
SHAPES = [(2, 3), (16, 16), (17, 23), (40, 31), (64, 96)]
CASES = [
    (name, shape) for name in NAMES for shape in SHAPES if name not in XTRANS or min(shape) >= 6
] + [(name, shape) for name in NAMES for shape in TINY if method.info(name).domain != "raw"]


@pytest.fixture(autouse=True)
def _style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give neural_style the image it asks for."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "style.png"), image)
    monkeypatch.setitem(OPTIONS["neural_style"], "style", tmp_path / "style.png")


def built(name: str) -> method.Method:
    try:
        return method.build(name, **OPTIONS.get(name, {}))
    except MethodError as error:
        if "is not installed" not in str(error):
            raise
        pytest.skip(str(error))


def sample(name: str, shape: tuple[int, int] = (33, 46)) -> Sample:
    rng = np.random.default_rng(shape)
    mosaic = rng.integers(500, 700, shape, dtype=np.uint16)
    frame: Frame = replace(SONY, mosaic=mosaic, cfa=cfa.XTRANS if name in XTRANS else cfa.BAYER)
    bright = method.info(name).input == "amplified"
    picture = rng.random((3, *shape), np.float32) * np.float32(1.0 if bright else 0.02)
    answer: dict[str, Any] = {
        "reference": rng.random((3, *shape), np.float32),
        "drawn": Drawn("retinex", 0.9, 1.5, 0.01),
    }
    if min(shape) < 2:
        return Sample("1/1", 100.0, srgb=picture, **answer)
    return Sample("1/1", 100.0, frame, cfa.normalise(frame), picture, **answer)


def output(run: method.Method, given: Sample) -> np.ndarray:
    """Return the pictures of a sample, (N, 3, H, W): of a clip method, of two frames."""
    if run.info.domain != "clip":
        return run(given)[None]
    assert given.srgb is not None
    frames: Any = run(replace(given, clip=iter([given.srgb, given.srgb[:, ::-1]])))
    return np.stack(list(frames))


@pytest.mark.parametrize("name", NAMES)
def test_its_info_is_named_after_its_file_and_read_without_importing_it(name: str):
    assert method.info(name).name == name
    assert built(name).info == method.info(name)


@pytest.mark.parametrize("name", NAMES)
def test_its_source_and_licence_are_stated(name: str):
    info = method.info(name)
    assert info.title
    assert info.source
    assert info.licence


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_any_size_gives_a_finite_picture_of_that_size(name: str, shape: tuple[int, int]):
    pictures = output(built(name), sample(name, shape))
    assert (pictures.shape[1:], pictures.dtype) == ((3, *shape), np.float32)
    assert len(pictures) == (2 if method.info(name).domain == "clip" else 1)
    assert np.isfinite(pictures).all()
    assert 0 <= pictures.min() <= pictures.max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_frame_gives_a_finite_picture(name: str, value: float):
    given = sample(name)
    assert given.srgb is not None
    assert given.packed is not None
    flat = replace(given, srgb=np.full_like(given.srgb, value),
                   packed=np.full_like(given.packed, value / 100))  # fmt: skip
    pictures = output(built(name), flat)
    assert np.isfinite(pictures).all()
    assert 0 <= pictures.min() <= pictures.max() <= 1


@pytest.mark.parametrize("name", BLIND)
def test_a_blind_method_gives_the_same_whatever_the_answer_is(name: str):
    given, run = sample(name), built(name)
    noise = np.random.default_rng(9).random((3, 33, 46), np.float32)
    expected = output(run, given)
    other = Drawn("retinex", 0.5, 3.0, 0.0)
    for reference, drawn in ((noise, other), (None, None)):
        changed = replace(given, reference=reference, drawn=drawn)
        np.testing.assert_array_equal(output(run, changed), expected)


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_changes_with_the_reference(name: str):
    given, run = sample(name), built(name)
    other = replace(given, reference=given.reference / 2)  # type: ignore[operator]
    assert not np.array_equal(run(other), run(given))


@pytest.mark.parametrize(("name", "options"), TOLD)
def test_a_method_told_the_degradation_sees_nothing_else_of_the_answer(
    name: str, options: dict[str, Any]
):
    run = method.build(name, **{**OPTIONS.get(name, {}), **options})
    assert run.info.reference_use == "degradation"
    given = sample(name)
    expected = run(given)
    np.testing.assert_array_equal(run(replace(given, reference=None)), expected)
    other = run(replace(given, drawn=Drawn("retinex", 0.5, 3.0, 0.0)))
    assert not np.array_equal(other, expected)
    with pytest.raises(MethodError, match="how the photograph was darkened"):
        run(replace(given, drawn=None))


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_the_same_bits_twice_and_when_built_again(name: str):
    given, run = sample(name), built(name)
    first = output(run, given)
    np.testing.assert_array_equal(output(run, given), first)
    np.testing.assert_array_equal(output(built(name), given), first)


@pytest.mark.parametrize("name", NAMES)
def test_it_leaves_its_sample_as_it_was(name: str):
    given, untouched = sample(name), sample(name)
    output(built(name), given)
    for field in ("packed", "srgb", "reference"):
        np.testing.assert_array_equal(getattr(given, field), getattr(untouched, field))
    assert given.frame is not None
    assert untouched.frame is not None
    np.testing.assert_array_equal(given.frame.mosaic, untouched.frame.mosaic)


@pytest.mark.parametrize("name", CLIP_METHODS)
def test_a_clip_method_reads_frames_as_they_are_asked_for_and_says_how_many_around(name: str):
    picture, read = sample(name).srgb, []

    def film() -> Iterator[Any]:
        for number in range(20):
            read.append(number)
            yield picture

    run: Any = built(name)
    given = Sample("1/1", float("nan"), clip=film())
    next(iter(run(given)))
    assert len(read) == 1 + run.frames_around
    with pytest.raises(MethodError, match="the sample holds no clip"):
        next(iter(run(replace(given, clip=None))))


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_trainable_method_has_both_presets_and_the_parameters_it_states(name: str):
    module = method.module(name)
    assert set(module.PRESETS) >= {"paper", "quick"}
    assert module.build(device="cpu").parameters == method.info(name).parameters


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_trainable_method_has_a_learner_and_can_be_watched_while_it_learns(name: str):
    module = method.module(name)
    asked = [list(inspect.signature(each).parameters) for each in (module.learner, module.build)]
    assert asked[0][:3] == ["recipe", "data", "seed"]
    assert {"device", "precision"} <= set(asked[1])


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_means(name: str):
    facts = listing.model(name)
    if "missing" in facts:
        pytest.skip(facts["missing"])
    meanings = facts["meanings"]
    assert [option for option, meaning in meanings.items() if not meaning] == []
