"""What a method gets: one pair, as linear packed planes or a rendered picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lldata import cfa
from lldata.cfa import Scalar
from lldata.errors import StoreError
from lldata.frame import Frame
from lldata.render import render
from lldata.scene import Picture
from lldata.store import Store
from lldata.synthesis.retinex import Drawn

_BAND = 64  # rows converted at a time: the processor's cache holds them


@dataclass(frozen=True, eq=False)
class Sample:
    """One pair. Raw methods read `packed`, picture methods `srgb`, clip methods `clip`."""

    pair: str  # SCENE/SHORT
    ratio: float  # exposure ratio long over short, not capped; NaN of ready pictures
    frame: Frame | None = None  # the short frame; None of ready pictures
    packed: NDArray[np.float32] | None = None  # (C, h, w) linear, (DN - black)/(white - black)
    srgb: NDArray[np.float32] | None = None  # (3, H, W) in [0, 1]
    clip: Iterator[NDArray[np.float32]] | None = None
    reference: NDArray[np.float32] | None = None  # (3, H, W); withheld from blind methods
    drawn: Drawn | None = None  # how a photograph was darkened; withheld as the reference is


def sample_of_frame(
    frame: Frame, pair: str, ratio: float, *, picture: Literal["short", "amplified"] | None = None
) -> Sample:
    """Make a sample of one short frame, with the picture a method of domain srgb asks for."""
    srgb = None
    if picture is not None:
        gain = ratio if picture == "amplified" else 1.0
        srgb = planes_first(render(frame, gain=gain))
    return Sample(pair, ratio, frame, cfa.normalise(frame), srgb)


def read_sample(
    store: Store,
    pair: str,
    *,
    picture: Literal["short", "amplified"] | None = None,
    reference: bool = False,
    degradation: bool = False,
) -> Sample:
    """Read one pair of a store, whole frames.

    Parameters
    ----------
    pair : its id, SCENE/SHORT
    picture : which render of the short to give in `srgb`: as it is, or amplified by the ratio;
        a dataset of ready pictures always gives its dark one
    reference : whether to give the reference (methods that declare a reference_use only)
    degradation : whether to give how the photograph was darkened, in `drawn` (methods of
        reference_use "degradation" only)

    Raises
    ------
    StoreError
        If the store has no such pair, or holds clips, or `degradation` is asked of a picture that
        nothing darkened.
    """
    if store.kind == "clips":
        raise StoreError(
            f"{store.name}: pair {pair}", "it is one of unpaired clips",
            "a short frame or a dark picture is needed",
            "Read it with lldata.clip_sample.read_clip_sample",
        )  # fmt: skip
    row = pair_row(store, pair)
    drawn = read_drawn(store, row) if degradation else None
    if store.kind == "pictures":
        low, _ = store.picture(row.scene, row.short, "low")
        sample = Sample(pair, math.nan, srgb=planes_first(low))
    else:
        frame = store.frame(row.scene, row.short)
        sample = sample_of_frame(frame, pair, row.ratio, picture=picture)
    known = read_reference(store, row) if reference else None
    return replace(sample, reference=known, drawn=drawn)


def pair_row(store: Store, pair: str) -> Any:
    """Return the row of the pair table, a named tuple of its columns."""
    rows = store.pairs[store.pairs["pair"] == pair]
    if len(rows) != 1:
        raise StoreError(
            f"{store.name}: pair {pair}",
            "there is none of that id",
            f"the dataset has {len(store.pairs)} pairs",
            f"Look them up: lldata show {store.name}",
        )
    return next(rows.itertuples(index=False))


def read_drawn(store: Store, row: Any) -> Drawn:
    """Return how the dark picture of a row of the pair table was made, reading no pixels.

    Raises
    ------
    StoreError
        If it was not made by darkening a photograph, or the file does not say how.
    """
    facts: dict[str, Any] = {}
    if store.kind == "pictures":
        facts = store.picture(row.scene, row.short, "low", (slice(0, 0), slice(0, 0)))[1]
    try:
        values = [float(facts[key]) for key in ("alpha", "gamma", "noise_sigma")]
        generator = facts["generator"]
    except (KeyError, TypeError, ValueError):
        generator, values = None, []
    if generator not in ("retinex", "gamma") or not all(map(math.isfinite, values)):
        raise StoreError(
            f"{store.name}: pair {row.pair}", "the store does not say how it was darkened",
            "generator, alpha, gamma and noise_sigma of a synthesised picture are needed",
            "Use a dataset made by lldata synthesize, or a method that does not look at them",
        )  # fmt: skip
    return Drawn(generator, *values)


def read_reference(store: Store, row: Any) -> NDArray[np.float32]:
    """Return the reference of a row of the pair table, (3, H, W) float32 in [0, 1]."""
    return planes_first(reference_picture(store, row))


def reference_picture(store: Store, row: Any, window: tuple[slice, slice] | None = None) -> Picture:
    """Return the reference of a row of the pair table as stored, (H, W, 3) uint8 or uint16."""
    if store.kind == "pictures":
        return store.picture(row.scene, row.reference, "normal", window)[0]
    return store.reference(row.scene, row.reference, window)


class Mosaic(NamedTuple):
    """What a crop needs of a frame besides its pixels."""

    cfa: str
    black_level: tuple[float, ...]  # DN, of R, G, B, G
    white_level: int  # DN
    shape: tuple[int, int]

    @property
    def packed_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of its packed planes."""
        return cfa.packed_shape(self.cfa, self.shape)


