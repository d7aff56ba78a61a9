"""Sweeps on the site: read strictly, drawn on the page of the data they were made on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.record import Record
from eval.site.build import build
from eval.studies.kept_sweep import read_sweep
from lldata.console import to_json
from lldata.errors import ScoreError
from tests.payloads import PAYLOADS, Page
from tests.records import classical, record, rows, write


def moved(of: Record, by: float) -> list[dict[str, Any]]:
    """Return the rows of a record, every PSNR changed by so many dB."""
    return [
        vars(replace(row, scores={**row.scores, "psnr": (row.scores["psnr"] or 0) + by}))
        for row in of.rows
    ]


def written(folder: Path, of: Record, loss: float, **changes: Any) -> Path:
    """Write the sweep of a record that loses so many dB a unit of read noise."""
    steps = [{"step": float(s), "rows": moved(of, -loss * abs(s))} for s in (-1, 0, 2)]
    axis = {"axis": "read_noise", "title": "read noise", "unit": "EV", "steps": steps, **changes}
    document = {"format": 1, "record": of.document(), "axes": [axis]}
    path = folder / of.file_name / "sweep.json"
    path.parent.mkdir(parents=True)
    path.write_text(to_json(document), encoding="utf-8")
    return path


def test_methods_swept_on_a_track_are_drawn_on_its_page_with_what_a_unit_costs(
    tmp_path: Path,
) -> None:
    sid, amplify = record(), classical("amplify", 22.0)
    elsewhere = record(rows(25.0), method="lime", digest="0" * 64)
    sweeps = [
        written(tmp_path, sid, 0.75),
        written(tmp_path, amplify, 0.25),
        written(tmp_path, elsewhere, 1.0),
    ]
    build(write(tmp_path / "r", sid, amplify), tmp_path / "site", sweeps=sweeps)
    (path,) = (tmp_path / "site/tracks").glob("*.html")
    text = Page(path.read_text(encoding="utf-8")).text
    part = text.partition("When the input is not what it should be")[2].partition("Take it")[0]
    assert "psnr, dB by read noise, EV" in part
    assert "sid (canon6d_iso12600)−0.75−0.75 to −0.75\namplify−0.25−0.25 to −0.25\n" in part
    assert "lime" not in part


def test_a_site_without_sweeps_says_nothing_of_them(tmp_path: Path) -> None:
    build(write(tmp_path / "r", record()), tmp_path / "site")
    (path,) = (tmp_path / "site/tracks").glob("*.html")
    assert "When the input" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=2), "its format is 2, but sweeps have format 1"),
        (lambda d: d["axes"][0]["steps"][1]["rows"].pop(), "its rows are not the pairs"),
        (lambda d: d["axes"][0].update(unit=3), r"axes\[0\]: unit: it is 3"),
        (lambda d: d["axes"][0]["steps"][0]["rows"][0]["scores"].update(psnr=900), "psnr of pair"),
        (lambda d: d.update(more=1), "the field more is unknown"),
    ],
)
def test_a_sweep_whose_parts_disagree_is_refused(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, record(), 0.5)
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ScoreError, match=message):
        read_sweep(path)


def test_no_text_of_a_sweep_becomes_an_element_or_an_attribute(tmp_path: Path) -> None:
    shapes = []
    for name, told in (("clean", "plain"), ("dirty", " ".join(PAYLOADS))):
        sweep = written(tmp_path / name, record(), 0.5, axis=told, title=told, unit=told)
        build(write(tmp_path / f"{name}-r", record()), tmp_path / f"{name}-site", sweeps=[sweep])
        (path,) = (tmp_path / f"{name}-site/tracks").glob("*.html")
        page = Page(path.read_text(encoding="utf-8"))
        shapes.append((page.tags, [attribute for attribute, _ in page.attributes]))
    assert shapes[0] == shapes[1]
