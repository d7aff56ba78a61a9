"""SID trained on the real tiles for minutes beats what needs no training, whatever the seed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from baselines.training.train import train
from eval.metrics import score_images
from eval.run import Settings, run
from lldata import ingest as work
from lldata.engine import Local
from lldata.sample import read_sample
from lldata.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_quick_training_beats_amplifying_scaling_and_blurring_by_3_db(shared_data: Path, seed: int):
    (dataset,) = work.prepare(shared_data / "sid_sony_tiles", "sid_sony", None, Local(workers=2))
    list(work.ingest(dataset, Local(workers=2), deep=False))
    store = open_store("sid_sony")
    weights = train("sid", store, preset="quick", seed=seed)

    def psnr(method: str, **settings: Path) -> float:
        record = run(Settings(method, "sid_sony", **settings)).record
        return float(np.mean([row.scores["psnr"] for row in record.rows]))

    bounds = [psnr("amplify"), psnr("scaled"), *blurred(store)]
    found = psnr("sid", weights=weights)
    assert found >= 30.5
    assert found >= max(bounds) + 3


def blurred(store) -> list[float]:
    """Return the mean psnr of the amplified short, blurred by Gaussians of several sigmas."""
    means = []
    for sigma in (1, 2, 3, 4, 5):
        scores = []
        for row in store.usable("test").itertuples():
            picture = read_sample(store, row.pair, picture="amplified").srgb.transpose(1, 2, 0)
            smooth = cv2.GaussianBlur(picture, (0, 0), sigma).clip(0, 1)
            reference = store.reference(row.scene, row.reference)
            scores.append(score_images(smooth, reference, ("psnr",))["psnr"])
        means.append(float(np.mean(scores)))
    return means
