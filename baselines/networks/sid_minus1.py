"""SID, one level less: the same U-Net with 4 resolutions.

Source: the depth variants of a study on a Canon 6D ("A Study on the Generalization of Deep
Learning Approaches to Low-Light Imaging Enhancements"); its code changes nothing else.
Trained on: what `lleval train` is given.
"""

from __future__ import annotations

from baselines.method import MethodInfo
from baselines.networks import sid
from baselines.networks.sid import UNetRecipe, domain
from baselines.training.learner import Data, Learner

__all__ = ["INFO", "PRESETS", "build", "domain", "learner"]

INFO = MethodInfo(
    name="sid_minus1",
    title="SID U-Net, one level less",
    domain="raw",
    source="Canon 6D generalisation study, depth variants of Chen et al., CVPR 2018",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=1_926_028,
)
LEVELS = 4  # resolutions, the finest included
PRESETS = sid.OF_ANY_DEPTH


def learner(recipe: UNetRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return sid.learner_of(recipe, data, seed, LEVELS)


build = sid.of_levels(INFO, LEVELS)
