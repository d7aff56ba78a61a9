"""Tracks: which pairs of which dataset are scored with what, one TOML each, digests pinned."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
import pandas as pd

from lldata.errors import ScoreError
from lldata.store import Store
from lldata.toml_tables import Tables

DEFAULT_METRICS = ("psnr", "ssim")
OF_CLIPS = ("flicker", "warp_error")
_TABLES = Tables(ScoreError, "Correct the TOML")
TOLERANCE = 0.01  # a ratio computed from EXIF is 299.99, its nominal one 300


@dataclass(frozen=True)
class PairFilter:
    """Which usable pairs of a split a track takes; an empty list takes all."""

    ratios: tuple[float, ...] = ()
    isos: tuple[float, ...] = ()
    scenes: tuple[str, ...] = ()
    without_scenes: tuple[str, ...] = ()
    short: str = ""  # a regular expression that is found in the short's name, such as _00_

    def __call__(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that pass."""
        keep = ~pairs["scene"].isin(self.without_scenes)
        if self.short:
            keep &= pairs["short"].str.contains(self.short, regex=True)
        if self.scenes:
            keep &= pairs["scene"].isin(self.scenes)
        for column, values in (("ratio", self.ratios), ("iso", self.isos)):
            if values:
                found = pairs[column].to_numpy()[:, None]
                keep &= np.isclose(found, values, rtol=TOLERANCE).any(axis=1)
        return pairs[keep]


@dataclass(frozen=True)
class Track:
    """A dataset, a split, a pair filter and metrics; what a record is made on."""

    name: str  # the file name, or DATASET.SPLIT for one that has no file
    title: str
    dataset: str
    split: str
    metrics: tuple[str, ...] = DEFAULT_METRICS
    digest: str = ""  # of the dataset; empty: not pinned, so never published
    reference_digest: str = ""
    pairs: PairFilter = field(default_factory=PairFilter)
    readmitted: tuple[str, ...] = ()  # scenes a study counts although they are in quarantine
    study: bool = False  # of a paper's table: its runs are kept apart and never ranked

    @property
    def pinned(self) -> bool:
        """Whether the track says which data it means."""
        return bool(self.digest)

    def select(self, store: Store) -> pd.DataFrame:
        """Return the rows of the store's pair table to score, sorted by pair id.

        Raises
        ------
        ScoreError
            If the store holds other data than the track pins, or no pair is left.
        """
        if self.pinned and not self.means(store):
            raise ScoreError(
                f"--track {self.name}",
                f"dataset {store.name} has digest {store.digest[:12]}, references "
                f"{store.reference_digest[:12]}",
                f"the track pins {self.digest[:12]}, references {self.reference_digest[:12]}",
                "Use the dataset it was made for, or leave --track out",
            )
        rows = self.pairs(self._standing(store)).sort_values("pair")
        if rows.empty:
            splits = ", ".join(sorted(set(store.usable(None)["split"]))) or "none"
            raise ScoreError(
                f"dataset {store.name}",
                f"it has no usable pair of split '{self.split}' for track {self.name}",
                f"its splits with usable pairs are: {splits}",
                "Choose another with --split",
            )
        return rows

    def _standing(self, store: Store) -> pd.DataFrame:
        """Return the usable pairs of the split, and those readmitted."""
        if not self.readmitted:
            return store.usable(self.split)
        rows = store.pairs[store.pairs["split"] == self.split]
        return rows[(rows["status"] != "quarantine") | rows["scene"].isin(self.readmitted)]

    def means(self, store: Store) -> bool:
        """Whether the store holds exactly the data the track pins."""
        return (self.digest, self.reference_digest) == (store.digest, store.reference_digest)


@dataclass(frozen=True)
class _File:
    """The keys of a track's file: all are said but the filter, which then takes every pair."""

    title: str
    dataset: str
    split: str
    metrics: tuple[str, ...]
    digest: str
    reference_digest: str
    pairs: PairFilter = field(default_factory=PairFilter)


def names() -> list[str]:
    """Return the names of the shipped tracks."""
    return sorted(file.name.removesuffix(".toml") for file in _files())


def load(name: str) -> Track:
    """Read a shipped track.

    Raises
    ------
    ScoreError
        If there is none of that name, or it is malformed.
    """
    for file in _files():
        if file.name == f"{name}.toml":
            return parse(name, file.read_text(encoding="utf-8"))
    raise ScoreError(
        f"--track {name}",
        "there is no such track",
        f"the tracks are: {', '.join(names()) or 'none yet'}",
        "Choose one (lleval tracks lists them), or leave --track out",
    )


def parse(name: str, text: str) -> Track:
    """Make a track of the text of its TOML file; every key is a field, none is unknown.

    Raises
    ------
    ScoreError
        If it is no TOML, or a key is missing, unknown, empty or of the wrong type.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScoreError(
            f"track {name}", f"it is no TOML ({error})", "a track is a TOML file", "Correct it"
        ) from error
    found: _File = _TABLES.filled(_File, document, f"track {name}")
    for key, value in vars(found).items():
        if value == "":
            raise ScoreError(
                f"track {name}", f"{key} is empty", "it must say something", "Correct the TOML"
            )
    return Track(name=name, **vars(found))


def choose(store: Store, split: str, name: str | Track | None = None) -> Track:
    """Return the track to run: the named one, else the one pinned to this data, else an ad hoc one.

    A study brings its own track along.

    Raises
    ------
    ScoreError
        If several tracks name this dataset, split and digests, or there is none of the name.
    """
    if isinstance(name, Track):
        return name
    if name is not None:
        return load(name)
    known = [load(track) for track in names()]
    fitting = [t for t in known if (t.dataset, t.split) == (store.name, split) and t.means(store)]
    if len(fitting) > 1:
        raise ScoreError(
            f"dataset {store.name}, split {split}",
            f"{len(fitting)} tracks are made of it",
            "a record belongs to one",
            f"Choose with --track: {', '.join(track.name for track in fitting)}",
        )
    return fitting[0] if fitting else ad_hoc(store, split)


def ad_hoc(store: Store, split: str) -> Track:
    """Return the track of all usable pairs of a split, pinned to nothing.

    Its metrics are psnr and ssim; of clips flicker and warp_error too, and these alone where
    nobody knows a clip's truth.
    """
    metrics: tuple[str, ...] = DEFAULT_METRICS
    if store.kind == "clips":
        known = bool((store.usable(split)["reference"] != "").all())
        metrics = (*DEFAULT_METRICS, *OF_CLIPS) if known else OF_CLIPS
    title = f"{store.name}, {split}"
    return Track(ad_hoc_name(store.name, split), title, store.name, split, metrics=metrics)


def ad_hoc_name(dataset: str, split: str) -> str:
    """Return the name of the track that no file is about."""
    return f"{dataset}.{split}"


def _files() -> list[Traversable]:
    folder = files("leaderboard") / "tracks"
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if file.name.endswith(".toml")]
