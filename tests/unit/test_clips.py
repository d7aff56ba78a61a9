from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from lldata import upkeep
from lldata.errors import FrameError, LowLightError, MetadataError
from lldata.locks import locked
from lldata.reading.clip_files import clips_of, find
from lldata.reading.clip_frames import Clip, frames
from lldata.sets.clip_audits import missing_numbers, region_side
from tests.clip_folders import UHR, film, run, write_clip, write_scene

FRAME = film(0, 1)[0]


def read(path: Path) -> tuple[np.ndarray, dict[str, object]]:
    (frame,) = frames(Clip("low", (path,), video=path.suffix in (".mp4", ".mkv")))
    return frame.pixels, frame.facts


def said(src: Path, **options: bool) -> dict[str, tuple[str, str]]:
    """Return check -> status and message of the one scene there."""
    (outcome,) = run(src, **options)
    return {f.check: (f.status, f.message) for f in outcome.findings}


# ---- frames


@pytest.mark.parametrize("extension", ["png", "tif", "tiff"])
def test_sixteen_bit_frames_are_read_as_written(tmp_path: Path, extension: str):
    write_clip(tmp_path / "low", [FRAME], extension)
    pixels, facts = read(tmp_path / "low" / f"f0.{extension}")
    np.testing.assert_array_equal(pixels, FRAME)
    assert facts == {"format": extension[:3], "bits": 16}


def test_eight_bit_frames_are_scaled_by_257_and_say_so(tmp_path: Path):
    eight = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, 2)
    write_clip(tmp_path / "low", [eight])
    pixels, facts = read(tmp_path / "low" / "f0.png")
    np.testing.assert_array_equal(pixels, eight.astype(np.uint32) * 257)
    assert pixels.max() == 65535
    assert facts["bits"] == 8


def test_a_cut_frame_is_refused(tmp_path: Path):
    for name in ("a.png", "b.tif"):
        whole = cv2.imencode(name[1:], FRAME)[1].tobytes()
        (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(FrameError, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("array", "options", "found"),
    [
        (np.stack([FRAME, FRAME]), {"photometric": "rgb"}, "it has 2 pages"),
        (
            FRAME.transpose(2, 0, 1).copy(),
            {"photometric": "rgb", "planarconfig": "separate"},
            "it has its colours in separate planes",
        ),
        (FRAME[..., 0].copy(), {}, "it has 1 channels of uint16"),
        (FRAME.astype(np.float32), {"photometric": "rgb"}, "it has 3 channels of float32"),
    ],
)
def test_a_tiff_of_another_kind_is_named(
    tmp_path: Path, array: np.ndarray, options: dict[str, str], found: str
):
    tifffile.imwrite(tmp_path / "f.tif", array, **options)
    with pytest.raises(MetadataError, match=f"f.tif: {found}"):
        read(tmp_path / "f.tif")


def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path):
    write_scene(tmp_path, low=film(3, 12, 9000))
    (scene,) = find(tmp_path, UHR)[0].scenes
    low = clips_of(scene, UHR)["low"]
    assert [p.stem for p in low.files] == [f"f{n}" for n in range(12)]


# ---- videos


