"""Where links of the documentation lead: to a page, a file beside it, a module, or nowhere.

A link works alike in the folder, where a page is NAME.md, and on the site, where it is NAME.html.
One that leads nowhere is refused, by the page and the link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from PIL import Image

from eval.documentation.index import INDEX
from eval.documentation.markdown import Attributes, Page
from eval.documentation.modules import Module, module_of
from eval.documentation.reference import address
from lldata.errors import LowLightError

INTERFACE = "reference.md"
PAGES = "docs"
SCHEMES = ("https", "http", "mailto")


def page_name(file: str) -> str:
    """Return what the site calls a page's file, beside its other pages."""
    return "index.html" if file == INDEX else f"{file.removesuffix('.md')}.html"


@dataclass(frozen=True)
class Links:
    """What the pages of a folder lead to; gathers what the site must show for it."""

    folder: Path
    pages: dict[str, Page]  # by file name
    files: dict[str, bytes] = field(default_factory=dict)  # by address on the site
    modules: dict[str, Module] = field(default_factory=dict)  # by name

    def follow(self, page: str, url: str) -> str | None:
        """Return the address on the site that a link of a page stands for.

        None for a file of the source that the site does not show.

        Raises
        ------
        LowLightError
            If it leads nowhere, or to no place of the page it names.
        """
        parts = urlsplit(url)
        if parts.scheme in SCHEMES:
            return url
        path = self._file(page, url)
        if path.is_relative_to(self.folder):
            return self._beside(page, url, path)
        module = module_of(path, self.folder.parent)
        return None if module is None else self._module(page, url, module)

    def picture(self, page: str, url: str) -> Attributes:
        """Return source and size of a picture of a page.

        Raises
        ------
        LowLightError
            If it leads nowhere, to no picture, or out of the folder.
        """
        path = self._file(page, url)
        if not path.is_relative_to(self.folder):
            raise self._wrong(page, url, "it lies outside the folder", "pictures lie beside pages")
        try:
            with Image.open(BytesIO(path.read_bytes())) as found:
                width, height = found.size
        except OSError as error:
            wrong = self._wrong(page, url, "it is no picture", "pictures are PNG or JPEG files")
            raise wrong from error
        return {"src": self._copied(path), "width": width, "height": height, "loading": "lazy"}

    def _file(self, page: str, url: str) -> Path:
        """Return the file that a relative link leads to."""
        parts = urlsplit(url)
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            raise self._wrong(page, url, "it is not relative", "links are, or begin with https:")
        path = (self.folder / (unquote(parts.path) or page)).resolve()
        if not path.is_file() or not path.is_relative_to(self.folder.parent):
            raise self._wrong(page, url, "it leads to no file", "each link leads to one")
        return path

    def _beside(self, page: str, url: str, path: Path) -> str:
        """Return the address of a file of the folder."""
        fragment = urlsplit(url).fragment
        if path.parent != self.folder or path.name not in self.pages:
            return self._copied(path)
        if not fragment:
            return page_name(path.name)
        if fragment not in {heading.anchor for heading in self.pages[path.name].headings}:
            raise self._wrong(page, url, "that page has no such heading", "each link leads to one")
        return f"{'' if path.name == page else page_name(path.name)}#{fragment}"

    def _module(self, page: str, url: str, module: Module) -> str:
        """Return the address of a module of the packages, or of a name it offers."""
        self.modules.setdefault(module.name, module)
        name = urlsplit(url).fragment
        if not name:
            return f"../{address(module)}"
        if name not in module.members:
            raise self._wrong(page, url, "the module offers no such name", "each link leads to one")
        return f"../{address(module)}#{module.name}.{name}"

    def _copied(self, path: Path) -> str:
        name = path.relative_to(self.folder).as_posix()
        self.files[f"{PAGES}/{name}"] = path.read_bytes()
        return quote(name)

    def _wrong(self, page: str, url: str, found: str, expected: str) -> LowLightError:
        where = f"{self.folder / page}: link {url}"
        return LowLightError(where, found, expected, "Correct the link")
