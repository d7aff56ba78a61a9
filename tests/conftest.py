"""Fixtures every test may use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Site, certificate, serving

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    """Return an https server on this machine and its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("the test server's certificate is made by the program openssl")
    crt, key = certificate(tmp_path_factory.mktemp("certificate"))
    with serving(crt, key) as site:
        yield site, crt
