"""The report of a dataset: one HTML file that can be mailed, printed and read without scripts."""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from lldata import publish
from lldata.audit import Finding, Status
from lldata.engine import Local, Unit, run_units
from lldata.errors import LowLightError
from lldata.outputs import plots
from lldata.outputs.captions import CAPTIONS, meanings
from lldata.outputs.thumbnails import BINS, STOPS, Sheet, sheet
from lldata.outputs.verdict import COPY, WORDS, Verdict, headline, of_lists, tally, verdicts
from lldata.stated import stated
from lldata.store import Store

MOST_SCENES = 500  # on the contact sheet, those with findings first
MOST_ROWS = 4000  # of findings in the table, the gravest first
PICTURE_BYTES = 12_000_000  # of all JPEGs; 16 MB as text, so that the page stays under 20 MB
_FEWEST_BYTES, _MOST_BYTES = 3_000, 40_000  # of one picture
_SHOWN_OF_A_SCENE = 4
_ORDER: tuple[Status, ...] = ("quarantine", "warn", "unknown", "pass")


def write_report(
    dataset: Store, out: Path, engine: Local | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Path:  # fmt: skip
    """Write the report of a dataset as one self-contained HTML file.

    Parameters
    ----------
    dataset : of any kind, in a folder or packed
    out : the file to write; an older one is replaced in one step
    engine : where the pictures are made
    advance : called after each scene on the contact sheet

    Raises
    ------
    LowLightError
        If `out` is a folder; `WorkerError` if a scene cannot be read.
    """
    if out.is_dir():
        raise LowLightError(out, "it is a folder", "a file is written", f"Name {out}/report.html")
    found = verdicts(dataset.findings)
    scenes = _shown_scenes(dataset, found)
    sheets = _sheets(dataset, scenes, engine or Local(), advance)
    text = _render("report.html.j2", report=_view(dataset, found, sheets))
    publish.write_replacing(out, text.encode())
    return out


def shown_count(dataset: Store) -> int:
    """Return how many scenes the contact sheet shows."""
    return min(len(dataset.scenes), MOST_SCENES)


def _shown_scenes(dataset: Store, found: Sequence[Verdict]) -> list[str]:
    """Return the scenes on the contact sheet: those with findings first."""
    stored = {str(scene) for scene in dataset.scenes["scene"]}
    first = [v.scene for v in found if v.scene in stored]
    return [*first, *sorted(stored - set(first))][:MOST_SCENES]


def _sheets(
    dataset: Store, scenes: Sequence[str], engine: Local, advance: Callable[[], None]
) -> list[Sheet]:
    """Return the sheets of some scenes, in their order."""
    share = PICTURE_BYTES // max(1, _SHOWN_OF_A_SCENE * len(scenes))
    most = min(_MOST_BYTES, max(_FEWEST_BYTES, share))
    done: dict[str, Sheet] = {}
    units = (Unit(scene, sheet, (dataset, scene, most)) for scene in scenes)
    for unit, result in run_units(units, engine):
        if isinstance(result, BaseException):
            raise result
        done[unit.key] = result
        advance()
    return [done[scene] for scene in scenes]


# ---- what the page shows


def _view(dataset: Store, found: Sequence[Verdict], sheets: Sequence[Sheet]) -> dict[str, Any]:
    by_scene = {v.scene: v for v in found}
    return {
        "name": dataset.name,
        "synthetic": dataset.synthetic,
        "headline": headline(dataset.findings, len(dataset.scenes)),
        "verdicts": found,
        "lists": of_lists(dataset.findings),
        "stored": {str(scene) for scene in dataset.scenes["scene"]},
        "numbers": _numbers(dataset, found),
        "facts": _facts(dataset, sheets),
        "histogram": _histogram(dataset, sheets),
        "ladder": plots.ladder(_exposed(dataset)),
        "shifts": _shift_map(dataset),
        "says": CAPTIONS[dataset.kind],
        "darkness": plots.darkness(each for one in sheets for each in one.darkness),
        "shown": {one.scene for one in sheets},
        "cards": [_card(dataset, one, by_scene.get(one.scene)) for one in sheets],
        "left": len(dataset.scenes) - len(sheets),
        "words": WORDS,
        **_findings(dataset),
    }


def _numbers(dataset: Store, found: Sequence[Verdict]) -> list[tuple[str, int, str]]:
    states = Counter(v.word for v in found)
    usable = len(dataset.usable())
    return [
        (
            "scenes to shoot again",
            states[WORDS["quarantine"]],
            f"of {_plural(dataset.scenes, 'scene')}",
        ),
        ("scenes to copy again", states[COPY], "from the card: files are damaged"),
        ("scenes to look at", states[WORDS["warn"]], "usable, with a warning"),
        ("usable pairs", usable, f"of {_plural(dataset.pairs, 'pair')}"),
    ]


def _plural(table: Any, noun: str) -> str:
    return f"{len(table)} {noun}{'s' * (len(table) != 1)}"


def _facts(dataset: Store, sheets: Sequence[Sheet]) -> list[tuple[str, str]]:
    usable = dataset.usable()
    cameras = sorted({one.camera for one in sheets if one.camera})
    splits = ", ".join(f"{n} {s}" for s, n in sorted(Counter(usable["split"]).items()))
    isos = sorted({float(v) for v in usable["iso"] if math.isfinite(v)})
    facts = [
        ("protocol", dataset.protocol), ("camera", ", ".join(cameras)),
        ("usable pairs by split", splits), ("ISO", ", ".join(f"{v:g}" for v in isos)),
        ("first ingest", dataset.created), ("digest", dataset.digest),
        ("reference digest", dataset.reference_digest),
        ("software", ", ".join(f"{k} {v}" for k, v in sorted(dataset.versions.items()))),
    ]  # fmt: skip
    return [(term, value) for term, value in facts if value]


def _histogram(dataset: Store, sheets: Sequence[Sheet]) -> plots.Histogram:
    dark, lit = (
        [sum(getattr(one, which)[i] for one in sheets) for i in range(BINS)]
        for which in ("dark", "lit")
    )
    if dataset.kind == "raw":  # what is black or below would tower over everything
        dark[0], lit[0] = 0, 0
        names = [f"−{stop}" if stop else "white" for stop in range(STOPS, -1, -2)]
    else:
        names = ["0", "0.25", "0.5", "0.75", "1"]
    return plots.histogram(dark, lit, names)


def _exposed(dataset: Store) -> list[plots.Exposed]:
    return [
        plots.Exposed(
            row["scene"], row["exposure_s"], row["ratio"], row["iso"], row["status"] != "quarantine"
        )
        for row in dataset.pairs.to_dict("records")
    ]


def _shift_map(dataset: Store) -> plots.ShiftMap | None:
    said = {f.pair: f.status for f in dataset.findings if f.check == "alignment" and f.pair}
    shifts = [
        plots.Shift(
            row["pair"], row["shift_y_px"], row["shift_x_px"], said.get(row["pair"], "pass")
        )
        for row in dataset.pairs.to_dict("records")
        if math.isfinite(row["shift_y_px"]) and math.isfinite(row["shift_x_px"])
    ]
    names = ("limits.shift_warn_px", "limits.shift_quarantine_px")
    limits = [stated(dataset, name, float) for name in names]
    return plots.shift_map(shifts, [limit for limit in limits if limit is not None and limit > 0])


def _card(dataset: Store, one: Sheet, verdict: Verdict | None) -> dict[str, Any]:
    pairs = dataset.pairs[dataset.pairs["scene"] == one.scene]
    status = dict(zip(pairs["pair"], pairs["status"], strict=True))
    return {
        "scene": one.scene,
        "split": str(pairs["split"].iloc[0]),
        "pairs": len(pairs),
        "verdict": verdict,
        "pictures": [
            {
                "title": p.title, "status": status.get(p.pair, ""), "width": p.width,
                "height": p.height, "uri": f"data:image/jpeg;base64,{_text(p.jpeg)}",
                "alt": f"{one.scene}: {p.title}",
            }
            for p in one.pictures
        ],
    }  # fmt: skip


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# ---- findings


def _findings(dataset: Store) -> dict[str, Any]:
    """Return the table of findings, the counts by audit and what each audit means."""
    ordered = sorted(
        dataset.findings, key=lambda f: (_ORDER.index(f.status), f.scene, f.check, f.pair)
    )
    counts, told, alike = tally(ordered), meanings(dataset.kind), defaultdict(list)
    for f in ordered:
        alike[replace(f, pair="")].append(f.pair)
    rows = [
        (f, _of(f, pairs), _number(f.measured), _number(f.limit))
        for f, pairs in list(alike.items())[:MOST_ROWS]
    ]
    return {
        "spoken": [row for row in rows if row[0].status != "pass"],
        "passed": [row for row in rows if row[0].status == "pass"],
        "untold": len(alike) - len(rows),
        "audits": [(check, counts[check], told.get(check, "")) for check in sorted(counts)],
        "order": _ORDER,
    }


def _of(finding: Finding, pairs: Sequence[str]) -> str:
    """Return what a finding is about: its pairs, its scene, or the lists beside the scenes."""
    return ", ".join(filter(None, pairs)) or finding.scene or "lists"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4g}".replace("-", "−")


# ---- the page


def _render(template: str, **context: Any) -> str:
    style = _source("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    environment = Environment(
        loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template(template)
    return page.render(style=Markup(style), policy=policy, **context)  # noqa: S704  # our own file


def _source(name: str) -> str:
    return (resources.files("lldata.outputs") / "templates" / name).read_text(encoding="utf-8")
