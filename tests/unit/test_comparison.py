from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from eval import sign_flips
from eval.comparison import compare
from eval.record import Record
from eval.statistics import of_rows
from eval.ties import called, in_words, renamed, tied_with_best
from lldata.errors import ScoreError
from tests.records import classical, record, rows


def moved(by: float, method: str = "sid") -> Record:
    """Return sid's record with every pair's PSNR changed by so many dB."""
    scored = tuple(replace(row, scores={"psnr": (row.scores["psnr"] or 0) + by, "ssim": 0.9})
                   for row in rows())  # fmt: skip
    return record(scored, method=method)


def test_all_flips_of_five_groups_that_agree_leave_one_chance_in_sixteen():
    assert sign_flips.p_values(np.array([[1.0, 2.0, 0.5, 3.0, 1.5]])) == pytest.approx(2 / 2**5)


def test_a_flip_that_reaches_the_observed_total_counts():
    assert sign_flips.p_values(np.array([[1.0, 1.0, -3.0]])) == pytest.approx(1.0)
    assert sign_flips.p_values(np.array([[1.0, 2.0, 4.0, -0.5]])) == pytest.approx(4 / 16)


def test_drawn_flips_agree_with_all_flips(monkeypatch: pytest.MonkeyPatch):
    sums = np.random.default_rng(3).normal(0.5, 1, (3, 12))
    exact = sign_flips.p_values(sums)
    monkeypatch.setattr(sign_flips, "MOST_EXACT", 4)
    assert sign_flips.p_values(sums) == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize("groups", [9, 40])
def test_the_p_values_of_couples_are_those_of_their_differences(groups: int):
    sums = np.random.default_rng(4).normal(90, 2, (4, groups))
    differences = np.array([a - b for a, b in combinations(sums, 2)])
    found = sign_flips.p_values_of_couples(sums)
    assert found.tolist() == sign_flips.p_values(differences).tolist()


def test_a_small_difference_of_one_group_is_chance_however_large_the_scores():
    sums = np.random.default_rng(4).uniform(80, 100, (2, 40))
    sums[1] = sums[0]
    sums[1, 7] += 1e-6
    assert sign_flips.p_values_of_couples(sums) == pytest.approx(1.0)


def test_no_difference_anywhere_is_certainly_chance():
    assert sign_flips.p_values(np.zeros((1, 6))) == pytest.approx(1.0)


def test_a_method_one_decibel_better_on_every_pair_is_certainly_better():
    better = record(tuple(
        replace(row, scores={"psnr": (row.scores["psnr"] or 0) + 1}) for row in rows()
    ))  # fmt: skip
    (found,) = compare([better, record()], "psnr")
    assert found.difference == pytest.approx(1)
    assert found.ci95 == pytest.approx((1, 1))
    assert found.p_value == pytest.approx(2 / 2**8)
    assert (found.n, found.groups) == (24, 8)
    assert found.test == "all 256 sign flips of 8 groups"


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
    with pytest.raises(ScoreError, match=r"references' digest is ffffffffffff, but .* is 5e5e"):
        compare([record(), record(reference_digest="ff" * 32)], "psnr")
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


def test_fewer_than_five_groups_have_neither_interval_nor_p_value():
    (found,) = compare([record(rows(groups=4)), record(rows(30.5, groups=4))], "psnr")
    assert (found.ci95, found.p_value, found.test, found.groups) == (None, None, None, 4)
    said = in_words([found], ["a", "b"], [None, None])
    assert said == "no interval and no p: fewer than 5 groups"


def test_one_comparison_is_no_comparisons():
    found = compare([record(), classical("lime", 20)], "psnr")
    assert in_words(found, [], []).endswith("Holm's correction for 1 comparison")
    assert in_words(found * 3, [], []).endswith("Holm's correction for 3 comparisons")


def test_only_tests_that_were_made_are_said_to_be_corrected_for():
    short = classical("lime", 20, rows=rows(20)[:3])
    found = compare([record(), moved(-3, "gamma"), short], "psnr")
    assert [one.p_value is not None for one in found] == [True, False, False]
    said = in_words(found, list("abc"), [True, False, None])
    assert "Holm's correction for 1 comparison." in said


def test_a_record_that_was_not_tested_is_not_called_significantly_worse():
    short = classical("lime", 20, rows=rows(20)[:3])
    records = [record(), moved(-3, "gamma"), short]
    found = compare(records, "psnr")
    said = in_words(found, ["sid", "gamma", "lime"], tied_with_best(records, found))
    assert "Significantly better than gamma: sid. Not tested against the best: lime" in said


