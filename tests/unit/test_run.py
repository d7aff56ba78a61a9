from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from baselines import method
from baselines.classical import amplify
from baselines.method import MethodInfo
from eval.metrics import score_images
from eval.record import Record
from eval.run import run
from eval.running import pairs, stages
from eval.running.folder import held, output_path, picture_path, row_path
from eval.running.label import label_of
from eval.running.pictures import error_map
from eval.running.plan import make_plan
from eval.running.settings import Settings
from eval.statistics import of_rows
from lldata import publish
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample, sample_of_frame
from lldata.store import Store, home, open_store
from tests.stores import night


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
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
    assert {row.camera for row in record.rows} == {"Sony ILCE-7SM2"}
    for row in record.rows:
        small = [picture_path(done.record_path.parent, row.pair, kind).is_file()
                 for kind in ("input", "output", "reference", "error")]  # fmt: skip
        assert all(small)


def test_the_index_of_a_dataset_is_read_once_in_a_run(monkeypatch: pytest.MonkeyPatch):
    opened: list[Path] = []
    made = Store.__init__
    monkeypatch.setattr(Store, "__init__", lambda s, path: (opened.append(path), made(s, path))[1])
    run(Settings("amplify", "night"))
    assert opened == [home() / "night"]


def test_the_error_map_shows_the_mean_difference_of_the_channels_up_to_64():
    differences = [(0, 0, 0), (3, 0, 0), (0, 1, 1), (64, 64, 64), (255, 200, 100), (20, 90, 7)]
    output = np.array([differences], np.uint8)
    found = error_map(output, np.zeros_like(output))
    shown = np.minimum(output.astype(float).mean(axis=2) * 255 / 64, 255).astype(np.uint8)
    assert np.array_equal(found[..., ::-1], cv2.applyColorMap(shown, cv2.COLORMAP_INFERNO))


def test_every_score_can_be_recomputed_from_the_outputs_kept():
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
    pairs.stages_of.cache_clear()
    assert len(run(Settings("amplify", "night")).record.rows) == 2
    assert calls == ["00002/00002_00_0.1s", "00003/00003_00_0.1s"]


def test_kept_pairs_of_other_metrics_or_a_torn_file_are_scored_again(tmp_path: Path):
    run(Settings("amplify", "night", out=tmp_path))
    settings = Settings("amplify", "night", metrics=("psnr", "mae"), out=tmp_path)
    more = run(settings).record
    assert more.rows[0].scores.keys() == {"psnr", "mae"}
    row_path(tmp_path, more.rows[0].pair).write_text("{")
    assert run(settings).record.rows[0].scores == more.rows[0].scores


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


def trained(digest: str) -> tuple[Path, str]:
    """Write small weights of sid as a training on `night` leaves them."""
    pytest.importorskip("torch")
    from baselines.networks import sid
    from baselines.training import weights

    folder = home() / ".weights/sid/night/quick-seed0"
    net = sid.UNet(planes=4, width=4, levels=3)
    sha256 = weights.write(folder / weights.MODEL, net.state_dict())
    weights.write_config(folder, {
        "method": "sid", "preset": "quick", "seed": 0, "trained_on": "night", "split": "train",
        "pairs": ["00002/00002_00_0.1s"], "digest": digest, "sha256": sha256,
    })  # fmt: skip
    return folder, sha256


def test_weights_trained_on_the_pairs_scored_are_said_to_be_no_test():
    digest = open_store("night").digest
    _, sha256 = trained(digest)
    said: list[str] = []
    record = run(Settings("sid", "night", device="cpu"), tell=said.append).record
    assert "trained on 1 of these pairs" in " ".join(said)
    assert (record.weights_sha256, record.trained_on_digest) == (sha256, digest)
    assert (record.label, record.trained_on) == ("night", ("night/train",))
    assert (record.hardware["device"], record.hardware["precision"]) in (
        ("cpu", "fp32"), ("cpu", "bf16"),
    )  # fmt: skip


def test_weights_of_another_dataset_of_this_name_are_not_taken_unnamed():
    folder, sha256 = trained("f" * 64)
    with pytest.raises(MethodError, match=r"trained on data of digest ffff.*lleval train --model"):
        run(Settings("sid", "night"))
    record = run(Settings("sid", "night", weights=folder)).record
    assert record.label == f"night-weights-{sha256[:8]}"


