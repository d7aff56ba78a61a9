"""What the audits of one scene look at: its frames, and what is measured from them only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lldata import render
from lldata.audit import Finding, Status
from lldata.frame import Frame
from lldata.measures import blocks, registration, response
from lldata.measures.local_motion import LocalMotion
from lldata.pairing import SceneFiles
from lldata.protocol import RawProtocol
from lldata.reading.file_facts import FileFacts
from lldata.scene import Pixels

Measured = TypeVar("Measured")
_BELOW_WHITE = 0.95  # of the range; blocks with a brighter photosite may be clipped


@dataclass(frozen=True, eq=False)
class Scene:
    """One scene: its files, its decoded frames and what its files tell besides."""

    files: SceneFiles
    protocol: RawProtocol
    pixels: Pixels
    facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # file name -> facts
    _known: dict[Any, Any] = field(default_factory=dict)

    def once(self, measure: Callable[[Scene], Measured]) -> Measured:
        """Return what an audit measures of the whole scene, measured for the first pair only."""
        if measure not in self._known:
            self._known[measure] = measure(self)
        return cast(Measured, self._known[measure])

    def told(self, path: Path) -> FileFacts:
        """Return what one of the scene's files tells of how it was taken."""
        return FileFacts.from_json(self.facts.get(path.name, {}))

    @property
    def long(self) -> Frame | None:
        """The long frame, None where the reference is a ready picture."""
        return next(iter(self.pixels.long.values()), None)

    @cached_property
    def pairs(self) -> list[Pair]:
        """The pairs of the scene, in the order of its shorts."""
        return [Pair(self, p, self.pixels.short[p.stem]) for p in self.files.shorts]

    @cached_property
    def long_exposure_s(self) -> float:
        """Exposure time of the long; of a ready reference as its name says."""
        if self.long is not None:
            return self.long.exposure_s
        return float((self.protocol.parse_name(self.files.long.stem) or {})["exposure_s"])

    @cached_property
    def size(self) -> tuple[int, int]:
        """(H, W) of the long or of the ready reference."""
        long = self.long
        found = next(iter(self.pixels.reference.values())) if long is None else long.mosaic
        height, width = found.shape[:2]
        return height, width

    @cached_property
    def long_halves(self) -> NDArray[np.float32]:
        """The long's green as two interleaved halves (2, h, w), linear."""
        if self.long is not None:
            return registration.green_halves(self.long)
        picture = next(iter(self.pixels.reference.values()))
        linear = render.linearise(picture[..., 1].astype(np.float32) / np.float32(65535))
        pattern = next(iter(self.pixels.short.values())).cfa
        return registration.halves_of_picture(linear.astype(np.float32), pattern)

    @cached_property
    def long_green(self) -> NDArray[np.float32]:
        """The long's green (h, w) on the mosaic's green sites, linear."""
        green: NDArray[np.float32] = self.long_halves.mean(0)
        return green

    @cached_property
    def clipped(self) -> float:
        """Share of the long's photosites (or of a ready reference's pixels) at white."""
        if self.long is None:
            picture = next(iter(self.pixels.reference.values()))
            return float((picture.max(axis=2) == 65535).mean())
        black = min(self.long.black_level)
        near_white = black + 0.99 * (self.long.white_level - black)
        return float((self.long.mosaic >= near_white).mean())

    @cached_property
    def long_blocks(self) -> blocks.Blocks | None:
        """The long's block means, None where the reference is a ready picture."""
        return None if self.long is None else blocks.of_frame(self.long, blocks.side_for(self.long))

    @cached_property
    def knee(self) -> response.Knee | None:
        """Where the long stops to follow the light, None where no short can tell."""
        return response.knee([pair.responses for pair in self.pairs if pair.responses])

    @cached_property
    def white_change(self) -> float:
        """How far the level that LibRaw develops to white is from the white level, relative."""
        if self.long is None:
            return 0.0
        white = self.long.white_level - min(self.long.black_level)
        return abs(render.effective_white(self.long) / white - 1)


@dataclass(frozen=True, eq=False)
class Pair:
    """One short of a scene against its long."""

    scene: Scene
    path: Path
    short: Frame

    @property
    def name(self) -> str:
        """The pair's id, SCENE/SHORT."""
        return f"{self.scene.files.scene}/{self.path.stem}"

    @cached_property
    def ratio(self) -> float:
        """Exposure ratio t ISO / N^2 of the long over that of the short.

        Without a long frame its ISO and aperture are the short's; an unknown aperture counts as
        equal.
        """
        short, long = self.short, self.scene.long
        iso = short.iso if long is None else long.iso
        known = long is not None and short.f_number and long.f_number
        stops = (short.f_number / long.f_number) ** 2 if known else 1.0  # type: ignore[operator,union-attr]
        return float(self.scene.long_exposure_s * iso * stops / (short.exposure_s * short.iso))

    @cached_property
    def halves(self) -> NDArray[np.float32]:
        """The short's green as two interleaved halves (2, h, w), linear."""
        return registration.green_halves(self.short)

    @property
    def step(self) -> float:
        """One DN on the scale of `halves`."""
        return 1 / (self.short.white_level - min(self.short.black_level))

    @property
    def comparable(self) -> bool:
        """Whether short and long have the same size."""
        return self.halves.shape[1:] == self.scene.long_green.shape

    @cached_property
    def registered(self) -> registration.Registration | None:
        """How the long lies against the short, None where that cannot be measured."""
        if not self.comparable:
            return None
        return registration.register(self.halves, self.scene.long_green, self.step)

    @cached_property
    def shift(self) -> registration.Shift | None:
        """Where the long lies against the short as a whole."""
        return self.registered.shift if self.registered else None

    @cached_property
    def motion(self) -> LocalMotion | None:
        """What moves otherwise than the whole."""
        return self.registered.motion if self.registered else None

    @property
    def in_place(self) -> bool:
        """Whether short and long can be compared block by block: same size, and no known shift."""
        if not self.comparable or self.shift is None:
            return self.comparable
        far = np.hypot(self.shift.y_px, self.shift.x_px)
        limit = self.scene.protocol.limits.shift_quarantine_px
        return bool(self.shift.agreement >= registration.SAME_PLACE and far < limit)

    @cached_property
    def responses(self) -> tuple[response.Response | None, ...]:
        """How the long answers to the short's light in each CFA channel; () if not in place."""
        long, lit = self.scene.long, self.scene.long_blocks
        if long is None or lit is None or not self.in_place or self.short.cfa != long.cfa:
            return ()
        mine = blocks.of_frame(self.short, blocks.side_for(long))
        black = min(long.black_level)
        seen = lit.peak < black + _BELOW_WHITE * (long.white_level - black)
        return tuple(
            response.fit(x[seen], y[seen], self.ratio)
            for x, y in zip(mine.mean, lit.mean, strict=True)
        )

    def finding(
        self, check: str, status: Status, measured: float | None, limit: float | None, message: str
    ) -> Finding:
        """Return what an audit says of this pair."""
        return Finding(self.scene.files.scene, self.name, check, status, measured, limit, message)
