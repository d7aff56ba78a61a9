from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.training.noise_source import noise_source
from baselines.training.plan import make_plan
from baselines.training.train import train
from lldata import cfa
from lldata.dataset import Crops
from lldata.errors import LowLightError
from lldata.noise import calibration
from lldata.noise.calibration import Calibration, IsoNoise
from lldata.noise.photon_transfer import Estimate
from lldata.sample import Mosaic
from lldata.store import Store
from lldata.synthesis.noise import NoiseModel, tukey_lambda_sigma
from lldata.synthesis.shorts import NoisyShorts
from tests.captures import SONY
from tests.stores import night

BLACK, WHITE = (512.0, 514.0, 516.0, 518.0), 16383
GAIN, READ, ROW = 0.5, 3.0, 1.5  # DN per electron, DN, DN at ISO 200


def model(shape: float = 0.14) -> NoiseModel:
    scale = np.log(READ / tukey_lambda_sigma(shape))
    return NoiseModel(GAIN / 2, 0.0, float(scale), 0.0, float(np.log(ROW)), (shape,))


def calibrated(path: Path, camera: str = SONY.camera, iso: float = 200.0) -> str:
    def known(value: float) -> Estimate:
        return Estimate(value, value, value)

    noise = IsoNoise(iso, known(GAIN), (GAIN,) * 4, known(READ), known(ROW), 0.0, None, 10)
    calibration.write(Calibration(camera, (noise,), ()), path)
    return str(path)


@pytest.fixture
def dataset(tmp_path: Path) -> Store:
    return night(tmp_path / "night", "train train test", exposures=(0.1, 0.04), longs=True)


@pytest.mark.parametrize(("pattern", "planes"), [(cfa.BAYER, 4), (cfa.XTRANS, 9)])
@pytest.mark.parametrize("shape", [0.14, -0.1])
def test_a_flat_patch_has_the_noise_that_the_model_says(pattern: str, planes: int, shape: float):
    side = 480 // cfa.scale(pattern)
    known = Mosaic(pattern, BLACK, WHITE, (480, 480))
    long = np.full((planes, side, side), 0.5, np.float32)
    shorts = NoisyShorts(model(shape), [(100.0, 200.0)], 1.0)
    packed, ratio = shorts.take(long, known, np.random.default_rng(0))
    assert ratio == 100
    black = np.array(cfa.black_of_planes(BLACK, pattern))[:, None, None]
    noisy = packed * (WHITE - black)  # DN above black
    light = 0.5 * (WHITE - black) / 100
    np.testing.assert_allclose(noisy.mean((1, 2)), light.ravel(), atol=0.6)
    mosaic = cfa.unpack(noisy - light, pattern, (480, 480))
    rows = mosaic.mean(axis=1)
    variance = GAIN * light.mean() + READ**2 + 1 / 12
    assert rows.std() == pytest.approx(np.hypot(ROW, np.sqrt(variance / 480)), rel=0.1)
    assert (mosaic - rows[:, None]).var() == pytest.approx(variance, rel=0.02)
    # heavy tails where the shape is negative
    kurtosis = np.mean(((mosaic - rows[:, None]) / np.sqrt(variance)) ** 4)
    assert (kurtosis > 3.02) == (shape < 0)


def test_what_comes_out_are_whole_numbers_of_the_sensor_at_its_black_level():
    known = Mosaic(cfa.BAYER, BLACK, WHITE, (64, 64))
    long = np.zeros((4, 32, 32), np.float32)
    packed, _ = NoisyShorts(model(), [(250.0, 200.0)], 1.0).take(
        long, known, np.random.default_rng(1)
    )
    black = np.array(BLACK)[:, None, None]
    numbers = packed.astype(np.float64) * (WHITE - black) + black
    np.testing.assert_allclose(numbers, np.rint(numbers), atol=1e-3)
    assert (packed < 0).mean() > 0.4  # half, but for those that became 0
    assert packed.mean() == pytest.approx(0, abs=2e-5)


def test_synthetic_crops_show_their_long_frame_at_ratios_of_the_dataset(dataset: Store):
    rows = dataset.usable("train")
    quiet = NoiseModel(1e-6, 0.0, -20.0, 0.0, -20.0, (0.14,))
    shorts = NoisyShorts(quiet, [(100.0, 200.0), (250.0, 200.0)], 1.0)
    crops = Crops(dataset, rows, 12, seed=1, turning="cfa", shorts=shorts)
    ratios = set()
    for k in range(8):
        packed, reference, ratio = crops[k]
        ratios.add(ratio.item())
        seen = cfa.unpack((packed * ratio).numpy(), cfa.BAYER, (24, 24))
        # the long frame's full well of the tests is 15000 DN; quantisation times the ratio
        error = seen * (WHITE - 512) / 15000 - reference.numpy()[0]
        assert np.abs(error).mean() < 0.01 + 0.5 * ratio / 15000
    assert ratios == {100.0, 250.0}


