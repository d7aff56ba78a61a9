from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eval.statistics import compare, grouped, mean_interval, of_rows
from lldata.errors import ScoreError
from tests.records import classical, record, rows

UNEQUAL = (1, 9, 2, 1, 6, 3, 4, 2)


def test_one_pair_a_group_is_students_interval():
    values = [28.0, 30.5, 29.0, 33.0, 31.5, 27.0]
    found = mean_interval(values, list("abcdef"))
    expected = stats.t.interval(0.95, 5, np.mean(values), stats.sem(values))
    assert found.mean == pytest.approx(np.mean(values))
    assert found.ci95 == pytest.approx(expected)


def test_repeating_every_pair_of_a_group_adds_no_certainty():
    values, groups = [28.0, 30.5, 29.0, 33.0, 31.5], list("abcde")
    once, often = mean_interval(values, groups), mean_interval(values * 10, groups * 10)
    assert often.ci95 == pytest.approx(once.ci95)
    assert (once.n, often.n) == (5, 50)


def test_fewer_than_five_groups_give_a_mean_and_no_interval():
    found = mean_interval([1.0, 2.0, 3.0, 6.0], list("abcd"))
    assert (found.mean, found.ci95, found.n, found.groups) == (3.0, None, 4, 4)


def test_no_score_gives_no_mean():
    assert mean_interval([], []).mean is None


def test_equal_scores_give_an_interval_of_no_width():
    assert mean_interval([5.0] * 6, list("abcdef")).ci95 == (5.0, 5.0)


@pytest.mark.parametrize("sizes", [(3,) * 5, (1,) * 12, UNEQUAL, UNEQUAL * 6], ids=str)
@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_the_interval_holds_the_truth_95_times_in_100(sizes: tuple[int, ...], shared: float):
    random = np.random.default_rng(7)
    member = np.repeat(np.arange(len(sizes)), sizes)
    groups = [str(group) for group in member]
    inside = 0
    for _ in range(1200):
        places = random.normal(0, np.sqrt(shared), len(sizes))
        values = places[member] + random.normal(0, np.sqrt(1 - shared), len(member))
        low, high = mean_interval(values.tolist(), groups).ci95 or (0, 0)
        inside += low < 0 < high
    assert 0.93 <= inside / 1200 <= 0.98


def test_rows_without_a_score_are_left_out_of_the_mean():
    some = list(rows())
    some[0] = replace(some[0], scores={"psnr": None, "ssim": 1.0}, identical=True)
    assert of_rows(some, "psnr").n == len(some) - 1
    assert of_rows(some, "ssim").n == len(some)


def test_tables_by_ratio_join_what_differs_by_rounding():
    found = {value: of_rows(part, "psnr") for value, part in grouped(rows(), "ratio").items()}
    assert [(ratio, one.n) for ratio, one in found.items()] == [(100.0, 8), (250.0, 8), (300.0, 8)]
    assert list(grouped(rows(), "iso")) == [2000.0, 12800.0]


def test_equal_scores_in_another_order_have_the_same_mean():
    values = [0.1, 1e16, 0.3, -1e16, 0.7, 0.2]
    groups = list("abcdef")
    assert mean_interval(values, groups).mean == mean_interval(values[::-1], groups).mean


def test_a_method_one_decibel_better_on_every_pair_is_certainly_better():
    better = record(tuple(
        replace(row, scores={"psnr": (row.scores["psnr"] or 0) + 1}) for row in rows()
    ))  # fmt: skip
    (found,) = compare([better, record()], "psnr")
    assert found.difference == pytest.approx(1)
    assert found.ci95 == pytest.approx((1, 1))
    assert found.p_value == pytest.approx(0, abs=1e-12)
    assert found.n == 24


def test_p_values_are_multiplied_as_holm_says():
    records = [record(rows(30, seed=seed)) for seed in (1, 2, 3)]
    alone = sorted(compare([a, b], "psnr")[0].p_value or 0
                   for i, a in enumerate(records) for b in records[i + 1 :])  # fmt: skip
    together = sorted(one.p_value or 0 for one in compare(records, "psnr"))
    assert together[0] == pytest.approx(min(1, 3 * alone[0]))
    assert together[1] >= min(1, 2 * alone[1])


def test_records_of_other_data_or_another_definition_are_not_compared():
    with pytest.raises(ScoreError, match="digest is ffff"):
        compare([record(), record(digest="ff" * 32)], "psnr")
    other = {"psnr": replace(record().metrics["psnr"], definition="000000000000")}
    with pytest.raises(ScoreError, match="its psnr has definition 000000000000"):
        compare([record(), classical("lime", 20, metrics=other)], "psnr")
    with pytest.raises(ScoreError, match="it has no lpips"):
        compare([record(), record()], "lpips")
    with pytest.raises(ScoreError, match="1 record is given, but two are needed"):
        compare([record()], "psnr")


def test_records_of_another_track_or_split_or_of_other_pairs_are_not_compared():
    with pytest.raises(ScoreError, match="it is of split 'test' of track other"):
        compare([record(), record(track="other")], "psnr")
    with pytest.raises(ScoreError, match="it is of split 'val' of track"):
        compare([record(), record(split="val")], "psnr")
    with pytest.raises(ScoreError, match="it has no pair in common with sid"):
        compare([record(rows()[:6]), record(rows()[6:])], "psnr")


def test_pairs_that_only_one_record_has_are_counted():
    said: list[str] = []
    (found,) = compare([record(), classical("lime", 20, rows=rows(20)[:18])], "psnr", said.append)
    assert found.n == 18
    a, b = "sid--canon6d_iso12600 (24 pairs)", "lime--default (18 pairs)"
    assert said == [f"{a} and {b} share 18: only these are compared"]
    compare([record(), classical("lime", 20)], "psnr", pytest.fail)
