"""Small pictures and histograms of one scene, for the report.

A mosaic is binned rather than developed: at this size nobody sees a difference, and it takes a
twentieth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata import cfa, store
from lldata.curve import encode, linearise
from lldata.frame import Frame
from lldata.render import SRGB_TO_XYZ
from lldata.store import Store
from lldata.synthesis.drawn import said

MOST_SHORTS = 3  # of a scene that are shown
STOPS = 14  # below white that the histogram of RAW frames spans
BINS = 2 * STOPS
_SIZES = (320, 256, 208, 168, 136, 112, 96)  # pixels of the longer side, tried in turn
_QUALITY = 78
_STRIDE = 4  # of the pixels that are counted

Light = NDArray[np.float32]  # (h, w, 3) linear sRGB, 1 is white


class Thumbnail(NamedTuple):
    """One small picture."""

    title: str
    pair: str  # "" for the reference
    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Sheet:
    """What the report shows of one scene."""

    scene: str
    camera: str
    pictures: tuple[Thumbnail, ...]
    dark: tuple[int, ...]  # how many values of the shorts fall into each bin
    lit: tuple[int, ...]  # the same of the long or the reference
    darkness: tuple[tuple[str, float], ...] = ()  # pair, how many times as bright its lit one is


def sheet(dataset: Store, scene: str, most_bytes: int) -> Sheet:
    """Return one scene's pictures, each of at most `most_bytes`, and its histograms."""
    record = store.read_scene(store.scene_path(dataset.path, scene))
    if dataset.kind == "clips":
        shown = list(_clip_lights(dataset, scene, list(record.clip)))
    elif dataset.kind == "pictures":
        shown = list(_picture_lights(dataset, scene, record.pairs))
    else:
        shown = list(_frame_lights(dataset, scene, record.pairs))
    dataset.close()
    return Sheet(
        scene, record.camera, tuple(_thumbnail(one, most_bytes) for one in shown),
        _summed([one.counts for one in shown if one.pair]),
        _summed([one.counts for one in shown if not one.pair]),
        tuple((one.pair, one.gain) for one in shown if one.gain),
    )  # fmt: skip


def _summed(counts: list[NDArray[np.int64]]) -> tuple[int, ...]:
    total = np.sum(counts, axis=0) if counts else np.zeros(BINS, np.int64)
    return tuple(int(n) for n in np.atleast_1d(total))


class _Shown(NamedTuple):
    """One picture to show, and the histogram of what it was made from."""

    title: str
    pair: str  # "" for the reference
    light: Light
    counts: NDArray[np.int64]
    gain: float = 0.0  # to the mean of its lit one, where nothing else tells it


def _frame_lights(
    dataset: Store, scene: str, pairs: tuple[dict[str, Any], ...]
) -> Iterator[_Shown]:
    reference = str(pairs[0]["reference"])
    picture = dataset.reference(scene, reference)
    light = _small(linearise(_halved(picture)))
    yield _Shown("reference", "", light, in_stops(linearise(_sampled(picture))))
    chosen = sorted(pairs, key=lambda row: (row["status"] != "quarantine", -row["exposure_s"]))
    for row in sorted(chosen[:MOST_SHORTS], key=lambda row: -row["exposure_s"]):
        frame = dataset.frame(scene, str(row["short"]))
        values = cfa.normalise(frame)[:, ::_STRIDE, ::_STRIDE]
        title = f"{seconds(row['exposure_s'])} × {row['ratio']:.3g}"
        light = developed(frame) * np.float32(row["ratio"])
        yield _Shown(title, str(row["pair"]), light, in_stops(values))


def _picture_lights(
    dataset: Store, scene: str, pairs: tuple[dict[str, Any], ...]
) -> Iterator[_Shown]:
    for row in pairs[:MOST_SHORTS]:
        normal, _ = dataset.picture(scene, str(row["reference"]), "normal")
        low, facts = dataset.picture(scene, str(row["short"]), "low")
        yield from _couple(("normal", normal), ("low", low), str(row["pair"]), said(facts))


