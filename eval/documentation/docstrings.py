"""Docstrings as pages show them: sections of numpydoc, the text as plain Markdown without HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markupsafe import Markup

from eval.documentation.markdown import code

_HEAD = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.M)
_LISTS = ("Parameters", "Other Parameters", "Attributes", "Raises", "Warns")


class Section(NamedTuple):
    """A part of a docstring: text, or what is said of each of several names."""

    title: str  # "" for the text before all
    text: Markup
    items: tuple[tuple[str, Markup], ...] = ()


def sections(docstring: str) -> list[Section]:
    """Return the sections of a docstring, numpydoc as in this toolkit.

    An entry of Parameters is `name : what it is`; what an exception means stands below it. A
    paragraph that follows a section's entries at the margin belongs to none of them: it becomes a
    section without a title.
    """
    first, *parts = _HEAD.split(docstring)
    found = [Section("", text(first))] if first.strip() else []
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        if title in _LISTS:
            entries, rest = _parted(body.strip("\n"))
            found.append(Section(title, Markup(), tuple(map(_entry, entries))))
            found += [Section("", text(rest))] if rest else []
        else:
            found.append(Section(title, text(body)))
    return found


def text(source: str) -> Markup:
    """Return paragraphs, lists and code of a docstring as HTML; all else is as it is written."""
    parser = MarkdownIt("zero").enable(["backticks", "code", "fence", "list"])
    for name in ("code_block", "fence"):
        parser.add_render_rule(name, code)
    return Markup(parser.render(source.strip("\n")))  # noqa: S704


def _parted(body: str) -> tuple[list[list[str]], str]:
    """Return the entries of a section, each by lines, and what follows them."""
    entries: list[list[str]] = []
    lines = body.splitlines()
    for at, line in enumerate(lines):
        if line[:1].strip():
            if at and not lines[at - 1] and not _begins_entry(line):
                return entries, "\n".join(lines[at:])
            entries.append([line])
        elif entries:
            entries[-1].append(line)
    return entries, ""


def _begins_entry(line: str) -> bool:
    return bool(re.match(r"^[*\w., ]+ : |^[\w.]+$", line))


def _entry(lines: Sequence[str]) -> tuple[str, Markup]:
    name, _, said = lines[0].partition(" : ")
    return name, text("\n".join(_dedented([said, *lines[1:]])))


def _dedented(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of an entry without the indent that belongs to it."""
    return (line.removeprefix("    ") for line in lines)
