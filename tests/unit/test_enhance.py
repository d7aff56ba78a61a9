from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from baselines import method as methods
from eval import images
from eval.amplification import automatic_ratio
from eval.enhancing import enhance as enhancing
from eval.enhancing import image_files
from eval.enhancing.enhance import enhance
from eval.enhancing.task import Enhancement
from eval.images import Picture
from lldata.dng import write_dng
from lldata.errors import LowLightError, MethodError, ScoreError
from lldata.sample import Sample
from tests.captures import frame, light

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DARK = (np.random.default_rng(0).integers(0, 40, (30, 45, 3))).astype(np.uint8)


def apply(source: Path, target: Path, method: str = "gamma", **changes: Any) -> list[Path]:
    return enhance(Enhancement(method, source, target, **changes))


def photograph(path: Path, orientation: int = 6, pixels: np.ndarray = DARK) -> Path:
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    exif[0x010F] = "A camera"
    Image.fromarray(pixels).save(path, icc_profile=PROFILE, exif=exif.tobytes())
    return path


def deep(path: Path, pixels: np.ndarray = DARK) -> Path:
    content = cv2.imencode(path.suffix, pixels[..., ::-1].astype(np.uint16) * 257)[1]
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "night.dng"
    write_dng(path, frame(light(1, (64, 96)), 0.1))
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_orientation_profile_and_exif_are_kept(tmp_path: Path, suffix: str):
    source = photograph(tmp_path / f"a{suffix}")
    (target,) = apply(source, tmp_path / f"b{suffix}")
    with Image.open(target) as image:
        assert image.size == (45, 30)
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif()[images.ORIENTATION] == 6
        assert image.getexif()[0x010F] == "A camera"
        assert np.asarray(image).mean() > 2 * DARK.mean()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_stay_sixteen(tmp_path: Path, suffix: str):
    (target,) = apply(deep(tmp_path / f"a{suffix}"), tmp_path / f"b{suffix}")
    assert images.read(target).pixels.dtype == np.uint16


def test_what_goes_from_file_to_file_unchanged_keeps_every_value(tmp_path: Path):
    values = np.random.default_rng(1).integers(0, 65536, (9, 11, 3)).astype(np.uint16)
    like = Picture(values, None, PROFILE, None, 3)
    for suffix in (".png", ".tif"):
        path = image_files.write(tmp_path / f"a{suffix}", (values / 65535).astype(np.float32), like)
        assert np.array_equal(images.rgb(path), values[::-1, ::-1])
        assert images.read(path).profile == PROFILE
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), values)


def test_alpha_is_kept(tmp_path: Path):
    alpha = np.full((30, 45), 100, np.uint8)
    Image.fromarray(np.dstack([DARK, alpha])).save(tmp_path / "a.png")
    (target,) = apply(tmp_path / "a.png", tmp_path / "b.png")
    assert np.array_equal(images.read(target).alpha, alpha)


def test_every_orientation_is_turned_upright_as_pillow_does(tmp_path: Path):
    from PIL import ImageOps

    for orientation in range(1, 9):
        path = photograph(tmp_path / f"{orientation}.png", orientation)
        with Image.open(path) as image:
            expected = np.asarray(ImageOps.exif_transpose(image))
        assert np.array_equal(images.rgb(path), expected)


def test_a_raw_file_needs_a_ratio_where_the_method_amplifies(raw: Path, tmp_path: Path):
    with pytest.raises(MethodError, match=r"night.dng: no ratio is given.*--ratio R"):
        apply(raw, tmp_path / "b.png", "amplify")
    (target,) = apply(raw, tmp_path / "b.png", "amplify", ratio=100.0)
    assert images.read(target).pixels.shape == (64, 96, 3)


def test_the_automatic_ratio_brings_the_mean_to_a_grey_card():
    assert automatic_ratio(np.full((4, 2, 2), 0.0018, np.float32)) == pytest.approx(100)
    assert automatic_ratio(np.zeros((4, 2, 2), np.float32)) == 300
    assert automatic_ratio(np.ones((4, 2, 2), np.float32)) == 1


