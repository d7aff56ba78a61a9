"""Residual network of 32 blocks for X-Trans frames, upsampled by repeating pixels.

Source: slides of Yaish and Asif, who carried the network of Maharjan et al. (ICME 2019) over to the
X-Trans frames of SID: nine planes in, a picture of three times their size out. They score this
upsampling 26.57 dB and 0.826, the other 26.50 dB and 0.824, and leave open how many
blocks there are, which layers upsample, and the recipe. Here: 32 blocks with
squeeze-and-excitation, pixels repeated, then a convolution of 3x3
(both upsamplings have equally many parameters), and the recipe of the Bayer network.
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
    name="residual32_xtrans_nearest",
    title="Residual network, 32 blocks, X-Trans, nearest neighbour",
    domain="raw",
    source="Yaish and Asif, X-Trans extension of Maharjan et al., ICME 2019",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=2_462_787,
)
LAYOUT = Layout(planes=9, blocks=32, upsampling="nearest")
PRESETS = residual16.OF_32_BLOCKS


def learner(recipe: ResidualRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return residual16.learner_of(INFO, LAYOUT, recipe, data, seed)


build = residual16.of_layout(INFO, LAYOUT)
