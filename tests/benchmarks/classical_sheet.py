"""Make one picture of what every classical method makes of some pictures, to be looked at.

    python -m tests.benchmarks.classical_sheet SHEET.jpg SOURCE...

A SOURCE is DATASET:PAIR of an ingested dataset, whose RAW frames are shown as they are and
amplified by their ratio, or an image file. With @Y,X a crop starts at that row and column, else it
lies in the middle. Methods see the whole picture; crops are shown pixel by pixel.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from baselines import method
from eval.images import rgb
from eval.metrics.pixels import to_uint8
from lldata.sample import Sample, read_sample
from lldata.store import open_store
from tests.benchmarks.classical_records import OPTIONS, classical

Bytes = NDArray[np.uint8]  # (H, W, 3)

SIDE = 192  # pixels of a crop
GAP, LABEL = 4, 16
QUALITY = 85  # JPEG


@dataclass(frozen=True)
class Column:
    """One picture that every method is given."""

    title: str
    sample: Sample
    corner: tuple[int, int] | None  # row and column of the crop

    def cropped(self, planes: NDArray[np.float32]) -> Bytes:
        """Return the crop of a result (3, H, W), at most SIDE on each side."""
        sides = planes.shape[1:]
        top, left = self.corner or [max(0, (side - SIDE) // 2) for side in sides]
        return to_uint8(planes[:, top : top + SIDE, left : left + SIDE].transpose(1, 2, 0))


def columns(source: str) -> Iterator[Column]:
    """Yield the pictures a source stands for."""
    place, _, at = source.partition("@")
    corner = tuple(int(part) for part in at.split(",")) if at else None
    name, colon, pair = place.partition(":")
    if not colon:
        picture = rgb(Path(place))
        srgb = np.ascontiguousarray(picture.transpose(2, 0, 1)) / np.iinfo(picture.dtype).max
        stem = Path(place).stem
        yield Column(stem, Sample(stem, float("nan"), srgb=srgb.astype(np.float32)), corner)
        return
    store = open_store(name)
    for picture in ("short", "amplified") if store.kind == "raw" else ("short",):
        sample = read_sample(store, pair, picture=picture, reference=True)
        title = f"{store.name}, {picture}" if store.kind == "raw" else store.name
        yield Column(title, sample, corner)


def shown(name: str, column: Column) -> Bytes | None:
    """Return what a method makes of a picture; None if it needs a reference that is not known."""
    if method.info(name).oracle and column.sample.reference is None:
        return None
    options = OPTIONS.get(name, [{}])[0]
    return column.cropped(method.build(name, **options)(column.sample))


def rows(given: Sequence[Column]) -> Iterator[tuple[str, list[Bytes | None]]]:
    """Yield the name and the crops of each row: what is given, the reference, then every method."""
    inputs = [one.sample.srgb for one in given]
    yield "given", [None if p is None else c.cropped(p) for p, c in zip(inputs, given, strict=True)]
    references = [one.sample.reference for one in given]
    yield "reference", [None if p is None else c.cropped(p)
                     for p, c in zip(references, given, strict=True)]  # fmt: skip
    for name in classical():
        oracle = " (oracle)" if method.info(name).oracle else ""
        yield name + oracle, [shown(name, column) for column in given]


def sheet(found: Sequence[tuple[str, list[Bytes | None]]], titles: Sequence[str]) -> Image.Image:
    """Return the picture: rows in two halves beside one another, titles above their columns."""
    half = -(-len(found) // 2)
    width, height = len(titles) * (SIDE + GAP) + 3 * GAP, SIDE + LABEL + GAP
    page = Image.new("RGB", (2 * width, LABEL + half * height), "white")
    draw = ImageDraw.Draw(page)
    for number, (name, crops) in enumerate(found):
        left, top = number // half * width, LABEL + number % half * height
        draw.text((left + GAP, top), name, "black")
        for place, (title, crop) in enumerate(zip(titles, crops, strict=True)):
            corner = left + GAP + place * (SIDE + GAP)
            if top == LABEL:
                draw.text((corner, 0), title, "black")
            if crop is None:
                draw.text((corner + GAP, top + height // 2), "no reference", "black")
            else:
                page.paste(Image.fromarray(crop), (corner, top + LABEL))
    return page


def main() -> None:
    """Run every method on every source and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheet", type=Path, help="picture to write, .jpg or .png")
    parser.add_argument("sources", nargs="+", help="DATASET:PAIR or an image file, and @Y,X")
    asked = parser.parse_args()
    given = [column for source in asked.sources for column in columns(source)]
    page = sheet(list(rows(given)), [column.title for column in given])
    page.save(asked.sheet, quality=QUALITY)


if __name__ == "__main__":
    main()
