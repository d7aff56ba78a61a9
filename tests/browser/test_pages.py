"""Every kind of page in a real browser: scripts, no scripts, narrow, hostile, and nothing fetched.

Accessibility is checked by axe-core (tests/browser/axe, MPL-2.0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.report import write_report
from eval.site.build import build
from tests.payloads import PAYLOADS, poisoned
from tests.records import classical, record, rows, write, write_pictures
from tests.unit.test_site_robustness import written

KINDS = ("front", "tracks", "compare", "entries", "methods", "reported", "docs", "api", "report")
DOCS = Path(__file__).resolve().parents[2] / "docs"
AXE = Path(__file__).parent / "axe" / "axe.min.js"
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # rules that a dark page may break alone
Open = Callable[..., Any]


def kinds(site: Path, report: Path) -> dict[str, Path]:
    """Return one page of each kind."""
    folders = {kind: next((site / kind).glob("*.html")) for kind in KINDS[1:-1]}
    return {"front": site / "index.html", **folders, "report": report}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    path = record().write(folder / "run" / "record.json")
    write_pictures(path.parent, record(), size=60)
    others = write(
        folder / "records",
        classical("amplify", 22.4),
        classical("bm3d", 29.6, rows=rows(29.6, seed=3), timing={"median_s": 12.0}),
        classical("scaled", 33.0, reference_use="mean"),
        record(rows(28.0), label="sid_sony", trained_on=("sid_sony/train",)),
        record(rows()[:4], method="clahe", partial=True),
        record(rows(27.0), track="sid_sony.test", dataset="sid_sony", label="sid_sony",
               trained_on=("sid_sony/train",)),
        record(rows(24.0), track="sid_sony.test", dataset="sid_sony"),
    )  # fmt: skip
    swept = written(folder / "sweeps", record(), 0.5)
    build([path, *others], folder / "site", ["canon6d_iso12600"], [swept], DOCS)
    found = kinds(folder / "site", write_report(record(), path.parent))
    (own,) = (folder / "site/entries").glob("canon*sid--canon*")
    return {**found, "entries": own, "methods": folder / "site/methods/sid.html",
            "docs": folder / "site/docs/metrics.html", "api": folder / "site/api/lldata.store.html",
            "tracks": next((folder / "site/tracks").glob("canon*.html"))}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    bad = poisoned(" ".join(PAYLOADS))
    (folder / "docs").mkdir()
    texts = [text.replace("\r", "").replace("`", "") for text in PAYLOADS]
    texts.append("[x](../lldata/x.py)")
    (folder / "docs/README.md").write_text("\n\n".join(["# Title", *texts]), encoding="utf-8")
    (folder / "lldata").mkdir()
    said = "".join(f"def f{n}(a: str = {text!r}) -> int:\n    {text!r}\n"
                   for n, text in enumerate(PAYLOADS))  # fmt: skip
    (folder / "lldata/x.py").write_text(said, encoding="utf-8")
    records = write(folder / "records", bad, replace(bad, seed=1))
    build(records, folder / "site", docs=folder / "docs")
    return kinds(folder / "site", write_report(bad, folder / "run"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_shows_every_page_without_scrolling_sideways(
    opened: Open, pages: dict[str, Path], hostile: dict[str, Path], kind: str
) -> None:
    for one in (pages, hostile):
        page = opened(one[kind], viewport={"width": 390, "height": 844}, is_mobile=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("h1").is_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_record_runs_or_becomes_an_element(
    opened: Open, hostile: dict[str, Path], kind: str
) -> None:
    page = opened(hostile[kind])
    page.wait_for_timeout(50)
    assert page.evaluate("document.documentElement.className") == "js"
    assert page.locator("iframe, object, embed, base, meta[http-equiv=refresh]").count() == 0
    assert page.locator("body script:not([type])").count() == 1
    assert page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
        ".filter(a => /^on|^style$|^srcdoc$/.test(a.name)"
        " || /^(href|src|action)$/.test(a.name) && /^[^a-z#.]|^[a-z]+:(?!image)/i.test(a.value))"
        ".filter(a => !a.value.startsWith('--cut')).map(a => a.name + '=' + a.value)"
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "options"), [("light", {}), ("dark", {"runOnly": OF_COLOURS})], ids=["light", "dark"]
)
def test_axe_finds_nothing_to_mend_on_any_page(
    opened: Open, pages: dict[str, Path], scheme: str, options: dict[str, Any]
) -> None:
    axe = AXE.read_text(encoding="utf-8")
    told = "options => axe.run(options).then(r => r.violations.map(v => [v.id, v.nodes[0].html]))"
    page = opened(pages[KINDS[0]], color_scheme=scheme)
    for kind in KINDS:
        page.goto(pages[kind].as_uri())
        page.evaluate(axe)
        assert page.evaluate(told, options) == [], kind


@pytest.mark.parametrize("kind", KINDS)
def test_tables_have_captions_headings_a_scope_and_every_id_is_unique(
    opened: Open, pages: dict[str, Path], kind: str
) -> None:
    page = opened(pages[kind], java_script_enabled=False)
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    ids = page.locator("[id]").evaluate_all("elements => elements.map(each => each.id)")
    assert len(ids) == len(set(ids))


def test_dark_and_light_follow_the_system(opened: Open, pages: dict[str, Path]) -> None:
    shades = [
        opened(pages["tracks"], color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert shades == ["rgb(250, 249, 246)", "rgb(18, 19, 23)"]
