from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldata import cfa
from lldata.errors import FrameError

XTRANS_PHASES = [
    "".join(np.roll(cfa.letters(cfa.XTRANS), (-r, -c), (0, 1)).ravel())
    for r in range(6)
    for c in range(6)
]
BAYER_PHASES = ["RGGB", "GRBG", "GBRG", "BGGR"]


def test_bayer_planes_are_r_then_g_of_its_row_then_b_then_g_of_its_row():
    mosaic = np.array([[10, 11], [12, 13]], np.uint16)
    assert cfa.pack(mosaic, "RGGB").ravel().tolist() == [10, 11, 13, 12]


def test_every_xtrans_site_is_used_once_and_planes_hold_one_colour():
    sites = [site for plane in cfa.layout(cfa.XTRANS).planes for site in plane]
    assert sorted(sites) == [(r, c) for r in range(6) for c in range(6)]
    tile = cfa.letters(cfa.XTRANS)
    for plane, colour in zip(cfa.layout(cfa.XTRANS).planes, "RGBRBGGGG", strict=True):
        assert {str(tile[site]) for site in plane} == {colour}


def test_xtrans_has_twenty_green_eight_red_eight_blue():
    assert [cfa.XTRANS.count(letter) for letter in "GRB"] == [20, 8, 8]


@pytest.mark.parametrize("pattern", BAYER_PHASES + XTRANS_PHASES)
def test_every_phase_puts_each_colour_in_its_own_planes(pattern: str):
    tile = cfa.letters(pattern)
    side = len(tile)
    code = np.tile(np.vectorize("RGB".index)(tile), (4, 5))[: 3 * side + 1, : 4 * side - 1]
    for plane, colour in zip(cfa.pack(code, pattern), cfa.layout(pattern).colours, strict=True):
        assert (plane == "RGB".index(colour)).all()


@given(
    st.sampled_from(BAYER_PHASES + XTRANS_PHASES), st.integers(6, 21), st.integers(6, 21), st.data()
)
def test_unpacking_is_the_exact_inverse(pattern: str, height: int, width: int, data: st.DataObject):
    seed = data.draw(st.integers(0, 2**32 - 1))
    mosaic = np.random.default_rng(seed).integers(0, 2**16, (height, width), np.uint16)
    planes = cfa.pack(mosaic, pattern)
    assert planes.shape == cfa.packed_shape(pattern, mosaic.shape)
    np.testing.assert_array_equal(cfa.unpack(planes, pattern, mosaic.shape), mosaic)


def test_crop_takes_back_the_rows_and_columns_that_reach_the_phase():
    mosaic = np.arange(35, dtype=np.uint16).reshape(5, 7)
    planes = cfa.pack(mosaic, "GBRG")
    picture = np.zeros((1, 2 * planes.shape[1], 2 * planes.shape[2]), np.uint16)
    picture[0, 1 : 1 + 5, 0:7] = mosaic
    np.testing.assert_array_equal(cfa.crop(picture, "GBRG", mosaic.shape)[0], mosaic)


def test_black_of_the_second_green_lands_in_the_row_of_blue():
    sites = cfa.site_values((1, 2, 3, 4), "GRBG")
    assert sites.tolist() == [[2, 1], [3, 4]]


def test_letters_that_are_no_pattern_are_refused_by_name():
    with pytest.raises(FrameError, match="CFA 'RGBG'"):
        cfa.layout("RGBG")