def test_compare_writes_input_and_output_side_by_side(raw: Path, tmp_path: Path):
    written = apply(raw, tmp_path / "b.png", "amplify", ratio="auto", compare=True)
    assert [path.name for path in written] == ["b.png", "b.compare.png"]
    assert images.read(written[1]).pixels.shape == (64, 192, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_input_is_seen_on_the_left_however_the_picture_is_turned(
    tmp_path: Path, orientation: int
):
    source = photograph(tmp_path / "a.png", orientation)
    target, both = apply(source, tmp_path / "b.png", compare=True)
    seen = np.concatenate([images.rgb(source), images.rgb(target)], axis=1)
    np.testing.assert_array_equal(images.rgb(both), seen)


def test_a_folder_is_enhanced_file_by_file_and_what_is_broken_is_said(raw: Path, tmp_path: Path):
    photograph(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("no image either")
    said: list[str] = []
    written = enhance(Enhancement("gamma", tmp_path, tmp_path / "out"), tell=said.append)
    assert [path.name for path in written] == ["a.jpg", "night.png"]
    assert len(said) == 1
    assert "b.png: its content is no image" in said[0]


def test_a_file_that_cannot_be_enhanced_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "cut.png").write_bytes(photograph(tmp_path / "a.png").read_bytes()[:-900])
    with pytest.raises(ScoreError, match=r"cut.png: it cannot be decoded"):
        apply(tmp_path / "cut.png", tmp_path / "out.png")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda picture: picture * np.nan, "its output holds NaN or infinite values"),
        (lambda picture: picture[:, 1:], r"has shape \(3, 29, 45\), but the input asks for"),
    ],
)
def test_what_is_no_picture_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[np.ndarray], np.ndarray],
    message: str,
):  # fmt: skip
    class Broken:
        info = methods.info("gamma")

        def __call__(self, sample: Sample) -> np.ndarray:
            assert sample.srgb is not None
            return made(sample.srgb)

    monkeypatch.setattr(enhancing, "load_method", lambda *_: (Broken(), {}))
    with pytest.raises(MethodError, match=rf"gamma on \S+a.png: .*{message}"):
        apply(photograph(tmp_path / "a.png"), tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("source", "target", "method", "message"),
    [
        ("none.png", "b.png", "gamma", "none.png: there is no such file"),
        ("notes.txt", "b.png", "gamma", "neither a RAW file nor an image"),
        ("a.png", "b.gif", "gamma", r"b.gif: its suffix is '\.gif'"),
        ("a.png", "a.png", "gamma", "it is the input a.png itself"),
        ("none.gif", "b.png", "gamma", "none.gif: there is no such file"),
        ("a.png", "empty", "gamma", "empty: it is a folder, but a file is written"),
        ("a.png", "notes.txt/b.png", "gamma", "notes.txt is a file, but a folder is needed"),
        ("empty", "notes.txt", "gamma", "notes.txt is a file, but a folder is needed"),
        ("a.png", "b" * 250 + ".png", "gamma", "its name has 254 bytes, but at most 248 fit"),
        ("n" * 300 + ".png", "b.png", "gamma", "its name has 304 bytes"),
        ("a.png", "b.png", "scaled", "it looks at the reference"),
        ("a.png", "b.png", "sid", "no weights are named"),
        ("empty", "out", "gamma", "it holds no RAW file and no image"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, source: str, target: str, method: str, message: str):
    photograph(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LowLightError, match=message):
        apply(tmp_path / source, tmp_path / target, method)


@pytest.mark.parametrize(
    ("others", "compare"), [(("night.png",), False), (("night.compare.png",), True)]
)
def test_a_folder_enhanced_into_itself_never_writes_over_a_photograph(
    raw: Path, others: tuple[str, ...], compare: bool
):
    for name in others:
        photograph(raw.with_name(name))
    before = {path: path.read_bytes() for path in raw.parent.iterdir()}
    with pytest.raises(ScoreError, match=r"night\S*: it is the input night\S* itself"):
        apply(raw.parent, raw.parent, compare=compare, ratio="auto")
    assert {path: path.read_bytes() for path in raw.parent.iterdir()} == before


def test_an_input_by_another_name_is_an_input(tmp_path: Path):
    (tmp_path / "link.png").symlink_to(photograph(tmp_path / "a.png"))
    with pytest.raises(ScoreError, match=r"it is the input a\.png itself"):
        apply(tmp_path / "a.png", tmp_path / "link.png")


def test_two_files_of_a_folder_are_never_written_to_one(raw: Path, tmp_path: Path):
    photograph(tmp_path / "night.png")
    with pytest.raises(ScoreError, match=r"night.dng and night.png would both be written to it"):
        apply(tmp_path, tmp_path / "out", ratio="auto")
    assert not (tmp_path / "out").exists()


def test_a_picture_may_be_called_almost_as_long_as_a_disk_takes(tmp_path: Path):
    target = tmp_path / f"{'b' * 244}.png"
    assert apply(photograph(tmp_path / "a.png"), target, "gamma") == [target]
    assert images.read(target).pixels.shape == DARK.shape


def test_a_target_makes_histogram_matching_blind_and_is_not_overwritten(tmp_path: Path):
    source, bright = photograph(tmp_path / "a.png"), tmp_path / "bright.png"
    photograph(bright, pixels=DARK + np.uint8(200))
    options = {"target": str(bright)}
    (target,) = apply(source, tmp_path / "b.png", "histogram_matching", options=options)
    assert images.read(target).pixels.min() >= 200
    with pytest.raises(ScoreError, match=r"it is the input bright\.png itself"):
        apply(source, bright, "histogram_matching", options=options)


def test_an_image_that_claims_a_size_no_camera_has_is_refused(tmp_path: Path):
    header = image_files._chunk(b"IHDR", struct.pack(">IIBBBBB", 2**16, 2**16, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + image_files._chunk(b"IEND", b"")
    )
    with pytest.raises(ScoreError, match=r"bomb.png: it claims .*(pixels|size)"):
        images.read(tmp_path / "bomb.png")


def test_a_transparent_image_is_not_scored(tmp_path: Path):
    Image.fromarray(np.dstack([DARK, DARK[..., 0]])).save(tmp_path / "a.png")
    with pytest.raises(ScoreError, match="parts of it are transparent"):
        images.rgb(tmp_path / "a.png")
