from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from eval.run import run
from eval.running import pairs
from eval.running.disturbance import AXES
from eval.running.settings import Settings
from eval.statistics import Interval
from eval.studies import curves, sweep
from eval.studies.sweep import Step, Swept
from lldata.errors import ScoreError
from lldata.render import render
from lldata.sample import planes_first
from lldata.store import home
from tests.records import rows
from tests.stores import night


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "train test test").path


def test_step_0_equals_a_plain_run_exactly():
    found = sweep.sweep(Settings("amplify", "night"), ("ratio", "eight_bit"))
    plain = {row.pair: row.scores for row in run(Settings("amplify", "night")).record.rows}
    for one in found.axes:
        (undisturbed,) = [step for step in one.steps if step.step == 0]
        assert {row.pair: row.scores for row in undisturbed.rows} == plain
    assert {row.pair: row.scores for row in found.record.rows} == plain


def test_the_progress_of_each_step_says_which_it_is():
    labels = []

    def shown(label: str, _total: int) -> AbstractContextManager[Callable[[], None]]:
        labels.append(label)
        return nullcontext(lambda: None)

    sweep.sweep(Settings("amplify", "night"), ("eight_bit",), progress=shown)
    assert labels == ["amplify on night, undisturbed", "amplify on night, eight_bit 1"]


def test_a_ratio_of_one_ev_more_scores_as_twice_the_amplification(monkeypatch: pytest.MonkeyPatch):
    from baselines.classical.amplify import Amplify

    found = sweep.sweep(Settings("amplify", "night"), ("ratio",))
    told = found.axes[0].steps[-1]

    def twice(_: object, sample: object) -> np.ndarray:
        return planes_first(render(sample.frame, gain=200.0))  # type: ignore[attr-defined]

    monkeypatch.setattr(Amplify, "__call__", twice)
    pairs.stages_of.cache_clear()
    doubled = run(Settings("amplify", "night", out=home() / "twice")).record
    assert told.step == 1
    assert [row.scores for row in told.rows] == [row.scores for row in doubled.rows]


def test_a_second_sweep_takes_up_what_was_scored(monkeypatch: pytest.MonkeyPatch):
    first = sweep.sweep(Settings("amplify", "night"), ("ratio",))
    monkeypatch.setattr("eval.run._work", lambda plan, left: iter(left and [1 / 0]))
    again = sweep.sweep(Settings("amplify", "night"), ("ratio",))
    assert [s.rows for s in again.axes[0].steps] == [s.rows for s in first.axes[0].steps]


def test_read_noise_is_added_anew_once_the_user_calibrates_the_camera(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    own = tmp_path / "calibration.json"
    monkeypatch.setattr("lldata.noise.calibration.default_path", lambda camera: own)
    settings = Settings("amplify", "night", limit=1)
    folders = ("read_noise/4", "ratio/1")
    sweep.sweep(settings, ("read_noise", "ratio"))
    kept = [next(home().rglob(f"{name}/pairs/*/*.json")) for name in folders]
    before = [json.loads(path.read_text())["fingerprint"] for path in kept]
    own.write_text("{}")
    monkeypatch.setattr("eval.running.disturbance.read_noise_dn", lambda frame, pair: 100.0)
    sweep.sweep(settings, ("read_noise", "ratio"))
    after = [json.loads(path.read_text())["fingerprint"] for path in kept]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


def test_the_slope_is_the_change_for_a_unit_in_either_direction():
    plain = rows()
    scored = [
        Step(step, tuple(
            row.__class__(**{**vars(row), "scores": {"psnr": row.scores["psnr"] - 3 * abs(step)}})
            for row in plain
        ))
        for step in AXES["ratio"].steps
    ]  # fmt: skip
    slope = Swept("ratio", AXES["ratio"], tuple(scored)).slope("psnr")
    assert slope.mean == pytest.approx(-3)
    assert slope.ci95 == pytest.approx((-3, -3))
    assert slope.n == len(plain)


def test_what_is_written_is_strict_json_and_keeps_every_row(tmp_path: Path):
    found = sweep.sweep(Settings("amplify", "night", out=tmp_path), ("white_balance",))
    document = json.loads(found.path.read_text(), parse_constant=pytest.fail)
    (axis,) = document["axes"]
    assert [step["step"] for step in axis["steps"]] == [-0.5, -0.25, 0, 0.25, 0.5]
    assert all(len(step["rows"]) == 2 for step in axis["steps"])
    assert document["record"]["method"] == "amplify"
    assert (tmp_path / "white_balance.svg").read_text().startswith("<svg")
    assert not list(tmp_path.rglob("*.png"))


def test_an_axis_that_a_dataset_has_not_is_refused_with_those_it_has():
    with pytest.raises(ScoreError, match=r"--axis noise: night cannot be disturbed so.*ratio"):
        sweep.sweep(Settings("amplify", "night"), ("noise",))


def test_the_reference_stays_as_it_is_for_methods_that_look_at_it():
    found = sweep.sweep(Settings("scaled", "night"), ("brightness",))
    assert found.record.oracle
    assert all(row.scores["psnr"] for step in found.axes[0].steps for row in step.rows)


def test_a_curve_has_a_dot_for_each_score_and_a_gap_where_there_is_none():
    steps = [(-1.0, Interval(20.0, (19.0, 21.0), 9, 9)), (0.0, Interval(None, None, 0, 0)),
             (1.0, Interval(22.0, None, 3, 3))]  # fmt: skip
    text = curves.drawn("t <&>", "EV", "psnr", steps)
    assert text.count("<circle") == 2
    assert text.count('stroke="#1f5fa8"/>') == 1
    assert "t &lt;&amp;&gt;" in text
