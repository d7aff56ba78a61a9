"""What a metric is: a function, and beside it everything that fixes its number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Better = Literal["higher", "lower", "none"]
Reads = Literal["output", "reference", "input", "clip", "raw_output", "raw_reference"]
Pixels = Literal["uint8", "float", "raw"]
Image = NDArray[Any]

LARGEST = 1e9  # no score is larger, so that a sum of many stays finite


@dataclass(frozen=True)
class Metric:
    """A named score and its one definition; calling it scores images of its `pixels` type."""

    name: str
    function: Callable[..., float]
    unit: str
    better: Better
    reads: tuple[Reads, ...]
    # uint8: clipped and rounded to 8 bits; float: clipped to [0, 1], unrounded; raw: linear planes
    pixels: Pixels
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bounds: tuple[float, float] = (-LARGEST, LARGEST)  # no finite score lies outside

    def __call__(self, *images: Image) -> float:
        """Return the score of the images named in `reads`, each (H, W, 3), in that order."""
        return float(self.function(*images))

    @property
    def title(self) -> str:
        """First sentence of the function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def definition(self) -> str:
        """Identify everything that fixes the number: 12 hex digits of a SHA-256."""
        facts = {
            "name": self.name,
            "unit": self.unit,
            "reads": self.reads,
            "pixels": self.pixels,
            **self.parameters,
        }
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def metric(
    *,
    unit: str,
    better: Better,
    reads: tuple[Reads, ...] = ("output", "reference"),
    pixels: Pixels = "uint8",
    bounds: tuple[float, float] = (-LARGEST, LARGEST),
    **parameters: Any,
) -> Callable[[Callable[..., float]], Metric]:
    """Make the function below a metric of the same name; the scan of this package finds it.

    Parameters
    ----------
    unit : "dB", "1/255", ... or "" for a bare number
    better : which direction is better; "none" is listed and never ranked
    reads : the images the function takes, in order
    pixels : how they are prepared before the function sees them
    bounds : between which its finite scores lie; a record with others is refused
    parameters : every number the result depends on; they are hashed into the definition id
    """

    def wrap(function: Callable[..., float]) -> Metric:
        return Metric(function.__name__, function, unit, better, reads, pixels, parameters, bounds)

    return wrap
