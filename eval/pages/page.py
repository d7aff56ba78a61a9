"""One HTML page as one file: template, style and script together, under a strict policy.

The templates lie in leaderboard/site. Style and script are part of the page and named in its
content security policy by their hashes, so text from a record can never run or restyle it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from lldata import publish
from lldata.console import to_json

DECIMALS = {"dB": 2}  # every other score: four significant digits, or four decimals below 1
NO_VALUE = "–"
_ENDS = re.compile(r"([_@,=/])")
Kind = Literal["report", "site", "docs"]

_MADE_OF: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {  # styles, scripts
    "report": (("style.css",), ("page.js",)),
    "site": (("style.css", "site.css"), ("page.js", "site.js")),
    "docs": (("style.css", "site.css", "docs.css"), ("page.js",)),
}


def render(template: str, *, kind: Kind = "report", **context: Any) -> str:
    """Return the page `template` (a file of leaderboard/site) with `context` filled in.

    The template gets `style`, `script` and `policy`, the content security policy that allows
    exactly these two, pictures inside the page or, of documentation, beside it, and nothing else.

    Parameters
    ----------
    template : file name
    kind : what the page is of; style and script of the site's know more
    """
    return fill(template, **_parts(kind), **context)


def pieces(template: str, **context: Any) -> Iterator[str]:
    """Yield the text of a report's page, as `render`, while it is filled in."""
    yield from _environment().get_template(template).generate(**_parts("report"), **context)


def fill(template: str, **context: Any) -> str:
    """Return a file of leaderboard/site with `context` filled in, every text of it escaped."""
    return _environment().get_template(template).render(**context)


@functools.cache
def _parts(kind: Kind) -> dict[str, Any]:
    """Return style and script of a page, and the policy that allows them."""
    style, script = ("".join(map(_source, names)) for names in _MADE_OF[kind])
    beside = "'self' " if kind == "docs" else ""
    policy = (
        f"default-src 'none'; img-src {beside}data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704


def write(path: Path, text: Iterable[str]) -> None:
    """Write the pieces of a page, replacing an older one in one step."""
    publish.write_replacing(path, map(str.encode, text))


@functools.cache  # a site of a thousand pages compiles its templates once
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        score=score,
        plain=plain,
        ratio=ratio,
        count=count,
        big=big,
        seconds=seconds,
        size=size,
        json_data=json_data,
        inside_script=inside_script,
        breakable=breakable,
    )
    return environment


def _source(name: str) -> str:
    return (resources.files("leaderboard") / "site" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def score(value: float | None, unit: str = "") -> str:
    """Return a score as it is printed: two decimals for dB, else about four digits."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if unit in DECIMALS:
        text = f"{value:.{DECIMALS[unit]}f}"
    else:
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        text = f"{value:.{max(4 - whole, 0)}f}"
    return text.replace("-", "−")


def ends(interval: tuple[float, float] | None, unit: str = "") -> str | None:
    """Return the ends of an interval as scores are printed, None without one."""
    return None if interval is None else " to ".join(score(end, unit) for end in interval)


def plain(value: float | None) -> str:
    """Return a number in digits, never with an exponent: whole ones exactly, others to six.

    Six decimals below 1, six digits above.
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if value == int(value):
        return str(int(value))
    small = abs(value) < 1
    return np.format_float_positional(value, 6, unique=False, fractional=small, trim="-")


def ratio(value: float | None) -> str:
    """Return an exposure ratio: computed from exposure times, it is known to three digits."""
    return NO_VALUE if value is None else plain(float(f"{value:.3g}"))


def count(value: float | None) -> str:
    """Return a whole number with thin spaces between the thousands."""
    return NO_VALUE if value is None else f"{round(value):,}".replace(",", "\u202f")


def big(value: float | None) -> str:
    """Return a large number with k, M, G, T or P, three digits."""
    if value is None:
        return NO_VALUE
    power = 0 if value < 1000 else min(int(math.log10(value) + 1e-12) // 3, 5)
    return f"{value / 1000**power:.3g} {' kMGTP'[power]}".rstrip()


def seconds(value: float | None) -> str:
    """Return a duration in ms, s or min, three digits."""
    if value is None:
        return NO_VALUE
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"


def size(value: float | None) -> str:
    """Return a number of bytes in MB or GB (powers of ten)."""
    if value is None:
        return NO_VALUE
    return f"{value / 1e9:.3g} GB" if value >= 1e9 else f"{value / 1e6:.3g} MB"


def breakable(text: str) -> Markup:
    """Return a name that a narrow place breaks where its words end."""
    return Markup(_ENDS.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704


def json_data(value: Any) -> Markup:
    """Return strict JSON that is safe inside a script element."""
    return inside_script(to_json(value))


def inside_script(text: str) -> Markup:
    r"""Return JSON, or a piece of it, safe inside a script element: `<`, `>` and `&` as \uXXXX.

    A file with these letters and one with the others say the same.
    """
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704
