"""The documentation as pages of the site: a folder of Markdown files, in the site's frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markupsafe import Markup

from eval.documentation import markdown
from eval.documentation.index import INDEX, check_index
from eval.documentation.links import INTERFACE, PAGES, Links, page_name
from eval.documentation.markdown import Heading, Page
from eval.documentation.reference import reference
from eval.pages import page as framed
from lldata.errors import LowLightError

_FEW = 3  # headings that need no list of them


@dataclass(frozen=True)
class Shown:
    """What the template of a page shows."""

    title: str
    address: str  # beside the other pages
    text: Markup
    contents: tuple[Heading, ...]  # what to list at its head
    pages: tuple[tuple[str, str], ...]  # title and address of all, in the order of the index


def documentation(folder: Path) -> dict[str, bytes]:
    """Return what the site shows of a folder of Markdown pages, by address.

    Parameters
    ----------
    folder : its README.md is the front page of the documentation and leads to the others, its
        reference.md to the modules

    Raises
    ------
    LowLightError
        If it has no README.md, a page has no title or is not UTF-8, or a link leads nowhere.
    """
    pages = _read(folder)
    links = Links(folder.resolve(), pages)
    listed = tuple((pages[name].title, page_name(name)) for name in _in_order(pages))
    files = {f"{PAGES}/{at}": _page(shown) for at, shown in _shown(links, listed)}
    above = (pages[INTERFACE].title, page_name(INTERFACE)) if INTERFACE in pages else None
    return files | links.files | reference(links.modules, above)


def _read(folder: Path) -> dict[str, Page]:
    """Return the pages of a folder by file name."""
    check_index(folder)
    return {path.name: markdown.read(path, _text(path)) for path in sorted(folder.glob("*.md"))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except ValueError as error:
        raise LowLightError(
            path, "it is not UTF-8", "pages of documentation are", "Save it as UTF-8"
        ) from error


def _in_order(pages: dict[str, Page]) -> list[str]:
    """Return the pages, the index first, then in the order in which it names them."""
    named = [url for url in pages[INDEX].links() if url in pages]
    return list(dict.fromkeys([INDEX, *named, *pages]))


def _shown(links: Links, listed: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Shown]]:
    for name, page in links.pages.items():
        follow, picture = partial(links.follow, name), partial(links.picture, name)
        text = markdown.html(page, follow, picture)
        found = tuple(heading for heading in page.headings if heading.level == 2)
        contents = found if len(found) > _FEW else ()
        yield page_name(name), Shown(page.title, page_name(name), text, contents, listed)


def _page(shown: Shown) -> bytes:
    return framed.render("docs.html.j2", kind="docs", root="../", page=shown).encode()
