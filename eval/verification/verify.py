"""Whether a record's numbers stand: as told, recomputed from kept outputs, or made from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from eval.metrics import find_metrics
from eval.progress import Progress, unseen
from eval.record import Level, Record, Row
from eval.running.clip_pairs import Scored
from eval.running.folder import record_path
from eval.running.outside import picture_files, reference_shape
from eval.running.pictures import Bytes
from eval.strict_json import file_content
from eval.valid import valid
from eval.verification import claims
from eval.verification.findings import Finding, failed, first_of, judged
from eval.verification.recompute import Difference, differences, exact, score_again
from eval.verification.rerun import run_again
from lldata.console import counted
from lldata.errors import LowLightError, ScoreError
from lldata.reading.picture_files import read_picture
from lldata.store import Store

How = Literal["claims", "outputs", "rerun"]
REACHED: dict[How, Level] = {"claims": "reported", "outputs": "recomputed", "rerun": "rerun"}


@dataclass(frozen=True)
class Asked:
    """What `lleval verify` is told; its flags are these fields."""

    record: Path  # the file, or the run's folder
    how: How = "claims"
    dataset: str | Path | None = None  # None: the one the record names
    weights: Path | None = None  # None: looked for
    options: dict[str, Any] = field(default_factory=dict)  # files the record knows by name only
    device: str | None = None  # None: the record's


@dataclass(frozen=True)
class Verdict:
    """What became of a record."""

    path: Path
    record: Record | None  # None: it is none
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...]
    how: How

    @property
    def level(self) -> Level | None:
        """The level that was reached; None where anything failed."""
        if failed(self.findings):
            return None
        made = ("scores", "pass") in [(one.check, one.status) for one in self.findings]
        return REACHED[self.how] if made else "reported"

    def document(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        said = self.record
        names = ("method", "label", "track", "dataset")
        return {
            "record": self.path,
            **{name: None if said is None else getattr(said, name) for name in names},
            "level": self.level,
            "checks": [vars(one) for one in self.findings],
            "differences": [one._asdict() for one in self.differences],
        }


def verify(asked: Asked, *, progress: Progress = unseen) -> Verdict:
    """Hold a record against the data, weights and definitions at hand, and recompute its scores.

    Raises
    ------
    LowLightError
        If there is no such file, or what recomputing needs is not at hand.
    """
    path = record_path(asked.record)
    content = file_content(path)
    try:
        record = valid(path, content)
    except ScoreError as error:
        return Verdict(path, None, (Finding("record", "fail", str(error)),), (), asked.how)
    store = claims.open_claimed(record, asked.dataset)
    about_weights, weights = claims.weights(record, asked.weights)
    findings = [*_claims(record, store), about_weights]
    if asked.how == "claims" or failed(findings):
        return Verdict(path, record, tuple(findings), (), asked.how)
    if store is None:
        raise ScoreError(
            path, f"its dataset {record.dataset} is not at hand", "its references are needed",
            "Ingest it, or name it with --dataset",
        )  # fmt: skip
    if asked.how == "outputs":
        more, found = _from_outputs(record, store, path.parent / "outputs", progress)
    else:
        more, found = run_again(record, store, weights, asked.options, asked.device, progress)
    return Verdict(path, record, (*findings, *more), tuple(found), asked.how)


def _claims(record: Record, store: Store | None) -> list[Finding]:
    return [
        Finding("record", "pass", f"{record.file_name}, {counted(len(record.rows), 'pair')}"),
        claims.definitions(record),
        claims.track(record),
        *claims.data(record, store),
        *([] if store is None else [claims.pairs(record, store)]),
        claims.method(record),
    ]


def _from_outputs(
    record: Record, store: Store, folder: Path, progress: Progress
) -> tuple[list[Finding], list[Difference]]:
    _check_folder(folder)
    metrics = find_metrics(list(record.metrics))
    chosen = [metric for metric in metrics if exact(metric)]
    wrong: list[str] = []
    found: list[Difference] = []
    with progress(f"recomputing {record.file_name}", len(record.rows)) as advance:
        for row in record.rows:
            try:
                pictures = kept(folder, store, row.pair)
                again = score_again(store, row.pair, pictures, chosen, record.input)
            except LowLightError as error:
                wrong.append(str(error))
            else:
                found += differences(row, again)
                wrong += _other_output(row, again)
            advance()
    told = counted(len(record.rows), "pair")
    findings = [judged("outputs", first_of(wrong), f"{told} read")]
    if chosen:
        said = f"{', '.join(metric.name for metric in chosen)} of {told} recomputed"
        findings.append(judged("scores", first_of([one.text for one in found]), said))
    if left := [metric.name for metric in metrics if metric not in chosen]:
        said = f"{', '.join(left)}: computed on floats, and outputs are kept in 8 bits"
        findings.append(Finding("floats", "unknown", said))
    return findings, found


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ScoreError(
            folder, "there is no such folder", "a run keeps its outputs beside its record",
            "Name the record in its run's folder, or use --rerun",
        )  # fmt: skip


def _other_output(row: Row, again: Scored) -> list[str]:
    wrong = []
    if row.output_sha256 not in (None, again.output_sha256):
        wrong.append(f"the output of {row.pair} is not the one that was scored")
    if row.identical != again.identical:
        wrong.append(f"{row.pair}: identical is {row.identical} in the record")
    return wrong


def kept(folder: Path, store: Store, pair: str) -> Iterator[Bytes]:
    """Yield the pictures a run kept of a pair, 8 bits.

    Raises
    ------
    LowLightError
        If one is missing, cannot be read, or is of another size or of 16 bits.
    """
    shape = reference_shape(store, pair)
    files = picture_files(folder, store, pair)
    if len(files) != shape[0]:
        raise ScoreError(
            folder / pair, f"{counted(len(files), 'picture')} of it kept",
            f"{shape[0]} are needed", "Run the method again",
        )  # fmt: skip
    for file in files:
        pixels = read_picture(file).pixels
        if pixels.dtype != "uint8" or pixels.shape[:2] != shape[1:]:
            raise ScoreError(
                file, f"it is {pixels.shape[1]}x{pixels.shape[0]} of {pixels.dtype}",
                f"{shape[2]}x{shape[1]} of uint8 was scored", "Run the method again",
            )  # fmt: skip
        yield pixels
