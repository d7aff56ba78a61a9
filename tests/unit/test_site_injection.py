"""Nothing a record says becomes an element, an attribute, an address or a formula of the site."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from eval.site.build import build
from tests.payloads import PAYLOADS, Page, poisoned
from tests.records import write

TIME = "2026-01-05T12:00:00+00:00"


def rivals(text: str) -> list[object]:
    """Return two rivals of one track, so that it has a page that compares them."""
    return [poisoned(text), replace(poisoned(text), seed=1, created=TIME)]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a site of harmless texts, and one of a track for each payload."""
    folder = tmp_path_factory.mktemp("sites")
    texts = {"clean": ("plain", "plainer"), "dirty": PAYLOADS}
    for name, chosen in texts.items():
        records = [one for text in chosen for one in rivals(text)]
        build(write(folder / f"{name}-records", *records), folder / name)  # type: ignore[arg-type]
    return folder / "clean", folder / "dirty"


def shapes(site: Path, kind: str) -> set[tuple[object, ...]]:
    """Return the elements and attributes, in their order, that pages of a kind have."""
    pages = (Page(path.read_text("utf-8")) for path in (site / kind).glob("*.html"))
    return {(tuple(p.tags), tuple(name for name, _ in p.attributes)) for p in pages}


@pytest.mark.parametrize("kind", ["tracks", "compare", "methods", "entries"])
def test_pages_of_hostile_records_have_the_elements_of_harmless_ones(
    sites: tuple[Path, Path], kind: str
) -> None:
    clean, dirty = (shapes(site, kind) for site in sites)
    assert dirty - clean == set()
    assert len(list((sites[1] / kind).glob("*.html"))) >= len(PAYLOADS) >= 50


def links(site: Path) -> Iterator[tuple[Path, str]]:
    for path in site.rglob("*.html"):
        for name, value in Page(path.read_text("utf-8")).attributes:
            if name in ("href", "src", "action", "data", "srcset", "formaction"):
                yield path, value or ""


def test_every_link_of_hostile_records_leads_to_a_file_of_the_site(
    sites: tuple[Path, Path],
) -> None:
    for path, link in links(sites[1]):
        parts = urlsplit(link)
        assert not parts.scheme, link
        assert not parts.netloc, link
        target = (path.parent / parts.path).resolve() if parts.path else path
        assert target.is_file(), link
        assert target.is_relative_to(sites[1].resolve())


def test_no_handler_style_or_foreign_address_stands_in_any_page(sites: tuple[Path, Path]) -> None:
    for path in sites[1].rglob("*.html"):
        names = {name for name, _ in Page(path.read_text("utf-8")).attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"]


def test_feed_and_badges_of_hostile_records_are_plain_xml(sites: tuple[Path, Path]) -> None:
    feed = ElementTree.parse(sites[1] / "feed.xml").getroot()  # noqa: S314
    tags = {element.tag.partition("}")[2] for element in feed.iter()}
    assert tags == {"feed", "id", "title", "updated", "author", "name", "link", "entry", "summary"}
    for path in (sites[1] / "badges").glob("*.svg"):
        badge = ElementTree.parse(path).getroot()  # noqa: S314
        assert {e.tag.partition("}")[2] for e in badge.iter()} == {
            "svg", "title", "rect", "path", "g", "text",
        }  # fmt: skip


def test_no_cell_of_a_csv_is_a_formula_and_the_json_is_strict(sites: tuple[Path, Path]) -> None:
    for path in sites[1].rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line]
        assert not [cell for cell in cells if re.match(r"\s*[=@]", cell)]
    json.loads((sites[1] / "leaderboard.json").read_text("utf-8"), parse_constant=pytest.fail)


def test_no_brace_or_command_of_a_record_reaches_the_bibtex(sites: tuple[Path, Path]) -> None:
    text = (sites[1] / "leaderboard.bib").read_text("utf-8")
    assert text.count("{") == text.count("}")
    assert text.count("@misc{") == len(re.findall(r"^@misc\{", text, re.MULTILINE)) == len(PAYLOADS)
    assert not re.search(r"\\[^&%$#_]", text)
