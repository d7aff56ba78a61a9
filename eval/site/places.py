"""What records must agree in to be compared, and what a page says where they do not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from eval import tracks
from eval.record import Record
from lldata.console import counted


class Place(NamedTuple):
    """What records must agree in to stand in one table; partial runs agree in no pairs."""

    track: str
    digest: str
    reference_digest: str
    pairs_sha256: str
    metric: str  # the one that ranks
    definition: str


DIFFERENCES = {
    "digest": "the dataset (digest)",
    "reference_digest": "the rendered references (digest)",
    "pairs_sha256": "the pairs scored",
    "metric": "the first metric",
    "definition": "the definition of the first metric",
}


def place_of(record: Record, shipped: Mapping[str, tracks.Track]) -> Place:
    """Return the place of a record: its pairs, its data and the metric that ranks it."""
    track = shipped.get(record.track)
    wanted = track.metrics if track else tracks.DEFAULT_METRICS
    metric = wanted[0] if wanted[0] in record.metrics else next(iter(record.metrics))
    return Place(
        record.track,
        record.digest,
        record.reference_digest,
        "" if record.partial else record.pairs_sha256,
        metric,
        record.metrics[metric].definition,
    )


def address(place: Place) -> str:
    """Return the id of a table's heading: readable, unique, and the same on every build."""
    unique = hashlib.sha256(repr(tuple(place)).encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', place.track)[:60].strip('-')}-{unique}"


def warnings(place: Place, places: Iterable[Place], track: tracks.Track | None) -> list[str]:
    """Return what must be said of a table whose track has others, or pins other data."""
    found = []
    rivals = [other for other in places if other.track == place.track and other != place]
    if rivals:
        differing = [
            words
            for name, words in DIFFERENCES.items()
            if any(getattr(other, name) != getattr(place, name) for other in rivals)
        ]
        found.append(
            f"Records of track {place.track} differ in {', '.join(differing)}. They stand in "
            f"{counted(len(rivals) + 1, 'table')}, and scores of different tables must not be "
            "compared."
        )
    if track and (track.digest, track.reference_digest) != (place.digest, place.reference_digest):
        found.append(
            f"This is not the data that track {place.track} pins: it pins digest "
            f"{track.digest[:12]} and references {track.reference_digest[:12]}."
        )
    return found
