"""Which records may be compared, and in which order: the tables of the leaderboard.

Records share a table only if they were scored on the same pairs of the same data under the same
definition of the metric that ranks them. Oracles and partial runs stand apart, without a rank.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from eval import tracks
from eval.comparison import Comparison, compare
from eval.pages.summary import Part, Score, parts, scores_of
from eval.record import Record
from eval.site.places import Place, address, place_of, warnings
from eval.ties import tied_with_best
from lldata.console import to_json

MOST_COMPARED = 25  # of the best: the tests of more could show nothing after Holm's correction


@dataclass(frozen=True)
class Entry:
    """A record in a table."""

    record: Record
    copy: str  # where the page keeps the record, relative to itself
    scores: Mapping[tuple[str, str], Score]  # by metric and definition
    rank: int | None = None
    tied: bool | None = None  # not significantly worse than the best; None: not tested

    @cached_property
    def by_ratio(self) -> list[Part]:
        """The scores by exposure ratio."""
        return list(parts(self.record, "ratio"))

    @cached_property
    def by_iso(self) -> list[Part]:
        """The scores by ISO."""
        return list(parts(self.record, "iso"))


@dataclass(frozen=True)
class Standing:
    """The tables of one place."""

    place: Place
    id: str  # of its heading
    title: str
    ad_hoc: bool
    warnings: tuple[str, ...]
    columns: tuple[Score, ...]  # one of each metric and definition, the ranking one first
    blind: tuple[Entry, ...] = ()
    oracle: tuple[Entry, ...] = ()
    partial: tuple[Entry, ...] = ()
    comparisons: tuple[Comparison, ...] = ()  # of every two of the best `compared` blind entries
    compared: int = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, the ranked ones first."""
        return self.blind + self.oracle + self.partial


def standings(records: Iterable[tuple[Record, str]]) -> list[Standing]:
    """Return the tables of `records` (each with the address of its copy), shipped tracks first.

    The same run made again counts once, as its newest record.

    Raises
    ------
    ScoreError
        If the file of a shipped track is malformed.
    """
    shipped = {name: tracks.load(name) for name in tracks.names()}
    places: dict[Place, list[Entry]] = defaultdict(list)
    for record, copy in _newest(records, shipped):
        scores = scores_of(record)
        entry = Entry(record, copy, {(s.metric, s.definition): s for s in scores})
        places[place_of(record, shipped)].append(entry)
    _settle_partial(places)
    tables = Counter(place.track for place in places)
    order = sorted(places, key=lambda place: (place.track not in shipped, place))
    number: Counter[str] = Counter()
    found = []
    for place in order:
        number[place.track] += 1
        count = (number[place.track], tables[place.track])
        found.append(_standing(place, places, shipped.get(place.track), count))
    return found


def _newest(
    records: Iterable[tuple[Record, str]], shipped: Mapping[str, tracks.Track]
) -> list[tuple[Record, str]]:
    """Return every run once: the same method on the same pairs, made again, is no rival."""
    found: dict[tuple[object, ...], tuple[Record, str]] = {}
    for record, copy in records:
        run = (
            record.method, record.label, to_json(dict(sorted(record.options.items()))),
            record.weights_sha256, record.seed, record.pairs_sha256, place_of(record, shipped),
        )  # fmt: skip
        known = found.get(run)
        if known is None or (known[0].created, known[1]) < (record.created, copy):
            found[run] = (record, copy)
    return list(found.values())


def _settle_partial(places: dict[Place, list[Entry]]) -> None:
    """Move partial runs beside the whole runs of the same data, where there are any."""
    for place in [place for place in places if not place.pairs_sha256]:
        whole = [p for p in places if p.pairs_sha256 and p._replace(pairs_sha256="") == place]
        if whole:
            places[min(whole)] += places.pop(place)


def _standing(
    place: Place,
    places: Mapping[Place, Sequence[Entry]],
    track: tracks.Track | None,
    count: tuple[int, int],
) -> Standing:
    entries = sorted(places[place], key=lambda entry: _order(entry, place))
    number, tables = count
    title = track.title if track else place.track
    blind = [e for e in entries if not e.record.oracle and not e.record.partial]
    rivals = [entry for entry in blind if _rankable(entry, place)]
    tested = rivals[:MOST_COMPARED]
    found = compare([e.record for e in tested], place.metric) if len(tested) > 1 else []
    return Standing(
        place=place,
        id=address(place),
        title=title if tables == 1 else f"{title} ({number} of {tables})",
        ad_hoc=track is None,
        warnings=tuple(warnings(place, places, track)),
        columns=_columns(entries, place),
        blind=(
            *_ranked(rivals, tied_with_best([e.record for e in tested], found), place),
            *(entry for entry in blind if not _rankable(entry, place)),
        ),
        oracle=tuple(e for e in entries if e.record.oracle and not e.record.partial),
        partial=tuple(e for e in entries if e.record.partial),
        comparisons=tuple(found),
        compared=len(tested),
    )


def _columns(entries: Sequence[Entry], place: Place) -> tuple[Score, ...]:
    first = (place.metric, place.definition)
    seen = {key: score for entry in entries for key, score in entry.scores.items()}
    return tuple(seen[key] for key in sorted(seen, key=lambda key: key != first))


def _order(entry: Entry, place: Place) -> tuple[float, str, str, str]:
    """Return a sort key: best first by the ranking metric, then by name, then by content."""
    score = entry.scores[place.metric, place.definition]
    sign = {"higher": -1.0, "lower": 1.0, "none": 0.0}[score.better]
    height = float("inf") if score.mean is None else sign * score.mean
    return (height, entry.record.method, entry.record.label, entry.copy)


def _ranked(rivals: Sequence[Entry], tied: Sequence[bool | None], place: Place) -> list[Entry]:
    """Return the entries, the best first, with ranks; equal means share one."""
    found: list[Entry] = []
    rank, last = 0, None
    for number, (entry, is_tied) in enumerate(zip_longest(rivals, tied), start=1):
        mean = entry.scores[place.metric, place.definition].mean
        rank, last = (rank, last) if mean == last else (number, mean)
        found.append(replace(entry, rank=rank, tied=is_tied))
    return found


def _rankable(entry: Entry, place: Place) -> bool:
    """Whether every pair has a score or equals its reference: no other may be left out."""
    score = entry.scores[place.metric, place.definition]
    complete = score.found.n + score.identical == len(entry.record.rows)
    return score.better != "none" and score.mean is not None and complete
