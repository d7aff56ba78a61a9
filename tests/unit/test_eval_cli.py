from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

import leaderboard
from eval import cli
from eval.cross_check.check import Agreement
from eval.metrics.pixels import to_uint8
from lldata.sample import pair_row, reference_picture
from lldata.store import home, open_store
from tests.pictures import write
from tests.records import classical, record
from tests.stores import night


@pytest.fixture
def lleval(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lleval", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.app()
        return (int(end.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def dataset() -> None:
    night(home() / "night", "train test test")


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    pixels = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)
    for name, image in (("a.png", pixels), ("b.png", pixels + np.uint8(51))):
        Image.fromarray(image).save(tmp_path / name)
    return [tmp_path / "a.png", tmp_path / "b.png"]


@pytest.mark.usefixtures("dataset")
def test_run_prints_exactly_the_promised_keys(lleval: Any):
    code, out, err = lleval("run", "--model", "amplify", "--dataset", "night", "--json")
    document = json.loads(out)
    assert code == 0
    assert document.keys() == {"method", "dataset", "track", "scores", "record", "report"}
    assert document["scores"].keys() == {"psnr", "ssim"}
    assert document["scores"]["psnr"].keys() == {"mean", "ci95", "n", "definition"}
    assert (document["scores"]["psnr"]["ci95"], document["scores"]["psnr"]["n"]) == (None, 2)
    assert Path(document["record"]).is_file()
    assert Path(document["report"]).is_file()
    assert "track night.test: all usable pairs" in err


@pytest.mark.usefixtures("dataset")
def test_run_prints_a_table_for_people_on_stderr_only(lleval: Any):
    code, out, err = lleval("run", "--model", "amplify", "--dataset", "night", "--limit", "1")
    assert (code, out) == (0, "")
    assert "amplify (default) on night.test" in err
    assert "psnr, ssim: no interval: 1 group, 5 needed" in err


@pytest.mark.usefixtures("dataset")
def test_run_says_which_pairs_are_left_out_of_a_mean(lleval: Any, tmp_path: Path):
    store = open_store("night")
    for pair in store.usable("test")["pair"]:
        reference = to_uint8(reference_picture(store, pair_row(store, pair)))
        write(tmp_path / f"{pair}.png", reference)
    _, _, err = lleval("run", "--outputs", tmp_path, "--name", "same", "--dataset", "night")
    assert "psnr: no interval: no pair has a score" in err
    assert "psnr: 0 pairs in 0 groups; 2 pairs identical to the reference, left out" in err


@pytest.mark.parametrize("flag", ["--metrics", "--axis"])
def test_a_list_of_no_names_is_no_list_of_all(lleval: Any, flag: str):
    code, out, err = lleval("sweep", "--model", "amplify", "--dataset", "night", flag, " ,")
    assert (code, out) == (2, "")
    assert f"{flag} ' ,': it names nothing" in err


@pytest.mark.usefixtures("dataset")
def test_a_metric_asked_for_twice_is_scored_into_the_folder_of_one(lleval: Any):
    _, out, _ = lleval("run", "--model", "amplify", "--dataset", "night", "--json",
                       "--metrics", "psnr,ssim,psnr")  # fmt: skip
    assert Path(json.loads(out)["record"]).parent.name == "amplify--default"


@pytest.mark.usefixtures("dataset")
def test_run_takes_the_pictures_of_an_outside_method(lleval: Any):
    _, out, _ = lleval("run", "--model", "amplify", "--dataset", "night", "--json")
    outputs = Path(json.loads(out)["record"]).parent / "outputs"
    code, again, _ = lleval("run", "--outputs", outputs, "--name", "theirs", "--dataset", "night",
                            "--json")  # fmt: skip
    assert (code, json.loads(again)["method"]) == (0, "theirs")
    assert json.loads(again)["scores"] == json.loads(out)["scores"]


def test_weights_is_an_empty_list_before_the_first_training(lleval: Any):
    assert lleval("weights", "--json")[:2] == (0, "[]\n")
    assert "lleval train makes some" in lleval("weights")[2]


def test_score_prints_metric_and_value(lleval: Any, two: list[Path]):
    code, out, _ = lleval("score", *two, "--json")
    assert code == 0
    assert json.loads(out)["psnr"] == pytest.approx(20 * np.log10(5))


def test_identical_images_score_null_in_json(lleval: Any, two: list[Path]):
    _, out, _ = lleval("score", two[0], two[0], "--json")
    assert json.loads(out) == {"psnr": None, "ssim": 1.0}


@pytest.mark.usefixtures("dataset")
def test_verify_says_the_level_and_ends_with_1_where_something_differs(lleval: Any):
    _, out, _ = lleval("run", "--model", "amplify", "--dataset", "night", "--json")
    record = Path(json.loads(out)["record"])
    code, out, _ = lleval("verify", record, "--from-outputs", "--json")
    found = json.loads(out)
    assert (code, found["level"], found["differences"]) == (0, "recomputed", [])
    assert {check["status"] for check in found["checks"]} == {"pass"}
    record.write_text(record.read_text().replace('"ratio": 100.0', '"ratio": 99.0'))
    code, out, err = lleval("verify", record.parent)
    assert (code, out) == (1, "")
    assert "not verified" in err


@pytest.mark.usefixtures("dataset")
def test_a_run_is_submitted_and_the_submission_checked(lleval: Any, tmp_path: Path):
    _, out, _ = lleval("run", "--model", "amplify", "--dataset", "night", "--json")
    bundle = tmp_path / "b.zip"
    code, made, _ = lleval("leaderboard", "submit", Path(json.loads(out)["record"]).parent,
                           "--out", bundle, "--json")  # fmt: skip
    assert (code, json.loads(made)["track"]) == (0, "night.test")
    code, out, _ = lleval("leaderboard", "check", bundle, "--json")
    (found,) = json.loads(out)["bundles"]
    assert (code, found["level"], found["sha256"]) == (0, "recomputed", json.loads(made)["sha256"])
    bundle.write_bytes(bundle.read_bytes()[:-1])
    code, out, err = lleval("leaderboard", "check", bundle)
    assert (code, out) == (1, "")
    assert err.rstrip().endswith("b.zip: refused")


def no_photograph(kind: str, path: Path) -> None:
    """Write a file that a careless hand might give to be scored."""
    grey = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    if kind == "folder":
        path.mkdir()
    elif kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"no picture\n")
    elif kind == "cut":
        Image.fromarray(grey).save(path)
        path.write_bytes(path.read_bytes()[:-40])
    elif kind in ("floats", "nan"):
        values = np.full((20, 30, 3), np.nan if kind == "nan" else 0.5, np.float32)
        tifffile.imwrite(path, values, photometric="rgb")
    elif kind == "signed":
        tifffile.imwrite(path, np.zeros((20, 30, 3), np.int32), photometric="rgb")
    elif kind == "clear":
        Image.fromarray(np.dstack([grey] * 4)).save(path)
    elif kind == "gif":
        Image.fromarray(grey).save(path, "GIF")
    else:
        side = {"one pixel": 1, "below the window": 10, "another size": 64}[kind]
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "it is a folder"),
        ("empty", "its content is no image"),
        ("text", "its content is no image"),
        ("cut", "it cannot be decoded"),
        ("floats", "its pixels are not 8 or 16 bits"),
        ("nan", "its pixels are not 8 or 16 bits"),
        ("signed", "its pixels are not 8 or 16 bits"),
        ("clear", "parts of it are transparent"),
        ("gif", "it is a GIF file"),
        ("another size", "its size is 64x64, but the reference is 30x20"),
        ("one pixel", "its size is 1x1, but the reference is 30x20"),
    ],
)
def test_what_is_no_photograph_is_one_line_whichever_side_it_stands_on(
    lleval: Any, two: list[Path], tmp_path: Path, kind: str, message: str
):
    bad = tmp_path / "bad.png"
    no_photograph(kind, bad)
    for arguments in ((bad, two[1]), (two[0], bad)):
        code, out, err = lleval("score", *arguments, "--json")
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert message in err or "reference is 1x1" in err or "reference is 64x64" in err


