"""Lightning Fabric for one process, or for each of those that torchrun or SLURM started."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from baselines.inference.device import resolve
from baselines.training.recipe import Recipe
from lldata.errors import MethodError


def make_fabric(device: str, recipe: Recipe) -> Fabric:
    """Return the launched Fabric of a run.

    Raises
    ------
    MethodError
        If there is no such device, the processes cannot share the batch evenly, or there is no
        compiler for a compiled run.
    """
    place = resolve(device)
    here, nodes = _processes()
    if recipe.batch % (here * nodes):
        raise MethodError(
            "--set batch",
            f"{recipe.batch} crops cannot be shared by {here * nodes} processes",
            "every process takes as many",
            f"Use a multiple of {here * nodes}, or fewer processes",
        )
    if recipe.compiled:
        check_compiler(place)
    one = [place.index] if place.index is not None else 1
    fabric = Fabric(
        accelerator=place.type,
        devices=one if here * nodes == 1 else here,
        num_nodes=nodes,
        strategy="auto" if here * nodes == 1 else "ddp",
        precision=recipe.precision,
    )
    fabric.launch()
    if here * nodes > 1:
        atexit.register(_leave)
    return fabric


def _processes() -> tuple[int, int]:
    """Return the processes on this node and the nodes, as the launcher set them."""
    if TorchElasticEnvironment.detect():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return here, int(os.environ["WORLD_SIZE"]) // here
    if SLURMEnvironment.detect():
        nodes = int(os.environ.get("SLURM_NNODES", "1"))
        return int(os.environ["SLURM_NTASKS"]) // nodes, nodes
    return 1, 1


def _leave() -> None:
    """Leave the other processes in order: gloo's threads abort a process that ends around them."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def versions() -> dict[str, str]:
    """Return the versions that training depends on."""
    packages = ("lowlight-toolkit", "lightning-fabric", "numpy", "safetensors")
    return {package: version(package) for package in packages} | {"torch": torch.__version__}


def check_compiler(place: torch.device) -> None:
    """Refuse to compile where torch.compile has nothing to compile with.

    Raises
    ------
    MethodError
        If there is no C++ compiler, no headers of Python, or on CUDA no Triton.
    """
    if place.type == "cuda":
        missing = "" if importlib.util.find_spec("triton") else "the package triton"
    else:
        compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
        headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
        missing = "" if headers.is_file() else str(headers)
        missing = missing if shutil.which(compiler) else f"the compiler {compiler}"
    if missing:
        raise MethodError(
            "--set compiled", f"{missing} is not there", "torch.compile builds with it",
            "Install it, or leave compiled out",
        )  # fmt: skip
