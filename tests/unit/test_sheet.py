"""The sheet a photographer takes along, for every protocol there is."""

from __future__ import annotations

import pytest

from lldata import console
from lldata.outputs import sheet
from lldata.protocol import load, load_raw, names


def section(name: str, title: str) -> sheet.Section:
    (found,) = [s for s in sheet.sections(load(name)) if s.title == title]
    return found


def test_the_canon_ladder_pairs_each_long_with_the_shorts_of_its_ratios():
    assert sheet.ladder(load_raw("canon6d_iso12600")) == [
        (10, 0.1, 100), (10, 0.04, 250), (10, 0.033, 300), (30, 0.1, 300),
    ]  # fmt: skip
    assert section("canon6d_iso12600", "Exposure ladder").rows == (
        ("10 s", "1/10 s", "100"), ("", "1/25 s", "250"), ("", "1/30 s", "300"),
        ("30 s", "1/10 s", "300"),
    )  # fmt: skip


def test_iso_and_file_names_are_those_the_camera_gives():
    settings = dict(sheet.sections(load("canon6d_iso12600"))[0].rows)
    assert settings["ISO"] == "12600 (the camera says 12800)"
    assert settings["black level"] == "2048 DN"
    files = dict(section("canon6d_iso200", "Files").rows)
    assert files["long exposures"] == "Canon/long/00001_00_10s.CR2"
    assert files["splits"] == "the scene's first digit: 0 train, 1 test, 2 val"


def test_limits_stand_side_by_side_with_their_unit():
    rows = {row[0]: row[1:] for row in section("sid_sony", "What is checked").rows}
    assert rows["shift of the long"] == ("packed px", "0.5", "2")
    assert rows["black level against protocol"] == ("DN", "8", "-")
    assert rows["white level against protocol"] == ("DN", "above 0", "-")
    assert rows["what moved by itself"] == ("% of the picture", "5", "30")
    assert rows["PSNR the reference allows"] == ("dB", "under 30", "-")


def test_pictures_and_clips_are_checked_in_their_own_words():
    assert section("rgb_pairs", "What is checked").rows == (
        ("shift of the lit picture", "px", "0.5", "2"),
        ("clipped part of the lit picture", "% of it", "5", "-"),
        ("likeness to another pair", "correlation", "0.9", "-"),
    )
    assert section("uhr_clips", "What is checked").rows == (
        ("frames of one value", "% of the clip", "-", "above 0"),
        ("frames that repeat", "% of the clip", "2", "-"),
        ("mean luma of low", "% of the target's", "75", "100"),
    )


def test_a_region_is_named_by_width_and_height_as_the_text_does():
    (first, *_) = sheet.sections(load("uhr_clips"))
    assert dict(first.rows)["side of its region"] == (
        "frames of 5120x2880 (width x height): 1000 px; frames of 7680x4320 (width x height): "
        "1500 px; scene Horse: 2500 px"
    )


def test_a_range_of_one_value_is_that_value():
    settings = dict(sheet.sections(load("raise_gamma"))[0].rows)
    assert (settings["alpha"], settings["gamma"]) == ("1", "2 to 5")


@pytest.mark.parametrize("name", names())
def test_every_sheet_fits_80_columns_and_tells_how_to_shoot(
    name: str, capsys: pytest.CaptureFixture[str]
):
    chosen = load(name)
    for part in sheet.sections(chosen):
        console.print_table(*part)
    said = capsys.readouterr().err
    assert max(map(len, said.splitlines())) <= 80
    assert chosen.shooting.instructions[0].split()[-1] in said
    assert "What is checked" in said or not hasattr(chosen, "limits")


def test_json_has_every_key_but_the_text():
    keys = sheet.keys(load("sid_sony"))
    assert keys["camera"]["models"] == ("ILCE-7SM2",)
    assert set(keys) == {
        "name", "title", "source", "kind", "splits", "shooting", "camera", "exposure", "files",
        "limits",
    }  # fmt: skip
