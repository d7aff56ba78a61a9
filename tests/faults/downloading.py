"""Downloads that are killed: what is named is always whole, and the last attempt goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Site

CHILD = """
import sys
from pathlib import Path
from lldata.fetching.download import download
from lldata.fetching.sources import RemoteFile, Source
address, sha256, size, folder = sys.argv[1:]
file = RemoteFile("set.bin", address, 10**9, int(size), sha256)
print("begun", flush=True)
download(Source("night", "", "", "", (file,)), Path(folder))
"""


@dataclass(frozen=True)
class Killed:
    """What a row of kills did."""

    kills: int
    midway: int  # kills after which a part of the file was there
    wrong: int  # moments at which the final name stood for anything but the whole file
    resumed: int  # requests for the rest of the file
    equal: bool  # whether the file is right in the end


def kill_downloads(site: Site, folder: Path, kills: int, seed: int) -> Killed:
    """Kill a download again and again at a random moment, then let it finish."""
    draw = random.Random(seed)
    target, part = folder / "set.bin", folder / "set.bin.part"
    done = midway = wrong = 0
    while done < kills:
        child = _begin(site, folder)
        time.sleep(draw.uniform(0, 1.2 * 10 * site.pause_s))
        child.kill()
        child.communicate()
        done += 1
        midway += part.exists()
        wrong += target.exists() and target.read_bytes() != site.body
        target.unlink(missing_ok=True)
    _begin(site, folder).communicate(timeout=60)
    equal = target.read_bytes() == site.body
    return Killed(done, midway, wrong, sum(map(bool, site.asked)), equal)


def _begin(site: Site, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", CHILD, site.address_of_file, site.sha256]
    child = subprocess.Popen(
        [*words, str(len(site.body)), str(folder)], stdout=subprocess.PIPE, bufsize=0
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    return child
