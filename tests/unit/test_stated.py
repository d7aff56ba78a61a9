"""What the protocol in a dataset from elsewhere says never ends a command without its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lldata import cli, store
from lldata.errors import StoreError
from lldata.outputs import card
from lldata.sets.splits import only_split
from lldata.stated import stated
from tests.stores import night
from tests.unit.test_strangers import altered, text


def told(path: Path, protocol: str) -> store.Store:
    altered(path / "dataset.h5", lambda file: text(file, "protocol_text", protocol))
    return store.open_store(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return night(tmp_path / "night", "train test").path


def test_a_key_has_its_value_and_a_silent_protocol_none(folder: Path):
    dataset = told(folder, "title = 'x'\n[limits]\nshift_warn_px = 2\n[camera]\nmodels = ['a']")
    assert stated(dataset, "title", str) == "x"
    assert stated(dataset, "limits.shift_warn_px", float) == 2.0
    assert stated(dataset, "camera.models", list) == ["a"]
    assert stated(dataset, "camera", dict) == {"models": ["a"]}
    assert stated(dataset, "files.group", str) is None
    assert stated(told(folder, "no toml"), "title", str) is None


@pytest.mark.parametrize(("protocol", "key", "kind", "said"), [
    ("files = 3", "files.group", str, "files is 3, but a table is needed"),
    ("a.b = 'x'", "a.b.c.d", str, "a.b is 'x', but a table is needed"),
    ("title = 1979-05-27", "title", str, "title is datetime.date(1979, 5, 27), but a text"),
    ("limits.x = true", "limits.x", float, "limits.x is True, but a finite number"),
    ("limits.x = nan", "limits.x", float, "limits.x is nan, but a finite number"),
    (f"limits.x = {10**400}", "limits.x", float, "but a finite number is needed"),
    (f"x = {'9' * 5000}", "title", str, "it cannot be read (Exceeds the limit"),
    (f"x = {'[' * 9999}", "title", str, "it cannot be read (maximum recursion"),
])  # fmt: skip
def test_a_value_of_another_kind_is_named(
    folder: Path, protocol: str, key: str, kind: type, said: str
):
    with pytest.raises(StoreError) as refused:
        stated(told(folder, protocol), key, kind)
    assert str(refused.value).startswith(f"{folder}: the protocol in it: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("command", "protocol"), [
    ("report", "limits = 3"), ("report", "[limits]\nshift_warn_px = 'x'"), ("export", "files = 3"),
    ("export", "[files]\nshort = []"), ("export", "[files]\ngroup = 1"),
    ("show", "degradation = 3"),
])  # fmt: skip
def test_a_command_ends_in_one_line_and_writes_nothing(
    command: str, protocol: str, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    told(folder, protocol)
    out = {"report": ["--out", str(tmp_path / "out")], "export": [str(tmp_path / "out")]}
    monkeypatch.setattr(sys, "argv", ["lldata", command, str(folder), *out.get(command, [])])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    errors = [x for x in capsys.readouterr().err.splitlines() if "Traceback" in x or "is ne" in x]
    assert (ended.value.code, len(errors), list(tmp_path.glob("out/**/*.*"))) == (2, 1, [])


@pytest.mark.parametrize("protocol", [
    "title = 3", "source = 1979-05-27", "camera = 3", "[camera]\nmake = 3",
    "[camera]\nmake = 'a'\nmodels = 'b'", "degradation = 'x'",
])  # fmt: skip
def test_no_card_is_made_of_such_a_protocol(folder: Path, protocol: str):
    with pytest.raises(StoreError, match="the protocol in it"):
        card.write_cards(told(folder, protocol))


def test_limits_that_are_no_distance_draw_no_ring(folder: Path):
    from lldata import report
    from lldata.engine import Local

    dataset = told(folder, "[limits]\nshift_warn_px = -5\nshift_quarantine_px = 2")
    page = report.write_report(dataset, folder.parent / "r.html", Local(workers=1))
    assert page.read_text("utf-8").count("ring limit") == 1


def test_a_rule_of_another_kind_is_named(folder: Path):
    with pytest.raises(StoreError, match="splits is 3, but a table is needed"):
        only_split(told(folder, "splits = 3"))
