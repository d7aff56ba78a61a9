"""Markdown as pages: what links become, which are refused, and that no text is an element."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from eval.documentation.pages import documentation
from eval.site.build import build
from lldata.errors import LowLightError
from tests.payloads import PAYLOADS, Page


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "source" / "docs"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Front\n\n[a](a.md)\n")
    (folder / "a.md").write_text("# A\n\n## Two words\n")
    (folder.parent / "LICENSE").write_text("free")
    return folder


def front(docs: Path, text: str) -> str:
    (docs / "README.md").write_text(f"# Front\n\n{text}\n", encoding="utf-8")
    return documentation(docs)["docs/index.html"].decode()


def links(page: str) -> list[str | None]:
    """Return where the links and pictures of a page's own text lead."""
    inside = page.partition('<article class="text">')[2].partition("</article>")[0]
    return [value for name, value in Page(inside).attributes if name in ("href", "src")]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("a.md", "a.html"),
        ("a.md#two-words", "a.html#two-words"),
        ("README.md", "index.html"),
        ("https://example.org/x?y#z", "https://example.org/x?y#z"),
    ],
)
def test_a_link_between_files_is_one_between_pages(docs: Path, url: str, address: str) -> None:
    assert links(front(docs, f"[it]({url})")) == [address]


@pytest.mark.parametrize(
    "url",
    ["b.md", "a.md#three", "../../x", "../none", "/etc/passwd", "//evil.example", "ftp://x/y"],
)
def test_a_link_that_leads_nowhere_is_refused_by_page_and_link(docs: Path, url: str) -> None:
    with pytest.raises(LowLightError) as caught:
        front(docs, f"[it]({url})")
    assert caught.value.where == f"{docs / 'README.md'}: link {url}"


def test_a_file_of_the_source_is_named_and_not_linked(docs: Path) -> None:
    page = front(docs, "See [the licence](../LICENSE).")
    assert links(page) == []
    assert "See the licence (LICENSE in the source)." in Page(page).text


def test_a_picture_is_copied_and_says_its_size(docs: Path) -> None:
    Image.new("RGB", (6, 4)).save(docs / "p.png")
    page = front(docs, "![six](p.png)")
    assert {("width", "6"), ("height", "4"), ("alt", "six")} <= set(Page(page).attributes)
    assert documentation(docs)["docs/p.png"] == (docs / "p.png").read_bytes()


@pytest.mark.parametrize("url", ["https://example.org/p.png", "../LICENSE", "a.md"])
def test_a_picture_from_elsewhere_or_of_no_picture_is_refused(docs: Path, url: str) -> None:
    with pytest.raises(LowLightError, match=r"README\.md: link"):
        front(docs, f"![x]({url})")


@pytest.mark.parametrize(
    "place", ["{}", "## {}", "| {} |\n|---|\n| {} |", "    {}", "`{}`", "- {}"]
)
def test_no_text_of_a_page_becomes_an_element(docs: Path, place: str) -> None:
    plain = Page(front(docs, place.replace("{}", "x")))
    for payload in PAYLOADS:
        line = " ".join(payload.split()).translate(str.maketrans("", "", "[`|"))
        shown = Page(front(docs, place.replace("{}", line)))
        assert set(shown.tags) <= {*plain.tags, "strong"}  # of __init__
        assert {name for name, _ in shown.attributes} == {name for name, _ in plain.attributes}


def test_headings_of_one_name_have_anchors_of_their_own(docs: Path) -> None:
    ids = [value for name, value in Page(front(docs, "## X\n\n## X\n\n## Content")).attributes
           if name == "id"]  # fmt: skip
    assert ids == ["content", "x", "x-1", "content-1"]


def test_a_table_scrolls_by_itself_and_numbers_stand_right(docs: Path) -> None:
    page = front(docs, "## T\n\n| a | b |\n|---|---:|\n| 1 | 2 |")
    assert '<div class="scroll" role="region" tabindex="0" aria-label="Table: T">' in page
    assert '<td class="number">2</td>' in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("content", "found"), [(b"text", "no title"), (b"", "no title"), (b"# T\xff", "not UTF-8")]
)
def test_a_page_without_a_title_or_of_no_text_is_refused(
    docs: Path, content: bytes, found: str
) -> None:
    (docs / "a.md").write_bytes(content)
    with pytest.raises(LowLightError, match=f"a.md: it .*{found}"):
        documentation(docs)


def test_a_folder_without_an_index_is_refused(docs: Path) -> None:
    (docs / "README.md").unlink()
    with pytest.raises(LowLightError, match=r"it has no README\.md"):
        documentation(docs)


def test_the_front_page_leads_to_the_documentation_where_there_is_one(
    docs: Path, tmp_path: Path
) -> None:
    for folder, said in ((docs, True), (None, False)):
        page = build([], tmp_path / "site", docs=folder).read_text("utf-8")
        assert ('<a href="docs/index.html">' in page) == said
        assert (tmp_path / "site/docs/a.html").is_file() == said


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("eval.documentation.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "markdown_it", None)


@pytest.mark.usefixtures("no_extra")
def test_a_missing_extra_is_named(docs: Path) -> None:
    with pytest.raises(LowLightError, match=r"pip install 'lowlight-toolkit\[docs\]'"):
        build([], docs / "site", docs=docs)


@pytest.mark.usefixtures("no_extra")
def test_a_wrong_folder_is_named_before_the_missing_extra(docs: Path) -> None:
    for wrong, found in (("none", "it is no folder"), ("..", "it has no README.md")):
        with pytest.raises(LowLightError, match=f"--docs .*{wrong}: {found}"):
            build([], docs / "site", docs=docs / wrong)
