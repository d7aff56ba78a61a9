"""A submission to the leaderboard made of a run: verified, then bundled with its outputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from eval.progress import Progress, unseen
from eval.record import Record
from eval.running.folder import check_folder, frame_path, output_path
from eval.running.outside import reference_shape
from eval.strict_json import strict_object
from eval.submission.bundle import (
    LARGEST_TEXT,
    OUTPUTS,
    Manifest,
    Member,
    read_bundle,
    write_bundle,
)
from eval.submission.plain_text import check_texts
from eval.submission.zip_layout import LARGEST
from eval.verification.findings import failed
from eval.verification.verify import Asked, verify
from lldata.console import to_json
from lldata.errors import ScoreError
from lldata.reading.picture_files import stated_size
from lldata.store import Store, open_store

OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"  # an account of GitHub
CORRECTS = r"[0-9a-f]{12,64}"


@dataclass(frozen=True)
class Submission:
    """What `lleval leaderboard submit` is told; its flags are these fields."""

    record: Path  # the file, or the run's folder
    out: Path
    owner: str | None = None
    corrects: str | None = None  # sha256 of the bundle of the entry it corrects
    dataset: str | Path | None = None


@dataclass(frozen=True)
class Submitted:
    """A bundle that was written."""

    path: Path
    sha256: str
    record: Record


def submit(asked: Submission, *, progress: Progress = unseen) -> Submitted:
    """Verify a run from its outputs and write the bundle of it.

    The same run gives the same bytes. Its record says `recomputed`: that is what others can do.

    Raises
    ------
    ScoreError
        If the run is partial, or any of its scores does not follow from the outputs kept.
    """
    _check_flags(asked)
    record, folder = _verified(asked, progress)
    store = open_store(asked.dataset or record.dataset)
    files = dict(_files(folder, store, record))
    record = replace(record, level="recomputed")
    content = (to_json(record.document()) + "\n").encode()
    check_texts(asked.record, strict_object(asked.record, content))
    manifest = Manifest(
        hashlib.sha256(content).hexdigest(),
        {name: _member(path) for name, path in sorted(files.items())},
        asked.owner,
        asked.corrects,
    )
    _check_size(asked.record, manifest, content)
    write_bundle(asked.out, manifest, content, files)
    return Submitted(asked.out, _read_back(asked.out), record)


def _verified(asked: Submission, progress: Progress) -> tuple[Record, Path]:
    """Return the record and its run's folder, every score recomputed from the outputs there."""
    verdict = verify(Asked(asked.record, "outputs", asked.dataset), progress=progress)
    wrong = [one.message for one in failed(verdict.findings)]
    wrong += [one.message for one in verdict.findings if one.check == "floats"]
    if verdict.record is None or wrong:
        raise ScoreError(
            verdict.path, wrong[0] if wrong else "it is no record",
            "every score of a submission follows from its outputs",
            "Run the method again with metrics of 8-bit pictures, and change nothing",
        )  # fmt: skip
    if verdict.record.partial:
        raise ScoreError(
            verdict.path, "it is partial (--limit)", "an entry scores every pair of its track",
            "Run it again without --limit",
        )  # fmt: skip
    return verdict.record, verdict.path.parent


def _check_size(path: Path, manifest: Manifest, record: bytes) -> None:
    size = sum(member.bytes for member in manifest.files.values())
    if max(size, len(record) * LARGEST // LARGEST_TEXT) > 0.99 * LARGEST:
        raise ScoreError(
            path, f"its outputs have {size / 1e9:.2f} GB, its record {len(record) / 1e6:.0f} MB",
            f"a bundle holds {LARGEST / 1e9:.2f} GB and a record of {LARGEST_TEXT / 1e6:.0f} MB",
            "Submit on a track of fewer pairs",
        )  # fmt: skip


def _read_back(path: Path) -> str:
    """Return the sha256 of a bundle that others will read; one they would refuse is removed."""
    try:
        return read_bundle(path).sha256
    except ScoreError:
        path.unlink()
        raise


def members(pair: str, count: int | None) -> list[str]:
    """Return the members of a pair: its picture, or so many frames of its clip."""
    if count is None:
        return [f"{OUTPUTS}{pair}.png"]
    return [f"{OUTPUTS}{pair}/{number:06}.png" for number in range(count)]


def frames_of(store: Store, pair: str) -> int | None:
    """Return of how many frames a pair's clip is, None of a picture."""
    return reference_shape(store, pair)[0] if store.kind == "clips" else None


def _files(folder: Path, store: Store, record: Record) -> Iterator[tuple[str, Path]]:
    for row in record.rows:
        count = frames_of(store, row.pair)
        if count is None:
            yield members(row.pair, None)[0], output_path(folder, row.pair)
        for number in range(count or 0):
            yield members(row.pair, count)[number], frame_path(folder, row.pair, number)


def _member(path: Path) -> Member:
    content = path.read_bytes()
    height, width = stated_size(path, content)
    return Member(hashlib.sha256(content).hexdigest(), len(content), height, width)


def _check_flags(asked: Submission) -> None:
    check_folder(asked.out.parent, f"--out {asked.out}")
    if asked.out.suffix != ".zip" or asked.out.is_dir():
        raise ScoreError(
            f"--out {asked.out}", "a bundle is not called so", "its name ends in .zip",
            "Write for example --out bundle.zip",
        )  # fmt: skip
    if asked.owner is not None and not re.fullmatch(OWNER, asked.owner):
        raise ScoreError(
            f"--owner {asked.owner[:40]}", "no account is called so",
            "letters, digits and - make its name", "Give your account's name",
        )  # fmt: skip
    if asked.corrects is not None and not re.fullmatch(CORRECTS, asked.corrects):
        raise ScoreError(
            f"--corrects {asked.corrects[:70]}", "this names no bundle",
            "12 to 64 hex digits of its sha256 do", "sha256sum the bundle of the entry",
        )  # fmt: skip
