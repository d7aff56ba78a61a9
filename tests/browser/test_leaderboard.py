"""The leaderboard as somebody uses it: sorting, filtering, choosing, comparing, citing a view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.site.build import build
from tests.records import classical, record, rows, write

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    records = [
        record(),
        classical("amplify", 22.4),
        classical("bm3d", 29.6, rows=rows(29.6, seed=3), timing={"median_s": 12.0}),
        classical("lime@amplified", 26.1, label="alpha=0.15", level="reported"),
        classical("scaled", 33.0, reference_use="mean"),
    ]
    build(write(folder / "records", *records), folder / "site")
    return folder / "site"


@pytest.fixture
def track(site: Path) -> Path:
    (path,) = (site / "tracks").glob("*.html")
    return path


def methods(page: Any) -> list[str]:
    return page.locator("#board tbody tr:visible .method").all_inner_texts()


def test_the_table_sorts_from_the_keyboard_and_the_address_keeps_the_order(
    opened: Open, track: Path
) -> None:
    page = opened(track)
    page.locator("#board th", has_text="Method").get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert methods(page) == ["amplify", "bm3d", "lime@amplified", "sid"]
    page.locator("#board th", has_text="ssim").get_by_role("button").click()
    assert methods(page) == ["amplify", "lime@amplified", "bm3d", "sid"]
    assert page.evaluate("location.hash") == "#sort=ssim&order=ascending"


def test_a_heading_leads_to_its_definition_from_the_keyboard_and_does_not_sort(
    opened: Open, track: Path
) -> None:
    page = opened(track)
    page.locator("#board th", has_text="ssim").get_by_role("button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(":target").inner_text() == "ssim"
    assert page.locator(":target + dd").is_visible()
    assert page.locator("#board th[aria-sort]").count() == 0


def test_filters_hide_rows_say_how_many_are_left_and_stay_in_the_address(
    opened: Open, track: Path
) -> None:
    page = opened(track)
    page.get_by_label("Level").select_option("reported")
    assert methods(page) == ["lime@amplified"]
    assert page.locator("#count").inner_text() == "1 of 5 shown"
    page.get_by_label("Level").select_option("")
    page.get_by_label("Find").fill("B m")
    assert methods(page) == ["bm3d"]
    assert page.evaluate("location.hash") == "#find=B+m"


def test_a_shared_address_shows_the_same_view(opened: Open, track: Path) -> None:
    page = opened(track, "#sort=Per+nothing&find=m&trained=no")
    assert methods(page) == ["bm3d", "lime@amplified", "amplify"]
    page = opened(track, "#sort=psnr%2C+dB&order=ascending&trained=no")
    assert methods(page) == ["amplify", "lime@amplified", "bm3d"]
    page.get_by_label("Choose bm3d").check()
    assert methods(opened(track, page.evaluate("location.hash"))) == methods(page)


def test_two_chosen_methods_are_compared_with_the_test_of_the_data(
    opened: Open, site: Path, track: Path
) -> None:
    page = opened(track)
    page.get_by_label("Choose sid").check()
    assert page.locator(".series.stands").count() == 2  # by ratio and by ISO
    page.get_by_label("Choose bm3d").check()
    page.locator("#compare").click()
    assert page.locator("#verdict").inner_text() == "The difference could be chance"
    row = page.locator("#all ~ .rows tr", has_text="sid").filter(has_text="bm3d")
    cells = row.locator("td").all_inner_texts()
    assert page.locator("#difference").inner_text() == cells[1]
    assert page.locator("#p").inner_text() == cells[3]
    assert page.locator("#places .dots").get_attribute("d").count("M") == 24
    page.locator("#swap").click()
    assert page.locator("#difference").inner_text() == cells[1]
    assert page.locator("#minus").inner_text() == "B minus A"
    assert page.locator("select[name=a] option:checked").inner_text() == "bm3d"


def test_without_scripts_everything_but_the_controls_is_there(opened: Open, site: Path) -> None:
    page = opened(site / "index.html", java_script_enabled=False)
    page.locator(".track h3 a").click()
    assert page.locator("#board tbody tr").count() == 4
    assert page.locator("svg[role=img]:visible").count() == 3
    page.locator("#board").get_by_role("link", name="What ssim means").click()
    assert page.locator(":target + dd code").inner_text() == record().metrics["ssim"].definition
    assert not page.locator("#filters").is_visible()
    page.get_by_role("link", name="Compare two methods").click()
    assert page.locator("tbody tr").count() == 6
    assert not page.locator("#two-methods").is_visible()
