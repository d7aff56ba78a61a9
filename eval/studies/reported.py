"""What papers print, one TOML each in leaderboard/reported/, and what is run beside it.

The dataclasses are the specification: their fields are the keys, unknown ones are refused.
Printed figures keep their digits: 7.40 is not 7.4.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from typing import Any, Literal

from eval.tracks import PairFilter, Track
from lldata.errors import ScoreError
from lldata.store import Store
from lldata.toml_tables import Tables

TIMES = ("parameters_m", "seconds")  # what a row of kind timing prints: millions, and s
_TABLES = Tables(ScoreError, "Correct the TOML in leaderboard/reported")


@dataclass(frozen=True)
class Substitute:
    """What is simulated where the user's own data are not named."""

    protocol: str
    scenes: int
    size: tuple[int, ...] = ()  # height, width; empty: as the photographs are


@dataclass(frozen=True)
class Role:
    """A dataset that a table is about."""

    title: str
    protocols: tuple[str, ...]  # of the datasets that can take the part
    substitute: Substitute


@dataclass(frozen=True)
class Selection:
    """Which pairs of the test split a paper counted."""

    title: str
    short: str = ""  # a regular expression that is found in the short's name; empty: all
    without_scenes: tuple[str, ...] = ()
    readmitted: tuple[str, ...] = ()  # scenes that count although they are in quarantine
    pairs: int = 0  # that the paper's data have; 0: not known

    def track(self, name: str, store: Store) -> Track:
        """Return the track of these pairs of a dataset, kept apart from those that are ranked."""
        return Track(
            f"{store.name}.test.{name}", f"{store.name}, test, {self.title}", store.name, "test",
            pairs=PairFilter(without_scenes=self.without_scenes, short=self.short),
            readmitted=self.readmitted, study=True,
        )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row of a table: what is printed, and the method that is run beside it."""

    label: str
    method: str
    dataset: str = ""  # a role; none of a timing
    trained_on: str = ""  # a role; empty for methods without weights
    options: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, Decimal] = field(default_factory=dict)  # empty: not in the paper
    note: str = ""
    target_option: str = ""  # the option of the method that names the target of a figure's scene


@dataclass(frozen=True)
class Timing:
    """Of what frame a table gives seconds, and on what."""

    size: tuple[int, ...]  # height and width of the mosaic, px
    card: str
    peak_tops: Decimal  # 10^12 operations a second that the card can do at most


@dataclass(frozen=True)
class Figure:
    """What a figure shows of each picture."""

    view: Literal["methods", "brightness", "darkening"]
    pictures: int  # at most so many
    frame: int = 0  # of a clip, from 0; of a shorter one the last
    steps: tuple[float, ...] = ()  # EV, of view brightness
    drawn: tuple[tuple[float, ...], ...] = ()  # alpha and gamma, of view darkening
    any_split: bool = False  # after the test pairs also others, of scenes that were trained on


@dataclass(frozen=True)
class Reported:
    """A table or figure of a paper."""

    name: str  # of its file
    title: str
    paper: str
    where: str
    kind: Literal["scores", "timing", "figure"]
    protocol: tuple[str, ...]
    suspicions: tuple[str, ...]
    not_comparable: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    datasets: dict[str, Role] = field(default_factory=dict)
    selections: dict[str, Selection] = field(default_factory=dict)  # the first is taken unasked
    timing: Timing | None = None
    figure: Figure | None = None
    rows: tuple[Line, ...] = ()

    def selection(self, name: str | None) -> tuple[str, Selection]:
        """Return the selection of that name, or the first.

        Raises
        ------
        ScoreError
            If there is none of that name.
        """
        chosen = next(iter(self.selections)) if name is None else name
        if chosen not in self.selections:
            raise ScoreError(
                f"--pairs {name}", f"{self.name} knows no such selection",
                f"it has {', '.join(self.selections)}", "Choose one of them, or leave it out",
            )  # fmt: skip
        return chosen, self.selections[chosen]


def names() -> list[str]:
    """Return the names of the tables and figures."""
    return sorted(_texts())


def load(name: str) -> Reported:
    """Read what a paper prints.

    Raises
    ------
    ScoreError
        If there is no such table, or its file is malformed.
    """
    texts = _texts()
    if name not in texts:
        raise ScoreError(
            f"reproduce {name}", "there is no such table or figure",
            f"there are: {', '.join(names())}", "Choose one of them",
        )  # fmt: skip
    return parse(name, texts[name])


def parse(name: str, text: str) -> Reported:
    """Make a table of the text of its TOML file.

    Raises
    ------
    ScoreError
        If it is no TOML, a key is missing, unknown or of the wrong type, or a row names a dataset
        or figure that the file does not tell of.
    """
    where = f"reported/{name}.toml"
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ScoreError(where, f"it is no TOML ({error})", "it must be", "Correct it") from error
    found: Reported = _TABLES.filled(Reported, {**table, "name": name}, where)
    known = {*found.metrics} if found.kind == "scores" else {*TIMES}
    for row in found.rows:
        for said, allowed in (
            ({row.dataset, row.trained_on} - {""}, found.datasets), (row.printed, known)
        ):  # fmt: skip
            for key in said:
                if key not in allowed:
                    raise ScoreError(
                        f"{where}: {row.label}", f"it names {key}",
                        f"the file has {', '.join(allowed)}", "Correct the TOML",
                    )  # fmt: skip
    return found


def _texts() -> Mapping[str, str]:
    folder = files("leaderboard") / "reported"
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in folder.iterdir() if file.name.endswith(".toml")
    }  # fmt: skip
