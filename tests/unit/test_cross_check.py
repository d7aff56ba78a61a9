"""The other implementations agree with the metrics, and would not if one of them changed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.cross_check import check as checks
from eval.cross_check import report
from eval.cross_check.check import Agreement, others
from eval.cross_check.colours import ciede2000
from eval.cross_check.official import check_official
from eval.metrics import metrics
from lldata.errors import ScoreError

NAMES = list(metrics())


def test_every_metric_is_computed_by_somebody_else_too():
    assert [name for name in NAMES if not others(name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_agrees_with_the_other_implementation(name: str):
    found = checks.compared(metrics()[name], others(name)[0])
    assert found.status == "pass"
    assert found.pictures >= 3
    assert found.difference <= 1e-5


@pytest.mark.parametrize("name", ["psnr", "ssim", "ssim_gray", "ms_ssim_product"])
def test_a_metric_agrees_with_pyiqa_where_both_mean_the_same(name: str):
    pytest.importorskip("pyiqa")
    assert checks.compared(metrics()[name], others(name)[1]).status == "pass"


def test_a_metric_that_is_off_by_two_in_the_fifth_digit_fails():
    metric = metrics()["mae"]
    off = replace(metric, function=lambda *images: metric(*images) + 2e-5)
    assert checks.compared(off, others("mae")[0]).status == "fail"
    lost = replace(metric, function=lambda *images: math.nan)
    assert checks.compared(lost, others("mae")[0]).difference == math.inf


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_second_colour_difference_gives_the_values_its_authors_published(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
):
    """Sharma, Wu, Dalal 2005, table 1, pairs 1, 7, 16, 17 and 25."""
    assert float(ciede2000(np.array(one), np.array(other))) == pytest.approx(expected, abs=5e-5)


def test_the_printed_scores_are_met_to_their_last_digit(shared_data: Path):
    found = list(check_official(shared_data / "iqa"))
    ours = [one for one in found if not one.metric.startswith("pyiqa:")]
    assert {one.metric for one in ours} == {"psnr", "ssim_gray", "ms_ssim", "entropy"}
    assert {one.status for one in ours} == {"pass"}
    assert len(ours) == 12
    assert {one.status for one in found if one.metric == "pyiqa:niqe"} <= {"pass", "unknown"}
    assert {one.status for one in found if one.metric == "pyiqa:piqe"} == {"unknown"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "official_scores.csv: there is no such file"),
        ("", "it is empty"),
        ("metric,I03\npsnr,twenty\n", "it is no table of scores"),
        ("name,I03\npsnr,20\n", "it is no table of scores"),
        ("metric,I03\npsnr,20.00\n", "I03.bmp: there is no such file"),
    ],
)
def test_a_folder_without_printed_scores_is_refused(
    tmp_path: Path, table: str | None, message: str
):
    if table is not None:
        (tmp_path / "official_scores.csv").write_text(table)
    with pytest.raises(ScoreError, match=message):
        list(check_official(tmp_path))


def agreement(status: Any) -> Agreement:
    return Agreement("mae", "0" * 12, "nobody", 1, "a", 1.0, 2.0, math.inf, 1e-5, status, "so")


def test_what_was_found_is_said_once_and_kept_whole():
    assert report.rows([agreement("fail")]) == [("mae", "nobody", "a", math.inf, 1e-5, "fail")]
    assert report.said([agreement("pass")] * 2) == ["mae: so"]
    assert report.document([agreement("pass")])["checks"][0]["definition"] == "0" * 12