def perfect(pairs: int) -> Record:
    """Return sid's record with so many pairs identical to their reference."""
    same = {"scores": {"psnr": None, "ssim": 1.0}, "identical": True}
    scored = tuple(replace(r, **(same if n < pairs else {})) for n, r in enumerate(rows()))
    return record(scored, method="perfect")


def test_pairs_identical_to_their_reference_are_said_to_be_left_out():
    said: list[str] = []
    (found,) = compare([record(), perfect(6)], "psnr", said.append)
    assert found.n == 18
    (line,) = said
    assert line.startswith("perfect--canon6d_iso12600: 6 of 24 pairs, identical to their reference")
    assert line.endswith("without a finite psnr: left out")


def test_records_without_a_score_in_common_are_not_said_to_lack_groups():
    found = compare([record(), perfect(24)], "psnr")
    assert in_words(found, ["a", "b"], [None, None]).startswith("nothing is compared: no pair")


def test_a_pair_of_two_groups_is_refused_as_its_order_would_decide_the_interval():
    moved_away = (replace(rows()[0], group="elsewhere"), *rows()[1:])
    for two in ([record(moved_away), record()], [record(), record(moved_away)]):
        with pytest.raises(ScoreError, match=r"its pair 10000/10000_00_0\.1s is of group"):
            compare(two, "psnr")


def test_records_of_one_name_are_told_apart_by_their_paths():
    records = [record(), moved(1), classical("lime", 20)]
    names = called(records, ["old/record.json", "new/record.json", "lime"])
    assert names == ["old/record.json", "new/record.json", "lime--default"]
    found = renamed(compare(records, "psnr"), names)
    assert [(one.a, one.b) for one in found] == list(combinations(names, 2))


def ties(*records: Record) -> list[bool | None]:
    return tied_with_best(records, compare(records, "psnr"))


def test_methods_not_significantly_worse_are_tied_with_the_best():
    near = classical("lime", 30, rows=rows(30, seed=2))
    assert ties(moved(-3), record(), near) == [False, True, True]
    assert ties(moved(-3), record()) == [False, True]


def test_the_best_is_found_over_the_pairs_all_records_share():
    hard = tuple(replace(row, scores={"psnr": (row.scores["psnr"] or 0) - 5}) for row in rows()[9:])
    easy = moved(0).rows[:9] + tuple(
        replace(row, scores={"psnr": (row.scores["psnr"] or 0) - 1}) for row in hard
    )
    better, worse = record(hard), classical("lime", 30, rows=easy)
    means = [of_rows(one.rows, "psnr").mean or 0 for one in (better, worse)]
    assert means[0] < means[1]  # each over its own pairs
    assert compare([better, worse], "psnr")[0].difference == pytest.approx(1)
    found = [replace(one, p_value=0.01) for one in compare([better, worse], "psnr")]
    assert tied_with_best([better, worse], found) == [True, False]


def test_records_without_a_pair_that_all_scored_have_no_best():
    parts = [record(rows()[:12]), record(rows()[6:18]), record(rows()[12:])]
    found = [compare([parts[a], parts[b]], "psnr")[0] for a, b in ((0, 1), (1, 2))]
    assert tied_with_best(parts, [found[0], found[0], found[1]]) == [None, None, None]


def test_where_lower_is_better_the_lowest_is_the_best():
    lower = {"psnr": replace(record().metrics["psnr"], better="lower")}
    worse, best = (replace(moved(by), metrics=lower) for by in (0, -3))
    assert ties(worse, best) == [False, True]


def test_without_a_test_or_a_direction_nothing_is_tied():
    assert ties(*(record(rows(psnr, groups=4)) for psnr in (20, 30))) == [None, None]
    none = {"psnr": replace(record().metrics["psnr"], better="none")}
    assert ties(record(metrics=none), record(metrics=none)) == [None, None]
    assert tied_with_best([record()], []) == [None]


def test_couples_compared_at_once_are_as_those_compared_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
):
    def uneven(one: Record) -> Record:
        marked = (replace(r, group=r.group if n % 5 else "a") for n, r in enumerate(one.rows))
        return replace(one, rows=tuple(marked))

    records = [uneven(one) for one in (record(), moved(0.5), record(rows(29.0, seed=4)))]
    together = compare(records, "psnr")
    monkeypatch.setattr("eval.comparison._together", lambda *_: [])
    for one, other in zip(together, compare(records, "psnr"), strict=True):
        assert one.ci95 == pytest.approx(other.ci95, rel=1e-9)
        assert replace(one, ci95=None) == replace(
            other, ci95=None, difference=one.difference, p_value=one.p_value
        )
        assert (one.difference, one.p_value) == pytest.approx((other.difference, other.p_value))
