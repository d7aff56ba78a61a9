"""The released SID checkpoints, exported from TensorFlow as an .npz of arrays by variable name.

Where TensorFlow is installed, one line exports them:

    reader = tf.train.load_checkpoint("checkpoint/Sony/model.ckpt")
    numpy.savez("sid.npz", **{n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map()})

Variables are named by the released code: `g_conv1_1/weights` and `/biases` of each convolution in
order, the last without its second number; the transposed ones `Variable`, `Variable_1`, ...
Nothing is executed: pickled arrays are refused.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lldata.errors import MethodError

Arrays = Mapping[str, NDArray[Any]]
_CONVOLUTION = re.compile(r"g_conv(\d+)(?:_(\d+))?/weights")
_OPTIMISER = re.compile(r"(.*/Adam(_\d+)?|beta[12]_power|global_step)")  # of training, not weights
# what numpy and zipfile raise on damaged, encrypted or strangely packed files
_UNREADABLE = (
    ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    tokenize.TokenError, struct.error,
)  # fmt: skip


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read an .npz of a TensorFlow checkpoint's arrays.

    Returns
    -------
    the tensors by the names of `baselines.inference.architectures.unet.UNet`, and a config: path,
    sha256 and `imported`; what they were trained on is not known

    Raises
    ------
    MethodError
        If there is no such file, it is no .npz of plain arrays, or its arrays are not the ones
        of a U-Net of SID.
    """
    if not path.is_file():
        raise MethodError(
            f"--weights {path}", "there is no such file", "an .npz of arrays is needed",
            "Correct the path",
        )  # fmt: skip
    content = path.read_bytes()
    try:
        arrays = _arrays(content)
    except _UNREADABLE as error:
        raise MethodError(
            path, f"it is no .npz of plain arrays ({error})",
            "weights of TensorFlow come as one array for each variable",
            "Export the checkpoint again with numpy.savez",
        ) from error  # fmt: skip
    try:
        tensors = converted(arrays)
    except (KeyError, ValueError) as error:
        raise MethodError(
            path, f"its arrays are not those of a U-Net of SID ({error.args[0]})",
            "variables are named as in the released code: g_conv1_1/weights, Variable, ...",
            "Export all variables of the checkpoint under their own names",
        ) from error  # fmt: skip
    sha256 = hashlib.sha256(content).hexdigest()
    return tensors, {"path": str(path), "sha256": sha256, "imported": "tensorflow"}


def _arrays(content: bytes) -> Arrays:
    file = np.load(io.BytesIO(content), allow_pickle=False)
    if isinstance(file, np.ndarray):  # numpy looks at what a file begins with, not at its name
        raise ValueError("it holds one array without a name")
    with file:
        found = {name.removesuffix(":0"): file[name] for name in file.files}
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} is no array")
    return found


def converted(arrays: Arrays) -> dict[str, Tensor]:
    """Return the tensors of TensorFlow's arrays.

    Kernels (h, w, in, out) become (out, in, h, w); those of transposed convolutions
    (h, w, out, in) become (in, out, h, w). Output k of the last convolution goes to colour
    k mod 3 of the pixel k // 3 of a packed pixel, while PyTorch's pixel_shuffle counts pixels
    within a colour: its outputs are exchanged.

    Raises
    ------
    KeyError
        If an array is missing.
    ValueError
        If one has the wrong number of axes, or is none of the network's.
    """
    blocks, head = _convolutions(arrays)
    levels = len(blocks) // 2 + 1
    places = [f"encoder.{n}" for n in range(levels)]
    places += [f"decoder.{n}" for n in range(levels - 1)]
    if len(places) != len(blocks):
        raise ValueError(f"{len(blocks)} pairs of convolutions, a U-Net has an odd number")
    tensors: dict[str, Tensor] = {}
    used = set()
    for place, block in zip(places, blocks, strict=True):
        for part, number in (("first", 1), ("second", 2)):
            used |= _take(arrays, f"{block}_{number}", f"{place}.{part}", tensors)
    used |= _take(arrays, head, "head", tensors)
    for level in range(levels - 1):
        name = f"Variable_{level}" if level else "Variable"
        tensors[f"upsample.{level}.weight"] = _moved(arrays[name], name, (3, 2, 0, 1))
        used.add(name)
    others = sorted(name for name in set(arrays) - used if not _OPTIMISER.fullmatch(name))
    if others:
        raise ValueError(f"{others[0]} is none of its variables")
    for kind in ("weight", "bias"):
        tensors[f"head.{kind}"] = _by_colour(tensors[f"head.{kind}"])
    return tensors


def _convolutions(arrays: Arrays) -> tuple[list[str], str]:
    """Return the names of the pairs of convolutions, in order, and of the last one."""
    found = [match for match in map(_CONVOLUTION.fullmatch, arrays) if match]
    blocks = sorted({int(match[1]) for match in found if match[2]})
    heads = [int(match[1]) for match in found if not match[2]]
    if len(heads) != 1:
        raise KeyError("there is not one last convolution, such as g_conv10/weights")
    return [f"g_conv{number}" for number in blocks], f"g_conv{heads[0]}"


def _take(arrays: Arrays, name: str, place: str, tensors: dict[str, Tensor]) -> set[str]:
    """Convert weights and biases of a convolution; return the names of both."""
    weights, biases = f"{name}/weights", f"{name}/biases"
    tensors[f"{place}.weight"] = _moved(arrays[weights], weights, (3, 2, 0, 1))
    tensors[f"{place}.bias"] = _moved(arrays[biases], biases, (0,))
    return {weights, biases}


def _moved(array: NDArray[Any], name: str, axes: tuple[int, ...]) -> Tensor:
    if array.ndim != len(axes) or array.dtype.kind != "f":
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
    return torch.from_numpy(np.ascontiguousarray(array.transpose(axes), dtype=np.float32))


def _by_colour(outputs: Tensor) -> Tensor:
    """Exchange (pixel, colour) outputs of the last convolution for (colour, pixel) ones."""
    pixels, rest = divmod(len(outputs), 3)
    if rest:
        raise ValueError(f"the last convolution has {len(outputs)} outputs, not 3 for each pixel")
    order = torch.arange(len(outputs)).view(pixels, 3).T.reshape(-1)
    return outputs[order].contiguous()
