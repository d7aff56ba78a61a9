"""Residual network of 32 blocks for X-Trans frames, upsampled by a transposed convolution.

Source: slides of Yaish and Asif, who carried the network of Maharjan et al. (ICME 2019) over to the
X-Trans frames of SID: nine planes in, a picture of three times their size out. They score this
upsampling 26.50 dB and 0.824, the other 26.57 dB and 0.826, and leave open how many
blocks there are, which layers upsample, and the recipe. Here: 32 blocks with
squeeze-and-excitation, a transposed convolution of 3x3 with stride 3
(both upsamplings have equally many parameters), and the recipe of the Bayer network.
Trained on: what `lleval train` is given.
"""

from __future__ import annotations

from baselines.inference.residual import Layout
from baselines.inference.residual_frames import ResidualFrames
from baselines.method import MethodInfo
from baselines.networks import residual16
from baselines.networks.residual16 import Precision, ResidualRecipe
from baselines.training.learner import Data, Learner

__all__ = ["INFO", "PRESETS", "build", "learner"]

INFO = MethodInfo(
    name="residual32_xtrans_transposed",
    title="Residual network, 32 blocks, X-Trans, transposed convolution",
    domain="raw",
    source="Yaish and Asif, X-Trans extension of Maharjan et al., ICME 2019",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=2_462_787,
)
LAYOUT = Layout(planes=9, blocks=32, upsampling="transposed")
PRESETS = residual16.OF_32_BLOCKS


def learner(recipe: ResidualRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return residual16.learner_of(INFO, LAYOUT, recipe, data, seed)


def build(
    device: str = "auto",
    precision: Precision = "auto",
    width: int | None = None,
    res_scale: float | None = None,
) -> ResidualFrames:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    width : features of every layer; left out, those of the weights, or 64 untrained
    res_scale : factor of every block's branch; left out, that of the weights, or 1 untrained

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    size = {"width": width, "res_scale": res_scale}
    return residual16.assembled(INFO, LAYOUT, device, precision, size)
