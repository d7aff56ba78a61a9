import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
from threadpoolctl import threadpool_limits

from lldata import dng, render
from lldata.cfa import XTRANS
from lldata.errors import FrameError
from lldata.frame import Frame

ONE_STEP = 1 / 65535
CONVENTION = {
    "use_camera_wb": True,
    "half_size": False,
    "no_auto_bright": True,
    "output_bps": 16,
    "user_flip": 0,
}


def frame(cfa="RGGB", level=3000, **changes):
    rng = np.random.default_rng(3)
    ramp = np.linspace(0.1, 1.9, 96) * level
    mosaic = (512 + ramp * rng.uniform(0.8, 1.2, (72, 96))).clip(0, 16383).astype(np.uint16)
    given = Frame(
        mosaic=mosaic, cfa=cfa, black_level=(512.0,) * 4, white_level=16383,
        white_balance=(2.0, 1.0, 1.5, 1.0), exposure_s=0.1, iso=200, camera="Acme Night", sha256="",
        colour_matrix=((0.58, -0.14, -0.02), (-0.35, 1.15, 0.23), (-0.07, 0.19, 0.58)),
    )  # fmt: skip
    return replace(given, **changes)


def read(path: Path, **missing):
    """Build a frame as the store would hold it, by LibRaw alone."""
    with rawpy.imread(str(path)) as raw:
        red, green, blue, _ = raw.camera_whitebalance
        given = {"exposure_s": raw.other.shutter_speed, "iso": raw.other.iso_speed} | missing
        return Frame(
            mosaic=raw.raw_image_visible.copy(),
            cfa="".join("RGBG"[i] for i in raw.raw_pattern.ravel()),
            black_level=tuple(float(level) for level in raw.black_level_per_channel),
            white_level=raw.white_level,
            white_balance=(red / green, 1.0, blue / green, 1.0),
            colour_matrix=tuple(tuple(row) for row in raw.rgb_xyz_matrix[:3].tolist()),
            camera="a camera", sha256="", **given,
        )  # fmt: skip


def field_convention(path: Path):
    # with more threads LibRaw's X-Trans demosaicing differs from run to run at its tiles' borders
    with threadpool_limits(1, user_api="openmp"), rawpy.imread(str(path)) as raw:
        return raw.postprocess(**CONVENTION)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("raw/RAW_KODAK_DC50.KDC", {}),
        ("raw/Blackmagic.dng", {"exposure_s": 1 / 24, "iso": 800}),
        ("bracket_mt9m001/00001_00_0.0625s.DNG", {"iso": 100}),
    ],
)
def test_a_camera_that_states_no_matrix_renders_alike_by_its_measured_one(
    shared_data, name, missing
):
    path = shared_data / name
    given = read(path, **missing)
    assert np.asarray(given.colour_matrix).any() == 0
    known = replace(given, colour_matrix=render.measured_matrix(path))
    original = field_convention(path)
    assert render.wrap_difference(path, given, original=original) > ONE_STEP
    assert render.wrap_difference(path, known, original=original) < 0.05 * ONE_STEP


def test_a_tile_renders_from_its_frame_as_from_its_file(shared_data):
    for path in sorted((shared_data / "sid_sony_tiles" / "short").glob("*.DNG"))[::5]:
        assert render.wrap_difference(path, read(path, iso=200)) < 0.01 * ONE_STEP


def test_every_argument_written_out_changes_nothing_in_the_convention(tmp_path):
    for cfa in ("RGGB", XTRANS):
        given = frame(cfa, mosaic=np.tile(frame().mosaic, (8, 6)))
        dng.write_dng(path := tmp_path / "a.DNG", given)
        assert np.array_equal(render.render_file(path), field_convention(path))
        assert np.array_equal(render.render(given), field_convention(path))


@pytest.mark.parametrize(("cfa", "shape"), [("GBRG", (5, 7)), (XTRANS, (72, 95))])
def test_a_mosaic_smaller_than_libraw_takes_is_rendered_all_the_same(cfa, shape):
    level = np.full((600, 600), 3000, dtype=np.uint16)
    small = render.render(frame(cfa, mosaic=level[: shape[0], : shape[1]]))
    assert small.shape == (*shape, 3)
    assert np.array_equal(small, render.render(frame(cfa, mosaic=level))[: shape[0], : shape[1]])


def test_encode_is_the_curve_of_libraw_to_the_last_digit():
    with rawpy.imread(io.BytesIO(dng.dng_bytes(frame(level=9000)))) as raw:
        linear = raw.postprocess(**render.POSTPROCESS | {"gamma": (1, 1)})
        encoded = raw.postprocess(**render.POSTPROCESS)
    assert len(np.unique(linear)) > 5000
    assert np.array_equal(np.floor(65536 * render.encode(linear / 65536)), encoded)


