"""Small datasets for tests, published as ingest publishes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lldata import store, upkeep
from lldata.scene import Pixels, SceneFile
from tests.captures import frame, light


def night(
    folder: Path,
    splits: str = "train train train test",
    shape: tuple[int, int] = (48, 64),
    pattern: str = "RGGB",
    exposures: tuple[float, ...] = (0.1,),
    takes: int = 1,
    quarantined: tuple[str, ...] = (),
    *,
    longs: bool = False,
    protocol: str = "sid_sony",
) -> store.Store:
    """Publish and open a dataset of one scene per word of `splits`, named 00001, 00002, …

    The reference of a scene is its light, equal in R, G and B; with `longs` there is also the
    mosaic of its long exposure.
    """
    for number, split in enumerate(splits.split(), 1):
        _publish(folder, f"{number:05}", split, shape, pattern, exposures, takes, quarantined,
                 longs=longs, protocol=protocol)  # fmt: skip
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    return store.open_store(folder)


def _publish(
    folder: Path, scene: str, split: str, shape: tuple[int, int], pattern: str,
    exposures: tuple[float, ...], takes: int, quarantined: tuple[str, ...],
    *, longs: bool, protocol: str,
) -> None:  # fmt: skip
    picture, long = light(int(scene), shape), f"{scene}_00_10s"
    shorts = {f"{scene}_{take:02}_{t:g}s": t for take in range(takes) for t in exposures}
    rows = tuple(
        {
            "pair": f"{scene}/{short}", "scene": scene, "group": scene, "short": short,
            "long": long if longs else "", "reference": long, "split": split,
            "ratio": 10 / seconds, "iso": 200.0, "exposure_s": seconds,
            "shift_y_px": 0.0, "shift_x_px": 0.0,
            "status": "quarantine" if scene in quarantined else "pass",
        }
        for short, seconds in shorts.items()
    )  # fmt: skip
    frames = {
        name: replace(frame(picture, seconds, seed), cfa=pattern)
        for seed, (name, seconds) in enumerate(shorts.items())
    }
    reference = np.rint(picture * 65535).astype(np.uint16)[..., None].repeat(3, axis=2)
    record = SceneFile(
        scene=scene, group=scene, split=split, camera="Sony ILCE-7SM2", protocol=protocol,
        protocol_text="", synthetic=True, origin="", pairs=rows, findings=(), sources={},
        versions={"lldata": "1", "rawpy": "2", "libraw": "3", "numpy": "4"},
    )  # fmt: skip
    long_frame = replace(frame(picture, 10), cfa=pattern)
    kept = {long: long_frame} if longs else {}
    upkeep.publish_scene(folder, record, Pixels(frames, kept, {long: reference}))
