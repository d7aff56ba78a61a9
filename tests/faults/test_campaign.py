"""The campaign of faults in a short form; `make faults` runs it in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import ingesting, loaders, mutants, striking


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> ingesting.Field:
    return ingesting.field(tmp_path_factory.mktemp("field"), old=2, new=1)


def test_an_ingest_killed_inside_any_of_its_steps_loses_nothing(
    captures: ingesting.Field, tmp_path: Path
):
    steps = striking.count_steps(captures, tmp_path)
    assert steps >= 10  # write, fsync, name, folder, leftover of a scene and of the index
    cost = striking.at_steps(captures, tmp_path, range(1, steps + 1), "kill")
    assert cost.faults == steps
    assert cost.none(), cost


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_fails_in_a_step_costs_nothing_that_stands(
    captures: ingesting.Field, tmp_path: Path, error: str
):
    cost = striking.at_steps(captures, tmp_path, (1, 2, 7), error)
    assert cost.none(), cost


def test_an_ingest_killed_at_random_loses_nothing(captures: ingesting.Field, tmp_path: Path):
    assert striking.at_random(captures, tmp_path, 3, seed=1).none()


def test_no_limit_on_the_size_of_files_damages_a_scene(tmp_path: Path):
    assert ingesting.size_limits(tmp_path, 40).none()


def test_ingests_at_once_agree(captures: ingesting.Field, tmp_path: Path):
    assert striking.at_once(captures, tmp_path, (3,)).none()


def test_no_damaged_raw_file_is_taken_for_its_source(tmp_path: Path):
    told = mutants.damaged_raw(tmp_path, None, 120)
    outcomes = {"refused", "the same pixels", mutants.FOUND, mutants.OTHER, "stopped"}
    assert set().union(*told.values()) <= outcomes
    assert all(sum(counts.values()) == 60 for counts in told.values())
    assert all(counts["refused"] > 5 for counts in told.values())


def test_damaged_stores_are_refused_unless_the_damage_is_in_unused_bytes(tmp_path: Path):
    told = mutants.damaged_stores(tmp_path, 240)
    outcomes = set().union(*told.values())
    assert outcomes <= {"refused", "sound: the damage lies in unused bytes", "stopped"}
    assert sum(counts["refused"] for counts in told.values()) > 180


def test_verify_finds_every_flipped_bit(tmp_path: Path):
    assert mutants.bit_flips(tmp_path, 40) == {"flips": 40, "found": 40}


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more than this machine's cores
def test_every_kind_of_loader_gives_the_same_crops(tmp_path: Path):
    assert len(set(loaders.digests(tmp_path).values())) == 1