def write_video(
    path: Path, planes: list[np.ndarray], layout: str, codec: str, *, full: bool = False
) -> None:
    """Write one frame of planes (H, W) as they are."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=Fraction(25))
        stream.height, stream.width = planes[0].shape
        stream.pix_fmt = layout
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(stream.width, stream.height, layout)
        for place, values in zip(frame.planes, planes, strict=True):
            rows = np.zeros((len(values), place.line_size // 2), np.uint16)
            rows[:, : values.shape[1]] = values
            place.update(rows.tobytes())
        file.mux(stream.encode(frame))
        file.mux(stream.encode())


def test_a_ten_bit_video_keeps_all_its_1024_levels(tmp_path: Path):
    pytest.importorskip("av")
    green, blue, red = (np.roll(np.arange(1024).reshape(32, 32), n, 1) for n in (0, 3, 5))
    write_video(tmp_path / "low.mkv", [green, blue, red], "gbrp10le", "ffv1")
    pixels, facts = read(tmp_path / "low.mkv")
    expected = np.stack([red, green, blue], 2) * (65535 / 1023)
    assert np.abs(pixels - expected).max() < 1
    assert (facts["bits"], facts["matrix"], facts["range"]) == (10, "rgb", "full")


@pytest.mark.parametrize("full", [False, True])
def test_ten_bit_luma_spans_black_to_white(tmp_path: Path, full: bool):
    pytest.importorskip("av")
    black, white = (0, 1023) if full else (64, 940)
    luma = np.linspace(black, white, 32 * 32).round().reshape(32, 32)
    grey = np.full((32, 32), 512)
    write_video(tmp_path / "low.mkv", [luma, grey, grey], "yuv444p10le", "ffv1", full=full)
    pixels, facts = read(tmp_path / "low.mkv")
    expected = (luma - black) / (white - black) * 65535
    assert np.abs(pixels - expected[..., None]).max() < 2
    assert len(np.unique(pixels[..., 1])) == white - black + 1
    assert (facts["matrix"], facts["range"]) == (
        "bt601 (assumed)", "full" if full else "limited"
    )  # fmt: skip


def test_a_real_video_gives_the_frames_of_its_decoder(shared_data: Path):
    av = pytest.importorskip("av")
    path = shared_data / "clip" / "MehdiElc_output.mp4"
    got = list(frames(Clip("low", (path,), video=True)))
    assert len(got) == 148
    with av.open(str(path)) as file:
        for number, frame in enumerate(file.decode(video=0)):
            if number % 50 == 0:
                direct = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")
                np.testing.assert_array_equal(got[number].pixels, direct.astype(np.uint32) * 257)
    assert got[0].facts["matrix"] == "bt709 (assumed)"
    assert got[0].facts["frames_per_s"] == pytest.approx(30, abs=0.01)


def test_damage_inside_a_video_is_found_though_its_decoder_conceals_it(
    tmp_path: Path, shared_data: Path
):
    av = pytest.importorskip("av")
    data = bytearray((shared_data / "clip" / "MehdiElc_output.mp4").read_bytes())
    for place in (300_000, 900_000, 1_500_000):
        data[place : place + 200] = bytes(200)
    path = tmp_path / "low.mp4"
    path.write_bytes(data)
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 148
    with pytest.raises(FrameError, match=r"low.mp4: frame \d+ (is damaged|cannot be decoded)"):
        list(frames(Clip("low", (path,), video=True)))


def test_a_playlist_called_mp4_opens_nothing_else(tmp_path: Path, shared_data: Path):
    pytest.importorskip("av")
    other = shared_data / "clip" / "MehdiElc_output.mp4"
    (tmp_path / "low.mp4").write_text(f"#EXTM3U\n#EXTINF:5,\nfile://{other}\n")
    with pytest.raises(FrameError, match=r"low.mp4: frame 0 cannot be decoded"):
        read(tmp_path / "low.mp4")


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scene = write_scene(tmp_path)
    for path in (scene / "low").iterdir():
        path.unlink()
    (scene / "low").rmdir()
    (scene / "low.mp4").write_bytes(b"video")
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "av" else known(n))
    with pytest.raises(LowLightError, match=r"low.mp4: the package av.*extra 'video'.*\[video\]"):
        find(tmp_path, UHR)


# ---- folders


def test_scenes_are_found_at_any_of_three_depths(tmp_path: Path):
    write_scene(tmp_path / "a" / "b", "Woods")
    for src in (tmp_path / "a" / "b" / "Woods", tmp_path / "a" / "b", tmp_path / "a"):
        (found,) = find(src, UHR)
        assert [(s.scene, s.group, len(s.files)) for s in found.scenes] == [("Woods", "Woods", 7)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("target", "it has no target clip"),
        ("both", "low is there twice, as low and low.mov"),
        ("empty", "low/ holds no frame ending in tif, tiff, png"),
        ("twins", "two frames of low are called f0"),
        ("name", "rename the folder"),
    ],
)
def test_what_makes_no_scene_costs_that_scene_and_says_why(
    tmp_path: Path, spoil: str, message: str
):
    write_scene(tmp_path, "Sound")
    bad = write_scene(tmp_path, "B.1" if spoil == "name" else "Bad")
    if spoil == "target":
        (bad / "target").rename(bad / "elsewhere")
    elif spoil == "both":
        (bad / "low.mov").write_bytes(b"video")
    elif spoil == "empty":
        (bad / "low").rename(bad / "full")
        (bad / "low").mkdir()
    elif spoil == "twins":
        (bad / "low" / "f0.tif").write_bytes(b"frame")
    (found,) = find(tmp_path, UHR)
    assert [s.scene for s in found.scenes] == ["Sound"]
    (finding,) = found.findings
    assert (finding.scene, finding.status, finding.check) == (bad.name, "quarantine", "metadata")
    assert message in finding.message


def test_a_folder_without_clips_is_refused(tmp_path: Path):
    (tmp_path / "short").mkdir()
    with pytest.raises(FrameError, match="no folder in it holds low or target"):
        find(tmp_path, UHR)
    with pytest.raises(FrameError, match="there is no such folder"):
        find(tmp_path / "gone", UHR)


def test_a_truth_without_a_simulation_is_not_read(tmp_path: Path):
    write_clip(write_scene(tmp_path) / "truth", film(5, 4))
    (found,) = find(tmp_path, UHR)
    assert set(clips_of(found.scenes[0], UHR)) == {"low", "target"}
    assert "truth/ is not read" in found.findings[0].message


# ---- audits


def test_a_sound_pair_passes_every_audit_with_its_figures(tmp_path: Path):
    write_scene(tmp_path)
    for deep in (False, True):
        findings = said(tmp_path, deep=deep)
        assert {status for status, _ in findings.values()} == {"pass"}
        assert "4 frames of low, 3 frames of target" in findings["integrity"][1]
        assert "low: 56x40, 16-bit png" in findings["metadata"][1]
        assert "0.138 of it" in findings["exposure"][1]  # 9000/65535, and noise


def test_frozen_frames_are_counted_and_named(tmp_path: Path):
    low = film(1, 4, 9000)
    write_scene(tmp_path, low=[low[0], low[1], low[1], low[1]])
    status, message = said(tmp_path)["integrity"]
    assert status == "warn"
    assert "2 of 4 frames of low repeat the one before (f2.png, f3.png)" in message


def test_a_frame_of_one_value_is_quarantined(tmp_path: Path):
    write_scene(tmp_path, target=[*film(2, 2), np.full_like(FRAME, 77)])
    status, message = said(tmp_path)["integrity"]
    assert status == "quarantine"
    assert "1 of 3 frames of target hold one value in every pixel (f2.png)" in message


@pytest.mark.parametrize(
    ("white", "status"), [(40000, "pass"), (55000, "warn"), (65535, "quarantine")]
)
def test_the_low_clip_must_be_darker_than_its_target(tmp_path: Path, white: int, status: str):
    write_scene(tmp_path, low=film(1, 4, white), target=film(2, 3, 65000))
    assert said(tmp_path)["exposure"][0] == status


def test_clips_of_two_sizes_are_a_warning(tmp_path: Path):
    write_scene(tmp_path, target=film(2, 3, size=(42, 60)))
    status, message = said(tmp_path)["metadata"]
    assert status == "warn"
    assert message.startswith("low has 56x40 pixels, target 60x42")


def test_a_gap_in_the_numbers_is_a_warning(tmp_path: Path):
    scene = write_scene(tmp_path)
    (scene / "low" / "f2.png").unlink()
    status, message = said(tmp_path)["metadata"]
    assert status == "warn"
    assert "1 frame numbers of low are missing (2)" in message


def test_names_that_do_not_count_have_no_gaps():
    for stems in (["a", "b"], ["0001", "0900"], ["a1", "b1"]):
        files = tuple(Path(f"{s}.png") for s in stems)
        assert missing_numbers(Clip("low", files, video=False)) == []


def test_frames_of_two_sizes_or_a_damaged_one_cost_the_scene(tmp_path: Path):
    scene = write_scene(tmp_path)
    cv2.imwrite(str(scene / "low" / "f3.png"), FRAME[:20])
    (outcome,) = run(tmp_path)
    assert outcome.state == "left out"
    assert outcome.findings[0].check == "metadata"
    assert "f3.png: its size is 56x20, but the frames before have 56x40" in (
        outcome.findings[0].message
    )
    (scene / "low" / "f3.png").write_bytes(b"no picture")
    (outcome,) = run(tmp_path)
    assert (outcome.state, outcome.findings[0].check) == ("left out", "integrity")


def test_a_scene_that_the_authors_name_unusable_is_quarantined(tmp_path: Path):
    from lldata.sets.clip_audits import ClipPair, measure, metadata

    write_scene(tmp_path)
    bad = replace(UHR, splits=replace(UHR.splits, known_bad=("Night",)))
    (scene,) = find(tmp_path, bad)[0].scenes
    clips = clips_of(scene, bad)
    pair = ClipPair("Night", bad, clips, {n: measure(c) for n, c in clips.items()})
    assert metadata(pair).status == "quarantine"


def test_regions_are_those_of_the_paper():
    assert region_side(UHR, "Macro", (2880, 5120)) == 1000
    assert region_side(UHR, "Static", (4320, 7680)) == 1500
    assert region_side(UHR, "Horse", (4320, 7680)) == 2500
    assert region_side(UHR, "Static", (720, 1280)) is None


def test_scenes_of_clips_do_not_wait_for_each_other(tmp_path: Path):
    write_scene(tmp_path / "src", "Night")
    scenes = tmp_path / "d" / "scenes"
    with ThreadPoolExecutor(1) as beside, locked(scenes / ".Dusk.parts.lock"):
        (outcome,) = beside.submit(run, tmp_path / "src", tmp_path / "d").result(60)
    assert outcome.state == "stored"
    assert outcome.file == (
        (scenes / "Night.h5").stat().st_size, upkeep.file_digest(scenes / "Night.h5")
    )  # fmt: skip
    assert sorted(p.name for p in scenes.iterdir()) == [".Dusk.parts.lock", "Night.h5"]
