"""Small captures for tests: frames as a camera under a protocol would give them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from lldata.audit.evidence import Pair, Scene
from lldata.dng import write_dng
from lldata.frame import Frame
from lldata.pairing import SceneFiles
from lldata.protocol import load_raw
from lldata.scene import Pixels

SONY = Frame(
    mosaic=np.zeros((2, 2), np.uint16), cfa="RGGB", black_level=(512.0,) * 4, white_level=16383,
    white_balance=(2.0, 1.0, 1.75, 1.0),
    colour_matrix=((0.5, -0.125, -0.0625), (-0.375, 1.125, 0.25), (-0.0625, 0.1875, 0.5)),
    exposure_s=0.1, iso=200.0, camera="Sony ILCE-7SM2", sha256="", f_number=8.0,
    focal_length_mm=35.0, time="2026-01-02T20:00:00",
)  # fmt: skip


def light(seed: int, shape: tuple[int, int] = (192, 256)) -> np.ndarray:
    """Return a picture with structure at all scales, (H, W) in [0, 1]."""
    rng = np.random.default_rng(seed)
    scales = (1, 3, 9, 27)
    layers = [s * gaussian_filter(rng.standard_normal(shape), s) for s in scales]
    picture = np.sum(layers, axis=0)
    return np.clip(0.25 + 0.12 * picture / picture.std(), 0.01, 0.9)


def frame(picture: np.ndarray, seconds: float, seed: int = 0, **changes: object) -> Frame:
    """Expose a picture whose light fills the sensor in 10 s: photon and read noise, no colour."""
    rng = np.random.default_rng((seed, int(seconds * 1000)))
    electrons = rng.poisson(picture * 60000 * seconds / 10) + rng.normal(0, 3, picture.shape)
    mosaic = np.clip(np.rint(512 + electrons * 0.25), 0, 16383).astype(np.uint16)
    return replace(SONY, mosaic=mosaic, exposure_s=seconds, **changes)


def write_scene(
    folder: Path,
    scene: str,
    picture: np.ndarray,
    shorts: tuple[float, ...] = (0.1,),
    long_picture: np.ndarray | None = None,
    *,
    long_changes: bool = False,
    **changes: object,
) -> None:
    """Write one scene's DNG files into folder/short and folder/long."""
    for kind in ("short", "long"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    seed = int(scene)
    for seconds in shorts:
        shot = frame(picture, seconds, seed, **changes)
        write_dng(folder / "short" / f"{scene}_00_{seconds:g}s.DNG", shot)
    same = changes if long_changes else {}
    long = frame(picture if long_picture is None else long_picture, 10, seed, **same)
    write_dng(folder / "long" / f"{scene}_00_10s.DNG", long)


def findings_of(outcomes: object, check: str) -> dict[str, str]:
    """Return pair (or scene) -> status of one audit."""
    return {f.pair or f.scene: f.status for o in outcomes for f in o.findings if f.check == check}


def pair_of(
    short: Frame,
    long: Frame,
    short_name: str = "00001_00_0.1s.DNG",
    protocol: str = "sid_sony",
    *,
    reference: np.ndarray | None = None,
    **known: object,
) -> Pair:
    """Return the evidence of one short and its long (or ready reference).

    `known` replaces what would be measured: shift, ratio of the pair, clipped, white_change.
    """
    folder = Path("s")
    long_path = folder / "long" / ("00001_00_10s.DNG" if reference is None else "00001_00_10s.png")
    files = SceneFiles(
        "00001", "train", "00001", folder, long_path, (folder / "short" / short_name,)
    )
    stem = Path(short_name).stem
    pixels = Pixels({stem: short}, {long_path.stem: long} if reference is None else {},
                    {} if reference is None else {long_path.stem: reference})  # fmt: skip
    scene = Scene(files, load_raw(protocol), pixels)
    for name, value in known.items():
        (scene if name in ("clipped", "white_change") else scene.pairs[0]).__dict__[name] = value
    return scene.pairs[0]
