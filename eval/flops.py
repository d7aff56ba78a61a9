"""How many floating-point operations a network method takes for a frame, without taking them.

Counted as `torch.utils.flop_counter` does: two for each multiplication with its addition, in
convolutions and matrix products, forward and backward; nothing for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from baselines.method import Method
from lldata.sample import Sample

_META = torch.device("meta")


def flops_of(method: Method, sample: Sample) -> int | None:
    """Return the operations a network takes for a sample; None without a network of its own.

    A network of RAW frames is counted on the whole frame at once, as papers do: strips, which
    bound its memory, repeat up to a tenth. Others are counted as they are applied, patch by patch
    or frame by frame of the clip. Methods that are fitted to each picture have none: `Tally`
    counts them while they are.
    """
    network = getattr(method, "network", None)
    if network is None:
        return None
    with torch.inference_mode(), Tally(computing=False) as tally:
        if method.info.domain == "raw" and sample.packed is not None:
            network(torch.empty((1, *sample.packed.shape), device=_META))
        else:
            exhaust(method(sample))
    return int(tally.flops)


def exhaust(result: Any) -> None:
    """Let a method that yields the frames of a clip compute them all."""
    if isinstance(result, Iterable) and not hasattr(result, "shape"):
        for _ in result:
            pass


class Tally(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations of what is called inside its `with`, in `flops`.

    Parameters
    ----------
    computing : whether products are really computed, as a fit to a picture needs; else every
        product, and what follows from it, has a shape and no values, and what is copied back to
        a processor is zero
    """

    def __init__(self, *, computing: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.computing = computing
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Count an operation and give what stands for its result."""
        kwargs = kwargs or {}
        counted: Callable[..., int] | None = flop_registry.get(func._overloadpacket)
        if not self.computing and (counted is not None or _any_meta(args, kwargs)):
            known = _without_computing(func, args, kwargs)
            if known is not None:
                return known
            args, kwargs = _on_meta(args), _on_meta(kwargs)
        if counted is None and func is not torch.ops.prim.device.default:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **kwargs)
        if counted is not None:
            self.flops += int(counted(*args, **kwargs, out_val=result))
        return result


def _any_meta(*trees: Any) -> bool:
    leaves = pytree.tree_leaves(trees)
    return any(isinstance(leaf, Tensor) and leaf.is_meta for leaf in leaves)


def _without_computing(func: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    """Return what a copy to a processor, a number or a write to real values gives, else None."""
    place = kwargs.get("device")
    if place is not None and torch.device(place) != _META:
        return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype, device=place)
    if func is torch.ops.aten._local_scalar_dense.default:
        return 0.0
    if func._schema.is_mutable and not args[0].is_meta:
        return args[0]
    return None


def _on_meta(tree: Any) -> Any:
    """Return the tensors' shapes; of one precision, as autocasting leaves them alone."""

    def shape(tensor: Tensor) -> Tensor:
        kind = torch.float32 if tensor.is_floating_point() else tensor.dtype
        return tensor.to(_META, kind)

    return pytree.tree_map_only(Tensor, shape, tree)
