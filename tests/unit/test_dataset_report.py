"""What a dataset's report says and shows, and what check answers in the field."""

from __future__ import annotations

import re
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lldata import cli, report, store, upkeep
from lldata.audit import Finding
from lldata.engine import Local
from lldata.errors import LowLightError
from lldata.outputs import plots, thumbnails
from lldata.outputs.captions import meanings
from lldata.outputs.plots import Exposed, Shift
from lldata.outputs.thumbnails import seconds, sheet
from lldata.outputs.verdict import headline, of_lists, rows, tally, verdicts
from lldata.scene import Pixels
from lldata.sets import clip_audits, picture_audits
from tests.captures import frame, light, write_scene
from tests.clip_folders import film, stored
from tests.clip_folders import write_scene as write_clips
from tests.stores import night
from tests.unit.test_export import ready

ONE = Local(workers=1)
PAYLOADS = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><svg onload=alert(1)>",
    "javascript:alert(1)", "{{ 7 * 7 }}", "<a href='https://x.example'>x</a>",
)  # fmt: skip


def finding(scene: str, check: str, status: str, message: str, short: str = "") -> Finding:
    pair = f"{scene}/{short}" if short else ""
    return Finding(scene, pair, check, status, 16.2, 2.0, message)  # type: ignore[arg-type]


MOVED = finding("10006", "alignment", "quarantine", "moved", "10006_00_0.1s")
FINDINGS = [
    finding("00004", "exposure", "warn", "a third of a stop", "00004_00_0.1s"),
    MOVED,
    finding("10006", "alignment", "quarantine", "moved", "10006_00_0.04s"),
    finding("10006", "focus", "warn", "soft", "10006_00_0.1s"),
    finding("00001", "alignment", "pass", "well", "00001_00_0.1s"),
    finding("00002", "alignment", "unknown", "dark", "00002_00_0.1s"),
]


def test_scenes_to_shoot_again_come_first_and_equal_reasons_are_one():
    again, look = verdicts(FINDINGS)
    assert (again.scene, again.status, again.checks) == ("10006", "quarantine", "alignment")
    assert again.reasons[0].pairs == ()  # all of them
    assert again.reasons[1].pairs == ("10006/10006_00_0.1s",)
    assert (look.scene, look.status) == ("00004", "warn")


def test_the_answer_is_one_sentence():
    look = FINDINGS[:1]
    assert headline([MOVED, *look], 4) == (
        "Shoot again: scene 10006 (alignment). Look at scene 00004 (exposure)."
    )
    assert headline(look, 4) == "Nothing must be shot again. Look at scene 00004 (exposure)."
    assert headline([], 12) == "All 12 scenes are good."
    assert headline([], 1) == "The scene is good."


def test_what_an_audit_cannot_tell_is_not_called_good():
    dark = [finding(f"0000{n}", "alignment", "unknown", "dark") for n in (1, 2)]
    unlit = finding("00002", "exposure", "unknown", "no mosaic")
    assert headline([*dark, unlit], 12) == (
        "12 scenes: 10 good, 2 not judged by every audit (alignment, exposure cannot tell)."
    )
    unjudged = "not judged by every audit (alignment cannot tell)"
    assert headline(dark[:1], 1) == f"The scene is {unjudged}; the other audits found nothing."
    assert headline(dark, 2) == f"All 2 scenes are {unjudged}; the other audits found nothing."
    assert headline(FINDINGS, 4).endswith(f"(exposure). 1 other is {unjudged}.")


def test_a_damaged_file_is_copied_again_and_not_shot_again():
    (copy,) = verdicts([finding("00009", "integrity", "quarantine", "cut")])
    assert copy.word == "copy again"
    assert headline([finding("00009", "integrity", "quarantine", "cut")], 2) == (
        "Nothing must be shot again. Copy again from the card: scene 00009 (integrity)."
    )
    both = verdicts([*FINDINGS, finding("00009", "integrity", "quarantine", "cut")])
    assert [(v.scene, v.word) for v in both] == [
        ("10006", "shoot again"), ("00009", "copy again"), ("00004", "look at it"),
    ]  # fmt: skip


