from __future__ import annotations

import pytest

from lldata import protocol
from lldata.errors import ProtocolError

SONY = "sid_sony"


def test_a_sid_file_name_gives_scene_take_exposure_and_split():
    parts = protocol.load_raw(SONY).parse_name("10003_01_0.04s")
    assert parts == {"scene": "10003", "split": "1", "take": "01", "exposure_s": "0.04"}


def test_the_leading_digit_is_the_split():
    digits = protocol.load(SONY).splits.digits
    assert digits == {"0": "train", "1": "test", "2": "val"}


def test_the_6d_set_called_12600_is_12800_in_exif():
    chosen = protocol.load_raw("canon6d_iso12600")
    assert chosen.camera.iso_nominal == "12600"
    assert chosen.matches_iso(12800)
    assert not chosen.matches_iso(12600)


def test_the_mark_ii_is_another_camera():
    chosen = protocol.load_raw("canon6d_iso200")
    assert chosen.matches_camera("Canon EOS 6D")
    assert not chosen.matches_camera("Canon EOS 6D Mark II")


def test_an_unknown_protocol_names_those_there_are():
    with pytest.raises(ProtocolError, match=r"^protocol sony: no such protocol.*sid_sony"):
        protocol.load("sony")


def test_an_unknown_key_is_refused_by_name():
    text = protocol.load(SONY).text.replace("ratio_cap", "ratio_limit")
    with pytest.raises(ProtocolError, match=r"sony.toml: exposure: the key 'ratio_limit' is unk"):
        protocol.parse("sony", text)


def test_a_missing_key_is_refused_by_name():
    text = protocol.load(SONY).text.replace("ratio_cap = 300\n", "")
    with pytest.raises(ProtocolError, match="the key 'ratio_cap' is missing"):
        protocol.parse("sony", text)


def test_a_level_in_words_is_refused():
    text = protocol.load(SONY).text.replace("black_level = 512", 'black_level = "512"')
    with pytest.raises(ProtocolError, match="black_level: it is '512', but 'any' is needed"):
        protocol.parse("sony", text)


def test_a_pattern_without_a_scene_is_refused():
    text = protocol.load(SONY).text.replace("?P<scene>", "?P<place>")
    with pytest.raises(ProtocolError, match="its named groups must be exposure_s, scene, split"):
        protocol.parse("sony", text)