@pytest.mark.parametrize("turning", ["published", "cfa"])
@pytest.mark.parametrize("pattern", [cfa.BAYER, cfa.XTRANS])
def test_synthetic_crop_k_is_the_same_whenever_it_is_asked_for(
    tmp_path: Path, pattern: str, turning: str
):
    dataset = night(tmp_path / "n", "train", shape=(60, 72), pattern=pattern, longs=True)
    rows, shorts = dataset.usable("train"), NoisyShorts(model(), [(100.0, 200.0)], 0.5)
    one, other = (Crops(dataset, rows, 9, seed=2, turning=turning, shorts=shorts) for _ in "ab")
    plain = Crops(dataset, rows, 9, seed=2, turning=turning)
    first = [one[k] for k in range(6)]
    assert all(torch.equal(other[k].packed, first[k].packed) for k in reversed(range(6)))
    assert first[0].packed.shape == plain[0].packed.shape
    assert not torch.equal(one[0].packed, one[1].packed)


def test_half_of_the_crops_are_synthetic_where_half_were_asked_for():
    shorts = NoisyShorts(model(), [(100.0, 200.0)], 0.5)
    assert sum(shorts.wanted(np.random.default_rng(k)) for k in range(400)) == pytest.approx(
        200, abs=40
    )


TINY = {"width": 2, "levels": 2, "crop": 8, "batch": 2, "log_every": 1}


def test_a_training_says_what_noise_it_was_given(dataset: Store, tmp_path: Path):
    noise = calibrated(tmp_path / "c.json")
    options = {**TINY, "synthetic": 0.5, "augmentation": "cfa"}
    folder = train("sid", dataset, steps=3, device="cpu", options=options, noise_model=noise)
    config = json.loads((folder / "config.json").read_text())
    assert (config["recipe"]["synthetic"], config["recipe"]["augmentation"]) == (0.5, "cfa")
    said = config["noise_model"]
    assert (said["camera"], said["isos"]) == (SONY.camera, [200.0])
    assert said["ratios"] == pytest.approx([100, 250])
    assert len(said["sha256"]) == 64
    assert said["model"]["gain_iso_100"] == pytest.approx(GAIN / 2)


def test_all_crops_are_synthetic_where_no_share_was_asked_for(dataset: Store, tmp_path: Path):
    noise = calibrated(calibration.default_path(SONY.camera))
    for name in (noise, SONY.camera):  # its file, or the camera it is kept of
        plan = make_plan("sid", dataset, "quick", 4, 0, TINY, None, name)
        assert plan.recipe.synthetic == 1
        assert plan.noise is not None
        assert plan.noise.shorts.share == 1


def test_only_exposures_that_the_calibration_reaches_are_imitated(dataset: Store, tmp_path: Path):
    rows = dataset.usable("train")
    rows.loc[rows["exposure_s"] == 0.1, "iso"] = 3200.0
    source = noise_source(calibrated(tmp_path / "c.json"), dataset, rows, 1.0)
    assert {iso for _, iso in source.shorts.exposures} == {200.0}
    assert {ratio for ratio, _ in source.shorts.exposures} == {250.0}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"camera": "Canon EOS 6D"}, "it is a calibration of the Canon EOS 6D, but scene 00001"),
        (
            {"iso": 800.0},
            "it was made at ISO 800 to 800, but the train pairs of night have ISO 200",
        ),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(
    dataset: Store, tmp_path: Path, changed: dict, message: str
):
    noise = calibrated(tmp_path / "c.json", **changed)
    with pytest.raises(LowLightError, match=message):
        make_plan("sid", dataset, "quick", 4, 0, TINY, None, noise)


def test_a_dataset_without_long_mosaics_is_refused(tmp_path: Path):
    dataset = night(tmp_path / "n", "train test")
    with pytest.raises(LowLightError, match="1 of its 1 train pairs have a ready reference, no"):
        make_plan("sid", dataset, "quick", 4, 0, TINY, None, calibrated(tmp_path / "c.json"))


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({"synthetic": 0.5}, False, "--set synthetic: it is 0.5, but synthetic crops need a noise"),
        ({"synthetic": 0.0}, True, "--set synthetic: it is 0, but"),
        ({"synthetic": 1.5}, True, "--set synthetic: it is 1.5"),
        ({"augmentation": "none"}, False, "--set augmentation: it is 'none', but it can be"),
    ],
)
def test_a_share_without_a_noise_model_and_a_model_without_a_share_are_refused(
    dataset: Store, tmp_path: Path, options: dict, given: bool, message: str
):
    noise = calibrated(tmp_path / "c.json") if given else None
    with pytest.raises(LowLightError) as caught:
        make_plan("sid", dataset, "quick", 4, 0, {**TINY, **options}, None, noise)
    assert message in str(caught.value)


def test_crops_that_are_turned_in_raw_space_are_as_large_as_fits(tmp_path: Path):
    dataset = night(tmp_path / "n", "train", shape=(48, 64))
    plan = make_plan("sid", dataset, "quick", 4, 0, {"augmentation": "cfa"}, None)
    assert plan.recipe.crop == 23  # one packed pixel is left for the move
    assert plan.crops[0].packed.shape == (4, 23, 23)


def test_the_command_trains_on_synthetic_shorts(
    dataset: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from eval.cli import app

    noise, out = calibrated(tmp_path / "c.json"), tmp_path / "w"
    sets = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    monkeypatch.setattr("sys.argv", [
        "lleval", "train", "--model", "sid", "--dataset", str(dataset.path), "--steps", "2",
        "--device", "cpu", "--noise-model", noise, "--out", str(out), *sets,
    ])  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        app()
    assert not ended.value.code
    assert json.loads((out / "config.json").read_text())["recipe"]["synthetic"] == 1
