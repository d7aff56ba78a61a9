"""Whether files hold the pixels the sensor gave: decoders fill what is missing in silence.

What is damaged so far that it cannot be read is refused before this: strips and tiles beyond the
end of a TIFF-based file (DNG, CR2, ARW, NEF, PEF, with their SubIFDs), a RAF's blocks and strip, a
CR3's boxes, a mosaic with too few bytes for its size. Not seen by any of these: bytes changed
inside a strip that still decode, damaged linearisation curves and maker notes, cut ORF and RW2
files whose offsets stand in tags of their own; of those only what decoding leaves empty is found.
"""

from __future__ import annotations

from pathlib import Path

from lldata.audit import Finding
from lldata.audit.evidence import Pair, Scene
from lldata.measures import emptiness
from lldata.measures.emptiness import Empty

MEANING = (
    "Every row and block of the sensor's picture is looked at for places that hold nothing or the "
    "same twice, which noise never does; compressed X-Trans files, and with --deep all, are "
    "decoded twice. Quarantine means that the file is damaged: copy it from the card again, and if "
    "the card's copy is no better, shoot the scene again on another card. A warning means that "
    "compressed data lacks its end: look at the picture's lower edge."
)


def audit(pair: Pair) -> Finding:
    """Judge the mosaics of one pair."""
    said, worst = [], 0
    for name, (rows, blocks) in pair_counts(pair).items():
        for count, what in ((rows, "rows"), (blocks, "blocks")):
            worst = max(worst, count)
            if count:
                said.append(f"{count} {what} of {name} hold no picture")
    if said:
        message = f"{', '.join(said)}: the file is damaged. Copy it from the card again"
        return pair.finding("integrity", "quarantine", float(worst), 0.0, message)
    unfinished = {p.name: pair.scene.told(p).unfinished_pieces for p in _paths(pair)}
    if any(unfinished.values()):
        message = "; ".join(
            f"{count} strips or tiles of {name} lack the end of their JPEG data"
            for name, count in unfinished.items() if count
        )  # fmt: skip
        return pair.finding("integrity", "warn", float(max(unfinished.values())), 0.0, message)
    decoded = [pair.path] if pair.scene.files.ready else _paths(pair)
    whole = all(pair.scene.told(path).decoded_twice for path in decoded)
    twice = ", decoded twice alike" if whole else ""
    return pair.finding(
        "integrity", "pass", 0.0, 0.0, f"every row and block holds a picture{twice}"
    )


def _paths(pair: Pair) -> tuple[Path, Path]:
    return pair.path, pair.scene.files.long


def pair_counts(pair: Pair) -> dict[str, Empty]:
    """Return file name -> what of it holds no picture, of the short and the long."""
    counts = {pair.path.name: emptiness.measure(pair.short)}
    long = pair.scene.once(_of_long)
    return counts if long is None else {**counts, pair.scene.files.long.name: long}


def _of_long(scene: Scene) -> Empty | None:
    return None if scene.long is None else emptiness.measure(scene.long)