def test_a_list_is_no_scene():
    lists = finding("", "metadata", "warn", "val.txt names frames that are not here: 9")
    assert verdicts([lists]) == []
    assert of_lists([*FINDINGS, lists]) == ["val.txt names frames that are not here: 9"]
    assert tally([lists]) == {}


def test_audits_are_counted_by_scene_as_the_verdicts_are():
    said = tally([*FINDINGS, finding("00001", "duplicates", "warn", "twice")])
    assert said["alignment"] == {"quarantine": 1, "pass": 1, "unknown": 1}
    assert said["duplicates"] == {"warn": 1}


def test_only_what_decided_is_said_of_a_scene():
    ratio, clip = "the long got 0.30 times the light", "clipped"
    pairs = [finding("1", "exposure", "warn", f"{clip}. Besides: {n}", f"1_0{n}") for n in range(3)]
    other = finding("2", "exposure", "warn", ratio, "2_00")
    assert [row[3] for row in rows(verdicts([*pairs, other]))] == [clip, f"2_00: {ratio}"]


def test_every_reason_is_a_row_and_a_scene_is_named_once():
    assert rows(verdicts(FINDINGS)) == [
        ("10006", "shoot again", "alignment", "moved"),
        ("", "", "focus", "10006_00_0.1s: soft"),
        ("00004", "look at it", "exposure", "00004_00_0.1s: a third of a stop"),
    ]


@pytest.mark.parametrize(
    ("time_s", "said"),
    [(1 / 30, "1/30 s"), (0.033, "1/30 s"), (0.04, "1/25 s"), (0.5, "0.5 s"), (10.0, "10 s")],
)
def test_exposure_times_are_written_as_photographers_do(time_s: float, said: str):
    assert seconds(time_s) == said


# ---- plots


def test_the_ladder_counts_pairs_and_usable_ones_by_combination():
    pairs = [
        Exposed("a", 1 / 30, 300.0, 200.0, True), Exposed("b", 0.033, 303.0, 200.0, False),
        Exposed("b", 0.1, 100.0, 200.0, True),
    ]  # fmt: skip
    drawn = plots.ladder(pairs)
    assert drawn is not None
    assert [r[:2] + r[3:] for r in drawn.rungs] == [
        ("1/30 s", "10 s", 200.0, 2, 1), ("1/10 s", "10 s", 200.0, 1, 1),
    ]  # fmt: skip
    assert [(s.label, s.frames) for s in drawn.spots] == [
        ("1/30 s", 2), ("1/10 s", 1), ("10 s", 2),
    ]  # fmt: skip


def test_without_exposure_times_there_is_no_ladder_and_without_shifts_no_map():
    assert plots.ladder([Exposed("a", float("nan"), float("nan"), 1.0, True)]) is None
    assert plots.shift_map([], [0.5, 2.0]) is None


def test_shifts_keep_their_direction_and_limits_are_the_last_rings():
    drawn = plots.shift_map([Shift("a", 3.0, -4.0, "quarantine")], [0.5, 2.0])
    assert drawn is not None
    (arrow,) = drawn.arrows
    y, x = arrow.y - drawn.middle, arrow.x - drawn.middle
    assert (y > 0, x < 0) == (True, True)
    assert y / x == pytest.approx(-3 / 4, abs=0.01)
    assert [r.label for r in drawn.rings if r.limit] == ["0.5", "2"]
    assert all(r.limit for r in drawn.rings[-2:])


def test_texts_at_the_ends_of_an_axis_stay_inside_it():
    drawn = plots.histogram([1, 2], [2, 1], ["a", "b", "c", "d"])
    assert [t.anchor for t in drawn.axis.ticks] == ["start", "middle", "middle", "end"]
    assert (drawn.axis.ticks[0].x, drawn.axis.ticks[-1].x) == (drawn.axis.left, drawn.axis.right)


def test_half_stops_are_counted_from_white():
    counts = thumbnails.in_stops(np.array([1.0, 0.6, 0.3, 2.0**-13.9, 0.0, -1.0]))
    assert (counts.sum(), counts[-1], counts[-2], counts[-4], counts[0]) == (6, 1, 1, 1, 3)


