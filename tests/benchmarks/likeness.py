"""How captures look, in a few figures: real and simulated ones side by side."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from lldata.curve import linearise
from lldata.frame import Frame
from lldata.protocol import load_raw
from lldata.render import SRGB_TO_XYZ
from lldata.store import Store
from lldata.synthesis import sensor
from lldata.synthesis.noise import Noise
from tests.benchmarks.tables import markdown

_PATCH = 16  # packed pixels on a side
_FLAT = 0.06  # standard deviation over mean of the reference in a flat patch
_DARK = (0.5, 8.0)  # DN that the short should show: where an error of black counts
_ENOUGH = 500  # packed pixels
_DN = (3.0, 12.0)  # above black: where read noise counts and black clips none of it
COLUMNS = {
    "pairs": "train pairs", "short_dn": "short, DN above black", "amplified": "amplified, mean",
    "black": "at or below black", "reference": "reference, mean", "dark": "its 1st percentile",
    "middle": "its median", "bright": "its 99th percentile", "colour": "its (max - min) / max",
    "red": "white balance, red", "blue": "blue", "read": "read noise over model",
}  # fmt: skip


def likeness(name: str, store: Store) -> dict[str, Any]:
    """Return the medians of what describes the usable train pairs of a dataset."""
    rows = list(store.usable("train").itertuples(index=False))
    found = [_facts(store, row) for row in rows]
    middle = {key: float(f"{np.median([f[key] for f in found]):.4g}") for key in found[0]
              if key != "patches"}  # fmt: skip
    patches = np.concatenate([f["patches"] for f in found])
    read = float(f"{np.sqrt(max(np.median(patches), 0)):.3g}") if len(patches) > 20 else None
    errors = [[iso, round(dn, 2)] for iso, dn in black_errors(store)]
    return {"captures": name, "pairs": len(rows), **middle, "read": read, "black_errors": errors}


def black_errors(store: Store) -> tuple[tuple[float, float], ...]:
    """Return ISO and error of the black level, DN, as the usable train pairs of a dataset show it.

    Medians over the pairs of an ISO.
    """
    found: dict[float, list[float]] = {}
    for row in store.usable("train").itertuples(index=False):
        frame = store.frame(row.scene, row.short)
        reference = linearise(store.reference(row.scene, row.reference) / np.float64(65535))
        error = black_error(frame, reference, row.ratio)
        if error is not None:
            found.setdefault(frame.iso, []).append(error)
    return tuple((iso, float(np.median(found[iso]))) for iso in sorted(found))


def black_error(frame: Frame, reference: NDArray[np.float64], ratio: float) -> float | None:
    """Return how far a short lies off in the dark of green, DN; None where little of it is dark.

    Its mean, cut off at black, against what the linear reference promises where no colour of
    that is 0.
    """
    matrix = np.asarray(frame.colour_matrix)[:3] @ SRGB_TO_XYZ
    green = reference @ (matrix / matrix.sum(axis=1, keepdims=True))[1]
    promised = _halved(green) * (frame.white_level - frame.black_level[0]) / ratio
    light = frame.mosaic.astype(np.float64) - frame.black_level[0]
    short = (light[0::2, 1::2] + light[1::2, 0::2]) / 2
    kept = (_halved(reference.min(axis=2)) > 0) & (promised > _DARK[0]) & (promised < _DARK[1])
    if kept.sum() < _ENOUGH:
        return None
    edges = np.quantile(promised[kept], np.linspace(0, 1, 21)[1:-1])
    bins = np.digitize(promised[kept], edges)
    means = np.array([(promised[kept][bins == i].mean(), short[kept][bins == i].mean())
                      for i in range(20)])  # fmt: skip
    noise = _noise(frame.iso)
    sigma = np.sqrt(noise.read_sigma**2 + noise.gain * means[:, 0] + 1 / 12)

    def misfit(error: float) -> float:
        light = means[:, 0] + error  # its noise below black is cut off: the mean of what is left
        cut = light * norm.cdf(light / sigma) + sigma * norm.pdf(light / sigma)
        return float(np.abs(means[:, 1] - cut).sum())

    return float(minimize_scalar(misfit, bounds=(-5, 5), method="bounded").x)


@functools.cache
def _noise(iso: float) -> Noise:
    return sensor.load(load_raw("sid_sony")).noise.at(iso)


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each period of the CFA."""
    halves: NDArray[np.float64] = plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
    return halves


def likeness_table(facts: list[dict[str, Any]]) -> str:
    """Return the table, a column for each dataset."""
    table: list[list[object]] = [["", *(one["captures"] for one in facts)]]
    for key, title in COLUMNS.items():
        cells = ("too few" if one[key] is None else f"{one[key]:.3g}" for one in facts)
        table.append([title, *cells])
    for iso in sorted({iso for one in facts for iso, _ in one["black_errors"]}):
        cells = (f"{dict(one['black_errors'])[iso]:+.2f}" if iso in dict(one["black_errors"])
                 else "-" for one in facts)  # fmt: skip
        table.append([f"black level off at ISO {iso:g}, DN", *cells])
    return markdown(table)


def _facts(store: Store, row: Any) -> dict[str, Any]:
    frame = store.frame(row.scene, row.short)
    light = frame.mosaic.astype(np.float64) - frame.black_level[0]
    amplified = (light * row.ratio / (frame.white_level - frame.black_level[0])).clip(0, 1)
    reference = store.reference(row.scene, row.reference) / np.float64(65535)
    low, middle, high = np.percentile(reference, (1, 50, 99))
    top = reference.max(axis=2)
    balance = frame.white_balance
    return {
        "short_dn": light.mean(), "amplified": amplified.mean(), "black": (light <= 0).mean(),
        "reference": reference.mean(), "dark": low, "middle": middle, "bright": high,
        "colour": ((top - reference.min(axis=2)) / (top + 1e-3)).mean(),
        "red": balance[0] / balance[1], "blue": balance[2] / balance[1],
        "patches": _read_variances(frame, light, reference[..., 1]),
    }  # fmt: skip


def _read_variances(
    frame: Frame, light: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the read variance of each flat patch of green over the one of the camera model."""
    noise = _noise(frame.iso)
    green, long = _patches(light[0::2, 1::2]), _patches(reference[0::2, 1::2])
    mean = green.mean(axis=(1, 2))
    flat = long.std(axis=(1, 2)) < _FLAT * long.mean(axis=(1, 2))
    kept = flat & (mean > _DN[0]) & (mean < _DN[1])
    variance = np.diff(green[kept]).var(axis=(1, 2)) / 2
    read: NDArray[np.float64] = variance - noise.gain * mean[kept] - 1 / 12
    return read / noise.read_sigma**2


def _patches(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (side // _PATCH for side in plane.shape)
    whole = plane[: rows * _PATCH, : columns * _PATCH]
    cells = whole.reshape(rows, _PATCH, columns, _PATCH).swapaxes(1, 2)
    return cells.reshape(-1, _PATCH, _PATCH)
