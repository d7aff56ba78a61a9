"""A simulated camera's darks and flats, written as DNG files, give its noise model back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lldata import protocol
from lldata.dng import write_dng
from lldata.engine import Local
from lldata.errors import FrameError, LowLightError
from lldata.noise import calibration, takes
from lldata.noise.calibrating import calibrate
from lldata.noise.photon_transfer import Points
from lldata.synthesis import camera, sensor
from tests.captures import SONY, frame, light
from tests.end_to_end.test_ingest import lldata

SIZE = (192, 288)
ENGINE = Local(workers=2)


def body() -> sensor.Sensor:
    return sensor.load(protocol.load_raw("sid_sony"))


def shoot(folder: Path, iso: int, seconds: float, share: float, takes: int = 2) -> None:
    """Write takes of an even field that gets `share` of the range."""
    seen, noise = body(), body().noise.at(iso)
    lit = np.full(SIZE, share * seen.range_dn() / noise.gain / seconds)
    folder.mkdir(parents=True, exist_ok=True)
    for take in range(takes):
        seed = [iso, int(1000 * seconds), take]
        frame = replace(
            SONY, mosaic=seen.capture(lit, seconds, noise, seed), iso=iso, exposure_s=seconds
        )
        write_dng(folder / f"{iso}_{seconds:g}_{take}.DNG", frame)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibration")
    for iso in (400, 1600, 6400):
        shoot(folder / "darks", iso, 0.001, 0.0, takes=3)
        for seconds, share in ((0.01, 0.05), (0.05, 0.5)):
            shoot(folder / "flats", iso, seconds, share)
    return folder


def test_darks_and_flats_of_three_isos_give_the_cameras_model_back(frames: Path):
    found, truth = calibrate(frames, ENGINE), body().noise
    assert (found.camera, [n.iso for n in found.isos]) == ("Sony ILCE-7SM2", [400, 1600, 6400])
    for each in found.isos:
        noise = truth.at(each.iso)
        assert each.gain.value == pytest.approx(noise.gain, rel=0.03)
        assert list(each.channel_gains) == pytest.approx([noise.gain] * 4, rel=0.05)
        assert each.read_sigma.value == pytest.approx(noise.read_sigma, rel=0.03)
        assert each.row_sigma.value == pytest.approx(noise.row_sigma, rel=0.2)
        assert each.shape == pytest.approx(noise.read_shape, abs=0.05)
        assert each.black_error == pytest.approx(noise.black_error, abs=0.1)
    model = found.model
    assert model.gain_iso_100 == pytest.approx(truth.gain_iso_100, rel=0.02)
    darker, brighter = (math.log(truth.at(iso).read_sigma) for iso in (400, 6400))
    slope = (brighter - darker) / math.log(16)  # of the deviation, as one shape serves all ISO
    assert model.read_slope == pytest.approx(slope, abs=0.03)
    assert model.row_slope == pytest.approx(truth.row_slope, abs=0.15)
    between = model.at(800)
    assert between.read_sigma == pytest.approx(truth.at(800).read_sigma, rel=0.05)


def test_the_command_writes_a_file_that_the_simulator_uses(frames: Path, tmp_path: Path):
    out = tmp_path / "a7s2.json"
    said = json.loads(lldata("calibrate", frames, "--out", out, "--json").stdout)
    assert said["path"] == str(out)
    assert calibration.noise_model(out) == calibration.load(out).model
    lldata("simulate", "sid_sony", tmp_path / "s", "--scenes", "1", "--noise", out)
    truth = json.loads((tmp_path / "s" / camera.TRUTH_FILE).read_text("utf-8"))
    told = truth["protocols"]["sid_sony"]
    assert told["noise_of"] == "calibration of Sony ILCE-7SM2"
    (noise,) = told["noise"].values()
    (iso,) = map(float, told["noise"])
    assert 400 <= iso <= 6400
    assert noise["gain_dn_per_electron"] == pytest.approx(body().noise.at(iso).gain, rel=0.03)


def test_without_out_it_is_kept_under_the_home_by_the_cameras_name():
    path = calibration.default_path("Sony ILCE-7SM2")
    assert path.name == "Sony-ILCE-7SM2.json"
    assert path.parent.name == ".calibration"


def test_flats_of_one_brightness_tell_no_gain(tmp_path: Path):
    shoot(tmp_path, 400, 0.01, 0.5)
    with pytest.raises(FrameError, match="all alike in brightness: the gain stays unknown, but"):
        calibrate(tmp_path, ENGINE)


def test_each_frame_read_and_each_set_measured_is_progress(frames: Path):
    counted: dict[str, list[int]] = {}

    def progress(label: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        steps = counted.setdefault(label, [total])
        return nullcontext(lambda: steps.append(1))

    calibrate(frames, ENGINE, progress)
    assert list(counted) == ["reading frames", "measuring takes"]
    assert all(total == sum(steps) > 0 for total, *steps in counted.values())


def test_an_iso_that_tells_nothing_is_left_out_and_named(frames: Path, tmp_path: Path):
    shoot(tmp_path, 100, 0.01, 0.5)
    for path in (frames / "darks", frames / "flats"):
        for file in path.glob("400_*"):
            (tmp_path / path.name).mkdir(exist_ok=True)
            (tmp_path / path.name / file.name).symlink_to(file)
    found = calibrate(tmp_path, ENGINE)
    assert [n.iso for n in found.isos] == [400]
    assert "ISO 100: its takes are all alike in brightness" in found.left_out[0]
    assert found.model.at(800).read_sigma == pytest.approx(found.isos[0].read_sigma.value)


def test_takes_between_which_the_camera_moved_are_left_out(tmp_path: Path):
    picture = light(1, (256, 384))
    for take, place in enumerate((picture, np.roll(picture, 6, 1))):
        write_dng(tmp_path / f"a_{take}.DNG", frame(place, 1, take))
    with pytest.raises(FrameError, match="the camera moved between them"):
        calibrate(tmp_path, ENGINE)


@pytest.mark.parametrize("fault", ["single", "cameras", "empty", "missing"])
def test_what_cannot_be_calibrated_is_said(tmp_path: Path, fault: str):
    mosaic = np.random.default_rng(1).integers(500, 525, (96, 96)).astype(np.uint16)
    dark = replace(SONY, mosaic=mosaic)
    if fault != "empty":
        write_dng(tmp_path / "a.DNG", dark)
    if fault == "cameras":
        write_dng(tmp_path / "b.DNG", replace(dark, camera="Canon EOS 6D"))
    src = tmp_path / "none" if fault == "missing" else tmp_path
    said = {
        "single": "no two of its 1 frames share folder, scene, ISO and exposure time",
        "cameras": "its frames are from Canon EOS 6D and Sony ILCE-7SM2",
        "empty": "no RAW files lie in it",
        "missing": "there is no such folder",
    }
    with pytest.raises(FrameError, match=said[fault]):
        calibrate(src, ENGINE)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 2, "isos": []}'])
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(LowLightError, match="it holds no calibration"):
        calibration.noise_model(path)


def test_a_newer_calibration_says_upgrade(tmp_path: Path):
    path = tmp_path / "c.json"
    path.write_text('{"format": 3}')
    with pytest.raises(LowLightError, match="Upgrade lldata"):
        calibration.load(path)


def test_a_simulated_camera_without_the_calibrated_isos_is_refused(tmp_path: Path):
    noise = calibration.Estimate(0.2, 0.19, 0.21)
    one = calibration.IsoNoise(100.0, noise, (0.2,) * 4, noise, noise, None, None, 4)
    found = calibration.Calibration("Sony ILCE-7SM2", (one,), ())
    path = calibration.write(found, tmp_path / "c")
    chosen = protocol.load_raw("sid_sony")
    with pytest.raises(LowLightError, match="it was made at ISO 100, but the simulated"):
        calibration.applied(path, [(chosen, replace(body(), isos=(200, 400)))])
    assert calibration.load(path).model.read_shapes == (0.14,)  # without darks: normal
    assert math.isclose(calibration.load(path).isos[0].gain.value, 0.2)


def scenes_of(folder: Path, takes: int, named: str) -> None:
    """Write three scenes, each of which the simulated camera took so many times at ISO 800."""
    seen, noise = body(), body().noise.at(800)
    for scene in range(3):
        lit = light(scene, (256, 384)) * 0.6 * seen.range_dn() / noise.gain / 0.1
        for take in range(takes):
            mosaic = seen.capture(lit, 0.1, noise, [scene, take])
            write_dng(
                folder / named.format(scene=scene, take=take, count=scene * takes + take),
                replace(SONY, mosaic=mosaic, iso=800, exposure_s=0.1),
            )


def test_scenes_of_one_exposure_are_no_takes_of_one_thing_by_their_names(tmp_path: Path):
    scenes_of(tmp_path, 1, "0000{scene}_0{take}_0.1s.DNG")
    with pytest.raises(FrameError, match="no two of its 3 frames share folder, scene, ISO"):
        calibrate(tmp_path, ENGINE)


def test_scenes_of_one_exposure_are_no_takes_of_one_thing_by_their_pictures(tmp_path: Path):
    scenes_of(tmp_path, 1, "IMG_{count}.DNG")
    with pytest.raises(FrameError, match=r"IMG_0.DNG and IMG_1.DNG: they show two pictures"):
        calibrate(tmp_path, ENGINE)


@pytest.mark.parametrize("named", ["0000{scene}_0{take}_0.1s.DNG", "IMG_{count}.DNG"])
def test_bursts_of_scenes_give_the_gain_whatever_their_names(tmp_path: Path, named: str):
    scenes_of(tmp_path, 3, named)
    found = calibrate(tmp_path, ENGINE)
    assert found.isos[0].gain.value == pytest.approx(body().noise.at(800).gain, rel=0.03)
    assert len(found.left_out) == (2 if "IMG" in named else 0)


def test_a_folder_of_simulated_scenes_tells_no_noise(tmp_path: Path):
    lldata("simulate", "canon6d", tmp_path / "c6", "--scenes", "3", "--size", "192x288")
    said = lldata("calibrate", tmp_path / "c6", "--out", tmp_path / "c6.json", check=False).stderr
    assert "Take darks, flats or bursts of a scene: each exposure twice or more" in said
    assert not (tmp_path / "c6.json").exists()


def test_real_tiles_that_are_cut_off_at_black_tell_no_noise(shared_data: Path, tmp_path: Path):
    for count, tile in enumerate(sorted((shared_data / "sid_sony_tiles/short").glob("0000*"))):
        (tmp_path / f"IMG_{count}.DNG").symlink_to(tile)
    with pytest.raises(FrameError, match="their values are cut off at the black level"):
        calibrate(tmp_path, ENGINE)


def points(row: float = 0.01, bend: float = 0.0) -> Points:
    """Return darks and flats of gain 0.5 and read noise 2 DN."""
    rng, levels = np.random.default_rng(1), np.repeat([0.0, 100.0, 300.0, 900.0], 1000)
    truth = 4 + 0.5 * levels * (1 + bend * levels / 900)
    group = np.arange(4000) % 10
    return Points(
        levels, truth * rng.normal(1, 0.1, 4000), np.zeros(4000, int), group,
        np.array([row, row]), np.zeros(2),
    )  # fmt: skip


def test_what_no_sensor_does_is_no_result():
    assert measured(points())["gain"].value == pytest.approx(0.5, rel=0.02)
    assert measured(points(row=377.0**2)) == (
        "its row noise, 377 DN, is far above its read noise, 1.97 DN"
    )
    assert "off a line over brightness" in measured(points(bend=3.0))


def measured(of_iso: Points) -> Any:
    return takes.measure_iso([takes.Set(of_iso, 0.12, 4)])


@pytest.fixture
def canon(tmp_path: Path) -> Path:
    """Return the calibration of a Canon 6D at ISO 200 only."""
    noise = calibration.Estimate(0.4, 0.39, 0.41)
    one = calibration.IsoNoise(200.0, noise, (0.4,) * 4, noise, noise, None, None, 4)
    found = calibration.Calibration("Canon EOS 6D", (one,), ())
    return calibration.write(found, tmp_path / "canon.json")


def test_the_noise_of_another_camera_is_refused(canon: Path, tmp_path: Path):
    said = lldata("simulate", "sid_sony", tmp_path / "s", "--noise", canon, check=False).stderr
    assert (
        "it is a calibration of the Canon EOS 6D, but sid_sony simulates the Sony ILCE-7SM2" in said
    )
    assert not (tmp_path / "s").exists()


def test_one_iso_for_a_pair_of_protocols_names_the_one_it_serves(canon: Path, tmp_path: Path):
    said = lldata("simulate", "canon6d", tmp_path / "s", "--noise", canon, check=False).stderr
    assert "it was made at ISO 200, but the simulated EOS 6D takes ISO 200, 12800." in said
    assert "Calibrate at these too, or simulate canon6d_iso200." in said
    lldata("simulate", "canon6d_iso200", tmp_path / "s", "--scenes", "1", "--noise", canon)


def test_a_calibration_that_is_not_there_is_said_so(tmp_path: Path):
    with pytest.raises(LowLightError, match="there is no such file"):
        calibration.load(tmp_path / "none.json")


def test_a_folder_as_out_is_refused_before_anything_is_measured(tmp_path: Path):
    said = lldata("calibrate", tmp_path / "none", "--out", tmp_path, check=False).stderr
    assert f"{tmp_path}: it is a folder, but a file is written" in said
