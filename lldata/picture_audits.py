"""What the audits say of a pair of ready pictures, each under the name of its RAW counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lldata import registration
from lldata.audit import Finding, Status
from lldata.curve import linearise
from lldata.picture_files import PictureFile
from lldata.protocol import PictureLimits
from lldata.scene import Picture

BLOCK_PX = 32
SMALLEST_PX = 32  # a side; below it no shift is measured
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


@dataclass(frozen=True, eq=False)
class PicturePair:
    """A dark picture and the normally lit one of the same place."""

    scene: str
    name: str  # SCENE/LOW
    low: PictureFile
    normal: PictureFile
    limits: PictureLimits

    @cached_property
    def light(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Linear luminance (H, W) in [0, 1] of low and normal."""
        return luminance(self.low.pixels), luminance(self.normal.pixels)

    @property
    def comparable(self) -> bool:
        """Whether both have the same size."""
        return self.low.pixels.shape == self.normal.pixels.shape

    @cached_property
    def shift(self) -> registration.Shift | None:
        """Where the normal picture lies against the low one, in blocks of 2x2 pixels."""
        if not self.comparable or min(self.low.pixels.shape[:2]) < SMALLEST_PX:
            return None
        low, normal = (interleaved_halves(plane) for plane in self.light)
        return registration.measure(low, normal.mean(0))

    @cached_property
    def shift_px(self) -> tuple[float, float] | None:
        """Shift of the normal against the low picture, rows and columns, pixels."""
        return None if self.shift is None else (2 * self.shift.y_px, 2 * self.shift.x_px)

    @cached_property
    def clipped(self) -> float:
        """Share of the normal picture's pixels with a channel at white."""
        pixels = self.normal.pixels
        return float((pixels.max(axis=2) == np.iinfo(pixels.dtype).max).mean())

    def finding(
        self, check: str, status: Status, measured: float | None, limit: float | None, message: str
    ) -> Finding:
        """Return what an audit says of this pair."""
        return Finding(self.scene, self.name, check, status, measured, limit, message)


def luminance(picture: Picture) -> NDArray[np.float32]:
    """Return a picture's linear luminance, (H, W) in [0, 1], taking its values for BT.709's."""
    white = np.float32(np.iinfo(picture.dtype).max)
    return np.asarray(linearise(picture.astype(np.float32) / white) @ _LUMA, np.float32)


