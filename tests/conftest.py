"""Fixtures every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real captures beside the checkout, or skip."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real captures are not beside this checkout (shared/data)")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _private_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep every test away from the user's own datasets."""
    monkeypatch.setenv("LLDATA_HOME", str(tmp_path_factory.mktemp("home")))
