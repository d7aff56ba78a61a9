"""SID, one level more: the same U-Net with 6 resolutions.

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
    name="sid_plus1",
    title="SID U-Net, one level more",
    domain="raw",
    source="Canon 6D generalisation study, depth variants of Chen et al., CVPR 2018",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=31_094_156,
)
LEVELS = 6  # resolutions, the finest included
PRESETS = sid.OF_ANY_DEPTH


def learner(recipe: UNetRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return sid.learner_of(recipe, data, seed, LEVELS)


build = sid.of_levels(INFO, LEVELS)
