"""The run report: what it says, what it embeds, and what can never get into it."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from eval.pages import figures, page
from eval.pages.embed import embed
from eval.pages.summary import parts
from eval.record import Record
from eval.report import write_report
from eval.rows import rows_csv
from eval.running.folder import picture_path
from lldata import publish
from lldata.errors import ScoreError
from tests.payloads import PAYLOADS, Page, poisoned
from tests.records import record, rows, write_pictures


def report(of: Record, folder: Path) -> str:
    return write_report(of, folder).read_text(encoding="utf-8")


def test_the_report_states_means_intervals_and_definitions(tmp_path: Path) -> None:
    text = Page(report(record(), tmp_path)).text
    assert "30.36" in text
    assert "95 % interval 29.59 to 31.13" in text
    assert "24 pairs in 8 groups" in text
    assert record().metrics["psnr"].definition in text


def test_four_groups_give_no_interval_and_the_report_says_why(tmp_path: Path) -> None:
    text = Page(report(record(rows(groups=4)), tmp_path)).text
    assert "no interval: 4 groups, 5 needed" in text
    assert "95 % interval 2" not in text


def test_simulated_oracle_partial_and_ad_hoc_are_marked(tmp_path: Path) -> None:
    text = Page(report(record(reference_use="mean", partial=True), tmp_path)).text
    for mark in (
        "simulated captures, 12 distinct sources",
        "oracle: uses the reference (mean)",
        "partial run: never ranked",
        "ad hoc track",
    ):
        assert mark in text


def test_a_real_blind_whole_run_carries_none_of_these_marks(tmp_path: Path) -> None:
    text = report(record(synthetic=False, distinct_sources=None, track="a_track"), tmp_path)
    assert "mark" not in {value for name, value in Page(text).attributes if name == "class"}


def test_an_identical_pair_is_out_of_the_mean_and_counted(tmp_path: Path) -> None:
    scored = list(rows())
    scored[3] = replace(scored[3], scores={"psnr": None, "ssim": 1.0}, identical=True)
    text = Page(report(record(scored), tmp_path)).text
    assert "23 pairs in 8 groups; 1 pair identical to the reference, left out" in text
    assert "identical" in re.findall(r"[a-z]+", text.partition("Every pair")[2])
    left = [r.scores["psnr"] for r in scored if r.ratio == scored[3].ratio and not r.identical]
    by_ratio = text.partition("Scores by exposure ratio")[2].partition("Scores by")[0]
    assert re.findall(r"[\d.]+ of \d+", by_ratio) == [f"{mean(left):.2f} of 7"]


def test_ratios_that_differ_by_rounding_share_a_line() -> None:
    assert [(part.label, len(part.rows)) for part in parts(record(), "ratio")] == [
        ("100", 8),
        ("250", 8),
        ("300", 8),
    ]


def test_many_ratios_are_put_in_octaves() -> None:
    scored = [replace(row, ratio=10.0 + i) for i, row in enumerate(rows())]
    assert [(part.label, len(part.rows)) for part in parts(record(scored), "ratio")] == [
        ("8 to 16", 6),
        ("16 to 32", 16),
        ("32 to 64", 2),
    ]


def test_many_isos_are_put_in_octaves_and_lose_no_pair() -> None:
    scored = [replace(row, iso=1000.0 + 100 * i) for i, row in enumerate(rows())]
    assert [(part.label, len(part.rows)) for part in parts(record(scored), "iso")] == [
        ("512 to 1024", 1),
        ("1024 to 2048", 10),
        ("2048 to 4096", 13),
    ]


def test_scores_are_told_by_camera_and_by_group(tmp_path: Path) -> None:
    cameras = ("Canon EOS 6D", "SONY ILCE-7SM2", None)
    scored = [replace(row, camera=cameras[i % 3]) for i, row in enumerate(rows())]
    assert [(p.label, len(p.rows)) for p in parts(record(scored), "camera")] == [
        ("Canon EOS 6D", 8),
        ("SONY ILCE-7SM2", 8),
    ]
    first = next(parts(record(scored), "group"))
    assert (first.label, len(first.rows), first.scores[0].found.groups) == ("10000", 3, 1)
    text = Page(report(record(scored), tmp_path)).text
    assert "Scores by camera" in text
    assert "Scores by group" in text


def test_one_camera_needs_no_table(tmp_path: Path) -> None:
    scored = [replace(row, camera="Canon EOS 6D") for row in rows()]
    assert "Scores by camera" not in Page(report(record(scored), tmp_path)).text


def test_an_iso_is_printed_as_the_camera_calls_it(tmp_path: Path) -> None:
    isos = (102400.0, 102401.0, 3276800.0)
    scored = [replace(row, iso=isos[i % 3], ratio=1024.0) for i, row in enumerate(rows())]
    assert [part.label for part in parts(record(scored), "iso")] == ["102400", "102401", "3276800"]
    text = report(record(scored), tmp_path)
    assert "e+0" not in Page(text).text.partition("Every pair")[2].partition("Where the")[0]


def test_the_worst_and_best_pairs_come_with_their_four_pictures(tmp_path: Path) -> None:
    one = record()
    write_pictures(tmp_path, one, size=40)
    text = report(one, tmp_path)
    order = sorted(one.rows, key=lambda row: row.scores["psnr"] or 0)
    titles = re.findall(r"<h3>(Worst|Best): (\S+)</h3>", text)
    assert titles == [("Worst", row.pair) for row in order[:3]] + [
        ("Best", row.pair) for row in order[:-4:-1]
    ]
    assert text.count('src="data:image/jpeg;base64,') == 24
    assert f"error of {order[0].pair}: where output and reference differ" in text


def test_where_lower_is_better_the_highest_score_is_the_worst(tmp_path: Path) -> None:
    one = record()
    uses = {name: replace(use, better="lower") for name, use in one.metrics.items()}
    write_pictures(tmp_path, one, size=20)
    text = report(replace(one, metrics=uses), tmp_path)
    highest = max(one.rows, key=lambda row: row.scores["psnr"] or 0)
    assert re.findall(r"<h3>Worst: (\S+)</h3>", text)[0] == highest.pair


def test_the_report_gives_the_command_that_makes_the_run_again(tmp_path: Path) -> None:
    one = record(track="a_track", options={"shape": "two words", "light": True, "seed": None})
    text = Page(report(one, tmp_path)).text
    assert (
        "lleval run --model sid --dataset canon6d_iso12600 --track a_track --split test "
        "--metrics psnr,ssim --set 'shape=two words' --set light=true --set seed=none --seed 0"
    ) in text


def test_the_report_names_the_data_trained_on_and_the_scale_of_its_error_maps(
    tmp_path: Path,
) -> None:
    one = record(trained_on_digest="7a" * 32)
    write_pictures(tmp_path, one, size=20)
    text = Page(report(one, tmp_path)).text
    assert "7a" * 32 in text
    assert "64 of 255 or more" in text


def test_without_pictures_the_report_says_so(tmp_path: Path) -> None:
    assert "The run folder holds no pictures." in report(record(), tmp_path)


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    write_pictures(tmp_path, record(), size=20)
    assert report(record(), tmp_path) == report(record(), tmp_path)


def test_the_record_inside_the_report_is_the_record(tmp_path: Path) -> None:
    text = report(record(), tmp_path)
    inside = re.search(r'<script type="application/json" id="record">(.*?)</script>', text, re.S)
    assert inside is not None
    kept = record().write(tmp_path / "record.json")
    assert inside[1] == kept.read_text(encoding="utf-8")


def test_writing_what_a_run_ends_with_takes_less_than_a_kilobyte_for_a_pair(tmp_path: Path) -> None:
    few, many = (record(rows(groups=groups)) for groups in (40, 200))
    write_report(few, tmp_path)  # templates are kept
    low, high = (_peak(one, tmp_path) for one in (few, many))
    assert (high - low) / (len(many.rows) - len(few.rows)) < 1000


def _peak(of: Record, folder: Path) -> int:
    """Return the bytes that are allocated at most while a run's files are written."""
    tracemalloc.start()
    of.write(folder / "record.json")
    publish.write_replacing(folder / "rows.csv", map(str.encode, rows_csv(of)))
    write_report(of, folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_the_record_inside_the_report_keeps_the_order_of_its_metrics(tmp_path: Path) -> None:
    metrics = dict(reversed(record().metrics.items()))
    text = report(record(metrics=metrics, method="a<b"), tmp_path)
    inside = re.search(r'<script type="application/json" id="record">(.*?)</script>', text, re.S)
    assert inside is not None
    (tmp_path / "record.json").write_text(inside[1], encoding="utf-8")
    read = Record.read(tmp_path / "record.json")
    assert (list(read.metrics), read.method) == (["ssim", "psnr"], "a<b")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_a_record_adds_no_element_and_no_attribute(payload: str, tmp_path: Path) -> None:
    clean = Page(report(poisoned("plain"), tmp_path))
    dirty = Page(report(poisoned(payload), tmp_path))
    assert dirty.tags == clean.tags
    assert [name for name, _ in dirty.attributes] == [name for name, _ in clean.attributes]
    assert not [v for n, v in dirty.attributes if n in ("href", "src") and ":" in (v or "")]


def test_json_in_a_script_cannot_end_it_and_reads_back() -> None:
    text = page.json_data({"a": "</script><!-- & \u2028"})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": "</script><!-- & \u2028"}


def test_the_policy_allows_no_address_but_pictures_inside_the_page(tmp_path: Path) -> None:
    text = report(record(), tmp_path)
    (policy,) = [v for _, v in Page(text).attributes if v and v.startswith("default-src")]
    assert re.fullmatch(
        r"default-src 'none'; img-src data:; style-src 'sha256-[^' ]+'; "
        r"script-src 'sha256-[^' ]+'; base-uri 'none'; form-action 'none'",
        policy,
    )


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_a_contrast_of_at_least_4_5(theme: int, tmp_path: Path) -> None:
    blocks = re.findall(r":root {(.*?)}", report(record(), tmp_path), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[theme]))
    pairs = [(text, "paper") for text in ("ink", "muted", "accent", "cool")]
    pairs += [(text, "card") for text in ("ink", "muted", "accent", "cool")]
    pairs += [("accent", "accent-soft"), ("cool", "cool-soft"), ("muted", "accent-soft")]
    for text, behind in pairs:
        dark, light = sorted((luminance(colours[text]), luminance(colours[behind])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, behind)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    path = picture_path(tmp_path, record().rows[0].pair, "output")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no picture")
    with pytest.raises(ScoreError, match=r"output\.jpg: is no picture that can be decoded"):
        embed(path)
    with pytest.raises(ScoreError, match="No such file"):
        embed(tmp_path / "missing.png")


def test_a_large_picture_is_scaled_down_and_a_small_one_kept_as_it_is(tmp_path: Path) -> None:
    write_pictures(tmp_path, record(rows(groups=1)), size=100)
    path = picture_path(tmp_path, record().rows[0].pair, "output")
    assert (embed(path).width, embed(path).height) == (150, 100)
    assert (embed(path, 75).width, embed(path, 75).height) == (75, 50)


def test_scores_print_two_decimals_in_decibel_and_four_digits_else() -> None:
    assert page.score(30.456, "dB") == "30.46"
    assert page.score(0.83456) == "0.8346"
    assert page.score(12.3456) == "12.35"
    assert page.score(-1.5, "dB") == "−1.50"
    assert page.score(None) == page.score(float("nan")) == "–"


def test_plain_numbers_have_no_exponent_and_end_in_a_digit() -> None:
    numbers = (300.0, 0.25, 1 / 3, 1e-9, 1234567.5, -0.5)
    assert [*map(page.plain, numbers)] == ["300", "0.25", "0.333333", "0", "1234570", "-0.5"]


def test_axis_ticks_are_round_numbers_inside_the_axis() -> None:
    scale = figures.axis([22.1, 31.0], 0, 100)
    assert [tick.label for tick in scale.ticks] == ["22", "24", "26", "28", "30"]
    assert scale(scale.low) == 0
    assert scale(scale.high) == 100


def test_a_histogram_counts_every_pair_once_with_the_upper_edge_in_the_next_bar() -> None:
    bars = figures.histogram([22.0, 22.9, 23.0, 30.0, 31.0]).bars
    assert [(bar.low, bar.pairs) for bar in bars if bar.pairs] == [
        (22.0, 2),
        (23.0, 1),
        (30.0, 1),
        (31.0, 1),
    ]
    assert sum(bar.pairs for bar in figures.histogram([3.0, 3.0]).bars) == 2
