"""A short form of the killed downloads."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.faults.downloading import kill_downloads
from tests.servers import Site, certificate, serving

COMMAND = """
import sys
from lldata import cli
from lldata.fetching import sources
file = sources.RemoteFile("set.bin", sys.argv.pop(), 10**9)
sources.source_of = lambda name: sources.Source(name, "night", "page", "free", (file,))
cli.app()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    if shutil.which("openssl") is None:
        pytest.skip("the test server's certificate is made by the program openssl")
    crt, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(crt))
    with serving(crt, key) as site:
        site.body = np.random.default_rng(1).bytes(2_000_000)
        yield site


def test_an_interrupted_download_keeps_its_part_and_says_how_to_go_on(site: Site, tmp_path: Path):
    out, site.pause_s = tmp_path / "out", 0.2
    words = ["download", "sid_sony", "--out", str(out), site.address_of_file]
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stderr=subprocess.PIPE, text=True
    )
    part = out / "set.bin.part"
    while child.poll() is None and not (part.exists() and part.stat().st_size):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1].strip().splitlines()[-1]
    assert child.returncode == 130
    assert said.startswith("lldata: interrupted. What is finished is kept; go on with: ")
    assert f"download sid_sony --out {out}" in said
    assert 0 < part.stat().st_size < len(site.body)


def test_a_download_killed_at_any_moment_is_whole_or_not_there(site: Site, tmp_path: Path):
    site.pause_s = 0.03
    found = kill_downloads(site, tmp_path / "out", kills=8, seed=1)
    assert (found.kills, found.wrong, found.equal) == (8, 0, True)
    assert found.midway > 0
    assert found.resumed > 0
