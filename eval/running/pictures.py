"""What a run shows of each pair: the full output, and small pictures for the report."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.pixels import to_uint8
from eval.running.folder import Kind, output_path, picture_path
from lldata import cfa, publish
from lldata.curve import encode
from lldata.sample import Sample

LONGEST_PX = 720
QUALITY = 90  # JPEG
ERROR_WHITE = 64  # 8-bit difference shown as the brightest colour

Bytes = NDArray[np.uint8]


def keep(folder: Path, sample: Sample, output: Bytes, reference: Bytes) -> None:
    """Write the output of a pair as PNG and its four small pictures.

    Parameters
    ----------
    folder : of the run
    sample : what the method was given
    output, reference : (H, W, 3) uint8, as they were scored
    """
    publish.write_replacing(output_path(folder, sample.pair), encoded(output, ".png"))
    keep_small(folder, sample, output, reference)


def keep_small(folder: Path, sample: Sample, output: Bytes, reference: Bytes | None) -> None:
    """Write the small pictures of a pair; without a reference its input and output."""
    small: dict[Kind, Bytes] = {"input": given(sample), "output": output}
    if reference is not None:
        small |= {"reference": reference, "error": error_map(output, reference)}
    for kind, picture in small.items():
        _write_small(picture_path(folder, sample.pair, kind), picture)


def given(sample: Sample) -> Bytes:
    """Return a picture of what the method got: its rendering, or the amplified planes."""
    if sample.srgb is not None:
        return to_uint8(sample.srgb.transpose(1, 2, 0))
    if sample.packed is None or sample.frame is None:
        return np.zeros((1, 1, 3), np.uint8)
    plan = cfa.layout(sample.frame.cfa)
    gains = dict(zip("RGB", sample.frame.white_balance[:3], strict=True))
    light = [
        np.mean([p for p, of in zip(sample.packed, plan.colours, strict=True) if of == c], axis=0)
        * (sample.ratio * gains[c] / gains["G"])
        for c in "RGB"
    ]
    return to_uint8(encode(np.stack(light, axis=-1).clip(0, 1)))


def error_map(output: Bytes, reference: Bytes) -> Bytes:
    """Return the mean absolute difference of the channels in colours, dark for none."""
    difference = np.asarray(cv2.absdiff(output, reference), np.uint8)
    total = difference[..., 0].astype(np.uint16)
    total += difference[..., 1]
    total += difference[..., 2]
    return _colours_of_totals()[total]


@functools.cache
def _colours_of_totals() -> Bytes:
    """Return the colour of each sum of three differences, (766, 3): few, where pixels are many."""
    shown = np.arange(3 * 255 + 1) / 3 * (255 / ERROR_WHITE)
    colours = cv2.applyColorMap(shown.clip(0, 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB), np.uint8).reshape(-1, 3)


def pixels_sha256(picture: Bytes) -> str:
    """Return the hash that names the pixels of a picture, whatever file they are in."""
    size = "x".join(map(str, picture.shape)) + "\n"
    content = hashlib.sha256(size.encode())
    content.update(np.ascontiguousarray(picture).data)
    return content.hexdigest()


def encoded(picture: Bytes, suffix: str, *options: int) -> bytes:
    """Return an RGB picture in the file format of `suffix`."""
    _, content = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return content.tobytes()


def _write_small(path: Path, picture: Bytes) -> None:
    height, width = picture.shape[:2]
    scale = LONGEST_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    content = encoded(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, QUALITY)
    publish.write_replacing(path, content)
