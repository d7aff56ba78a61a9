"""Whether a submission may become an entry: strict on its form, then every score recomputed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines import method as methods
from eval.progress import Progress, unseen
from eval.record import Record
from eval.submission.bundle import Bundle, read_bundle
from eval.submission.entries import Entry, place, read_entries, rivals, same_scores
from eval.submission.form import check_manifest, check_record, pictures_told
from eval.submission.recomputed import recomputed
from eval.submission.training import training
from eval.verification import claims
from eval.verification.findings import Finding, failed
from eval.verification.recompute import Difference
from lldata.console import counted
from lldata.errors import ScoreError
from lldata.store import open_store


@dataclass(frozen=True)
class Verdict:
    """What became of a bundle."""

    path: Path
    bundle: Bundle | None  # None: it was refused as a file
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed and every score was recomputed."""
        return not failed(self.findings)

    def document(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        record = None if self.bundle is None else self.bundle.record
        names = ("method", "label", "track", "dataset")
        return {
            "bundle": self.path,
            "sha256": None if self.bundle is None else self.bundle.sha256,
            **{name: None if record is None else getattr(record, name) for name in names},
            "owner": None if self.bundle is None else self.bundle.manifest.owner,
            "level": "recomputed" if self.passed else None,
            "checks": [vars(one) for one in self.findings],
            "differences": [one._asdict() for one in self.differences],
        }


@dataclass(frozen=True)
class Checking:
    """What `lleval leaderboard check` is told; its flags are these fields."""

    bundles: Sequence[Path]
    dataset: str | Path | None = None  # None: the one each record names
    entries: Path | None = None  # None: the shipped records
    owner: str | None = None  # the account that submits
    progress: Progress = unseen


def check(asked: Checking) -> list[Verdict]:
    """Check bundles, each also against those before it.

    Raises
    ------
    LowLightError
        If the dataset or the folder of entries is not there.
    FileNotFoundError
        If a bundle is not there.
    """
    known = read_entries(asked.entries)
    verdicts = []
    for path in asked.bundles:
        others = [e for e in known if not (e.path.exists() and e.path.samefile(path))]
        verdict = _checked(path, asked, others)
        verdicts.append(verdict)
        if verdict.bundle is not None:
            known = [*others, Entry(verdict.bundle.record, path, verdict.bundle)]
    return verdicts


def _track(record: Record) -> Finding:
    """Whether a record is of a track that is known here: of another nobody knows the pairs."""
    found = claims.track(record)
    return found if found.status != "unknown" else replace(found, status="fail")


def _checked(path: Path, asked: Checking, entries: Sequence[Entry]) -> Verdict:
    try:
        bundle = read_bundle(path)
        check_record(bundle.record)
        check_manifest(path.name, bundle.manifest)
    except ScoreError as error:
        return Verdict(path, None, (Finding("bundle", "fail", str(error)),))
    record = bundle.record
    store = open_store(asked.dataset or record.dataset)
    findings = [
        Finding("bundle", "pass", f"{record.file_name}, {counted(len(record.rows), 'pair')}"),
        claims.definitions(record),
        _track(record),
        *claims.data(record, store),
        claims.pairs(record, store),
        *_method(record),
        place(bundle, entries, asked.owner),
        training(record, store),
        same_scores(bundle, rivals(bundle, entries)),
    ]
    findings += [] if failed(findings) else [pictures_told(bundle, store)]
    if failed(findings):
        return Verdict(path, bundle, tuple(findings))
    more, found = recomputed(bundle, store, entries, asked.progress)
    return Verdict(path, bundle, (*findings, *more), tuple(found))


def _method(record: Record) -> list[Finding]:
    """Return whether a method is what it says; networks are not built of a stranger's options."""
    asked = record.outside is None and bool(record.options)
    if asked and methods.info(record.method).parameters is not None:
        return []
    return [claims.method(record)]
