from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from baselines import method
from baselines.classical import amplify
from baselines.method import MethodInfo
from eval import pairs
from eval.folder import output_path, picture_path, row_path
from eval.metrics import score_images
from eval.plan import Settings, label_of
from eval.record import Record
from eval.run import run
from eval.statistics import of_rows
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample
from lldata.store import home
from tests.stores import night


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs._runner.cache_clear()
    return night(home() / "night", "train test test test", quarantined=("00004",)).path


@dataclass
class Fake:
    """A method of a function; stands in for `amplify`."""

    function: Callable[[Sample], np.ndarray]
    info: MethodInfo = amplify.INFO

    def __call__(self, sample: Sample) -> np.ndarray:
        return self.function(sample)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(function: Callable[[Sample], np.ndarray], **changes: Any) -> None:
        made = Fake(function, replace(amplify.INFO, **changes))
        monkeypatch.setattr(method, "build", lambda *_, **__: made)
        monkeypatch.setattr(method, "info", lambda _: made.info)

    return install


def test_a_run_scores_every_usable_pair_of_the_split_and_keeps_the_outputs():
    said: list[str] = []
    done = run(Settings("amplify", "night"), tell=said.append)
    record = Record.read(done.record_path)
    assert done.record_path == home() / ".runs/night.test/amplify--default/record.json"
    assert [row.pair for row in record.rows] == ["00002/00002_00_0.1s", "00003/00003_00_0.1s"]
    assert [line.partition(":")[0] for line in said] == ["track night.test"]
    assert (record.input, record.synthetic, record.partial) == ("amplified", True, False)
    assert (done.record_path.parent / "rows.csv").read_text().count("\n") == 3
    for row in record.rows:
        small = [picture_path(done.record_path.parent, row.pair, kind).is_file()
                 for kind in ("input", "output", "reference", "error")]  # fmt: skip
        assert all(small)


def test_every_score_can_be_recomputed_from_the_outputs_kept():
    from lldata.store import open_store

    done = run(Settings("amplify", "night"))
    store = open_store("night")
    for row in done.record.rows:
        output = cv2.imread(str(output_path(done.record_path.parent, row.pair)))[..., ::-1]
        scene = row.pair.partition("/")[0]
        assert score_images(output, store.reference(scene, f"{scene}_00_10s")) == row.scores


def test_two_workers_give_the_scores_of_one(tmp_path: Path):
    one = run(Settings("amplify", "night", out=tmp_path / "1")).record
    two = run(Settings("amplify", "night", out=tmp_path / "2", workers=2)).record
    assert [row.scores for row in one.rows] == [row.scores for row in two.rows]


def test_an_interrupted_run_goes_on_where_it_stopped(fake: Callable[..., None]):
    calls: list[str] = []

    def stops_after_one(sample: Sample) -> np.ndarray:
        if calls:
            raise KeyboardInterrupt
        calls.append(sample.pair)
        return sample.srgb

    fake(stops_after_one)
    with pytest.raises(KeyboardInterrupt):
        run(Settings("amplify", "night"))
    fake(lambda sample: calls.append(sample.pair) or sample.srgb)
    pairs._runner.cache_clear()
    assert len(run(Settings("amplify", "night")).record.rows) == 2
    assert calls == ["00002/00002_00_0.1s", "00003/00003_00_0.1s"]


def test_kept_pairs_of_other_metrics_or_a_torn_file_are_scored_again():
    done = run(Settings("amplify", "night"))
    more = run(Settings("amplify", "night", metrics=("psnr", "mae"))).record
    assert more.rows[0].scores.keys() == {"psnr", "mae"}
    row_path(done.record_path.parent, more.rows[0].pair).write_text("{")
    again = run(Settings("amplify", "night", metrics=("psnr", "mae"))).record
    assert again.rows[0].scores == more.rows[0].scores


def test_an_identical_pair_is_null_flagged_and_out_of_the_mean(fake: Callable[..., None]):
    def copies_one(sample: Sample) -> np.ndarray:
        return sample.reference if "00002" in sample.pair else sample.srgb

    fake(copies_one, reference_use="mean")
    done = run(Settings("amplify", "night"))
    rows = json.loads(done.record_path.read_text())["rows"]
    assert [(row["identical"], row["scores"]["psnr"] is None) for row in rows] == [
        (True, True), (False, False),
    ]  # fmt: skip
    assert rows[0]["scores"]["ssim"] == 1
    assert of_rows(done.record.rows, "psnr").n == 1
    assert done.record.oracle


