"""Faults of `lleval run` in a short form; `make faults` counts them in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import scoring


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> scoring.Track:
    return scoring.track(tmp_path_factory.mktemp("track"), pairs=10)


def test_a_run_killed_at_random_goes_on_to_the_same_record(track: scoring.Track, tmp_path: Path):
    cost = scoring.at_random(track, tmp_path, 2, seed=1)
    assert cost.faults == 2
    assert cost.none(), cost


def test_a_run_killed_inside_a_step_goes_on_to_the_same_record(
    track: scoring.Track, tmp_path: Path
):
    cost = scoring.at_steps(track, tmp_path, (60,), "kill")
    assert cost.none(), cost


def test_a_full_disk_is_said_in_one_line_and_costs_no_finished_pair(
    track: scoring.Track, tmp_path: Path
):
    cost = scoring.size_limits(track, tmp_path, (700,))
    assert cost.none(), cost


def test_of_runs_at_once_into_one_folder_one_works(track: scoring.Track, tmp_path: Path):
    cost = scoring.at_once(track, tmp_path, (3,))
    assert cost.none(), cost


def test_an_interrupted_run_says_how_to_go_on(track: scoring.Track, tmp_path: Path):
    code, said, kept = scoring.interrupted(track, tmp_path / "out")
    assert code == 130
    assert said.startswith("lleval: interrupted. What is finished is kept; go on with: lleval run")
    assert kept > 0
    cost = scoring.Cost()
    scoring.go_on(track, tmp_path / "out", cost)
    assert cost.none(), cost
