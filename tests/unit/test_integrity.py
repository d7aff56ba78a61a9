"""Integrity: rows and blocks a decoder filled, JPEG data without its end, files decoded twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lldata.audit import Finding, integrity
from lldata.audit.evidence import Pair
from lldata.frame import Frame
from lldata.measures import emptiness
from tests.captures import frame, light, pair_of

SOUND = frame(light(12), 0.1)


def spoilt(rows: object, columns: object, value: object = 0, sound: Frame = SOUND) -> Frame:
    mosaic = sound.mosaic.copy()
    mosaic[rows, columns] = value
    return replace(sound, mosaic=mosaic)


def told(pair: Pair, **facts: object) -> Finding:
    for path in (pair.path, pair.scene.files.long):
        pair.scene.facts[path.name] = dict(facts)
    return integrity.audit(pair)


def test_rows_a_decoder_filled_are_counted():
    repeats = np.tile(SOUND.mosaic[-12:-10], (5, 1))
    assert emptiness.empty_rows(SOUND) == 0
    assert emptiness.empty_rows(spoilt(slice(-10, None), slice(None))) == 10
    assert emptiness.empty_rows(spoilt(slice(-10, None), slice(None), repeats)) == 10


def test_a_pair_with_empty_rows_is_quarantined_and_names_the_file():
    finding = integrity.audit(pair_of(spoilt(slice(-10, None), slice(None)), frame(light(12), 10)))
    assert (finding.status, finding.measured) == ("quarantine", 10.0)
    assert "10 rows of 00001_00_0.1s.DNG hold no picture" in finding.message


def test_blocks_a_decoder_filled_or_repeated_are_counted():
    repeats = SOUND.mosaic[:, :128]
    assert emptiness.empty_blocks(SOUND) == 0
    assert emptiness.empty_blocks(spoilt(slice(64, 128), slice(64, 160))) == 6
    assert emptiness.empty_blocks(spoilt(slice(None), slice(128, None), repeats)) == 48


def test_blocks_that_share_a_corner_only_are_different_ones():
    alike = SOUND.mosaic.copy()
    alike[::32, :] = np.tile(SOUND.mosaic[0, :32], 8)
    assert emptiness.empty_blocks(replace(SOUND, mosaic=alike)) == 0


def test_light_that_saturates_below_the_white_level_is_no_damage():
    bright = spoilt(slice(64, 128), slice(None), 15700, frame(light(12), 10))
    assert emptiness.measure(bright) == (0, 0)


def test_saturated_rows_are_light_and_no_damage():
    assert emptiness.measure(spoilt(slice(20), slice(None), SOUND.white_level)) == (0, 0)


def test_places_cut_off_at_the_black_level_are_dark_and_no_damage():
    assert emptiness.empty_blocks(spoilt(slice(64, 128), slice(64, 160), 512)) == 0


def test_jpeg_data_without_its_end_is_a_warning():
    finding = told(pair_of(SOUND, frame(light(12), 10)), unfinished_pieces=2)
    assert (finding.status, finding.measured) == ("warn", 2.0)
    assert "2 strips or tiles of 00001_00_0.1s.DNG lack the end" in finding.message


def test_only_a_pair_decoded_twice_says_so():
    pair = pair_of(SOUND, frame(light(12), 10))
    assert told(pair).message == "every row and block holds a picture"
    assert told(pair, decoded_twice=True).message.endswith("decoded twice alike")


def test_the_long_is_counted_once_for_all_its_shorts(monkeypatch):
    counted = []
    monkeypatch.setattr(
        emptiness, "measure", lambda seen: counted.append(seen) or emptiness.Empty(0, 0)
    )
    pair = pair_of(SOUND, frame(light(12), 10))
    for _ in range(3):
        integrity.audit(pair)
    assert sum(seen is pair.scene.long for seen in counted) == 1