# ---- pictures


def test_a_thumbnail_has_the_light_of_the_render():
    """Binned or developed by LibRaw, the mean of a lit frame differs by less than 3 %."""
    from lldata.render import render

    shot = frame(light(3), 10)
    binned = thumbnails.developed(shot).mean((0, 1))
    full = thumbnails.linearise(render(shot) / np.float32(65535)).mean((0, 1))
    np.testing.assert_allclose(binned, full, rtol=0.03)


def test_a_sheet_shows_the_reference_and_three_shorts_within_their_bytes(tmp_path: Path):
    dataset = night(tmp_path / "night", "train", exposures=(0.1, 0.04, 0.033), takes=2)
    shown = sheet(dataset, "00001", 5000)
    assert [p.title for p in shown.pictures] == [
        "reference", "1/10 s × 100", "1/10 s × 100", "1/25 s × 250",
    ]  # fmt: skip
    assert all(len(p.jpeg) <= 5000 for p in shown.pictures)
    assert (shown.camera, sum(shown.dark) > 0, sum(shown.lit) > 0) == ("Sony ILCE-7SM2", True, True)


# ---- the page


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    dataset = night(folder / "night", quarantined=("00002",))
    told = [finding("00002", "alignment", "quarantine", text, "00002_00_0.1s") for text in PAYLOADS]
    lost = finding("00009", "integrity", "quarantine", "cut")
    upkeep.build_index(dataset.path, "now", [*told, lost])
    out = report.write_report(store.open_store(dataset.path), folder / "r.html", ONE)
    return out.read_text("utf-8")


def test_the_page_says_first_what_to_shoot_again(written: str):
    answer = (
        "Shoot again: scene 00002 (alignment). Copy again from the card: scene 00009 (integrity)."
    )
    assert f'class="answer quarantine">{answer}<' in written
    assert '<span class="badge quarantine">copy again</span>' in written
    assert written.index("Scene 00002") < written.index("Contact sheet")
    assert "Scene 00009" in written
    assert "not stored" in written


def test_it_holds_all_it_shows_and_runs_nothing(written: str):
    page = Page(written)
    assert not {"script", "iframe", "link", "form", "object"} & {tag for tag, _ in page.tags}
    sources = [a["src"] for tag, a in page.tags if tag == "img"]
    assert len(sources) == 8
    assert all(str(s).startswith("data:image/jpeg;base64,") for s in sources)
    assert [a["href"] for tag, a in page.tags if tag == "a"] == ["#scene-00002"]
    assert not [n for _, a in page.tags for n in a if n.startswith("on") or n == "style"]


def test_text_of_findings_stays_text(written: str):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "{{ 7 * 7 }}" in written
    assert "<script>" not in written


def test_every_audit_with_a_meaning_is_explained(written: str):
    told = meanings("raw")
    assert "exposure" in told
    for text in told.values():
        assert len(text) > 80
    assert str(told.get("alignment", "alignment"))[:40] in written


def test_five_hundred_scenes_stay_under_20_megabytes():
    share = report.PICTURE_BYTES // (4 * report.MOST_SCENES)
    most = max(report._FEWEST_BYTES, share)
    pictures = report.MOST_SCENES * 4 * most * 4 / 3
    assert pictures + report.MOST_ROWS * 600 < 20e6


def test_pictures_and_clips_have_a_report_too(tmp_path: Path):
    low = np.random.default_rng(1).integers(0, 20, (40, 60, 3), np.uint8)
    folder = tmp_path / "pairs"
    upkeep.publish_scene(
        folder, ready(folder, "pictures"), Pixels(low={"a": low}, normal={"a": low * 8})
    )
    upkeep.build_index(folder, "now")
    clip = {n: {"frames": 3, "height": 40, "width": 60} for n in ("low", "target")}
    other = tmp_path / "clips"
    frames = (low * 8).astype(np.uint16) * 200
    upkeep.publish_clip(
        other, ready(other, "clips", clip=clip), ((n, frames) for n in clip for _ in range(3))
    )
    upkeep.build_index(other, "now")
    for dataset, title in ((folder, "low × "), (other, "low × 1")):
        out = report.write_report(store.Store(dataset), tmp_path / "r.html", ONE)
        text = out.read_text("utf-8")
        assert "The scene is good." in text
        assert title in text


