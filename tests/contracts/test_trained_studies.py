"""The studies of trainings: each page is what its figures give, and they are what was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import study_contextual, study_depth, study_networks, study_simulated
from tests.benchmarks.trained_runs import means

DOCS = Path(__file__).resolve().parents[2] / "docs"


def report(name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        (DOCS / "benchmarks" / f"{name}.json").read_text("utf-8")
    )
    return found


def psnr(dataset: str, method: str) -> float:
    """Return the mean of a method on a dataset over all seeds."""
    rows = [row for row in report("networks")["runs"]
            if (row["scored_on"], row["method"]) == (dataset, method)]  # fmt: skip
    return float(np.mean(means(rows, "psnr")))


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("contextual", study_contextual),
        ("depth", study_depth),
        ("networks", study_networks),
        ("simulated", study_simulated),
    ],
)
def test_the_page_of_a_study_is_what_its_figures_give(name: str, study: ModuleType):
    assert (DOCS / f"{name}.md").read_text("utf-8") == study.page(report(name))


def test_residual16_is_within_a_decibel_of_sid_on_the_real_tiles():
    assert abs(psnr("sid_sony_tiles", "residual16") - psnr("sid_sony_tiles", "sid")) <= 1


@pytest.mark.parametrize("dataset", ["dusk_noisy", "dusk_gamma"])
@pytest.mark.parametrize("plain", ["identity", "gamma", "retinex_inverse"])
def test_retinex_residual_beats_what_needs_no_training_where_there_is_noise(
    dataset: str, plain: str
):
    assert psnr(dataset, "retinex_residual") > psnr(dataset, plain)


def test_llnet_comes_nearer_to_the_photographs_than_its_input():
    assert psnr("dusk", "llnet") > psnr("dusk", "identity")


def test_contextual_cyclegan_gains_three_decibels_and_by_its_regions():
    for row in report("contextual")["runs"]:
        mean = {kind: float(np.mean(row["psnr"][kind])) for kind in study_contextual.COLUMNS}
        assert mean["with"] >= mean["input"] + study_contextual.LEAST_DB
        assert mean["with"] > mean["without"]
