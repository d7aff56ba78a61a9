"""`lleval enhance` on real low-light photographs and a real RAW file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines import method
from eval import images
from eval.enhancing.enhance import enhance
from eval.enhancing.task import Enhancement
from lldata.errors import MethodError
from tests.benchmarks.classical_records import OPTIONS, classical

BLIND = [name for name in classical() if not method.info(name).oracle]


def enhanced(name: str, source: Path, target: Path, **changes: object) -> list[Path]:
    return enhance(Enhancement(name, source, target, OPTIONS.get(name, [{}])[0], **changes))  # type: ignore[arg-type]


def test_lime_lightens_every_natural_photograph_and_shows_it_beside(
    shared_data: Path, tmp_path: Path
):
    sources = sorted((shared_data / "natural").iterdir())
    written = enhanced("lime", shared_data / "natural", tmp_path / "out", compare=True)
    assert len(written) == 2 * len(sources)
    for source, target in zip(sources, written[::2], strict=True):
        before, after = images.rgb(source), images.rgb(target)
        assert after.shape == before.shape
        assert after.mean() > 1.2 * before.mean()


def test_lime_lightens_raw_files_into_sixteen_bits(shared_data: Path, tmp_path: Path):
    tile = sorted((shared_data / "sid_sony_tiles" / "short").iterdir())[0]
    for source in (shared_data / "raw" / "RAW_KODAK_DC50.KDC", tile):
        target = tmp_path / f"{source.stem}.png"
        enhanced("lime", source, target)
        assert images.read(target).pixels.dtype == np.uint16


@pytest.mark.slow
@pytest.mark.parametrize("name", BLIND)
def test_every_blind_method_enhances_every_natural_photograph(
    name: str, shared_data: Path, tmp_path: Path
):
    try:
        method.build(name)
    except MethodError as error:
        pytest.skip(str(error))
    written = enhanced(name, shared_data / "natural", tmp_path / "out")
    assert len(written) == len(list((shared_data / "natural").iterdir()))
    assert all(images.rgb(path).std() > 5 for path in written)