def interleaved_halves(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of both diagonals of each 2x2 block, (2, H/2, W/2): they share a centre."""
    height, width = (side // 2 * 2 for side in plane.shape)
    even, odd = plane[:height:2, :width], plane[1:height:2, :width]
    falling, rising = even[:, ::2] + odd[:, 1::2], even[:, 1::2] + odd[:, ::2]
    return np.asarray(np.stack([falling, rising]) / 2, np.float32)


def integrity(pair: PicturePair) -> Finding:
    """Find rows and blocks that hold one value, as damaged files have them."""
    counts = {"low": empty_parts(pair.low.pixels), "normal": empty_parts(pair.normal.pixels)}
    return integrity_of(pair.scene, pair.name, counts)


def integrity_of(scene: str, name: str, counts: Mapping[str, tuple[int, int, bool]]) -> Finding:
    """Turn the rows and blocks without a picture, of pictures by name, into a finding."""

    def finding(status: Status, measured: float, message: str) -> Finding:
        return Finding(scene, name, "integrity", status, measured, 0.0, message)

    blank = [f"the {which} picture has one value all over" for which, c in counts.items() if c[2]]
    if blank:
        return finding("quarantine", 1.0, f"{' and '.join(blank)}. Copy it again")
    said = [
        f"{count} {what} of the {which} picture hold one value"
        for which, (rows, blocks, _) in counts.items()
        for count, what in ((rows, "rows"), (blocks, f"blocks of {BLOCK_PX} pixels"))
        if count
    ]
    if said:
        worst = max(max(rows, blocks) for rows, blocks, _ in counts.values())
        return finding(
            "warn", float(worst),
            f"{', '.join(said)}: borders added to it, or a damaged file. Look at it",
        )  # fmt: skip
    return finding("pass", 0.0, "every row and block holds a picture")


def empty_parts(picture: Picture) -> tuple[int, int, bool]:
    """Return how many rows and blocks hold one colour, and whether the whole picture does.

    Rows and blocks all black or all white do not count: unlit and clipped places are so.
    """
    lowest, highest = 0, np.iinfo(picture.dtype).max
    rows = picture.reshape(len(picture), -1, 3)
    size = min(BLOCK_PX, *picture.shape[:2])
    down, across = (side // size for side in picture.shape[:2])
    tiles = picture[: down * size, : across * size].reshape(down, size, across, size, 3)
    tiles = tiles.swapaxes(1, 2).reshape(down * across, -1, 3)

    def empty(parts: Picture) -> int:
        least, most = parts.min(axis=1), parts.max(axis=1)
        natural = (most == lowest).all(axis=1) | (least == highest).all(axis=1)
        return int(np.count_nonzero((least == most).all(axis=1) & ~natural))

    return empty(rows), empty(tiles), bool((picture == picture[:1, :1]).all())


def metadata(pair: PicturePair) -> Finding:
    """Compare size, bits and orientation of both files."""
    low, normal = pair.low, pair.normal
    turned = [
        f"the {which} file's EXIF orientation {one.orientation} was applied"
        for which, one in (("low", low), ("normal", normal))
        if one.orientation != 1
    ]
    if not pair.comparable:
        sizes = f"the low picture has {low.size} pixels, the normal one {normal.size}"
        return _metadata(pair, "quarantine", [sizes, *turned])
    said = []
    if low.bits != normal.bits:
        said.append(f"the low picture has {low.bits} bits, the normal one {normal.bits}")
    if low.orientation != normal.orientation:
        said.append("the two files are turned differently")
    if said:
        return _metadata(pair, "warn", [*said, *turned])
    return _metadata(pair, "pass", [f"size and bits agree ({low.size}, {low.bits} bits)", *turned])


def _metadata(pair: PicturePair, status: Status, said: list[str]) -> Finding:
    return pair.finding("metadata", status, 0.0 if status == "pass" else 1.0, 0.0, "; ".join(said))


def alignment(pair: PicturePair) -> Finding:
    """Turn the measured shift into a finding, as for RAW frames but in the picture's pixels."""
    limits, shift = pair.limits, pair.shift

    def finding(status: Status, measured: float | None, limit: float, message: str) -> Finding:
        return pair.finding("alignment", status, measured, limit, message)

    if shift is None or pair.shift_px is None:
        if not pair.comparable:
            why = "the two differ in size"
        elif min(pair.low.pixels.shape[:2]) < SMALLEST_PX:
            why = f"they are smaller than {SMALLEST_PX} pixels"
        else:
            why = "one of them shows no structure above its noise"
        return finding("unknown", None, limits.shift_quarantine_px, why)
    if shift.agreement < registration.SAME_PLACE:
        return finding(
            "quarantine", shift.agreement, registration.SAME_PLACE,
            "the two show different places, or moved too far: "
            f"agreement {shift.agreement:.2f} at the best shift. Take the pair again",
        )  # fmt: skip
    rows, columns = pair.shift_px
    size, error = float(np.hypot(rows, columns)), 2 * shift.error_px
    where = (
        f"the normal picture lies {rows:+.2f} rows, {columns:+.2f} columns from the low one "
        f"(± {error:.2f} px; agreement {shift.agreement:.2f})"
    )
    if size >= limits.shift_quarantine_px:
        return finding("quarantine", size, limits.shift_quarantine_px, where)
    if error >= limits.shift_quarantine_px:
        return finding(
            "unknown", size, limits.shift_quarantine_px, f"{where}: too little structure"
        )
    if size >= limits.shift_warn_px:
        return finding("warn", size, limits.shift_warn_px, where)
    return finding("pass", size, limits.shift_warn_px, where)


def exposure(pair: PicturePair) -> Finding:
    """Compare how bright the two are, and say how much of the normal one is clipped."""
    low, normal = (float(plane.mean(dtype=np.float64)) for plane in pair.light)
    clipped, limit = pair.clipped, pair.limits.clipped_warn
    share = f"{clipped:.1%} of the normal picture is clipped"
    if low >= normal:
        return pair.finding(
            "exposure", "quarantine", normal / low if low else 0.0, 1.0,
            "the low picture is no darker than the normal one: the two may be exchanged",
        )  # fmt: skip
    times = (
        f"it is {normal / low:.3g} times as bright as the low one" if low else "the low is black"
    )
    status: Status = "warn" if clipped >= limit else "pass"
    return pair.finding("exposure", status, clipped, limit, f"{share}; {times}")


AUDITS = (integrity, metadata, alignment, exposure)