@pytest.mark.parametrize("kind", ["one pixel", "below the window"])
def test_a_picture_below_the_window_has_every_score_but_ssim(
    lleval: Any, tmp_path: Path, kind: str
):
    small = tmp_path / "small.png"
    no_photograph(kind, small)
    code, out, err = lleval("score", small, small, "--json")
    assert (code, out) == (2, "")
    assert "its window needs at least 11x11 pixels" in err
    names = "psnr,psnr_y,psnr_float,psnr_gtmean,mae,delta_e,entropy,colourfulness,loe"
    code, out, _ = lleval("score", small, small, "--input", small, "--metrics", names, "--json")
    assert code == 0
    scores = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert {name for name, value in scores.items() if value is None} == {
        "psnr", "psnr_y", "psnr_float", "psnr_gtmean",
    }  # fmt: skip
    assert set(scores.values()) == {None, 0}


def test_pictures_of_one_channel_of_16_bits_or_with_a_palette_are_scored_as_rgb(
    lleval: Any, two: list[Path], tmp_path: Path
):
    eight = np.asarray(Image.open(two[0]))
    cv2.imwrite(str(tmp_path / "deep.png"), eight[..., ::-1].astype(np.uint16) * 257)
    assert json.loads(lleval("score", tmp_path / "deep.png", two[0], "--json")[1])["psnr"] is None
    for name, mode in (("grey.png", "L"), ("palette.png", "P"), ("bits.png", "1")):
        Image.open(two[0]).convert(mode).save(tmp_path / name)
        code, out, _ = lleval("score", tmp_path / name, two[0], "--json")
        assert (code, json.loads(out)["psnr"] > 5) == (0, True)


