"""Short frames made of long ones: less light, and the noise that a calibration tells.

Source: Wei, Fu, Yang, Huang, CVPR 2020 (ELD): clean long exposures divided by the ratio, with
photon, read and row noise and quantisation as the camera has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata import cfa
from lldata.augmentation import canonical
from lldata.sample import Mosaic
from lldata.synthesis.noise import NoiseModel, expose, quantise


@dataclass(frozen=True)
class NoisyShorts:
    """Where synthetic shorts come from: the noise of a camera, and the exposures to imitate."""

    model: NoiseModel
    exposures: Sequence[tuple[float, float]]  # ratio long over short and ISO; drawn from evenly
    share: float  # of the crops, in (0, 1]

    def wanted(self, random: np.random.Generator) -> bool:
        """Draw whether a crop is synthetic."""
        return bool(random.random() < self.share)

    def take(
        self, long: NDArray[np.float32], known: Mosaic, random: np.random.Generator
    ) -> tuple[NDArray[np.float32], float]:
        """Imitate a short exposure of what a long one saw.

        Parameters
        ----------
        long : (C, h, w) packed planes of whole CFA periods, (DN - black)/(white - black)
        known : levels and CFA of the long frame; the short has the same
        random : of the exposure and the noise

        Returns
        -------
        packed planes of the short, quantised as its mosaic would be, and its ratio.
        """
        ratio, iso = self.exposures[int(random.integers(len(self.exposures)))]
        noise = self.model.at(iso)
        pattern = canonical(known.cfa)
        black = np.array(cfa.black_of_planes(known.black_level, known.cfa))[:, None, None]
        light = np.maximum(long, 0) * (known.white_level - black) / ratio  # DN of the short
        shape = (long.shape[1] * cfa.scale(pattern), long.shape[2] * cfa.scale(pattern))
        signal = expose(cfa.unpack(light, pattern, shape) / noise.gain, noise, random)
        signal += cfa.unpack(np.broadcast_to(black, long.shape), pattern, shape)
        mosaic = quantise(signal, 0.0, known.white_level)
        packed = cfa.normalised_periods(mosaic, known.black_level, known.white_level, pattern)
        return packed, ratio
