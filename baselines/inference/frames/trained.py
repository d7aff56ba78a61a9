"""What all trained networks share as methods: a device, a precision, and weights to take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.inference.device import Precision, chosen, resolve
from baselines.method import MethodInfo
from baselines.training import weights
from baselines.training.learner import drawn
from lldata.errors import MethodError

Tensors = Mapping[str, Tensor]


class Trained:
    """A network as a method. Untrained until `load` or `take`; a subclass calls it on samples.

    Parameters
    ----------
    info : what the method is
    make : its network of a size, given by keywords
    size_of : weights -> the size of the network they are of
    size : of the untrained network
    asked : the part of it that loaded weights must have
    device, precision : as `lleval run` takes them; precision auto is bf16 where the processor
        multiplies it

    Raises
    ------
    MethodError
        If there is no such device or precision.
    """

    def __init__(
        self,
        info: MethodInfo,
        make: Callable[..., nn.Module],
        size_of: Callable[[Tensors], dict[str, Any]],
        size: Mapping[str, Any],
        asked: Mapping[str, Any],
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.info = info
        self.device = resolve(device)
        self.precision: Precision = chosen(precision, self.device)
        self.asked = asked
        self._make = make
        self._size_of = size_of
        self.network = self._placed(drawn(lambda: make(**size), seed=0))

    @property
    def parameters(self) -> int:
        """The number of trained values."""
        return sum(p.numel() for p in self.network.parameters())

    def load(self, path: str | Path) -> dict[str, Any]:
        """Take the weights of a training folder or .safetensors; return what its config says.

        Raises
        ------
        MethodError
            If there are none, they are damaged, or they are another network's.
        """
        tensors, config = weights.read(path, self.info.name)
        try:
            self._refuse_another(self._size_of(tensors))
            self.take(tensors)
        except (KeyError, ValueError, RuntimeError) as error:
            raise MethodError(
                path,
                f"the tensors are not those of {self.info.title}",
                "weights fit the network they were trained in",
                f"Name the weights of a training of {self.info.name}",
            ) from error
        return config

    def take(self, tensors: Tensors) -> None:
        """Become the network of these weights; its size is read off them."""
        size = self._size_of(tensors)
        network: nn.Module = drawn(lambda: self._make(**size), seed=0)  # not the caller's draws
        network.load_state_dict(dict(tensors))
        self.network = self._placed(network)

    def _refuse_another(self, size: Mapping[str, Any]) -> None:
        for option, value in self.asked.items():
            if value != size[option]:
                raise MethodError(
                    f"--set {option}",
                    f"it is {value}",
                    f"these weights are of a network with {option} {size[option]}",
                    "Leave it out: the weights decide",
                )

    def _placed(self, network: nn.Module) -> Any:
        on_device = network.eval().to(self.device)
        return on_device.to(memory_format=torch.channels_last)
