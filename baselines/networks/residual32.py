"""Residual network of 32 blocks with squeeze-and-excitation, from packed planes to the picture.

Source: Maharjan, Li, Li, Xu, Ma and Li, Improving Extreme Low-Light Image Denoising via Residual
Learning, ICME 2019; its choices are those of residual16.
Trained on: what `lleval train` is given.
"""

from __future__ import annotations

from baselines.inference.architectures.residual import Layout
from baselines.method import MethodInfo
from baselines.networks import residual16
from baselines.networks.residual16 import ResidualRecipe
from baselines.training.learner import Data, Learner

__all__ = ["INFO", "PRESETS", "build", "learner"]

INFO = MethodInfo(
    name="residual32",
    title="Residual network, 32 blocks",
    domain="raw",
    source="Maharjan et al., Improving Extreme Low-Light Image Denoising, ICME 2019",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=2_570_691,
)
LAYOUT = Layout(planes=4, blocks=32)
PRESETS = residual16.OF_32_BLOCKS


def learner(recipe: ResidualRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return residual16.learner_of(INFO, LAYOUT, recipe, data, seed)


build = residual16.of_layout(INFO, LAYOUT)
