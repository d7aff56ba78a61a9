"""What a submission must be before its pictures are looked at: its names, claims and sizes."""

from __future__ import annotations

import re
from datetime import datetime

from baselines import method as methods
from eval.record import Record
from eval.running.outside import reference_shape
from eval.submission.bundle import Bundle, Manifest
from eval.submission.submit import CORRECTS, OWNER, frames_of, members
from eval.verification.findings import Finding, first_of, judged
from lldata.console import counted
from lldata.errors import LowLightError, ScoreError
from lldata.store import NAME, Store

_LABEL = r"[A-Za-z0-9_.=+@-]{1,120}"
_TRACK = r"[A-Za-z0-9_.-]{1,120}"


def check_record(record: Record) -> None:
    """Refuse a record that no run of a submission can have made."""
    wrong = None
    names = ((record.label, _LABEL), (record.track, _TRACK), (record.dataset, NAME))
    if not all(re.fullmatch(pattern, text) for text, pattern in names):
        wrong = "a label, track or dataset cannot be called as it says"
    elif record.outside is None and not _is_known(record):
        wrong = f"no method of the toolkit is {record.method[:60]!r} as it says"
    elif record.outside is not None and (
        record.method in methods.names() or not re.fullmatch(NAME, record.method)
    ):
        wrong = f"an outside method cannot be called {record.method[:60]!r}"
    elif record.partial or record.level != "recomputed":
        wrong = f"its level is {'partial' if record.partial else record.level}"
    elif not _is_time(record.created):
        wrong = f"it was made at {record.created[:40]!r}"
    if wrong:
        raise ScoreError(
            record.file_name[:80], wrong, "a submission is what lleval leaderboard submit makes",
            "Make it again",
        )  # fmt: skip


def _is_known(record: Record) -> bool:
    """Whether the method is of the toolkit, and no blinder than it says of itself.

    An oracle that is given a file, as a histogram, in place of the reference is blind.
    """
    try:
        info = methods.info(record.method)
    except LowLightError:
        return False
    given = any(key.endswith("_sha256") for key in record.options)
    return not info.oracle or given or record.reference_use == info.reference_use


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def check_manifest(where: str, said: Manifest) -> None:
    """Refuse an owner that is no account, or a correction of what is no sha256."""
    for text, pattern in ((said.owner, OWNER), (said.corrects, CORRECTS)):
        if text is not None and not re.fullmatch(pattern, text):
            raise ScoreError(
                where, f"its manifest says {text[:40]!r}",
                "an account or a sha256 stands there", "Make it again",
            )  # fmt: skip


def pictures_told(bundle: Bundle, store: Store) -> Finding:
    """Whether the manifest names exactly the pictures its pairs ask for, at their sizes."""
    told = dict(bundle.manifest.files)
    wrong: list[str] = []
    for row in bundle.record.rows:
        size = reference_shape(store, row.pair)[1:]
        for name in members(row.pair, frames_of(store, row.pair)):
            member = told.pop(name, None)
            if member is None:
                wrong.append(f"{name} is missing")
            elif (member.height, member.width) != size:
                wrong.append(
                    f"{name} is {member.width}x{member.height}, its pair {size[1]}x{size[0]}"
                )
    wrong += [f"{name} is of no pair scored" for name in sorted(told)]
    return judged("pictures", first_of(wrong), counted(len(bundle.manifest.files), "picture"))
