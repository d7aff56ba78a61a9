"""The site's files: what they are named, what they hold, and what a build leaves and removes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from eval.pages.page import breakable
from eval.site import addresses, publishing
from eval.site.build import build
from eval.site.charts import Curve, Method, Priced, cost_plot, curves, log_axis
from eval.site.citations import bibtex
from eval.site.couples import couples, p_text
from eval.site.data import as_csv
from eval.site.heat import heat_map
from eval.site.letters import letters
from eval.site.standings import Standing, standings
from lldata.errors import ScoreError
from tests.payloads import Page
from tests.records import classical, record, rows, score_of, write, write_pictures

ATOM = "{http://www.w3.org/2005/Atom}"


def table(*records: Any) -> Standing:
    (found,) = standings((one, f"data/x.{n:016x}.json") for n, one in enumerate(records))
    return found


def text(path: Path) -> str:
    return Page(path.read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("lime", "lime"),
        ("residual32_nose", "residual32_nose"),
        ("../../x", "x-9cdf6a50"),
        ("SID", "sid-1ff3d5d3"),
        ("", "x-e3b0c442"),
    ],
)
def test_a_name_in_an_address_is_plain_and_two_names_never_share_one(name: str, shown: str) -> None:
    assert addresses.slug(name) == shown


def test_both_renderings_of_a_method_share_its_page() -> None:
    assert addresses.method_page("lime@amplified") == addresses.method_page("lime")


def test_a_spreadsheet_takes_no_text_of_a_csv_for_a_formula() -> None:
    assert as_csv([["=1+1", " @x", "a", -1.5, None, ("b", "c")]]) == "'=1+1,' @x,a,-1.5,,b c\n"


def test_the_feed_tells_the_newest_first_and_names_each_record_by_its_content(
    tmp_path: Path,
) -> None:
    made = ("2026-01-05T12:00:00+02:00", "2026-02-05T12:00:00+00:00", "no time")
    records = [record(method=f"m{n}", created=time) for n, time in enumerate(made)]
    build(write(tmp_path / "r", *records), tmp_path / "site")
    feed = ElementTree.parse(tmp_path / "site/feed.xml").getroot()  # noqa: S314
    entries = feed.findall(f"{ATOM}entry")
    own = [e for e in entries if "canon6d" in (e.findtext(f"{ATOM}title") or "")]
    assert [e.findtext(f"{ATOM}updated") for e in own] == [
        "2026-02-05T12:00:00Z",
        "2026-01-05T10:00:00Z",
    ]
    links = [str(e.find(f"{ATOM}link").get("href")) for e in entries]  # type: ignore[union-attr]
    assert all((tmp_path / "site" / link).is_file() for link in links)
    assert len({e.findtext(f"{ATOM}id") for e in entries}) == len(entries)


def test_a_badge_says_place_and_score(tmp_path: Path) -> None:
    build(write(tmp_path / "r", record(), classical("amplify", 22.0)), tmp_path / "site")
    badges = sorted((tmp_path / "site/badges").iterdir())
    said = [ElementTree.parse(path).getroot().get("aria-label") for path in badges]  # noqa: S314
    assert "canon6d_iso12600.test: 1 of 2 · 30.36 dB" in said


def test_a_couple_is_told_with_its_difference_interval_and_verdict() -> None:
    near = classical("lime", 30.0, rows=rows(30.0, seed=2))
    first, *_, last = couples(table(record(), near, classical("gamma", 23.0)))
    assert (first.a.record.method, first.b.record.method) == ("sid", "lime")
    apart = rows(30.0), rows(30.0, seed=2)
    means = [sum(row.scores["psnr"] or 0 for row in each) / 24 for each in apart]
    assert first.difference == f"{means[0] - means[1]:+.2f}"
    assert (first.verdict, first.said) == ("chance", "could be chance")
    assert (last.verdict, last.said, last.found.n) == ("a", "lime is better", 24)


def test_where_lower_is_better_the_lower_one_of_a_couple_is() -> None:
    uses = {name: replace(use, better="lower") for name, use in record().metrics.items()}
    one, other = record(metrics=uses), classical("gamma", 25.0, metrics=uses)
    (found,) = couples(table(one, other))
    assert (found.a.record.method, found.difference, found.verdict) == ("gamma", "−5.00", "a")


def test_a_couple_turned_around_says_the_same_of_the_other_difference() -> None:
    one, other = record(), classical("gamma", 23.0)
    (found,) = couples(table(one, other))
    assert (found.difference, found.turned.difference) == ("+7.00", "−7.00")
    assert found.turned.interval == "−7.00 to −7.00"
    assert found.turned.said == found.said


def test_runs_of_one_method_are_told_apart_by_their_labels() -> None:
    plain, auto = classical("gamma", 23.0), classical("gamma", 29.0, label="gamma=auto")
    (found,) = couples(table(plain, auto))
    assert found.a.record.run_name == "gamma (gamma=auto)"
    assert found.b.record.run_name == "gamma"


def test_where_no_difference_could_be_told_the_page_says_why(tmp_path: Path) -> None:
    few = [classical(f"m{p}", p) for p in (20, 22, 24, 26, 28)]
    build(write(tmp_path / "r", *few), tmp_path / "site")
    (page,) = (tmp_path / "site/tracks").glob("canon*.html")
    assert "8 groups are too few to tell any of 5 runs apart: p is 0.078 or more" in text(page)


def test_small_p_values_are_not_called_zero() -> None:
    assert [p_text(p) for p in (None, 0.00002, 0.25)] == ["", "under 0.001", "0.250"]


def priced(**found: tuple[float, float]) -> list[Priced]:
    return [Priced(Method(name, name), *both, None, "") for name, both in found.items()]


def test_of_many_methods_those_that_no_cheaper_one_beats_are_named() -> None:
    slow = {f"slow{n}": (1.0 + n, 19.0) for n in range(9)}
    plot = cost_plot(priced(gamma=(0.01, 20.0), sid=(99.0, 30.0), **slow), higher=True)
    assert plot is not None
    named = [(point.method.name, letter.text) for point, letter in plot.lettered]
    assert named == [("sid", "A"), ("gamma", "B")]
    assert plot.which == "the blind methods that no cheaper one beats"
    assert cost_plot([], higher=True) is None


def test_of_few_methods_all_are_named() -> None:
    plot = cost_plot(priced(gamma=(0.01, 20.0), slow=(1.0, 19.0)), higher=True)
    assert plot is not None
    assert ([p.method.name for p, _ in plot.lettered], plot.which) == (["gamma", "slow"], "")


def test_more_of_these_than_letters_are_the_best_of_them() -> None:
    plot = cost_plot(priced(**{f"m{n}": (1.0 + n, 20.0 + n) for n in range(12)}), higher=True)
    assert plot is not None
    assert [p.method.name for p, _ in plot.lettered] == [f"m{n}" for n in range(11, 2, -1)]
    assert plot.which.startswith("the best 9 of")


@pytest.mark.parametrize("seed", range(6))
def test_letters_of_points_in_a_crowd_hide_neither_one_another_nor_a_point(seed: int) -> None:
    places = np.random.default_rng(seed).normal((240, 140), 25, (60, 2)).tolist()
    front = [p for p in places if all(q[0] > p[0] or q[1] > p[1] for q in places if q != p)]
    found = letters(front, places, [])
    for one in found:
        others = [(o.x, o.y) for o in found if o is not one]
        assert all(abs(one.x - x) >= 15 or abs(one.y - y) >= 17 for x, y in others)
        assert all(abs(one.x - x) >= 7.5 or abs(one.y - y) >= 8.5 for x, y in places)
    assert letters(front, places, []) == found


def test_a_letter_far_from_its_point_has_a_line_that_begins_there() -> None:
    ring = [(200.0 + 26 * math.cos(n), 150.0 + 26 * math.sin(n)) for n in range(13)]
    (alone,) = letters([(200.0, 150.0)], [(200.0, 150.0)], [])
    (crowded,) = letters([(200.0, 150.0)], [(200.0, 150.0), *ring], [])
    assert alone.line is None
    assert crowded.line is not None
    assert math.hypot(crowded.line.x1 - 200, crowded.line.y1 - 150) < 8


def test_a_cost_axis_has_its_ticks_at_powers_of_ten_or_between() -> None:
    assert [t.label for t in log_axis([0.002, 12.0], 0, 100).ticks] == ["0.01", "0.1", "1", "10"]
    assert [t.label for t in log_axis([1.5, 6.0], 0, 100).ticks] == ["2", "5"]
    assert [t.label for t in log_axis([21e9, 33e9], 0, 100).ticks] == ["20 G", "25 G", "30 G"]
    assert [t.label for t in log_axis([2e8, 2e10], 0, 100).ticks] == ["1 G", "10 G"]


def test_a_name_is_broken_where_its_words_end_and_stays_text() -> None:
    assert breakable("a_b@c<i>") == "a_<wbr>b@<wbr>c&lt;i&gt;"


def test_a_curve_leaves_out_what_nobody_measured_and_greys_all_but_eight() -> None:
    lines = [Curve(Method(str(n), str(n)), (20.0 + n, None, 22.0 + n)) for n in range(10)]
    plot = curves(("100", "250", "300"), lines)
    assert plot is not None
    assert [one.colour for one in plot.series] == [*range(8), None, None]
    assert {len(one.points) for one in plot.series} == {2}
    assert curves(("100",), lines) is None


def test_the_map_of_sensors_says_how_far_each_is_behind_the_best_of_its_column() -> None:
    def cell(trained: str, track: str, psnr: float) -> Any:
        return (trained, track, score_of(record(rows(psnr)), "psnr"))

    found = heat_map(
        [cell("a", "A", 30.0), cell("b", "A", 26.0), cell("a", "B", 20.0), cell("b", "B", 25.0)]
    )
    assert found is not None
    told = {name: [c and (c.behind, c.shade) for c in cells] for name, cells in found.rows}
    assert told == {"a": [("", 4), ("−5.00", 0)], "b": [("−4.00", 0), ("", 4)]}
    assert heat_map([cell("a", "A", 30.0), cell("b", "A", 26.0)]) is None


def test_the_bibtex_names_the_data_and_the_source_of_known_methods() -> None:
    found = bibtex([table(record(), record(method="a stranger's"))])
    assert "Dataset digest d1d1d1" in found
    assert "Learning to See in the Dark" in found
    assert "stranger" not in found


def test_a_method_page_says_what_a_known_method_is(tmp_path: Path) -> None:
    build(write(tmp_path / "r", record(), record(method="stranger")), tmp_path / "site")
    assert "Learning to See in the Dark, CVPR 2018" in text(tmp_path / "site/methods/sid.html")
    assert "outside this toolkit" in text(tmp_path / "site/methods/stranger.html")


def test_pictures_are_published_of_named_datasets_only(tmp_path: Path) -> None:
    path = record().write(tmp_path / "run" / "record.json")
    write_pictures(path.parent, record(), size=20)
    (copy,) = (one for one in [addresses.copy_of(record(), path.read_bytes())])
    page = tmp_path / "site" / addresses.entry_page(copy)
    build([path], tmp_path / "site")
    assert "data:image" not in page.read_text(encoding="utf-8")
    build([path], tmp_path / "site", pictures=["canon6d_iso12600"])
    assert page.read_text(encoding="utf-8").count("data:image/jpeg") == 24
    with pytest.raises(ScoreError, match="--pictures lol: no record is of that dataset"):
        build([path], tmp_path / "site", pictures=["lol"])


def test_what_is_listed_outside_the_site_or_was_changed_is_never_removed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    publishing.write_site(site, {"index.html": b"1", "a/x.html": b"2", "a/y.html": b"3"})
    (tmp_path / "mine").write_bytes(b"3")
    (site / "a/y.html").write_bytes(b"changed")
    sums = site / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("a/x.html", "../mine"), encoding="utf-8")
    publishing.write_site(site, {"index.html": b"1"})
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        "SHA256SUMS", "index.html", "mine", "x.html", "y.html",
    ]  # fmt: skip


def test_a_killed_build_leaves_no_file_that_the_next_one_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.write_site(tmp_path, {"index.html": b"1", "a/old.html": b"2"})
    with monkeypatch.context() as patch:
        patch.setattr(publishing.Path, "unlink", lambda self, **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publishing.write_site(tmp_path, {"index.html": b"1", "a/new.html": b"3"})
    publishing.write_site(tmp_path, {"index.html": b"4"})
    assert [p.name for p in tmp_path.rglob("*.html")] == ["index.html"]


def test_an_unchanged_site_is_not_written_again(tmp_path: Path) -> None:
    paths = write(tmp_path / "r", record(), classical("amplify", 22.0))
    build(paths, tmp_path / "site")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*.html")}
    build(paths, tmp_path / "site")
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_only_the_best_are_compared_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.site.standings.MOST_COMPARED", 2)
    monkeypatch.setattr("eval.site.track_page.MOST_COMPARED", 2)
    records = [classical(f"m{p}", p, rows=rows(p, seed=p)) for p in (25, 28, 30)]
    found = table(*records)
    assert (len(found.comparisons), [e.tied for e in found.blind]) == (1, [True, False, None])
    build(write(tmp_path / "r", *records), tmp_path / "site")
    (page,) = (tmp_path / "site/tracks").glob("canon*.html")
    assert "Only the best 2 are compared." in text(page)


def test_the_table_as_csv_holds_every_list_and_score(tmp_path: Path) -> None:
    build(write(tmp_path / "r", record(), classical("scaled", 40.0, reference_use="mean")),
          tmp_path / "site")  # fmt: skip
    (path,) = (tmp_path / "site/tracks").glob("canon*.csv")
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    assert heading.startswith("list,rank,tied_with_best,method,label,level,created")
    assert [line.split(",")[:2] for line in lines] == [["blind", "1"], ["oracle", ""]]
    data = json.loads((tmp_path / "site/leaderboard.json").read_text(encoding="utf-8"))
    track = next(t for t in data["tracks"] if t["track"].startswith("canon"))
    assert str(track["blind"][0]["scores"]["psnr"]["mean"]) in lines[0]


def test_reported_figures_stand_with_their_digits_beside_records_of_the_same_kind(
    tmp_path: Path,
) -> None:
    sony = {"protocol": "sid_sony", "dataset": "sid_sony", "track": "sid_sony.test"}
    records = (
        record(**sony, label="own", trained_on=("sid_sony/train",)),
        record(**sony, label="other", trained_on=("elsewhere/train",)),
        record(label="simulated"),
    )
    build(write(tmp_path / "r", *records), tmp_path / "site")
    page = Page((tmp_path / "site/reported/canon-table-1.html").read_text(encoding="utf-8"))
    assert "28.61" in page.text
    assert "7.40" in page.text
    assert not (tmp_path / "site/reported/uhr-fig-4.html").exists()  # it prints no number
    assert "copied digit for digit, not measured here" in page.text
    measured = [v for n, v in page.attributes if n == "href" and "entries/" in (v or "")]
    assert len(measured) == 2  # under the authors' figure and under the re-run of it
    assert all("own" in (link or "") for link in measured)