def test_a_report_of_clips_explains_clips_and_how_dark_they_are(tmp_path: Path):
    low, target = ([f // n] * 2 for f, n in zip(film(1, 2), (8, 1), strict=True))
    dataset = stored(write_clips(tmp_path / "src", low=low, target=target).parent, tmp_path / "d")
    text = report.write_report(dataset, tmp_path / "r.html", ONE).read_text("utf-8")
    assert escape(clip_audits.MEANINGS["exposure"]) in text
    assert "every frame of both clips" in text.lower()
    assert not re.search(r"shorts?\b(?! exposure)|long exposure|RAW|reference of each", seen(text))
    assert "The middle frame of each target clip" in text
    assert 'aria-label="Darkness of 1 pairs' in text


def test_a_report_of_pictures_explains_pictures_and_what_was_drawn(tmp_path: Path):
    low = np.random.default_rng(1).integers(0, 20, (40, 60, 3), np.uint8)
    folder = tmp_path / "pairs"
    facts = {"low/a": {"alpha": 0.75, "gamma": 1.25, "noise_sigma": 0.02}}
    told = finding("a", "alignment", "warn", "moved", "a")
    upkeep.publish_scene(
        folder,
        ready(folder, "pictures"),
        Pixels(low={"a": low}, normal={"a": low * 8}, facts=facts),
    )
    upkeep.build_index(folder, "now", [told])
    text = report.write_report(store.Store(folder), tmp_path / "r.html", ONE).read_text("utf-8")
    assert escape(picture_audits.MEANINGS["alignment"]) in text
    assert "alpha 0.75, gamma 1.25, noise 0.02" in text
    assert not re.search(r"shorts?\b(?! exposure)|long exposure|RAW|reference of each", seen(text))


def seen(page: str) -> str:
    """Return what a reader sees of a page."""
    return re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])


@pytest.mark.parametrize("module", [picture_audits, clip_audits])
def test_every_audit_of_a_kind_has_a_meaning(module: Any):
    assert {audit.__name__ for audit in module.AUDITS} <= set(module.MEANINGS)


def test_darkness_is_drawn_by_stops_and_equal_pairs_stand_on_each_other():
    drawn = plots.darkness([("a", 8.0), ("b", 8.0), ("c", 32.0), ("d", float("nan"))])
    assert drawn is not None
    assert (drawn.least, drawn.middle, drawn.most) == (8, 8, 32)
    assert [t.text for t in drawn.axis.ticks] == [f"× {2**n}" for n in range(6)]
    first, second, third = drawn.dots
    assert first.x == second.x == pytest.approx(drawn.axis.ticks[3].x, abs=6)
    assert (second.y < first.y, third.y == first.y) == (True, True)
    assert plots.darkness([]) is None


def test_a_folder_is_no_place_for_a_report(tmp_path: Path):
    dataset = night(tmp_path / "night", "train")
    with pytest.raises(LowLightError, match="it is a folder, but a file is written"):
        report.write_report(dataset, tmp_path)


# ---- the answer in the field


def test_check_answers_on_the_card_which_scene_to_shoot_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    card = tmp_path / "DCIM" / "100CANON"
    write_scene(card, "00001", light(1))
    write_scene(card, "00002", light(2), iso=1600.0)
    monkeypatch.setattr(
        sys, "argv", ["lldata", "check", str(tmp_path), "--protocol", "sid_sony", "--workers", "1"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.app()
    said = capsys.readouterr()
    answer = next(x for x in said.err.splitlines() if not x.startswith("checking"))
    assert (ended.value.code, said.out) == (1, "")
    assert answer == "Shoot again: scene 00002 (exposure, metadata)."
    assert "ISO 1600 in the short, 200 in the long" in " ".join(said.err.split())
    assert max(map(len, said.err.splitlines())) <= 80
