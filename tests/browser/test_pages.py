"""The pages in a real browser: scripts, no scripts, narrow, dark, and nothing fetched."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eval import board
from eval.record import Record
from eval.report import write_report
from eval.run import rows_csv
from tests.records import classical, record, write, write_pictures
from tests.unit.test_report import PAYLOADS, poisoned

PAGES = ("report", "board", "empty", "hostile_report", "hostile_board")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one page of each kind."""
    folder = tmp_path_factory.mktemp("site")
    hostile = poisoned(" ".join(PAYLOADS))
    write_pictures(folder / "run", record(), size=120)
    records = [
        record(),
        classical("amplify", 22.4),
        classical("lime@amplified", 26.1, label="alpha=0.15"),
        classical("scaled", 33.0, reference_use="mean"),
    ]
    return {
        "report": write_report(record(), folder / "run"),
        "board": board.build(write(folder / "records", *records), folder / "board"),
        "empty": board.build([], folder / "empty"),
        "hostile_report": write_report(hostile, folder / "hostile"),
        "hostile_board": board.build(write(folder / "bad", hostile), folder / "hostile_board"),
    }


@pytest.fixture
def visit(browser: Any, site: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page; nothing may leave the disk, fail or open a dialog."""
    outside: list[str] = []
    contexts = []

    def leaves(url: str) -> bool:
        return not url.startswith(("file://", "data:", "blob:"))

    def opened(name: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: leaves(request.url) and outside.append(request.url))
        page.on("dialog", lambda dialog: (outside.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: outside.append(str(error)))
        page.on("console", lambda message: outside.append(message.text))
        page.goto(site[name].as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert outside == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_phone_shows_every_page_without_scrolling_sideways(
    visit: Any, name: str, script: bool
) -> None:
    page = visit(
        name, viewport={"width": 390, "height": 844}, is_mobile=True, java_script_enabled=script
    )
    box = page.locator("html").bounding_box()
    assert page.locator("h1").is_visible()
    assert box["width"] <= 390
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", PAGES)
def test_the_script_runs_under_the_policy_and_no_text_of_a_record_does(
    visit: Any, name: str
) -> None:
    page = visit(name)
    assert page.evaluate("document.documentElement.className") == "js"
    assert page.locator("iframe, object, embed, base, link, form").count() == 0
    assert page.locator("body script:not([type])").count() == 1
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
            ".filter(a => a.name.startsWith('on') || a.name === 'style' || a.name === 'srcdoc')"
            ".map(a => a.name)"
        )
        == []
    )


def test_dark_and_light_follow_the_system(visit: Any) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        page = visit("board", color_scheme=scheme)
        shades[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shades == {"light": "rgb(250, 249, 246)", "dark": "rgb(18, 19, 23)"}


def test_a_click_on_a_heading_sorts_the_pairs_and_a_second_one_turns_the_order(visit: Any) -> None:
    page = visit("report")
    heading = page.locator("#rows ~ .rows th", has_text="psnr")
    scores = page.locator("#rows ~ .rows tbody tr td:nth-child(5)")
    for direction, reverse in (("ascending", False), ("descending", True)):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == direction
        values = [float(text) for text in scores.all_inner_texts()]
        assert values == sorted(values, reverse=reverse)


def test_the_board_sorts_by_name_from_the_keyboard(visit: Any) -> None:
    page = visit("board")
    table = page.locator("table").first
    table.locator("th", has_text="Method").get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert table.locator(".method").all_inner_texts() == ["amplify", "lime@amplified", "sid"]


def test_the_slider_moves_the_edge_between_two_chosen_pictures(visit: Any) -> None:
    page = visit("report")
    pair = page.locator(".pair").first
    slider = pair.locator(".slider")
    pair.locator("input").fill("25")
    assert slider.evaluate("e => e.style.getPropertyValue('--cut')") == "25%"
    pair.locator("select").first.select_option("reference")
    shown = pair.locator(".pictures img").nth(2).get_attribute("src")
    assert slider.locator("img").first.get_attribute("src") == shown
    assert "reference of" in slider.locator("img").first.get_attribute("alt")


def test_without_scripts_pictures_rows_and_details_are_all_there(visit: Any) -> None:
    page = visit("report", java_script_enabled=False)
    assert page.locator(".pair").first.locator("img:visible").count() == 4
    assert page.locator("#rows ~ .rows tbody tr").count() == 24
    assert not page.locator("text=Save record.json").is_visible()


def test_the_record_can_be_saved_from_the_report(visit: Any, tmp_path: Path) -> None:
    page = visit("report")
    with page.expect_download() as download:
        page.locator("text=Save record.json").click()
    download.value.save_as(tmp_path / "record.json")
    assert Record.read(tmp_path / "record.json") == record()


def test_the_rows_saved_as_csv_are_those_of_the_run_folder(visit: Any, tmp_path: Path) -> None:
    page = visit("report")
    with page.expect_download() as download:
        page.locator("text=Save rows.csv").click()
    download.value.save_as(tmp_path / "rows.csv")
    saved, kept = (
        pd.read_csv(text) for text in (tmp_path / "rows.csv", io.StringIO(rows_csv(record())))
    )
    pd.testing.assert_frame_equal(saved, kept, check_dtype=False)


def test_every_table_has_a_caption_every_picture_a_text_and_every_id_is_unique(
    visit: Any,
) -> None:
    for name in PAGES:
        page = visit(name)
        tables = page.locator("table").count()
        assert page.locator("table > caption").count() == tables
        assert page.locator("th:not([scope])").count() == 0
        assert page.locator("img:not([alt])").count() == 0
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.evaluate(
            "(ids => ids.length - new Set(ids).size)"
            "([...document.querySelectorAll('[id]')].map(e => e.id))"
        ) == 0  # fmt: skip


def test_printed_the_wholerows_csv_of_pairs_is_on_the_paper(visit: Any) -> None:
    page = visit("report")
    page.emulate_media(media="print")
    table = page.locator("#rows ~ .rows")
    assert table.evaluate("e => e.scrollHeight - e.clientHeight") == 0
    assert not page.locator(".compare").first.is_visible()
