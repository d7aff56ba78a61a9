"""The report of a dataset in a real browser: wide, narrow, dark, printed, and nothing fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lldata import report, upkeep
from lldata.engine import Local
from lldata.store import open_store
from tests.stores import night
from tests.unit.test_dataset_report import PAYLOADS, finding


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    dataset = night(
        folder / "night", "train train test val", exposures=(0.1, 0.04, 0.033),
        quarantined=("00002",),
    )  # fmt: skip
    told = [finding("00002", "alignment", "quarantine", t, "00002_00_0.1s") for t in PAYLOADS]
    told.append(finding("00001", "exposure", "pass", "well", "00001_00_0.1s"))
    told.append(finding("00009", "integrity", "quarantine", f"/card/{'DCIM' * 30}.CR2: cut"))
    upkeep.build_index(dataset.path, "now", told)
    return report.write_report(open_store(dataset.path), folder / "r.html", Local(workers=1))


@pytest.fixture
def visit(opened: Callable[..., Any], page_file: Path) -> Callable[..., Any]:
    """Return a function that opens the report."""
    return lambda **options: opened(page_file, **options)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_screen_scrolls_sideways_and_every_picture_is_drawn(visit: Any, width: int):
    page = visit(viewport={"width": width, "height": 844}, is_mobile=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".views img").count() == 16
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_the_style_is_applied_under_its_policy_and_follows_the_system(visit: Any):
    shades = [
        visit(color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert shades == ["rgb(250, 249, 246)", "rgb(18, 19, 23)"]


def test_a_scene_to_shoot_again_leads_to_its_pictures(visit: Any):
    page = visit(viewport={"width": 1280, "height": 844})
    page.get_by_role("link", name="Scene 00002").click()
    assert page.evaluate("location.hash") == "#scene-00002"
    assert page.locator("#scene-00002 img").first.is_visible()


def test_plots_tables_and_pictures_have_texts_and_ids_are_unique(visit: Any):
    page = visit()
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope]), img:not([alt])").count() == 0
    assert page.evaluate(
        "(ids => ids.length - new Set(ids).size)"
        "([...document.querySelectorAll('[id]')].map(e => e.id))"
    ) == 0  # fmt: skip


def test_printed_it_is_a_few_pages_with_every_row_inside(visit: Any):
    page = visit(viewport={"width": 720, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.pdf(format="A4").count(b"/Type /Page\n") <= 6
