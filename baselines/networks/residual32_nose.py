"""Residual network of 32 blocks without squeeze-and-excitation: what the gates are worth.

Source: Maharjan, Li, Li, Xu, Ma and Li, Improving Extreme Low-Light Image Denoising via Residual
Learning, ICME 2019; its choices are those of residual16. The row of their table gives no number of
blocks; the name of the weights in their code says 32. By those names the rows differ in crops,
epochs and activation as well: their table alone does not say what the gates are worth.
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
    name="residual32_nose",
    title="Residual network, 32 blocks, no squeeze-and-excitation",
    domain="raw",
    source="Maharjan et al., Improving Extreme Low-Light Image Denoising, ICME 2019",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=2_552_131,
)
LAYOUT = Layout(planes=4, blocks=32, squeeze=False)
PRESETS = residual16.OF_32_BLOCKS


def learner(recipe: ResidualRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return residual16.learner_of(INFO, LAYOUT, recipe, data, seed)


build = residual16.of_layout(INFO, LAYOUT)
