from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldata import cfa
from lldata.errors import FrameError
from tests.captures import SONY

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


# plane: colour, then the site (row, column) of the 6x6 block that goes to each of its four cells
# (0,0) (0,1) (1,0) (1,1); the packing of SID's released X-Trans pipeline, Chen et al. 2018
XTRANS_TABLE = """
R 00 04 31 33
G 02 05 32 35
B 01 03 30 34
R 12 25 52 45
B 22 15 42 55
G 10 13 40 43
G 11 14 41 44
G 20 23 50 53
G 21 24 51 54
"""
XTRANS_ROWS = ["RBGBRG", "GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB"]
XTRANS_SITES = [
    (plane, cell, int(site[0]), int(site[1]), row.split()[0])
    for plane, row in enumerate(XTRANS_TABLE.split("\n")[1:-1])
    for cell, site in enumerate(row.split()[1:])
]


def test_the_table_of_xtrans_is_a_bijection_of_36_sites_onto_four_cells_of_nine_planes():
    assert "".join(XTRANS_ROWS) == cfa.XTRANS
    assert len({(row, column) for _, _, row, column, _ in XTRANS_SITES}) == 36
    assert all(XTRANS_ROWS[row][column] == colour for _, _, row, column, colour in XTRANS_SITES)


def test_three_rows_and_three_columns_on_xtrans_is_the_same_so_that_18_phases_differ():
    assert len(set(XTRANS_PHASES)) == 18
    for top in range(3):
        for left in range(6):
            again = 6 * (top + 3) + (left + 3) % 6
            assert XTRANS_PHASES[again] == XTRANS_PHASES[6 * top + left]


@pytest.mark.parametrize("phase", range(36))
@pytest.mark.parametrize("size", [(24, 30), (25, 34), (23, 29)])
def test_each_of_the_36_sites_goes_where_the_table_says_in_every_phase(
    phase: int, size: tuple[int, int]
):
    top, left = divmod(phase, 6)  # rows and columns that the pattern is ahead by
    if top > 2:  # the same letters, so the same packing
        top, left = top - 3, (left + 3) % 6
    pattern = XTRANS_PHASES[phase]
    mosaic = np.arange(size[0] * size[1], dtype=np.uint16).reshape(size)
    planes = cfa.pack(mosaic, pattern)
    seen = set()
    for plane, cell, row, column, colour in XTRANS_SITES:
        values = planes[plane, cell // 2 :: 2, cell % 2 :: 2]
        for (i, j), value in np.ndenumerate(values):
            y, x = 6 * i + row - top, 6 * j + column - left
            inside = 0 <= y < size[0] and 0 <= x < size[1]
            where = divmod(int(value), size[1])
            assert pattern[where[0] % 6 * 6 + where[1] % 6] == colour
            assert where == (y, x) if inside else (where[0] - y) % 6 == (where[1] - x) % 6 == 0
            seen |= {where} if inside else set()
    assert len(seen) == mosaic.size


@pytest.mark.parametrize("pattern", sorted(set(XTRANS_PHASES)))
def test_xtrans_of_every_phase_and_every_size_unpacks_to_itself(pattern: str):
    whole = np.random.default_rng(1).integers(0, 2**16, (17, 17), np.uint16)
    for height in range(6, 18):
        for width in (6, 7, 8, 9, 10, 11, 17):
            mosaic = whole[:height, :width]
            planes = cfa.pack(mosaic, pattern)
            assert planes.shape == cfa.packed_shape(pattern, mosaic.shape)
            np.testing.assert_array_equal(cfa.unpack(planes, pattern, mosaic.shape), mosaic)


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


@pytest.mark.parametrize("pattern", ["RGGB", "GBRG", cfa.XTRANS, XTRANS_PHASES[8]])
def test_every_row_of_a_tall_frame_is_normalised_by_its_own_black(pattern: str):
    mosaic = np.random.default_rng(2).integers(0, 2**14, (301, 31), np.uint16)
    levels = (512.0, 500.0, 480.0, 530.0)
    shot = replace(SONY, mosaic=mosaic, cfa=pattern, black_level=levels)
    planes = cfa.pack(mosaic, pattern).astype(float)
    black = np.array(cfa.black_of_planes(levels, pattern))[:, None, None]
    expected = (planes - black) / (shot.white_level - black)
    np.testing.assert_allclose(cfa.normalise(shot), expected, rtol=1e-6, atol=1e-7)