def test_compare_prints_a_row_for_every_two_records(lleval: Any, tmp_path: Path):
    paths = [
        one.write(tmp_path / f"{one.method}.json") for one in (record(), classical("lime", 20))
    ]
    code, out, _ = lleval("compare", *paths, "--json")
    (row,) = json.loads(out)["pairs"]
    assert code == 0
    promised = {"a", "b", "metric", "difference", "ci95", "p_value", "n"}
    assert row.keys() == promised | {"groups", "test"}
    assert json.loads(out)["tied_with_best"] == ["sid--canon6d_iso12600"]
    assert row["difference"] == pytest.approx(10, abs=0.5)
    for path in paths:
        path.with_suffix("").mkdir()
        path.rename(path.with_suffix("") / "record.json")
    folders = [path.with_suffix("") for path in paths]
    assert lleval("compare", *folders, "--json")[:2] == (0, out)


def test_models_lists_every_method_with_the_promised_keys(lleval: Any):
    rows = {row["name"]: row for row in json.loads(lleval("models", "--json")[1])}
    assert rows["sid"] == {
        "name": "sid", "domain": "raw", "trainable": True, "reference_use": "none",
        "parameters": 7_760_268,
    }  # fmt: skip
    assert rows["scaled"]["reference_use"] == "mean"


def test_metrics_lists_their_definitions(lleval: Any):
    rows = json.loads(lleval("metrics", "--json")[1])
    assert {"psnr", "ssim"} <= {row["name"] for row in rows}
    assert all(len(row["definition"]) == 12 for row in rows)


@pytest.mark.parametrize(("status", "code"), [("pass", 0), ("unknown", 0), ("fail", 1)])
def test_the_check_of_metrics_ends_with_1_where_two_disagree(
    lleval: Any, monkeypatch: pytest.MonkeyPatch, status: Any, code: int
):
    one = Agreement("mae", "0" * 12, "b", 1, "p", 1.0, 2.0, math.inf, 1e-5, status, "apart")
    monkeypatch.setattr("eval.cross_check.report.check", lambda tick: [one])
    found, out, err = lleval("metrics", "--check", "--json")
    assert (found, json.loads(out)["checks"][0]["difference"]) == (code, None)
    found, out, err = lleval("metrics", "--check")
    assert (found, out) == (code, "")
    assert "mae: apart" in err


