"""What a run is told, and what follows from that alone: its track and its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval import tracks
from eval.running.label import folder_name
from eval.tracks import Track
from lldata.errors import ScoreError
from lldata.store import Store, home


@dataclass(frozen=True)
class Settings:
    """What `lleval run` is told; its flags are these fields."""

    method: str
    dataset: str | Path
    track: str | Track | None = None  # a study's own, or the name of a shipped one
    split: str | None = None  # None: the track's, else test
    weights: Path | None = None
    metrics: tuple[str, ...] = ()  # empty: the track's
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    out: Path | None = None
    limit: int | None = None
    workers: int | None = None  # None: this process, or a cluster's own
    engine: str = "local"  # or dask=ADDRESS
    device: str = "auto"
    download: bool = False
    outputs: Path | None = None  # of an outside method, which is then only a name


def check_counts(limit: int | None, workers: int | None = None) -> None:
    """Refuse a limit or a number of workers with which nothing would be done."""
    for flag, number, found in (
        ("--limit", limit, "no pair would be scored"),
        ("--workers", workers, "nobody would work"),
    ):
        if number is not None and number < 1:
            raise ScoreError(
                f"{flag} {number}", found, "at least 1 is needed",
                "Give a larger number, or leave it out",
            )  # fmt: skip


def settled_track(settings: Settings, store: Store, tell: Callable[[str], None]) -> Track:
    """Return the track of a run, and say where none has a file."""
    split = settings.split or "test"
    track = tracks.choose(store, split, settings.track)
    if settings.split and track.split != settings.split:
        raise ScoreError(
            f"--split {settings.split}",
            f"track {track.name} is of split '{track.split}'",
            "a track has one split",
            "Leave --split out, or choose another track",
        )
    if not track.pinned and not track.study:
        tell(f"track {track.name}: all usable pairs; no track file has these data")
    return track


def run_folder(
    settings: Settings, store: Store, track: Track, label: str, *, partial: bool
) -> Path:
    """Return the folder a run is kept in where none was named."""
    elsewhere = store.path.resolve() != (home() / store.name).resolve()
    name = folder_name(
        settings.method,
        label,
        limit=settings.limit if partial else None,
        metrics=() if settings.metrics == track.metrics else settings.metrics,
        digest=store.digest if elsewhere else None,
    )
    return home() / (".studies" if track.study else ".runs") / track.name / name
