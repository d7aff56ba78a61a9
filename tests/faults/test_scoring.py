"""Faults of `lleval run` in a short form; `make faults` counts them in full."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import scoring, striking


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scoring.Track]:
    with scoring.track(tmp_path_factory.mktemp("track"), pairs=5) as made:
        yield made


def test_a_run_killed_again_and_again_ends_in_the_same_record(track: scoring.Track, tmp_path: Path):
    cost = striking.at_random(track, tmp_path, 6, seed=1, times=3)
    assert cost.pairs_kept > 0
    assert cost.none(), cost


@pytest.mark.parametrize("action", ["kill", "ENOSPC", "EIO"])
def test_a_run_that_fails_in_any_step_of_a_pair_goes_on_to_the_same_record(
    track: scoring.Track, tmp_path: Path, action: str
):
    last = striking.count_steps(track, tmp_path)
    steps = [35, 60, *range(last - 15, last + 1, 5)]  # of a picture, a row, the record and report
    cost = striking.at_steps(track, tmp_path, steps, action)
    assert cost.faults == len(steps)
    assert cost.none(), cost


def test_a_full_disk_is_said_in_one_line_and_costs_no_finished_pair(
    track: scoring.Track, tmp_path: Path
):
    cost = striking.size_limits(track, tmp_path, (700,))
    assert cost.none(), cost


def test_of_runs_at_once_into_one_folder_one_works(track: scoring.Track, tmp_path: Path):
    cost = striking.at_once(track, tmp_path, (3,))
    assert cost.none(), cost


def test_an_interrupted_run_keeps_what_is_finished_and_says_how_to_go_on(
    track: scoring.Track, tmp_path: Path
):
    cost = striking.at_random(track, tmp_path, 3, seed=1, how=signal.SIGINT, times=3)
    assert cost.none(), cost


def test_a_run_whose_workers_outlive_it_goes_on_to_the_same_record(tmp_path: Path):
    with scoring.track(tmp_path, pairs=5, workers=2) as track:
        cost = striking.at_random(track, tmp_path, 2, seed=1, alone=True)
    assert cost.none(), cost
