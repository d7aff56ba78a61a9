"""The pages of docs/: the index leads to all, every link leads somewhere, tables are the code's."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import pytest

from eval.documentation.pages import documentation
from lldata.store import home
from tests.benchmarks.audits_page import LIMITS, limit_names, page
from tests.payloads import Page
from tests.stores import night

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return documentation(DOCS)


def test_the_page_of_the_audits_is_what_docstrings_reports_and_protocols_say() -> None:
    assert (DOCS / "audits.md").read_text("utf-8") == page()


def test_the_examples_of_the_interface_run() -> None:
    night(home() / "canon6d_iso12600")
    text = (DOCS / "reference.md").read_text("utf-8")
    names: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.+?)^```", text, re.M | re.S):
        exec(example, names)  # noqa: S102
    (row,) = names["outcome"].record.rows
    assert {key: row.scores[key] for key in names["scores"]} == pytest.approx(names["scores"])


def test_every_limit_belongs_to_one_audit() -> None:
    homes = {limit: [a for a, starts in LIMITS.items() if limit.startswith(starts)]
             for limit in limit_names()}  # fmt: skip
    assert {limit: found for limit, found in homes.items() if len(found) != 1} == {}


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    assert [path.name for path in DOCS.glob("*.md") if f"({path.name})" not in index] == [
        "README.md"
    ]


def test_the_same_pages_give_the_same_bytes(files: dict[str, bytes]) -> None:
    assert documentation(DOCS) == files


def test_every_link_of_the_built_pages_leads_somewhere(files: dict[str, bytes]) -> None:
    pages = {at: Page(data.decode()) for at, data in files.items() if at.endswith(".html")}
    ids = {at: {value for name, value in page.attributes if name == "id"}
           for at, page in pages.items()}  # fmt: skip
    for at, shown in pages.items():
        for name, value in shown.attributes:
            if name in ("href", "src") and not str(value).startswith("https:"):
                path, _, anchor = str(value).partition("#")
                target = posixpath.normpath(f"{posixpath.dirname(at)}/{path}") if path else at
                assert target in {*files, "index.html", "feed.xml"}, (at, value)
                assert not anchor or anchor in ids[target], (at, value)
