"""The run report in a real browser: sorting, the slider, saving, no scripts, paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eval.record import Record
from eval.report import write_report
from eval.rows import rows_csv
from tests.records import record, write_pictures


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_pictures(folder, record(), size=120)
    return write_report(record(), folder)


Open = Callable[..., Any]


def test_a_click_on_a_heading_sorts_the_pairs_and_a_second_one_turns_the_order(
    opened: Open, report: Path
) -> None:
    page = opened(report)
    heading = page.locator("#rows ~ .rows th", has_text="psnr")
    scores = page.locator("#rows ~ .rows tbody tr td:nth-child(5)")
    for direction, reverse in (("ascending", False), ("descending", True)):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == direction
        values = [float(text) for text in scores.all_inner_texts()]
        assert values == sorted(values, reverse=reverse)


def test_the_slider_moves_the_edge_between_two_chosen_pictures(opened: Open, report: Path) -> None:
    page = opened(report)
    pair = page.locator(".pair").first
    slider = pair.locator(".slider")
    pair.locator("input").fill("25")
    assert slider.evaluate("e => e.style.getPropertyValue('--cut')") == "25%"
    pair.locator("select").first.select_option("reference")
    shown = pair.locator(".pictures img").nth(2).get_attribute("src")
    assert slider.locator("img").first.get_attribute("src") == shown
    assert "reference of" in slider.locator("img").first.get_attribute("alt")


def test_arrow_keys_move_the_slider(opened: Open, report: Path) -> None:
    page = opened(report)
    slider = page.locator(".slider").first
    slider.locator("input").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert slider.evaluate("e => e.style.getPropertyValue('--cut')") == "52%"


def test_without_scripts_pictures_rows_and_details_are_all_there(
    opened: Open, report: Path
) -> None:
    page = opened(report, java_script_enabled=False)
    assert page.locator(".pair").first.locator("img:visible").count() == 4
    assert page.locator("#rows ~ .rows tbody tr").count() == 24
    assert not page.locator("text=Save record.json").is_visible()


def test_the_record_and_its_rows_can_be_saved_from_the_report(
    opened: Open, report: Path, tmp_path: Path
) -> None:
    page = opened(report)
    for name in ("record.json", "rows.csv"):
        with page.expect_download() as download:
            page.locator(f"text=Save {name}").click()
        download.value.save_as(tmp_path / name)
    assert Record.read(tmp_path / "record.json") == record()
    table = io.StringIO("".join(rows_csv(record())))
    saved, kept = (pd.read_csv(text) for text in (tmp_path / "rows.csv", table))
    pd.testing.assert_frame_equal(saved, kept, check_dtype=False)


def test_printed_the_whole_table_and_two_pictures_of_a_pair_are_on_the_paper(
    opened: Open, report: Path
) -> None:
    page = opened(report)
    page.emulate_media(media="print")
    table = page.locator("#rows ~ .rows")
    assert table.evaluate("e => e.scrollHeight - e.clientHeight") == 0
    assert not page.locator(".compare").first.is_visible()
    assert page.locator(".pair").first.locator(".pictures img:visible").count() == 4
