"""A contact sheet: labelled pictures in rows under a title that says what they are of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from eval.studies.panels import Panel

_SIDE = 300  # px, of a panel's longer side
_GAP, _LINE, _TEXT = 10, 17, 13  # px
_GREY = (236, 236, 236)

Bytes = NDArray[np.uint8]


def drawn(title: Sequence[str], rows: Sequence[Sequence[Panel]]) -> Bytes:
    """Return the sheet, (H, W, 3) uint8.

    Parameters
    ----------
    title : its lines; the first is the largest
    rows : of panels; those without a picture show why
    """
    width, height = _cell(rows)
    columns = max(len(row) for row in rows)
    across = _GAP + columns * (width + _GAP)
    lines = [line for text in title for line in textwrap.wrap(text, max(across // 7, 30))]
    top = _GAP + _LINE * len(lines) + _GAP
    label = _LINE * max(len(_label(panel, width)) for row in rows for panel in row)
    sheet = Image.new("RGB", (across, top + len(rows) * (height + label + _GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    for number, line in enumerate(lines):
        pen.text((_GAP, _GAP + number * _LINE), line, "black", font)
    for y, row in enumerate(rows):
        for x, panel in enumerate(row):
            left, under = _GAP + x * (width + _GAP), top + y * (height + label + _GAP) + label
            for number, line in enumerate(reversed(_label(panel, width)), 1):
                pen.text((left, under - number * _LINE), line, "black", font)
            _put(sheet, panel, (left, under), (width, height))
    return np.asarray(sheet, np.uint8)


def _cell(rows: Sequence[Sequence[Panel]]) -> tuple[int, int]:
    """Return the width and height that the panels share."""
    sizes = [one.pixels.shape[:2] for row in rows for one in row if one.pixels is not None]
    heights, widths = zip(*sizes, strict=True) if sizes else ((_SIDE,), (_SIDE,))
    scale = _SIDE / max(*heights, *widths)
    return max(120, round(max(widths) * scale)), max(80, round(max(heights) * scale))


def _label(panel: Panel, width: int) -> list[str]:
    known = [panel.training, None if panel.mean is None else f"mean {panel.mean:.2f}"]
    said = "; ".join(text for text in known if text)
    text = f"{panel.label} ({said})" if said else panel.label
    return textwrap.wrap(text, max(width // 7, 16))


def _put(sheet: Image.Image, panel: Panel, place: tuple[int, int], size: tuple[int, int]) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    (left, under), (width, height) = place, size
    if panel.pixels is None:
        pen.rectangle((left, under, left + width, under + height), fill=_GREY)
        lines = textwrap.wrap(panel.missing or "", max(width // 7, 16))
        for number, line in enumerate(lines[: height // _LINE]):
            pen.text((left + 5, under + 5 + number * _LINE), line, "black", font)
        return
    scale = min(width / panel.pixels.shape[1], height / panel.pixels.shape[0])
    shape = [max(1, round(side * scale)) for side in panel.pixels.shape[1::-1]]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    small = cv2.resize(panel.pixels, shape, interpolation=method)
    sheet.paste(Image.fromarray(np.asarray(small, np.uint8)), (left, under))
