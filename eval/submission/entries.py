"""The entries a leaderboard has: append-only, owned, corrected only by a new one of their owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from eval.record import Record
from eval.submission.bundle import Bundle, read_bundle
from eval.valid import read_valid
from eval.verification.findings import Finding, judged
from lldata.errors import ScoreError

SHORTEST_NAME = 12  # hex digits that name a bundle
SCORES_ALIKE = 1e-5  # dB or score: what another machine or version may differ by


@dataclass(frozen=True)
class Entry:
    """A record of the leaderboard, with its bundle where that is kept."""

    record: Record
    path: Path
    bundle: Bundle | None = None

    @property
    def owner(self) -> str | None:
        """The account that may correct it; None: nobody."""
        return None if self.bundle is None else self.bundle.manifest.owner

    @property
    def name(self) -> str:
        """How it is called in sentences."""
        if self.bundle is not None:
            return self.bundle.name
        return f"{self.record.track}/{self.record.file_name}"


def shipped() -> Path:
    """Return the folder of the records that come with the toolkit."""
    return Path(str(files("leaderboard"))) / "records"


def read_entries(folder: Path | None) -> list[Entry]:
    """Return the bundles of a folder, and the records in it that no bundle holds.

    Parameters
    ----------
    folder : searched to any depth; default the shipped records

    Raises
    ------
    ScoreError
        If there is no such folder, or a bundle or record in it is malformed.
    """
    folder = shipped() if folder is None else folder
    if not folder.is_dir():
        raise ScoreError(
            f"--entries {folder}", "there is no such folder", "entries are read from one",
            "Correct the path",
        )  # fmt: skip
    bundles = [read_bundle(path) for path in sorted(folder.rglob("*.zip"))]
    found = [Entry(bundle.record, bundle.path, bundle) for bundle in bundles]
    records = [path for path in sorted(folder.rglob("*.json")) if "--" in path.stem]
    alone = (path for path in records if not path.with_suffix(".zip").exists())
    return found + [Entry(read_valid(path), path) for path in alone]


def place(bundle: Bundle, entries: Sequence[Entry], owner: str | None) -> Finding:
    """Whether a bundle may become an entry: it is new, or its owner corrects an own one by it.

    Parameters
    ----------
    entries : all others
    owner : the account that submits, where it is known
    """
    said = bundle.manifest
    if owner is not None and said.owner != owner:
        return Finding(
            "entry", "fail", f"its owner is {said.owner or 'nobody'}, but {owner} submits it"
        )
    old = _corrected(bundle, entries)
    wrong = old if isinstance(old, str) else _taken(bundle, entries, old)
    how = f"corrects {old.name}" if isinstance(old, Entry) else "a new entry"
    return judged("entry", wrong, f"{how}, owned by {said.owner or 'nobody'}")


def _corrected(bundle: Bundle, entries: Sequence[Entry]) -> Entry | str | None:
    """Return the entry a bundle corrects, None for none, or why it cannot."""
    said = bundle.manifest
    if said.corrects is None:
        return None
    if len(said.corrects) < SHORTEST_NAME:
        return f"it corrects {said.corrects!r}, which is no sha256 of a bundle"
    found = [e for e in entries if e.bundle and e.bundle.sha256.startswith(said.corrects)]
    if len(found) != 1:
        return f"it corrects {said.corrects[:SHORTEST_NAME]}, which is no entry"
    (old,) = found
    if old.owner is None or old.owner != said.owner:
        return f"{old.name} is owned by {old.owner or 'nobody'}, not by {said.owner or 'nobody'}"
    if (old.record.track, old.record.method) != (bundle.record.track, bundle.record.method):
        return f"{old.name} is of another track or method than this"
    again = _correction(old, entries)
    return old if again is None else f"{old.name} was corrected by {again.name}: correct that"


def _correction(old: Entry, entries: Sequence[Entry]) -> Entry | None:
    """Return the entry that corrects another, None for one that still stands."""
    return next((entry for entry in entries if _corrects(entry, old)), None)


def _corrects(entry: Entry, old: Entry) -> bool:
    named = entry.bundle.manifest.corrects if entry.bundle else None
    return named is not None and old.bundle is not None and old.bundle.sha256.startswith(named)


def _taken(bundle: Bundle, entries: Sequence[Entry], old: Entry | None) -> str | None:
    """Return why a bundle's place is another entry's, or None."""
    mine = bundle.record
    for entry in entries:
        theirs = entry.record
        if entry.bundle is not None and entry.bundle.sha256 == bundle.sha256:
            return f"{entry.path} is this very bundle: it is an entry already"
        same = (theirs.track, theirs.file_name) == (mine.track, mine.file_name)
        free = entry is old or (old is not None and _correction(entry, entries) is not None)
        if same and not free:
            how = "its owner's --corrects" if entry.owner else "nobody, as it has no owner"
            return f"{entry.name} is there already, and corrected by {how}"
        outside = mine.outside is not None and theirs.method == mine.method
        if outside and entry.owner != bundle.manifest.owner:
            return f"method {mine.method} is owned by {entry.owner or 'nobody'} ({entry.name})"
    return None


def rivals(bundle: Bundle, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries on the same data that outputs are compared with: not the own old ones."""
    mine, owner = bundle.record, bundle.manifest.owner
    return [
        entry for entry in entries
        if entry.record.digest == mine.digest
        and not (owner is not None and owner == entry.owner and entry.record.method == mine.method)
    ]  # fmt: skip


def same_scores(bundle: Bundle, entries: Sequence[Entry]) -> Finding:
    """Whether every score is another entry's, pair by pair, so that the pictures must be."""
    mine = {row.pair: row.scores for row in bundle.record.rows}
    for entry in entries:
        theirs = {row.pair: row.scores for row in entry.record.rows}
        metrics = set(bundle.record.metrics) & set(entry.record.metrics)
        if mine.keys() == theirs.keys() and len(metrics) > 1 and all(
            _alike(mine[pair][name], theirs[pair][name]) for pair in mine for name in metrics
        ):  # fmt: skip
            return Finding("duplicates", "fail", f"every score is that of {entry.name}")
    return Finding("duplicates", "pass", "no other entry has these scores")


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SCORES_ALIKE