def test_the_curve_is_straight_below_the_knee_and_fixed_at_its_ends():
    assert render.encode(np.array([0.0, 0.01, 1.0])) == pytest.approx([0, 0.045, 1])
    assert render.encode(np.array([0.18])) == pytest.approx([0.4090], abs=2e-4)


def test_linearise_inverts_encode():
    values = np.linspace(0, 1, 9999)
    assert render.linearise(render.encode(values)) == pytest.approx(values, abs=1e-12)
    assert render.linearise(values.astype(np.float32)).dtype == np.float32


def test_a_gain_lights_the_picture_as_a_longer_exposure():
    short, long = frame(level=500), frame(level=500)
    light = (long.mosaic.astype(int) - 512) * 4
    long = replace(long, mosaic=(512 + light).astype(np.uint16))
    error = np.abs(render.render(short, 4.0).astype(int) - render.render(long))
    assert error.mean() < 20


def test_a_gain_saturates_at_the_white_level_and_drops_nothing_in_between():
    given = frame(level=3000, mosaic=np.array([[500, 512], [513, 16383]], dtype=np.uint16))
    assert render.amplified(given, 1.3).mosaic.tolist() == [[0, 0], [5, 65535]]
    assert render.amplified(given, 1.0) is given


def test_unequal_black_levels_are_each_taken_from_their_own_sites():
    levels = (1.0, 2.0, 3.0, 4.0)
    bayer = render.site_black(frame("GBRG", black_level=levels))
    assert bayer[:2, :2].tolist() == [[4, 3], [1, 2]]
    assert bayer.shape == (72, 96)


@pytest.mark.parametrize(("top", "expected"), [(16383, 15871), (14000, 13488), (9000, 15871)])
def test_the_effective_white_is_the_brightest_pixel_above_three_quarters(top, expected):
    mosaic = frame(level=1000).mosaic.copy()
    mosaic[10, 10] = top
    assert render.effective_white(frame(mosaic=mosaic)) == expected


def test_libraw_takes_the_effective_white_for_white():
    mosaic = np.full((32, 32), 512 + 12000, dtype=np.uint16)
    neutral = frame(mosaic=mosaic, white_balance=(1.0, 1.0, 1.0, 1.0))
    assert render.effective_white(neutral) == 12000
    assert render.render(neutral).min() >= 65530


@pytest.mark.parametrize("gain", [0, -1, float("inf"), float("nan")])
def test_a_gain_that_is_no_positive_number_is_refused(gain):
    with pytest.raises(FrameError, match=r"gain: .*, but it is a positive number"):
        render.render(frame(), gain)


def test_a_file_that_cannot_be_developed_is_named(tmp_path):
    (path := tmp_path / "a.CR2").write_text("no photograph")
    with pytest.raises(FrameError, match=r"a\.CR2: cannot be developed"):
        render.render_file(path)
    with pytest.raises(FrameError, match="cannot be developed"):
        render.measured_matrix(tmp_path / "missing.CR2")


def test_pictures_of_different_sizes_are_infinitely_different():
    original = np.zeros((8, 8, 3), dtype=np.uint16)
    assert render.wrap_difference(Path("x"), frame(), original=original) == float("inf")


@pytest.mark.parametrize("cfa", ["RGGB", "GBRG"])
def test_the_middle_of_a_wrapped_frame_renders_as_the_whole_file_does(tmp_path, cfa):
    random = np.random.default_rng(5)
    large = frame(cfa, mosaic=random.integers(600, 9000, (901, 1003)).astype(np.uint16))
    large.mosaic[3, 1000] = 13500  # outside the middle, and what LibRaw takes for white
    dng.write_dng(path := tmp_path / "large.DNG", large)
    picture = render.render_file(path)
    assert render.effective_white(large) == 13500 - 512
    assert render.crop_difference(large, picture) == 0
    brighter = replace(large, white_balance=(2.1, 1.0, 1.5, 1.0))
    assert render.crop_difference(brighter, picture) > ONE_STEP
    assert render.crop_difference(large, picture[:-1]) == float("inf")


def test_a_picture_without_usable_pixels_gives_no_matrix(tmp_path):
    dark = frame(mosaic=np.full((32, 32), 512, dtype=np.uint16))
    dng.write_dng(path := tmp_path / "dark.DNG", dark)
    assert render.measured_matrix(path) == ((0.0, 0.0, 0.0),) * 3
