"""Markdown as HTML in which nothing of the author's becomes an element but what Markdown has.

Raw HTML shows as text. A table lies in a box that scrolls by itself and has a caption; a heading
has the anchor that GitHub gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from lldata.errors import LowLightError

Attributes = dict[str, str | int | float]
Link = Callable[[str], str | None]  # None: no page of the site shows it
Picture = Callable[[str], Attributes]

_TAKEN = {"content"}  # ids of the frame around a page
_SOME, _LONG = 14, 50  # letters of a cell that must not become a narrow column


@dataclass(frozen=True)
class Heading:
    """A heading of a page and what an address names it."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Page:
    """A page as it was read; its title stands in no token."""

    title: str
    headings: tuple[Heading, ...]
    tokens: tuple[Token, ...]

    def links(self) -> Iterator[str]:
        """Yield where its links lead, as written."""
        for token in _inline(self.tokens):
            if token.type == "link_open":
                yield str(token.attrs["href"])


def read(where: object, text: str) -> Page:
    """Return a page of Markdown, its headings and tables named.

    Raises
    ------
    LowLightError
        If it does not begin with a title.
    """
    tokens = _parser().parse(text)
    if [token.tag for token in tokens[:1]] != ["h1"]:
        raise LowLightError(
            where, "it has no title", "a page begins with one", "Begin it with a line: # TITLE"
        )
    headings = _name_headings(tokens)
    _prepare_tables(tokens, headings[0].text)
    return Page(headings[0].text, headings[1:], tuple(tokens[3:]))


def html(page: Page, link: Link, picture: Picture) -> Markup:
    """Return what a page says below its title.

    Parameters
    ----------
    page : as `read`
    link : gives the address that stands for one that is written, None for none
    picture : gives the attributes of a picture that is written
    """
    for token in page.tokens:
        token.children = list(_followed(token.children or (), link, picture))
    parser = _parser()
    return Markup(parser.renderer.render(page.tokens, parser.options, {}))  # noqa: S704


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for rule in (table_open, table_close, heading_close, image):
        parser.add_render_rule(rule.__name__, rule)
    for name in ("code_block", "fence"):
        parser.add_render_rule(name, code)
    return parser


def _inline(tokens: Sequence[Token]) -> Iterator[Token]:
    return (child for token in tokens for child in token.children or ())


def _plain(token: Token) -> str:
    """Return the text of a heading as it shows."""
    return "".join(child.content for child in token.children or ())


def _name_headings(tokens: Sequence[Token]) -> tuple[Heading, ...]:
    """Give headings the anchors that GitHub gives them."""
    found, taken = [], set(_TAKEN)
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            text = _plain(inside)
            plain = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") or "part"
            names = (f"{plain}-{n}" if n else plain for n in range(len(taken) + 1))
            anchor = next(name for name in names if name not in taken)
            taken.add(anchor)
            token.attrSet("id", anchor)
            found.append(Heading(int(token.tag[1:]), anchor, text))
    return tuple(found)


def _prepare_tables(tokens: Sequence[Token], title: str) -> None:
    """Name each table after the heading above it; say what is a head and what a number."""
    above, count = title, 0
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            above, count = _plain(token), 0
        if token.type == "table_open":
            count += 1
            token.meta["caption"] = f"{above}, table {count}" if count > 1 else above
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if "right" in str(token.attrs.pop("style", "")):  # a style's attribute the policy forbids
            token.attrSet("class", "number")
        if before.type == "td_open" and len(token.content) > _SOME:
            before.attrSet("class", "long" if len(token.content) > _LONG else "some")


def _followed(tokens: Sequence[Token], link: Link, picture: Picture) -> Iterator[Token]:
    """Yield the tokens of a line with its links followed; what leads nowhere becomes text."""
    written, text = "", ""  # of a link that no page stands for
    for token in tokens:
        if token.type == "image":
            token.attrs.update(picture(str(token.attrs["src"])))
        if token.type == "link_open":
            address = link(str(token.attrs["href"]))
            written = "" if address else str(token.attrs["href"]).lstrip("./")
            token.attrs["href"] = address or ""
        if written and token.type == "link_close":
            said = "in the source" if written == text else f"{written} in the source"
            yield Token("text", "", 0, content=f" ({said})")
            written = ""
        elif not written or token.type != "link_open":
            yield token
        text = token.content


def table_open(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """Return the box of a table, reached and scrolled by keyboard, and its caption."""
    caption = escape(tokens[at].meta["caption"])
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="Table: {caption}">\n'
        f'<table>\n<caption><span class="unseen">{caption}</span></caption>\n'
    )


def table_close(*_: Any) -> str:
    """Return the end of a table and its box."""
    return "</table>\n</div>\n"


def heading_close(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """Return the end of a heading: a link to itself."""
    anchor, text = escape(str(tokens[at - 2].attrs["id"])), escape(_plain(tokens[at - 1]))
    link = f'<a class="anchor" href="#{anchor}" aria-label="Link to {text}">#</a>'
    return f" {link}</{tokens[at].tag}>\n"


def image(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """Return a picture, a link to itself at full size."""
    shown = renderer.image(tokens, at, options, env)
    if at and tokens[at - 1].type == "link_open":
        return str(shown)
    return f'<a class="picture" href="{escape(str(tokens[at].attrs["src"]))}">{shown}</a>'


def code(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """Return lines of code, reached and scrolled by keyboard."""
    return f'<pre tabindex="0"><code>{escape(tokens[at].content.rstrip())}</code></pre>\n'
