"""What the audits say of a pair of ready pictures, each under the name of its RAW counterpart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lldata.audit import Finding, Status
from lldata.measures import registration
from lldata.scene import Picture
from lldata.sets.picture_evidence import SMALLEST_PX, PicturePair

MEANINGS = {
    "integrity": (
        "Every row and block of a picture is looked at for places that hold one colour, as damaged "
        "files and added borders have them; black and white ones do not count. Quarantine means "
        "that a whole picture is empty or cannot be read: copy it again. A warning means that "
        "some rows or blocks are: look at it, and cut borders off both pictures alike."
    ),
    "metadata": (
        "Both pictures of a pair are compared in size, bits and orientation, and their names with "
        "the lists. Quarantine means that pixels have no counterpart, as sizes differ or a file is "
        "missing; a warning means that bits, orientation or lists disagree. Develop and export "
        "both pictures alike."
    ),
    "alignment": (
        "The normally lit picture is laid over the dark one: how many pixels is it shifted? A "
        "warning means that even a perfect method cannot match it pixel by pixel; a pair in "
        "quarantine moved too far, or shows two places. Weight the tripod, touch nothing between "
        "the two pictures, develop both without straightening, and take the pair again."
    ),
    "exposure": (
        "The mean light of both pictures is compared, and the clipped share of the normally lit "
        "one measured. Quarantine means that the dark picture is no darker: the two may be "
        "exchanged. A warning means that much of the normally lit one is white, where no method "
        "can know what was there: take it again with less exposure."
    ),
    "duplicates": (
        "Every picture is compared with all others, of this dataset and of those beside it: by its "
        "file, its pixels and the look of the normally lit one. A warning means that one "
        "photograph counts as two places, or is trained on here and tested on there, so that "
        "scores would flatter. Put both in one split, or leave one out."
    ),
}
BLOCK_PX = 32


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
    size = min(BLOCK_PX, *picture.shape[:2])
    down, across = (side // size for side in picture.shape[:2])
    tiles = picture[: down * size, : across * size].reshape(down, size, across, size, 3)
    tiles = tiles.swapaxes(1, 2)  # (down, across, size, size, 3), a view
    blank = bool((picture[0] == picture[0, 0]).all() and (picture == picture[0, 0]).all())
    return _of_one_colour(picture[:, None, None]), _of_one_colour(tiles), blank


def _of_one_colour(parts: Picture) -> int:
    """Count the parts (rows, columns, h, w, 3) of one colour, other than black and white."""
    first = parts[:, :, 0, 0]
    alike = (parts[:, :, -1, -1] == first).all(axis=-1)
    alike &= (parts[:, :, parts.shape[2] // 2, parts.shape[3] // 2] == first).all(axis=-1)
    alike &= ~((first == 0).all(axis=-1) | (first == np.iinfo(parts.dtype).max).all(axis=-1))
    likely = parts[alike]  # few: the others are not looked at whole
    return int(np.count_nonzero((likely == likely[:, :1, :1]).all(axis=(1, 2, 3))))


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
