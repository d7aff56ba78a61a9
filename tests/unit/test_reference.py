"""The Python interface as pages: which names are shown and how; no docstring is an element."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.documentation.docstrings import sections
from eval.documentation.pages import documentation
from lldata.errors import LowLightError
from tests.payloads import PAYLOADS, Page

MODULE = '''
"""What the module is."""
from lldata.other import Thing
from typing import Literal

Kind = Literal["a", "b"]
LIMIT = 3

class Jam(Exception): """It sticks."""

class Box:
    """A box.

    Parameters
    ----------
    size : metres, default 3
    """

    width: float  # metres
    _inner: int

    def __init__(self, size: int = 3, *, kind: Kind = "a") -> None: ...
    def open(self, thing: Thing) -> None:
        """Open it.

        Raises
        ------
        Jam
            If it cannot be.
        OSError
            Whatever else.
        """

    def _shut(self) -> None: ...

def _private() -> Box: ...
def make(*parts: str, **options: object) -> Box: """Make a box."""
def mend(box: Box, /, again: bool, *, how: str) -> None: ...
'''


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (tmp_path / "lldata").mkdir()
    folder.mkdir()
    (tmp_path / "lldata/x.py").write_text(MODULE)
    (tmp_path / "lldata/__init__.py").write_text(
        'from lldata.x import make\n__all__ = ["make"]\ndef other() -> None: ...\n'
    )
    return folder


def shown(docs: Path, *links: str) -> dict[str, str]:
    """Return the pages of documentation whose index has these links."""
    text = "\n\n".join(["# Front", *(f"[it]({link})" for link in links)])
    (docs / "README.md").write_text(text)
    return {at: data.decode() for at, data in documentation(docs).items()}


def codes(page: str) -> list[str]:
    """Return what stands in the blocks of code."""
    return [
        Page(part.partition("</pre>")[0]).text for part in page.split('<pre class="signature">')[1:]
    ]


def test_a_linked_module_gets_a_page_of_its_public_names(docs: Path) -> None:
    pages = shown(docs, "../lldata/x.py", "../lldata/x.py#Box")
    assert '<a href="../api/lldata.x.html#lldata.x.Box">' in pages["docs/index.html"]
    assert codes(pages["api/lldata.x.html"]) == [
        "Kind = Literal['a', 'b']",
        "class Jam(Exception)",
        "class Box(size: int = 3, *, kind: Kind = 'a')",
        "open(thing: Thing) -> None",
        "make(*parts: str, **options: object) -> Box",
        "mend(box: Box, /, again: bool, *, how: str) -> None",
    ]
    ids = {value for name, value in Page(pages["api/lldata.x.html"]).attributes if name == "id"}
    assert ids == {
        "content",
        *(f"lldata.x.{name}" for name in ("Kind", "Jam", "Box", "Box.open", "make", "mend")),
    }


def test_fields_parameters_and_types_say_what_they_are(docs: Path) -> None:
    page = shown(docs, "../lldata/x.py")["api/lldata.x.html"]
    assert "<dt><code>width: float</code></dt>\n<dd><p>metres</p></dd>" in page
    assert "<dt><code>size</code></dt>\n<dd><p>metres, default 3</p>" in page
    assert '<a href="lldata.x.html#lldata.x.Box">Box</a>' in page
    assert '<dt><code><a href="lldata.x.html#lldata.x.Jam">Jam</a></code></dt>' in page
    assert "<dt><code>OSError</code></dt>" in page


def test_a_module_that_says_what_it_exports_shows_just_that(docs: Path) -> None:
    pages = shown(docs, "../lldata/__init__.py")
    assert codes(pages["api/lldata.html"]) == ["make(*parts: str, **options: object) -> Box"]


@pytest.mark.parametrize("name", ["none", "_private", "LIMIT"])
def test_a_link_to_a_name_that_a_module_does_not_offer_is_refused(docs: Path, name: str) -> None:
    with pytest.raises(LowLightError, match="the module offers no such name"):
        shown(docs, f"../lldata/x.py#{name}")


def test_no_docstring_comment_or_default_becomes_an_element(docs: Path) -> None:
    plain = Page(shown(docs, "../lldata/x.py")["api/lldata.x.html"])
    for payload in PAYLOADS:
        line = " ".join(payload.replace("\x00", "").split()).replace("`", "")
        quoted = line.replace("\\", "").replace('"', "'")
        (docs.parent / "lldata/x.py").write_text(
            MODULE.replace("A box.", quoted)
            .replace("metres", quoted)
            .replace('"a"', f'"""{quoted} """')
        )
        page = Page(shown(docs, "../lldata/x.py")["api/lldata.x.html"])
        assert set(page.tags) <= {*plain.tags}
        assert {name for name, _ in page.attributes} == {name for name, _ in plain.attributes}


def test_a_docstring_is_taken_apart_as_numpydoc_and_plain_text_stays_plain() -> None:
    first, parameters, rest, returns = sections(
        "Give a*b*c of <x>.\n\n    y = x\n\nParameters\n----------\na, b : (H, W), in [0, 1];\n"
        "    more\nc : optional\n\nSource: a paper, eq. 1.\n\nReturns\n-------\n(3,) float32\n"
    )
    assert first.text == (
        '<p>Give a*b*c of &lt;x&gt;.</p>\n<pre tabindex="0"><code>y = x</code></pre>\n'
    )
    assert [(name, Page(text).text.strip()) for name, text in parameters.items] == [
        ("a, b", "(H, W), in [0, 1];\nmore"),
        ("c", "optional"),
    ]
    assert (rest.title, rest.text) == ("", "<p>Source: a paper, eq. 1.</p>\n")
    assert (returns.title, returns.text) == ("Returns", "<p>(3,) float32</p>\n")
