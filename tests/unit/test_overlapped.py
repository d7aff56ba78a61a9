from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import method
from baselines.classical import amplify
from eval.run import run
from eval.running import overlapped as overlapping
from eval.running import pairs, stages
from eval.running.folder import row_path
from eval.running.overlapped import timed
from eval.running.pairs import score_pair
from eval.running.plan import make_plan
from eval.running.settings import Settings
from lldata.errors import StoreError
from lldata.sample import Sample
from lldata.store import home
from tests.stores import night

COUNT = 9
IDS = [f"{number:05}/{number:05}_00_0.1s" for number in range(1, COUNT + 1)]
ALONE = [0, 3, 5, 8]
WAIT_S = 20.0


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "test " * COUNT, shape=(32, 48)).path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(function: Callable[[Sample], np.ndarray]) -> None:
        class Fake:
            info = replace(amplify.INFO)

            def __call__(self, sample: Sample) -> np.ndarray:
                return function(sample)

        monkeypatch.setattr(method, "build", lambda *_, **__: Fake())

    return install


def number(pair: str) -> int:
    return IDS.index(pair)


def test_a_quarter_of_the_pairs_has_the_machine_to_itself_and_the_first():
    assert [number(pair) for pair in sorted(timed(IDS))] == ALONE
    assert {len(timed([str(i) for i in range(n)])) for n in (100, 10_000)} == {21}
    assert [sorted(timed("abcd"[:n])) for n in range(1, 5)] == [
        ["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"],
    ]  # fmt: skip


def test_overlapped_pairs_are_those_made_one_by_one(tmp_path: Path):
    job = make_plan(Settings("gamma@amplified", "night", out=tmp_path / "one"), print).job
    one = [score_pair(job, pair).row for pair in IDS]
    record = run(Settings("gamma@amplified", "night", out=tmp_path / "run")).record
    assert [replace(row, seconds=None) for row in record.rows] == [
        replace(row, seconds=None) for row in one
    ]
    for path in sorted((tmp_path / "one").rglob("*.[pj][np]g")):
        twin = tmp_path / "run" / path.relative_to(tmp_path / "one")
        assert twin.read_bytes() == path.read_bytes()


def test_only_pairs_with_the_machine_to_themselves_have_seconds():
    record = run(Settings("amplify", "night")).record
    assert [number(row.pair) for row in record.rows if row.seconds is not None] == ALONE
    assert (record.timing["pairs"], record.timing["warm"], record.timing["alone"]) == (
        3, True, True,
    )  # fmt: skip


def test_while_a_pair_is_in_the_method_the_next_is_read_and_the_last_is_scored(
    fake: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    read = {pair: threading.Event() for pair in IDS}
    scored = {pair: threading.Event() for pair in IDS}
    real_read, real_finish = stages.Stages.read, overlapping.finish

    def reads(self: Any, pair: str, **options: Any) -> Any:
        found = real_read(self, pair, **options)
        read[pair].set()
        return found

    def finishes(job: Any, made: Any, *rest: Any, **options: Any) -> Any:
        done = real_finish(job, made, *rest, **options)
        scored[made.given.row.pair].set()
        return done

    def method_waits(sample: Sample) -> np.ndarray:
        at = number(sample.pair)
        if at in ALONE:
            assert not read[IDS[min(at + 1, COUNT - 1)]].is_set() or at == COUNT - 1
            assert all(scored[pair].is_set() for pair in IDS[:at])
        else:
            assert read[IDS[at + 1]].wait(WAIT_S)
            assert scored[IDS[at - 1]].wait(WAIT_S)
        return sample.srgb

    monkeypatch.setattr(stages.Stages, "read", reads)
    monkeypatch.setattr(overlapping, "finish", finishes)
    fake(method_waits)
    assert len(run(Settings("amplify", "night")).record.rows) == COUNT


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt])
def test_what_was_made_before_an_error_or_an_interruption_is_kept(
    fake: Callable[..., None], end: type[BaseException], tmp_path: Path
):
    def fails_at_two(sample: Sample) -> np.ndarray:
        if number(sample.pair) == 2:
            raise end
        return sample.srgb

    fake(fails_at_two)
    with pytest.raises(end):
        run(Settings("amplify", "night", out=tmp_path))
    assert [row_path(tmp_path, pair).is_file() for pair in IDS[:4]] == [True, True, False, False]


def test_a_pair_that_cannot_be_read_is_said_in_its_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    real = stages.Stages.read

    def reads(self: Any, pair: str, **options: Any) -> Any:
        if number(pair) == 2:
            raise StoreError("pair 3", "it is gone", "it was there", "Find it")
        return real(self, pair, **options)

    monkeypatch.setattr(stages.Stages, "read", reads)
    with pytest.raises(StoreError, match="pair 3: it is gone"):
        run(Settings("amplify", "night", out=tmp_path))
    assert [row_path(tmp_path, pair).is_file() for pair in IDS[:4]] == [True, True, False, False]


def test_metrics_of_pyiqa_are_scored_between_the_pairs_as_they_seed_torch(tmp_path: Path):
    job = make_plan(Settings("amplify", "night", out=tmp_path), print).job
    through = replace(job, metrics=("psnr", "pyiqa:niqe"))
    assert overlapping._scoring(through, None)(threading.current_thread).result() is (  # type: ignore[arg-type]
        threading.main_thread()
    )