def test_other_weights_than_the_datasets_own_get_a_folder_of_their_own(tmp_path: Path):
    folder, sha256 = trained(open_store("night").digest)
    own = make_plan(Settings("sid", "night"), print).job.folder
    assert own.name == "sid--night"
    for weights in (folder, folder / "model.safetensors"):
        assert make_plan(Settings("sid", "night", weights=weights), print).job.folder == own
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    named = make_plan(Settings("sid", "night", weights=copy), print).job.folder
    assert named.name == f"sid--night-weights-{sha256[:8]}"


def test_pairs_of_another_precision_or_number_of_threads_are_scored_again():
    trained(open_store("night").digest)
    import torch

    def fingerprint(**options: Any) -> str:
        settings = Settings("sid", "night", device="cpu", options=options)
        return make_plan(settings, print).job.fingerprint

    before = torch.get_num_threads()
    alone, half = fingerprint(precision="fp32"), fingerprint(precision="bf16")
    torch.set_num_threads(before + 1)
    try:
        together = fingerprint(precision="fp32")
    finally:
        torch.set_num_threads(before)
    assert len({alone, half, together}) == 3
    assert fingerprint(precision="fp32") == alone


def test_a_trial_or_other_metrics_never_replace_a_finished_run():
    done = run(Settings("amplify", "night"))
    before = done.record_path.read_bytes()
    for settings, name in (
        ({"limit": 1}, "amplify--default-limit1"),
        ({"metrics": ("mae", "psnr")}, "amplify--default-mae+psnr"),
        ({"metrics": ("psnr", "ssim"), "limit": 9}, "amplify--default"),
    ):
        other = run(Settings("amplify", "night", **settings))
        assert other.record_path.parent.name == name
    assert done.record_path.read_bytes() == before


def test_a_dataset_of_the_same_name_elsewhere_gets_a_folder_of_its_own(tmp_path: Path):
    other = night(tmp_path / "night", "train test")
    found = make_plan(Settings("amplify", other.path), print).job.folder.name
    assert found == f"amplify--default-data{other.digest[:8]}"


def test_a_finished_run_asked_for_again_keeps_its_record_to_the_byte():
    done = run(Settings("amplify", "night", workers=2))
    before = done.record_path.read_bytes()
    again = run(Settings("amplify", "night"))
    assert again.record_path.read_bytes() == before
    assert again.record.timing["workers"] == 2


def test_pairs_computed_elsewhere_bring_their_own_hardware(monkeypatch: pytest.MonkeyPatch):
    done = run(Settings("amplify", "night"))
    row_path(done.record_path.parent, done.record.rows[0].pair).unlink()
    monkeypatch.setattr("eval.machine._processor", lambda: "Another processor")
    pairs.stages_of.cache_clear()
    mixed = run(Settings("amplify", "night")).record
    mine = done.record.hardware["processor"]
    assert mixed.hardware["processor"] == f"Another processor and {mine}"
    assert mixed.timing["pairs"] == 1


def test_the_content_of_a_file_that_an_option_names_counts(tmp_path: Path):
    target = tmp_path / "bright.png"
    settings = Settings("histogram_matching", "night", options={"target": str(target)})
    records = []
    for value in (200, 100):
        cv2.imwrite(str(target), np.full((4, 4, 3), value, np.uint8))
        pairs.stages_of.cache_clear()
        records.append(run(settings).record)
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    assert records[1].options == {"target": "bright.png", "target_sha256": sha256}
    assert records[1].label == f"target=bright.png-target_sha256={sha256[:8]}"
    assert records[0].label != records[1].label
    assert records[0].rows[0].scores != records[1].rows[0].scores


def test_the_seconds_of_a_picture_method_include_the_rendering_it_reads(
    monkeypatch: pytest.MonkeyPatch,
):
    def slow(*arguments: Any, **options: Any) -> Sample:
        time.sleep(0.2)
        return sample_of_frame(*arguments, **options)

    monkeypatch.setattr(stages, "sample_of_frame", slow)
    record = run(Settings("amplify", "night")).record
    assert all(row.seconds is not None and row.seconds >= 0.2 for row in record.rows)
    assert record.timing["rendering_included"] is True


