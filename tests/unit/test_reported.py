from __future__ import annotations

import pytest

from eval.metrics import find_metrics
from eval.studies import reported
from lldata import protocol
from lldata.errors import ScoreError

# digit for digit, as the papers print them, row by row
PRINTED = {
    "canon-table-1": ["28.8", "28.61", "14.37", "14.37", "24.93", "10.85", "7.40", "7.40"],
    "canon-table-2": ["12.47", "12.36", "24.93", "12.40"],
    "maharjan-psnr": ["28.97 0.8857", "28.49 0.8817", "29.15 0.8829", "29.16 0.8856", "28.19 0.88"],
    "maharjan-time": ["385.90", "7.76 0.235", "1.38 0.008", "2.5 0.011"],
    "fuji-upsampling": ["26.50 0.824", "26.57 0.826"],
    "ri-table-1": ["17.23 0.78", "16.35 0.73", "18.12 0.85", "", "", "", ""],
}


def test_every_table_has_a_file():
    tables = {name for name in reported.names() if reported.load(name).kind != "figure"}
    assert tables == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_a_table_holds_exactly_the_printed_figures(name: str):
    rows = reported.load(name).rows
    assert [" ".join(map(str, row.printed.values())) for row in rows] == PRINTED[name]


@pytest.mark.parametrize("name", reported.names())
def test_what_a_table_names_exists(name: str):
    table = reported.load(name)
    find_metrics(table.metrics)
    for role in table.datasets.values():
        assert {*role.protocols, role.substitute.protocol} <= set(protocol.names())
    assert all(table.protocol), table.suspicions


def test_the_range_2_of_an_old_ssim_is_a_metric_of_its_own():
    for name in ("maharjan-psnr", "fuji-upsampling"):
        assert "ssim_l2" in reported.load(name).rows[0].printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind  =", "sort  ="), "the key 'sort' is unknown"),
        (("psnr = 12.47", "nice = 12.47"), "it names nice"),
        (('trained_on = "canon"', 'trained_on = "nikon"'), "it names nikon"),
        (("psnr = 12.47", 'psnr = "high"'), "it is 'high'"),
        (("title", "title ="), "it is no TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named(change: tuple[str, str], message: str):
    text = reported._texts()["canon-table-2"].replace(*change, 1)
    with pytest.raises(ScoreError, match=message):
        reported.parse("canon-table-2", text)


def test_an_unknown_table_is_answered_with_those_there_are():
    with pytest.raises(ScoreError, match=r"no such table or figure.*canon-table-1"):
        reported.load("canon-table-3")


def test_the_misaligned_scenes_leave_88_pairs_and_the_papers_choice_one_more():
    table = reported.load("maharjan-psnr")
    assert set(table.selections) == {"88", "89"}
    assert table.selection(None)[0] == "88"
    left_out = [set(one.without_scenes) for one in table.selections.values()]
    assert left_out[0] - left_out[1] == {"10172"}
    with pytest.raises(ScoreError, match="it has 88, 89"):
        table.selection("90")
