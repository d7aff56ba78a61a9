from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eval.clustered import spread_of_mean
from eval.statistics import grouped, mean_interval, of_metrics, of_rows
from tests.records import rows


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
    assert mean_interval([1.0] * 12, list("aaabbbcddeef")).ci95 == (1.0, 1.0)
    assert mean_interval([0.1] * 25, list("aaabbbcddeef") + ["g"] * 13).ci95 == (0.1, 0.1)


@pytest.mark.parametrize(
    ("sizes", "share"),
    [((3,) * 5, 0.5), ((1, 9, 2, 1, 6, 3, 4, 2), 0.5), ((100, 1, 2, 3, 4, 1, 2), 0.5),
     ((100, 1, 2, 3, 4, 1, 2), 0.9), ((4, 3, 3, 3, 3), 0.2)],
    ids=str,
)  # fmt: skip
def test_the_interval_holds_the_truth_95_times_in_100(sizes: tuple[int, ...], share: float):
    random, number = np.random.default_rng(7), np.array(sizes)
    means = random.normal(0, np.sqrt(share + (1 - share) / number), (6000, len(number)))
    within = (1 - share) * random.chisquare(number.sum() - len(number), 6000)
    chances = spread_of_mean(means, within, number).beyond(means @ number / number.sum())
    assert 0.93 <= np.mean(chances > 0.05) <= 0.97


def test_the_interval_ends_where_one_distance_in_twenty_lies_beyond():
    sizes = np.array([100, 1, 2, 3, 4, 1, 2])
    means = np.array([30.0, 28.0, 31.5, 29.0, 33.0, 27.5, 30.5])
    spread = spread_of_mean(means, np.asarray(40.0), sizes)
    assert float(spread.beyond(spread.half_width(0.95))) == pytest.approx(0.05)


def test_a_group_of_many_pairs_alike_tells_no_more_than_one_pair():
    small = {f"{k}": [29.0 + k, 29.0 + k] for k in range(6)}
    large = {**small, "0": [29.0] * 200}
    widths = []
    for scores in (small, large):
        values = [value for part in scores.values() for value in part]
        groups = [name for name, part in scores.items() for _ in part]
        low, high = mean_interval(values, groups).ci95 or (0, 0)
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0]


def test_rows_without_a_score_are_left_out_of_the_mean():
    some = list(rows())
    some[0] = replace(some[0], scores={"psnr": None, "ssim": 1.0}, identical=True)
    assert of_rows(some, "psnr").n == len(some) - 1
    assert of_rows(some, "ssim").n == len(some)
    assert of_metrics(some, ("psnr", "ssim")) == {m: of_rows(some, m) for m in ("psnr", "ssim")}


def test_tables_by_ratio_join_what_differs_by_rounding():
    found = {value: of_rows(part, "psnr") for value, part in grouped(rows(), "ratio").items()}
    assert [(ratio, one.n) for ratio, one in found.items()] == [(100.0, 8), (250.0, 8), (300.0, 8)]
    assert list(grouped(rows(), "iso")) == [2000.0, 12800.0]


def test_equal_scores_in_another_order_have_the_same_mean():
    values = [0.1, 1e16, 0.3, -1e16, 0.7, 0.2]
    groups = list("abcdef")
    assert mean_interval(values, groups).mean == mean_interval(values[::-1], groups).mean