def test_an_output_folder_that_is_a_file_is_named_before_any_work(tmp_path: Path):
    (tmp_path / "file").write_text("text")
    for out in ("file", "file/below"):
        with pytest.raises(ScoreError, match=rf"--out .*{out}: .* is a file"):
            run(Settings("amplify", "none", out=tmp_path / out))
    with pytest.raises(ScoreError, match=r"--out .*: a name in it is too long"):
        run(Settings("amplify", "none", out=tmp_path / ("n" * 300)))


def test_the_table_of_rows_holds_the_very_numbers_of_the_record(tmp_path: Path):
    record = run(Settings("amplify", "night", out=tmp_path)).record
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table) == ["pair", "group", "camera", "ratio", "iso", "split", "identical",
                           "seconds", "psnr", "ssim"]  # fmt: skip
    for found, row in zip(table.itertuples(), record.rows, strict=True):
        assert (found.pair, found.ratio, found.seconds) == (row.pair, row.ratio, row.seconds)
        assert {"psnr": found.psnr, "ssim": found.ssim} == row.scores


def test_a_second_run_into_a_folder_is_refused_while_the_first_works(tmp_path: Path):
    settings = Settings("amplify", "night", out=tmp_path / "out")
    with held(tmp_path / "out"), pytest.raises(ScoreError, match="another lleval run is writing"):
        run(settings)
    assert len(run(settings).record.rows) == 2
    assert not list((tmp_path / "out").glob(".*"))


def test_the_record_of_another_run_is_not_replaced(tmp_path: Path):
    settings = Settings("amplify", "night", out=tmp_path)
    before = run(replace(settings, limit=1)).record_path.read_bytes()
    with pytest.raises(ScoreError, match=r"it is the record of amplify--default on night\.test"):
        run(replace(settings, method="identity"))
    assert (tmp_path / "record.json").read_bytes() == before
    assert len(run(settings).record.rows) == 2  # the same run goes on
    (tmp_path / "record.json").write_text("mine")
    with pytest.raises(ScoreError, match="it is no record of a run"):
        run(settings)
    assert (tmp_path / "record.json").read_text() == "mine"


def test_what_a_killed_run_left_unfinished_is_removed(tmp_path: Path):
    for name in ("outputs/00002/.00002_00_0.1s.png.1", ".record.json.1", ".report.html.1"):
        left = tmp_path / f"{name}{publish.TEMPORARY}"
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
    run(Settings("amplify", "night", out=tmp_path))
    assert not list(tmp_path.rglob(".*"))


def test_a_long_label_is_cut_and_still_its_own():
    one, other = (label_of({"target": "n" * 300 + end}, {}, 0) for end in "ab")
    assert len(one) == 100
    assert one != other


def test_the_label_tells_runs_of_one_method_apart():
    trained = {"trained_on": "canon6d_iso200", "preset": "quick", "seed": 0, "sha256": "ab"}
    assert label_of({}, {}, 0) == "default"
    assert label_of({"gamma": 0.7, "alpha": "a/b"}, {}, 0) == "alpha=a_b-gamma=0.7"
    assert label_of({}, trained, 0) == "canon6d_iso200"
    assert label_of({}, {**trained, "preset": "paper", "seed": 2}, 0) == (
        "canon6d_iso200-paper-seed2"
    )
    assert label_of({}, trained, 0, named=True) == "canon6d_iso200-weights-ab"
    assert label_of({}, {"sha256": "cd"}, 0) == "weights-cd"


def test_a_pair_id_cannot_lead_out_of_the_folder(tmp_path: Path):
    with pytest.raises(ScoreError, match="its id cannot be a path"):
        output_path(tmp_path, "../../etc/passwd")


def test_what_pairs_of_a_run_have_in_common_is_held_once():
    done = run(Settings("amplify", "night"))
    plan = make_plan(Settings("amplify", "night"), lambda _: None)
    found = [pairs.kept(plan.job, row.pair) for row in done.record.rows]
    one, two = pairs.sharing(each for each in found if each is not None)
    assert [one, two] == found
    assert one.conditions is two.conditions
    assert one.row.camera is two.row.camera
    assert found[0].conditions is not found[1].conditions  # type: ignore[union-attr]
