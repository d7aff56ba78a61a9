"""The import of released weights, against the network written out in NumPy as TensorFlow has it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.inference.frames import tensorflow_arrays
from baselines.networks import sid
from eval.running.trained import trained_on
from lldata.errors import MethodError
from lldata.sample import Sample

LEVELS, WIDTH = 3, 3


def variables(planes: int, levels: int = LEVELS, width: int = WIDTH) -> dict[str, np.ndarray]:
    """Return random variables by TensorFlow's names and in its layout."""
    rng = np.random.default_rng(planes)
    widths = [width << level for level in range(levels)]
    down = list(zip([planes, *widths], widths, strict=False))
    up = [(2 * w, w) for w in widths[-2::-1]]
    made: dict[str, np.ndarray] = {}
    for number, (before, after) in enumerate(down + up, 1):
        for part, inputs in ((1, before), (2, after)):
            shape = (3, 3, inputs, after)
            made[f"g_conv{number}_{part}/weights"] = rng.normal(0, 0.3, shape)
            made[f"g_conv{number}_{part}/biases"] = rng.normal(0, 0.1, after)
    for level, (before, after) in enumerate(up):
        name = f"Variable_{level}" if level else "Variable"
        made[name] = rng.normal(0, 0.3, (2, 2, after, before))
    outputs = 3 * {4: 2, 9: 3}[planes] ** 2
    made[f"g_conv{2 * levels}/weights"] = rng.normal(0, 0.3, (1, 1, width, outputs))
    made[f"g_conv{2 * levels}/biases"] = rng.normal(0, 0.1, outputs)
    return {name: array.astype(np.float32) for name, array in made.items()}


def conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """SAME convolution of (H, W, in) by (k, k, in, out)."""
    k, (height, width) = len(kernel), x.shape[:2]
    padded = np.pad(x, ((k // 2, k // 2), (k // 2, k // 2), (0, 0)))
    total = np.zeros((height, width, kernel.shape[3])) + bias
    for i in range(k):
        for j in range(k):
            total += padded[i : i + height, j : j + width] @ kernel[i, j]
    return total


def max_pool(x: np.ndarray) -> np.ndarray:
    """SAME pooling 2x2: of odd sides the last cell holds one row or column."""
    height, width = x.shape[:2]
    out = np.empty(((height + 1) // 2, (width + 1) // 2, x.shape[2]))
    for y, x0 in np.ndindex(out.shape[:2]):
        out[y, x0] = x[2 * y : 2 * y + 2, 2 * x0 : 2 * x0 + 2].max(axis=(0, 1))
    return out


def conv_transpose(x: np.ndarray, kernel: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """SAME transposed convolution, stride 2, (2, 2, out, in): what exceeds the shape is cut."""
    out = np.zeros((2 * x.shape[0], 2 * x.shape[1], kernel.shape[2]))
    for i, j in np.ndindex(2, 2):
        out[i::2, j::2] = x @ kernel[i, j].T
    return out[: shape[0], : shape[1]]


def depth_to_space(x: np.ndarray, r: int) -> np.ndarray:
    """Channel (row * r + column) * 3 + colour goes to that place of the r x r block."""
    out = np.empty((r * x.shape[0], r * x.shape[1], 3))
    for row, column in np.ndindex(r, r):
        first = (row * r + column) * 3
        out[row::r, column::r] = x[..., first : first + 3]
    return out


def released(v: dict[str, np.ndarray], x: np.ndarray, levels: int = LEVELS) -> np.ndarray:
    """The released network on (H, W, C)."""

    def block(x: np.ndarray, number: int) -> np.ndarray:
        for part in (1, 2):
            name = f"g_conv{number}_{part}"
            x = conv(x, v[f"{name}/weights"], v[f"{name}/biases"])
            x = np.maximum(0.2 * x, x)
        return x

    skips = []
    for number in range(1, levels + 1):
        x = block(max_pool(x) if number > 1 else x, number)
        skips.append(x)
    for level in range(levels - 1):
        skip = skips[levels - 2 - level]
        up = conv_transpose(x, v[f"Variable_{level}" if level else "Variable"], skip.shape[:2])
        x = block(np.concatenate([up, skip], axis=2), levels + 1 + level)
    head = f"g_conv{2 * levels}"
    x = conv(x, v[f"{head}/weights"], v[f"{head}/biases"])
    return depth_to_space(x, round((x.shape[2] / 3) ** 0.5))


def saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("planes", [4, 9])
def test_imported_weights_give_what_the_released_network_gives_at_an_odd_size(
    tmp_path: Path, planes: int
):
    arrays = variables(planes)
    x = np.random.default_rng(0).random((11, 13, planes)).astype(np.float32)
    net = sid.UNet(planes, WIDTH, LEVELS)
    net.load_state_dict(tensorflow_arrays.converted(arrays))
    with torch.no_grad():
        found = net(torch.from_numpy(x).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    expected = released(arrays, x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_method_takes_an_npz_as_weights(tmp_path: Path):
    arrays = variables(4)
    slots = {"g_conv1_1/weights/Adam": arrays["g_conv1_1/weights"], "beta1_power": np.float32(0)}
    path = saved(tmp_path / "sony.npz", arrays | slots)
    built = sid.build(device="cpu", precision="fp32")
    config = built.load(path)
    assert config == {
        "path": str(path), "imported": "tensorflow",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }  # fmt: skip
    assert trained_on(config) is None  # not known
    packed = np.random.default_rng(1).random((4, 9, 10), np.float32)
    expected = released(arrays, (packed * 3).clip(0, 1).transpose(1, 2, 0)).clip(0, 1)
    found = built(Sample("1/1", 3.0, packed=packed))
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1e-5)


def test_the_dataset_that_imported_weights_were_trained_on_can_be_said(tmp_path: Path):
    path = saved(tmp_path / "sony.npz", variables(4))
    config = sid.build(device="cpu", trained_on="sid_sony").load(path)
    assert trained_on(config) == ("sid_sony/train",)


def test_the_released_depth_and_width_are_those_of_the_method():
    tensors = tensorflow_arrays.converted(variables(9, levels=5, width=2))
    assert sid.size_of(tensors) == {"planes": 9, "width": 2, "levels": 5}


def changed(**arrays: np.ndarray | None) -> dict[str, np.ndarray]:
    merged = variables(4) | arrays
    return {name: array for name, array in merged.items() if array is not None}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (changed(Variable_1=None), r"Variable_1"),
        (changed(**{"g_conv2_2/biases": None}), "g_conv2_2/biases"),
        (changed(**{"g_conv6/weights": None}), "there is not one last convolution"),
        (changed(extra=np.zeros(3, np.float32)), "extra is none of its variables"),
        (changed(Variable=np.zeros(3, np.float32)), r"Variable is float32 of shape \(3,\)"),
        (changed(**{"g_conv6/biases": np.zeros(4, np.float32)}), "has 4 outputs, not 3"),
        ({}, "there is not one last convolution"),
    ],
)
def test_arrays_of_another_network_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
):
    with pytest.raises(MethodError, match=message):
        sid.build(device="cpu").load(saved(tmp_path / "w.npz", arrays))


def test_arrays_of_sizes_that_do_not_fit_are_refused(tmp_path: Path):
    path = saved(tmp_path / "w.npz", changed(Variable=np.zeros((2, 2, 5, 7), np.float32)))
    with pytest.raises(MethodError, match="its arrays are not those of SID U-Net"):
        sid.build(device="cpu").load(path)


def test_pickled_arrays_and_files_that_are_no_npz_are_refused(tmp_path: Path):
    pickled = saved(tmp_path / "p.npz", {"Variable": np.array([{}], object)})
    torn = tmp_path / "t.npz"
    torn.write_bytes(saved(tmp_path / "w.npz", variables(4)).read_bytes()[:500])
    for path in (pickled, torn):
        with pytest.raises(MethodError, match=r"it is no \.npz of plain arrays"):
            sid.build(device="cpu").load(path)
    with pytest.raises(MethodError, match="there is no such file"):
        sid.build(device="cpu").load(tmp_path / "none.npz")


def test_a_lone_array_named_npz_is_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "w.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3, np.float32))
    with pytest.raises(MethodError, match=r"no \.npz of plain arrays \(it holds one array with"):
        sid.build(device="cpu").load(path)


def test_a_file_among_the_arrays_is_refused_in_one_line(tmp_path: Path):
    path = saved(tmp_path / "w.npz", variables(4))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("notes.txt", "trained for 4001 epochs")
    with pytest.raises(MethodError, match=r"no \.npz of plain arrays \(notes\.txt is no array"):
        sid.build(device="cpu").load(path)


def test_a_compressed_npz_damaged_anywhere_is_refused_in_one_line(tmp_path: Path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{"g_conv1_1/weights": np.arange(999.0, dtype=np.float32)})
    whole, path = buffer.getvalue(), tmp_path / "w.npz"
    rng = np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=3):
            damaged[at] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(MethodError) as refused:
            tensorflow_arrays.read(path)
        assert "\n" not in str(refused.value)
