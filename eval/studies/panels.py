"""The pictures of a figure: what is given, what it should look like, what methods make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.inference.clips.frame_by_frame import enhanced_clip
from baselines.inputs import check_data
from baselines.method import Method
from eval.metrics import find_metrics, score_images
from eval.metrics.pixels import to_uint8
from eval.running.disturbance import AXES
from eval.running.pairs import accepted, load_method
from eval.running.pictures import encoded
from eval.running.trained import training_of, weights_on
from eval.studies.reported import Figure, Line, Reported
from lldata import publish
from lldata.clip_sample import clip_frames
from lldata.errors import LowLightError, MethodError, ScoreError
from lldata.sample import Sample, planes_first, read_reference
from lldata.store import Store
from lldata.synthesis import retinex

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]
Bytes = NDArray[np.uint8]  # (H, W, 3)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a sheet, or why there is none."""

    picture: str  # the pair it is of
    label: str
    method: str = ""  # that made it; none of what is given
    pixels: Bytes | None = None
    missing: str | None = None
    mean: float | None = None  # BT.601 luma of the 8-bit picture, 1 is white
    scores: Mapping[str, float] = field(default_factory=dict)
    training: str | None = None  # preset and steps of the method's weights


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture that methods are given, and what it should look like."""

    pair: str
    given: Planes
    target: Planes | None
    registered: bool  # whether the target shows the same, pixel by pixel


def shown(store: Store, figure: Figure) -> list[Shown]:
    """Return the first pictures of a dataset: of its test split, and of others where it has none.

    Raises
    ------
    ScoreError
        If no pair is usable.
    """
    rows, tested = store.usable(None), store.usable("test")
    rows = rows if tested.empty or figure.any_split else tested
    if rows.empty:
        raise ScoreError(
            f"dataset {store.name}", "it has no usable pair", "a figure shows one",
            f"See why: lldata show {store.name}",
        )  # fmt: skip
    others = rows["split"] != "test"
    first = rows.assign(others=others).sort_values(["others", "pair"]).head(figure.pictures)
    return [_shown(store, row, figure.frame) for row in first.itertuples(index=False)]


def _shown(store: Store, row: Any, frame: int) -> Shown:
    if store.kind != "clips":
        low, _ = store.picture(row.scene, row.short, "low")
        return Shown(row.pair, planes_first(low), read_reference(store, row), registered=True)
    number = min(frame, store.clip_shape(row.scene, row.short)[0] - 1)
    given = next(clip_frames(store, row.scene, row.short, number, 1))
    return Shown(row.pair, given, next(clip_frames(store, row.scene, "target", 0, 1)), False)


def panel(picture: str, label: str, planes: Planes, method: str = "") -> Panel:
    """Return the panel of a picture."""
    pixels = to_uint8(planes.transpose(1, 2, 0))
    mean = float((pixels @ _LUMA).mean() / 255)
    return Panel(picture, label, method, pixels, mean=mean)


def rows_of(
    table: Reported, store: Store, folder: Path, device: str, tell: Callable[[str], None]
) -> list[list[Panel]]:
    """Return the panels of a figure, row by row; a method that cannot run leaves a note instead.

    Parameters
    ----------
    folder : where the targets are kept that methods read as files
    """
    figure = table.figure
    if figure is None:
        raise ValueError(f"{table.name} is no figure")
    pictures = shown(store, figure)
    if figure.view == "darkening":
        return [_darkened(one, figure) for one in pictures]
    makers = [_Maker(line, store, device) for line in table.rows]
    if figure.view == "brightness":
        return [row for one in pictures for row in _brightened(one, makers, figure, tell)]
    return [list(_by_methods(one, makers, table, folder, tell)) for one in pictures]


def _darkened(one: Shown, figure: Figure) -> list[Panel]:
    original = one.given if one.target is None else one.target
    dark = [
        panel(one.pair, f"alpha {alpha:g}, gamma {gamma:g}",
              np.asarray(retinex.degrade(original, alpha, gamma), np.float32))
        for alpha, gamma in figure.drawn
    ]  # fmt: skip
    return [panel(one.pair, "original", original), *dark]


def _by_methods(
    one: Shown, makers: Sequence[_Maker], table: Reported, folder: Path,
    tell: Callable[[str], None],
) -> Iterator[Panel]:  # fmt: skip
    yield panel(one.pair, "given", one.given)
    metrics = find_metrics(table.metrics)
    told = any(maker.line.target_option for maker in makers)
    target = None
    if told and one.target is not None:
        target = _target_file(one.target, one.pair, folder)
    for maker in makers:
        tell(f"{maker.line.method} on {one.pair}")
        found = maker.panel(one.pair, maker.line.label, one.given, target)
        if one.registered and one.target is not None and found.pixels is not None:
            truth = to_uint8(one.target.transpose(1, 2, 0))
            found = replace(found, scores=score_images(found.pixels, truth, metrics))
        yield found
    if one.target is not None:
        said = "reference" if one.registered else "target, not registered"
        yield panel(one.pair, said, one.target)


def _brightened(
    one: Shown, makers: Sequence[_Maker], figure: Figure, tell: Callable[[str], None]
) -> Iterator[list[Panel]]:
    change = AXES["brightness"].of_picture
    if change is None:
        raise ValueError("pictures have no brightness")
    given = {ev: change(one.given, ev, one.pair) if ev else one.given for ev in figure.steps}
    yield [panel(one.pair, f"given, {_ev(ev)}", planes) for ev, planes in given.items()]
    for maker in makers:
        tell(f"{maker.line.method} on {one.pair}")
        yield [
            maker.panel(one.pair, f"{maker.line.label}, {_ev(ev)}", planes, None)
            for ev, planes in given.items()
        ]


def _ev(step: float) -> str:
    return "as it is" if step == 0 else f"{step:+g} EV"


def _target_file(target: Planes, pair: str, folder: Path) -> Path:
    """Write the target as a file, for methods that are told to look like it.

    One that stands there may be of other data: figures of any dataset can go into one folder.
    """
    path = folder / f"target-{pair.replace('/', '-')}.png"
    publish.write_replacing(path, encoded(to_uint8(target.transpose(1, 2, 0)), ".png"))
    return path


class _Maker:
    """The method of a line, made once where its options do not depend on the picture."""

    def __init__(self, line: Line, store: Store, device: str) -> None:
        self.line, self.store, self.device = line, store, device
        self.built: Method | None = None
        self.training: str | None = None

    def panel(self, pair: str, label: str, given: Planes, target: Path | None) -> Panel:
        """Return what the method makes of a picture, or why it cannot."""
        try:
            made = self._picture(self._method(target), pair, given)
        except MethodError as error:
            return Panel(pair, label, self.line.method, missing=_short(error))
        found = panel(pair, label, made, self.line.method)
        return replace(found, training=self.training)

    def _method(self, target: Path | None) -> Method:
        if self.built is not None:
            return self.built
        options = dict(self.line.options)
        if self.line.target_option and target is not None:
            options[self.line.target_option] = target
        weights = None
        if self.line.trained_on:
            weights = weights_on(self.line.method, self.store, options)
            self.training = training_of(weights, self.line.method)
        given = accepted(self.line.method, options, {"device": self.device, "seed": 0})
        method, _ = load_method(self.line.method, given, weights)
        check_data(method.info, self.store)
        if not self.line.target_option:
            self.built = method
        return method

    def _picture(self, method: Method, pair: str, given: Planes) -> Planes:
        if method.info.domain == "clip":
            return next(enhanced_clip(method, Sample(pair, nan, clip=iter([given]))))
        return method(Sample(pair, nan, srgb=given))


def _short(error: LowLightError) -> str:
    """Return what to do about an error, which is what fits into a panel."""
    return error.remedy if error.remedy.startswith("Train them") else str(error)
