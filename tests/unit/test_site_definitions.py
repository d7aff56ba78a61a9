"""What the pages tell of scores: a sentence, an id, and a link only where it leads somewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eval.metrics import metrics
from eval.pages.summary import Score
from eval.site.build import build
from eval.site.definitions import definition
from tests.payloads import Page
from tests.records import record, score_of, write

PSNR = metrics()["psnr"]
PAGE = {"docs/metrics.html": b'<h3 id="psnr">psnr</h3><h2 id="through-pyiqa">Through</h2>'}


def score(name: str = "psnr", made: str = PSNR.definition) -> Score:
    return replace(score_of(record(), "psnr"), metric=name, definition=made)


def test_a_metric_of_the_toolkit_is_told_by_its_first_sentence_and_its_direction() -> None:
    told = definition(1, score(), {})
    assert (told.text, told.better, told.id) == (PSNR.title, "Higher is better.", "755dcd3c9559")
    assert told.page is None


@pytest.mark.parametrize(
    ("asked", "text", "page"),
    [
        (score(), PSNR.title, "docs/metrics.html#psnr"),
        (score("pyiqa:niqe"), "Computed by pyiqa, with", "docs/metrics.html#through-pyiqa"),
        (
            score("ssim"),
            f"Not as this toolkit defines it now ({metrics()['ssim'].definition})",
            None,
        ),
        (score("theirs"), "No metric of this toolkit.", None),
    ],
)
def test_only_what_the_documentation_tells_is_linked_there(
    asked: Score, text: str, page: str | None
) -> None:
    told = definition(1, asked, PAGE)
    assert told.text.startswith(text)
    assert told.page == page


def test_headings_and_scores_lead_to_the_definition_of_their_metric(tmp_path: Path) -> None:
    build(write(tmp_path / "r", record()), tmp_path / "site")
    (path,) = (tmp_path / "site/tracks").glob("canon*.html")
    track = Page(path.read_text(encoding="utf-8"))
    links = [value for name, value in track.attributes if name == "href"]
    assert {"#what-1", "#what-2"} <= set(links)
    assert {("id", "what-1"), ("id", "what-2")} <= set(track.attributes)
    method = Page((tmp_path / "site/methods/sid.html").read_text(encoding="utf-8"))
    assert ("href", f"../tracks/{path.name}#what-1") in method.attributes


def test_the_shipped_documentation_tells_every_metric() -> None:
    pages = pytest.importorskip("eval.documentation.pages", reason="the extra docs is missing")
    shown = pages.documentation(Path(__file__).resolve().parents[2] / "docs")
    lost = [
        n for n, m in metrics().items() if not definition(1, score(n, m.definition), shown).page
    ]
    assert lost == []
