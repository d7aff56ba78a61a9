import cv2
import numpy as np
import pytest

from lldata.errors import LowLightError
from lldata.synthesis import photographs, scenes


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_procedural_scene_has_lamps_deep_shadow_and_texture():
    scene = scenes.procedural(256, 384, rng())
    assert scene.shape == (256, 384, 3)
    assert scene.min() >= 0
    assert scene.max() > 5
    assert np.percentile(scene, 3) < 0.01


def test_texture_reaches_from_the_whole_picture_to_two_pixels():
    texture = scenes.fractal(256, 256, rng())[..., 0]
    power = np.abs(np.fft.fft2(texture)) ** 2
    radius = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(256) * 256]))
    octaves = [power[(radius >= 2**n) & (radius < 2 ** (n + 1))].sum() for n in range(7)]
    assert min(octaves) > 0.01 * sum(octaves)


def test_the_grey_patches_of_the_chart_are_flat_and_as_published():
    chart = scenes._chart(20)
    white = chart[62:77, 2:17]
    assert np.ptp(white) < 0.01
    assert white.mean() == pytest.approx(0.6 * ((243 / 255 + 0.055) / 1.055) ** 2.4, rel=0.01)


def test_the_edge_is_slanted_by_five_degrees():
    edge = scenes._slanted_edge(100, 80)[..., 0]
    position = 80 - (edge - 0.03).sum(axis=1) / 0.52
    slope = np.polyfit(np.arange(100), position, 1)[0]
    assert np.degrees(np.arctan(-slope)) == pytest.approx(5.0, abs=0.05)


def test_srgb_values_become_linear_light():
    values = np.array([0.0, 0.04045, 0.5, 1.0])
    expected = [0, 0.0031308, 0.2140411, 1]
    assert scenes.srgb_to_linear(values) == pytest.approx(expected, rel=1e-4)


def test_the_shipped_photographs_need_no_network():
    names = [photograph.name for photograph in photographs.shipped()]
    assert {"coffee.png", "chelsea.png", "astronaut.png"} <= set(names)


@pytest.mark.parametrize("size", [(200, 300), (1500, 1100)])
def test_a_photograph_fills_any_size_with_its_own_colours(size):
    coffee = photographs.shipped()[0].scene(*size, rng())
    assert coffee.shape == (*size, 3)
    assert coffee[..., 0].mean() > 2 * coffee[..., 2].mean()


def test_a_sixteen_bit_photograph_is_read_in_full(tmp_path):
    picture = np.full((40, 40, 3), 32768, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    (photograph,) = photographs.in_folder(tmp_path)
    assert photograph._read() == pytest.approx(0.21404, rel=1e-3)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    (photograph,) = photographs.in_folder(tmp_path)
    with pytest.raises(LowLightError, match=r"bad\.png: it cannot be read as a picture"):
        photograph.scene(64, 64, rng())


def test_an_empty_or_missing_folder_of_photographs_is_refused(tmp_path):
    with pytest.raises(LowLightError, match="no photograph lies in it, but files ending in"):
        photographs.in_folder(tmp_path)
    with pytest.raises(LowLightError, match="there is no such folder"):
        photographs.in_folder(tmp_path / "nowhere")
