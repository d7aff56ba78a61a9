"""VGG19 as a measure of likeness: its layers stand where torchvision's weights expect them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from baselines.inference.architectures.vgg19 import PLACES, Vgg19, features
from lldata.errors import MethodError

NARROW = (2, 3, 4, 5, 6)
TAPS = ("conv1_1", "relu2_2", "relu5_4")


def tensors_of(widths: tuple[int, ...] = NARROW, seed: int = 5) -> dict[str, Tensor]:
    """Weights as torchvision keeps them: all of `features.*`, and a classifier."""
    torch.manual_seed(seed)
    drawn = {
        name: torch.randn_like(t)
        for name, t in Vgg19(["relu5_4"], "max", widths).state_dict().items()
    }
    return {**drawn, "classifier.0.weight": torch.zeros(2, 2)}


def pth(folder: Path, tensors: dict[str, Tensor], *, zipped: bool = True) -> Path:
    """Write a .pth whose name ends in the start of its sha256, as torchvision's does."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer, _use_new_zipfile_serialization=zipped)
    path = folder / f"vgg19-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize(
    ("tap", "index"),
    [("conv1_1", 0), ("relu1_1", 1), ("conv2_1", 5), ("conv3_1", 10), ("conv4_1", 19),
     ("conv4_2", 21), ("conv5_1", 28), ("conv5_4", 34), ("relu5_4", 35)],
)  # fmt: skip
def test_layers_stand_where_torchvision_numbers_them(tap: str, index: int):
    assert PLACES[tap] == index


def test_the_whole_of_it_has_the_parameters_of_vgg19_without_its_classifier():
    with torch.device("meta"):
        network = Vgg19(["relu5_4"])
    assert sum(p.numel() for p in network.parameters()) == 20_024_384


def test_each_tap_is_halved_in_size_by_each_pooling_before_it():
    network = features("random", TAPS, widths=NARROW)
    assert network is not None
    shapes = {tap: tuple(x.shape) for tap, x in network(torch.rand(2, 3, 33, 48)).items()}
    assert shapes == {
        "conv1_1": (2, 2, 33, 48), "relu2_2": (2, 3, 16, 24), "relu5_4": (2, 6, 2, 3),
    }  # fmt: skip


def test_the_first_layer_sees_the_picture_normalised_as_imagenet():
    network = features("random", ["conv1_1"], widths=NARROW)
    assert network is not None
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    torch.testing.assert_close(network(mean)["conv1_1"], torch.zeros(1, 2, 16, 16))
    brighter = mean + torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    expected = network.features[0].weight.sum(dim=(1, 2, 3))  # type: ignore[union-attr, operator]
    torch.testing.assert_close(network(brighter)["conv1_1"][0, :, 8, 8], expected)


def test_average_pooling_takes_the_mean_where_maximum_pooling_takes_the_greatest():
    picture = torch.rand(1, 3, 16, 16)
    answers = {}
    for pooling in ("max", "average"):
        network = features("random", ["relu1_2", "conv2_1"], pooling=pooling, widths=NARROW)
        assert network is not None
        found = network(picture)
        pooled = torch.nn.functional.adaptive_avg_pool2d(found["relu1_2"], 8)
        answers[pooling] = torch.allclose(network.features[5](pooled), found["conv2_1"])
    assert answers == {"max": False, "average": True}


def test_it_is_frozen_but_lets_gradients_through_to_the_picture():
    network = features("random", TAPS, widths=NARROW)
    assert network is not None
    picture = torch.rand(1, 3, 16, 16, requires_grad=True)
    network(picture)["relu5_4"].sum().backward()
    assert picture.grad is not None
    assert not any(p.requires_grad for p in network.parameters())


def test_random_features_follow_from_their_seed_and_say_so():
    first, again, other = (features("random", TAPS, seed=s, widths=NARROW) for s in (1, 1, 2))
    assert first is not None
    assert again is not None
    assert other is not None
    picture = torch.rand(1, 3, 16, 16)
    assert torch.equal(first(picture)["relu5_4"], again(picture)["relu5_4"])
    assert not torch.equal(first(picture)["conv1_1"], other(picture)["conv1_1"])
    assert first.facts == {"perceptual": "random", "perceptual_seed": "1"}


def test_none_is_no_extractor():
    assert features("none", TAPS) is None


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_weights_of_a_pth_are_taken_and_named_by_their_sha256(tmp_path: Path, zipped: bool):
    tensors = tensors_of()
    path = pth(tmp_path, tensors, zipped=zipped)
    network = features("vgg19", ["relu3_1"], file=path, widths=NARROW)
    assert network is not None
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, tensors[name])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.facts == {"perceptual": "vgg19", "perceptual_sha256": sha256}


def test_weights_as_safetensors_are_found_in_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LLDATA_HOME", str(tmp_path))
    folder = tmp_path / ".weights" / "vgg19"
    folder.mkdir(parents=True)
    tensors = tensors_of()
    (folder / "vgg19.safetensors").write_bytes(save(tensors))
    network = features("vgg19", ["conv5_4"], widths=NARROW)
    assert network is not None
    assert torch.equal(network.features[34].weight, tensors["features.34.weight"])  # type: ignore[arg-type]


def test_missing_weights_are_an_error_that_names_the_file_and_the_alternatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LLDATA_HOME", str(tmp_path))
    with pytest.raises(MethodError, match=r"vgg19-dcbb9e9d.pth: .* --perceptual random"):
        features("vgg19", TAPS)


def test_a_file_that_is_not_what_its_name_promises_is_refused(tmp_path: Path):
    path = pth(tmp_path, tensors_of()).rename(tmp_path / "vgg19-dcbb9e9d.pth")
    with pytest.raises(MethodError, match="its name promises dcbb9e9d"):
        features("vgg19", TAPS, file=path, widths=NARROW)


def test_weights_of_another_network_are_refused(tmp_path: Path):
    path = pth(tmp_path, tensors_of())
    with pytest.raises(MethodError, match=r"features.0.weight is of shape \(2, 3, 3, 3\)"):
        features("vgg19", ["conv1_1"], file=path)
    lacking = tensors_of()
    del lacking["features.5.bias"]
    with pytest.raises(MethodError, match=r"features.5.bias is missing"):
        features("vgg19", TAPS, file=pth(tmp_path, lacking), widths=NARROW)


@pytest.mark.parametrize("name", ["vgg19.pth", "vgg19.safetensors"])
def test_a_file_without_tensors_is_refused(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"no tensors")
    with pytest.raises(MethodError, match="no tensors can be read from it"):
        features("vgg19", TAPS, file=path)


def test_an_unknown_kind_or_tap_is_refused_with_the_known_ones():
    with pytest.raises(MethodError, match="it can be vgg19, random, none"):
        features("vgg16", TAPS)
    with pytest.raises(MethodError, match="it can be conv1_1, relu1_1"):
        features("random", ["relu6_1"])
