"""Every shipped protocol, found by a glob."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from lldata import cfa, protocol

README = Path(__file__).parents[2] / "capture_protocols" / "README.md"


def keys(kind: type) -> set[str]:
    found = set()
    for field in fields(kind):
        inner = getattr(protocol, str(field.type), None)
        found |= keys(inner) if is_dataclass(inner) else {field.name}
    return found


@pytest.mark.parametrize("name", protocol.names())
def test_it_reads_is_named_after_its_file_and_its_cfa_packs(name: str):
    chosen = protocol.load(name)
    assert chosen.name == name
    if isinstance(chosen, protocol.RawProtocol) and chosen.camera.cfa != "any":
        assert cfa.layout(chosen.camera.cfa).colours[0] == "R"


RAW = [n for n in protocol.names() if isinstance(protocol.load(n), protocol.RawProtocol)]
KINDS = (
    protocol.RawProtocol, protocol.PictureProtocol, protocol.ClipProtocol,
    protocol.SynthesisProtocol,
)  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_its_ladder_gives_its_ratios_within_the_nominal_shutter_times(name: str):
    ladder = protocol.load_raw(name).exposure
    for ratio in ladder.ratios:
        assert any(abs(t / s / ratio - 1) < 0.1 for t in ladder.long_s for s in ladder.short_s)


def test_the_readme_explains_every_key():
    text = README.read_text("utf-8")
    every = set().union(*map(keys, KINDS)) - {"name", "text"}
    missing = sorted(k for k in every if f"`{k}`" not in text)
    assert not missing