def read_mosaic(store: Store, row: Any, kind: Literal["short", "long"] = "short") -> Mosaic:
    """Return the levels and the size of the short or long of a row, reading no pixels."""
    name = getattr(row, kind)
    frame = store.frame(row.scene, name, kind, window=(slice(0, 0), slice(0, 0)))
    shape = store.shape(row.scene, name, kind)
    return Mosaic(frame.cfa, frame.black_level, frame.white_level, shape)


def packed_shape(store: Store, row: Any) -> tuple[int, int, int]:
    """Return (C, h, w) of the packed short of a row of the pair table, reading no pixels."""
    return read_mosaic(store, row).packed_shape


def read_crop(
    store: Store,
    row: Any,
    y: int,
    x: int,
    size: int,
    known: Mosaic | None = None,
    kind: Literal["short", "long"] = "short",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read a crop of one pair: nothing but the chunks under it.

    Parameters
    ----------
    row : a row of the pair table
    y, x, size : top, left and side of the crop, packed pixels; at most the packed frame
    known : `read_mosaic` of the row, where it is at hand
    kind : which frame is packed

    Returns
    -------
    packed (C, size, size) float32 linear, not amplified, not clipped; reference
    (3, scale*size, scale*size) float32 in [0, 1], where scale is 2 for Bayer and 3 for X-Trans.
    """
    known = read_mosaic(store, row, kind) if known is None else known
    height, width = known.shape
    plan = cfa.layout(known.cfa)
    cells = plan.period // plan.scale
    # whole CFA periods around the crop; what reaches beyond the frame is padded as pack does
    rows, inner_y = _window(y, size, cells, plan.period, plan.top, height)
    columns, inner_x = _window(x, size, cells, plan.period, plan.left, width)
    mosaic = _read_mosaic(store, row, kind, (_span(rows), _span(columns)))
    mosaic = _laid(mosaic, rows, columns)
    packed = cfa.normalised_periods(mosaic, known.black_level, known.white_level, known.cfa)
    packed = packed[:, inner_y : inner_y + size, inner_x : inner_x + size]
    top, left, side = inner_y * plan.scale, inner_x * plan.scale, size * plan.scale
    rows, columns = rows[top : top + side], columns[left : left + side]
    picture = store.reference(row.scene, row.reference, window=(_span(rows), _span(columns)))
    reference = planes_first(_laid(picture, rows, columns))
    return np.ascontiguousarray(packed), reference


def _span(positions: NDArray[np.intp]) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1)


def _laid(
    values: NDArray[Scalar], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[Scalar]:
    """Return what was read of the positions' span, (H, W, ...), as the positions lie."""
    if all((np.diff(each) == 1).all() for each in (rows, columns)):
        return values
    laid: NDArray[Scalar] = values[np.ix_(rows - rows.min(), columns - columns.min())]
    return laid  # some lie beyond the frame


def _read_mosaic(
    store: Store, row: Any, kind: Literal["short", "long"], window: tuple[slice, slice]
) -> NDArray[np.uint16]:
    if kind == "short":
        return store.mosaic(row.scene, row.short, window=window)
    return store.frame(row.scene, row.long, kind, window).mosaic


def _window(
    start: int, size: int, cells: int, period: int, before: int, length: int
) -> tuple[NDArray[np.intp], int]:
    """Return the mosaic positions of whole periods around a crop, and the crop's place in them."""
    first, last = start // cells, -(-(start + size) // cells)
    positions = np.arange(first * period, last * period) - before
    return cfa.reflected(positions, length, period), start - first * cells


def read_picture_crop(
    store: Store, row: Any, y: int, x: int, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read a crop of one pair of ready pictures, low and normal, each (3, size, size) in [0, 1].

    Parameters
    ----------
    y, x, size : top, left and side, pixels; inside both pictures
    """
    window = (slice(y, y + size), slice(x, x + size))
    low, _ = store.picture(row.scene, row.short, "low", window)
    return planes_first(low), planes_first(reference_picture(store, row, window))


def planes_first(picture: Picture) -> NDArray[np.float32]:
    """Return a picture (H, W, 3) uint8 or uint16 as planes (3, H, W) float32 in [0, 1]."""
    planes = np.empty((3, *picture.shape[:2]), np.float32)
    white = np.float32(np.iinfo(picture.dtype).max)
    for top in range(0, len(picture), _BAND):
        band = planes[:, top : top + _BAND]
        band[...] = picture[top : top + _BAND].transpose(2, 0, 1)
        band /= white
    return planes