def test_enhance_writes_the_picture(lleval: Any, two: list[Path], tmp_path: Path):
    target = tmp_path / "out.png"
    code, out, _ = lleval("enhance", "--model", "gamma", two[0], target, "--json")
    assert (code, json.loads(out)["written"]) == (0, [str(target)])


def test_the_leaderboard_is_built_of_records(lleval: Any, tmp_path: Path):
    record().write(tmp_path / "runs" / "t" / "sid--x" / "record.json")
    code, out, _ = lleval("leaderboard", "build", "--records", tmp_path / "runs",
                          "--out", tmp_path / "site", "--json")  # fmt: skip
    assert code == 0
    assert Path(json.loads(out)["page"]).is_file()


def test_the_leaderboard_is_built_without_any_option(lleval: Any):
    record().write(home() / ".runs" / "t" / "sid--x" / "record.json")
    code, out, err = lleval("leaderboard", "build")
    page = home() / ".site" / "index.html"
    assert (code, out, page.is_file()) == (0, "", True)
    shipped = len(list(Path(leaderboard.__file__).parent.glob("records/*/*.json")))
    assert f"index.html: {shipped + 1} records" in err.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--model", "nope", "--dataset", "night"), "--model nope: no such method"),
        (("run", "--model", "amplify", "--dataset", "none"), "dataset none: there is none"),
        (("run", "--model", "amplify", "--dataset", "night", "--set", "x"), "--set x: this sets"),
        (
            ("train", "--model", "amplify", "--dataset", "night"),
            "--model amplify: it has nothing to train",
        ),
        (("run", "--dataset", "night"), "lleval run: it is told of no method"),
        (("run", "--outputs", "x", "--model", "y", "--dataset", "night"), "lleval run: it is"),
        (("run", "--outputs", "x", "--name", "y", "--dataset", "night"), "--outputs x: there is"),
        (("verify", "r", "--rerun", "--from-outputs"), "lleval verify: both --from-outputs"),
        (("verify", "none"), "none: there is no such file"),
        (("score", "a.png", "b.png"), "a.png: there is no such file"),
        (("enhance", "--model", "amplify", "a.dng", "b.png", "--ratio", "x"), "--ratio x"),
        (("compare", "a.json"), "a.json: there is no such file"),
        (("metrics", "--data", "iqa"), "--data iqa: nothing is compared with it"),
        (("metrics", "--check", "--data", "no"), "no/official_scores.csv: there is no such file"),
        (("leaderboard", "submit", "none", "--out", "b.zip"), "none: there is no such file"),
        (("leaderboard", "check", "none.zip"), "none.zip: no such file"),
        (("leaderboard", "build", "--out", "s", "--records", "none"), "--records none"),
    ],
)
@pytest.mark.usefixtures("dataset")
def test_a_mistake_is_one_line_on_stderr_and_stdout_stays_empty(
    lleval: Any, arguments: tuple[str, ...], message: str
):
    code, out, err = lleval(*arguments, "--json")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"lleval: {message}")


def test_options_become_numbers_and_truths():
    texts = ["a=1", "b=0.5", "c=true", "d=III", "e=none"]
    assert cli._options(texts) == {"a": 1, "b": 0.5, "c": True, "d": "III", "e": None}


def test_an_interrupted_training_goes_on_with_resume():
    assert cli._resumed(["train", "--model", "sid"]) == ["train", "--model", "sid", "--resume"]
    assert cli._resumed(["run", "--model", "sid"]) == ["run", "--model", "sid"]


def test_the_help_needs_neither_torch_nor_pyiqa():
    code = (
        "import sys; import eval.cli; "
        "print(sorted({'torch', 'pyiqa', 'cv2', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
