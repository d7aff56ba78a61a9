"""Calibrate a camera's noise from its own frames: darks, flats or bursts of anything still.

Frames of one folder with the same ISO and exposure are takes of one thing where neither their
names nor their pictures tell of two; what is dark and what is lit is seen from their signal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lldata import protocol
from lldata.engine import Local, Unit, run_units
from lldata.errors import FrameError, LowLightError
from lldata.noise.calibration import Calibration, IsoNoise
from lldata.noise.takes import Kind, Set, kind_of, measure_iso, measure_set
from lldata.pairing import check_folder

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


def _unseen(_label: str, _total: int) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


def calibrate(src: Path, engine: Local, progress: Progress = _unseen) -> Calibration:
    """Measure the noise of the camera whose frames lie in a folder and the folders in it.

    Parameters
    ----------
    progress : label and number of items -> context giving a function to call after each item

    Raises
    ------
    FrameError
        If there are no frames, they are of several cameras, no two are takes of one thing, or
        no ISO has both takes in the dark and takes with light, or takes of many brightnesses.
    """
    sets = _sets(src, engine, progress)
    found, left_out = _measured(sets, engine, progress)
    isos = []
    for iso, of_iso in sorted(found.items()):
        measured = measure_iso(of_iso)
        if isinstance(measured, str):
            left_out.append(f"ISO {iso:g}: {measured}")
        else:
            isos.append(IsoNoise(iso=iso, **measured))
    if not isos:
        raise FrameError(
            src, left_out[0].rstrip("."), "two still frames or more of each of several "
            "brightnesses, one of them dark, give gain and read noise",
            "Shoot darks with the cap on and flats of a plain wall at several exposure times, or "
            "bursts of a still scene",
        )  # fmt: skip
    camera = next(iter(sets)).camera
    return Calibration(camera, tuple(isos), tuple(left_out))


def _measured(
    sets: Mapping[Kind, tuple[Path, ...]], engine: Local, progress: Progress
) -> tuple[dict[float, list[Set]], list[str]]:
    """Return ISO -> what was measured of its sets, and what was left out."""
    found: dict[float, list[Set]] = {}
    left_out: list[str] = []
    units = [Unit(str(kind), measure_set, (paths,)) for kind, paths in sets.items()]
    kinds = dict(zip((unit.key for unit in units), sets, strict=True))
    with progress("measuring takes", len(units)) as advance:
        for unit, result in run_units(units, engine):
            if isinstance(result, LowLightError):
                left_out.append(str(result))
            elif isinstance(result, BaseException):
                raise result
            else:
                told, refused = result
                left_out += refused
                if told is not None:
                    found.setdefault(kinds[unit.key].iso, []).append(told)
            advance()
    return found, left_out


def _sets(src: Path, engine: Local, progress: Progress) -> dict[Kind, tuple[Path, ...]]:
    """Return the takes of each kind, two or more, in the order of their names."""
    raws = [p for p in map(protocol.load, protocol.names()) if isinstance(p, protocol.RawProtocol)]
    paths = _frames(src, raws)
    kinds: dict[Kind, list[Path]] = {}
    units = [Unit(str(path), kind_of, (path, _scene(path, raws))) for path in paths]
    read = []
    with progress("reading frames", len(units)) as advance:
        for one in run_units(units, engine):
            read.append(one)
            advance()
    for unit, result in sorted(read, key=lambda told: told[0].key):
        if isinstance(result, BaseException):
            raise result
        kinds.setdefault(result, []).append(Path(unit.key))
    cameras = sorted({kind.camera for kind in kinds})
    if len(cameras) > 1:
        raise FrameError(
            src, f"its frames are from {' and '.join(cameras)}",
            "a calibration is of one camera", "Give each camera's folder apart",
        )  # fmt: skip
    sets = {kind: tuple(taken) for kind, taken in kinds.items() if len(taken) > 1}
    if not sets:
        raise FrameError(
            src, f"no two of its {len(paths)} frames share folder, scene, ISO and exposure time",
            "noise is what differs between takes of one still picture",
            "Take darks, flats or bursts of a scene: each exposure twice or more",
        )  # fmt: skip
    return sets


def _scene(path: Path, raws: Sequence[protocol.RawProtocol]) -> str:
    """Return the scene that a file's name tells under any protocol, else ""."""
    return next((told["scene"] for p in raws if (told := p.parse_name(path.stem))), "")


def _frames(src: Path, raws: Sequence[protocol.RawProtocol]) -> list[Path]:
    check_folder(src, "frames")
    known = {f".{e.lower()}" for p in raws for e in p.files.extensions}
    paths = [p for p in sorted(src.rglob("*")) if p.suffix.lower() in known and p.name[0] != "."]
    if not paths:
        raise FrameError(
            src, "no RAW files lie in it", f"files such as {', '.join(sorted(known))} are needed",
            "Correct the path",
        )  # fmt: skip
    return paths