def _clip_lights(dataset: Store, scene: str, names: list[str]) -> Iterator[_Shown]:
    lit = "target" if "target" in names else names[-1]
    middle = {n: dataset.clip_shape(scene, n)[0] // 2 for n in names}
    bright, dark = ((n, dataset.clip_frame(scene, n, middle[n])) for n in (lit, "low"))
    yield from _couple(bright, dark, f"{scene}/low")


def _couple(
    lit: tuple[str, NDArray[Any]], dark: tuple[str, NDArray[Any]], pair: str, drawn: str = ""
) -> Iterator[_Shown]:
    """Yield a lit picture, and a dark one amplified to the same mean."""
    bright, faint = (linearise(_halved(picture)) for _, picture in (lit, dark))
    yield _Shown(lit[0], "", _small(bright), encoded(_sampled(lit[1])))
    gain = float(bright.mean() / max(faint.mean(), 1e-6))
    title = f"{dark[0]} × {gain:.3g}{': ' if drawn else ''}{drawn}"
    light = _small(faint) * np.float32(gain)
    yield _Shown(title, pair, light, encoded(_sampled(dark[1])), gain)


# ---- light


def developed(frame: Frame) -> Light:
    """Return a mosaic as linear sRGB (h, w, 3), one pixel for each CFA cell or more, 1 is white."""
    plan = cfa.layout(frame.cfa)
    planes = cfa.normalise(frame)
    colours: list[Light] = []
    for letter in "RGB":
        mine = [p for p, c in zip(planes, plan.colours, strict=True) if c == letter]
        colours.append(_small(np.mean(mine, axis=0)))
    light = np.stack(colours, axis=-1)
    gains = [w if w > 0 else 1.0 for w in frame.white_balance[:3]]
    light *= np.array(gains, np.float32)
    matrix = np.array(frame.colour_matrix)
    if matrix.any():
        to_camera = matrix @ SRGB_TO_XYZ
        to_srgb = np.linalg.inv(to_camera / to_camera.sum(axis=1, keepdims=True))
        light = light @ to_srgb.T.astype(np.float32)
    return np.asarray(light, np.float32)


def _unit(picture: NDArray[Any]) -> Light:
    return np.asarray(picture / np.float32(np.iinfo(picture.dtype).max), np.float32)


def _halved(picture: NDArray[Any]) -> Light:
    """Return an encoded picture in [0, 1], its sides at most twice the largest thumbnail's."""
    step = max(1, max(picture.shape[:2]) // (2 * _SIZES[0]))
    return _unit(picture[::step, ::step])


def _sampled(picture: NDArray[Any]) -> Light:
    return _unit(picture[::_STRIDE, ::_STRIDE])


def _small(plane: NDArray[Any]) -> Light:
    """Return a picture or plane, its longer side at most the largest thumbnail's."""
    height, width = plane.shape[:2]
    scale = min(1.0, _SIZES[0] / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def in_stops(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many linear values lie in each half stop below white, the darkest first."""
    stops = np.log2(np.maximum(values, 2.0 ** -(STOPS + 1)))
    counts, _ = np.histogram(np.clip(stops, -STOPS, -1e-6), BINS, (-STOPS, 0))
    return counts.astype(np.int64)


def encoded(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many encoded values in [0, 1] lie in each bin."""
    return np.histogram(values, BINS, (0, 1))[0].astype(np.int64)


# ---- pictures


def _thumbnail(shown: _Shown, most_bytes: int) -> Thumbnail:
    """Return the largest JPEG of a picture within `most_bytes`; the smallest if none is."""
    picture = np.rint(encode(np.clip(shown.light, 0, 1)) * 255).astype(np.uint8)[..., ::-1]
    for longest in _SIZES:
        scale = longest / max(picture.shape[:2])
        if scale < 1:
            size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        else:
            small = picture
        jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        if len(jpeg) <= most_bytes:
            break
    return Thumbnail(shown.title, shown.pair, jpeg, small.shape[1], small.shape[0])


def seconds(time_s: float) -> str:
    """Return an exposure time as photographers write it: 1/30 s, 0.4 s, 10 s."""
    if time_s <= 0 or not np.isfinite(time_s):
        return "? s"
    if time_s < 0.3:
        return f"1/{round(1 / time_s)} s"
    return f"{time_s:.3g} s"