def test_a_blind_method_never_gets_the_reference(fake: Callable[..., None]):
    seen: list[Any] = []
    fake(lambda sample: seen.append(sample.reference) or sample.srgb)
    run(Settings("amplify", "night"))
    assert seen == [None, None]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda s: s.srgb[:, 1:], r"has shape \(3, 47, 64\), but the reference asks for"),
        (lambda s: s.srgb * np.nan, "NaN or infinite"),
    ],
)
def test_a_method_that_returns_no_picture_is_named_with_the_pair(
    fake: Callable[..., None], output: Callable[[Sample], np.ndarray], message: str
):
    fake(output)
    with pytest.raises(MethodError, match=f"amplify on 00002/00002_00_0.1s: .*{message}"):
        run(Settings("amplify", "night"))


def test_a_limit_makes_the_record_partial():
    record = run(Settings("amplify", "night", limit=1)).record
    assert (len(record.rows), record.partial) == (1, True)


def test_the_rendering_can_be_chosen_and_is_recorded():
    short = run(Settings("amplify@short", "night")).record
    assert (short.method, short.input) == ("amplify@short", "short")
    assert short.rows[0].scores != run(Settings("amplify", "night")).record.rows[0].scores


def test_metrics_that_cannot_be_had_are_named_before_any_work(fake: Callable[..., None]):
    fake(lambda _: pytest.fail("the method was run"))
    with pytest.raises(ScoreError, match="--metrics nope: no such metric"):
        run(Settings("amplify", "night", metrics=("psnr", "nope")))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, "--limit 0"),
        ({"workers": 0}, "--workers 0"),
        ({"weights": Path("w")}, "amplify takes no weights"),
        ({"options": {"nope": 1}}, "--set nope: amplify has no such option"),
        ({"split": "val"}, "no usable pair of split 'val'"),
    ],
)
def test_flags_that_fit_nothing_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises((MethodError, ScoreError), match=message):
        run(Settings("amplify", "night", **settings))


def test_a_trained_method_without_weights_names_the_command():
    pytest.importorskip("torch")
    with pytest.raises(MethodError, match="lleval train --model sid --dataset night"):
        run(Settings("sid", "night"))


def test_weights_trained_on_the_pairs_scored_are_said_to_be_no_test(tmp_path: Path):
    pytest.importorskip("torch")
    from baselines.networks import sid
    from baselines.training import weights

    folder = home() / ".weights/sid/night/quick-seed0"
    net = sid.UNet(4, width=4, levels=3)
    sha256 = weights.write(folder / weights.MODEL, net.state_dict())
    weights.write_config(folder, {
        "method": "sid", "preset": "quick", "seed": 0, "trained_on": "night", "split": "train",
        "pairs": ["00002/00002_00_0.1s"], "sha256": sha256,
    })  # fmt: skip
    said: list[str] = []
    record = run(Settings("sid", "night", device="cpu"), tell=said.append).record
    assert "trained on 1 of these pairs" in " ".join(said)
    assert record.weights_sha256 == sha256
    assert (record.label, record.trained_on) == ("night", ("night/train",))
    assert record.parameters == sum(p.numel() for p in net.parameters())


def test_the_label_tells_runs_of_one_method_apart():
    trained = {"trained_on": "canon6d_iso200", "preset": "quick", "seed": 0, "sha256": "ab"}
    assert label_of({}, {}, 0) == "default"
    assert label_of({"gamma": 0.7, "alpha": "a/b"}, {}, 0) == "alpha=a_b-gamma=0.7"
    assert label_of({}, trained, 0) == "canon6d_iso200"
    assert label_of({}, {**trained, "preset": "paper", "seed": 2}, 0) == (
        "canon6d_iso200-paper-seed2"
    )


def test_a_pair_id_cannot_lead_out_of_the_folder(tmp_path: Path):
    with pytest.raises(ScoreError, match="its id cannot be a path"):
        output_path(tmp_path, "../../etc/passwd")
