"""Parameter files of pyiqa's metrics: where they lie, whose they are, how they are fetched.

pyiqa fetches them without a hash and unpickles many. Here a file is found in a folder or named as
missing, fetched only on request and over https alone, compared with every sha256 that is known of
it; and a pickle is opened only if its sha256 is pinned: below, or by the user in SHA256SUMS.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lldata.errors import DownloadError, ScoreError
from lldata.fetching.download import PIN, download
from lldata.fetching.sources import RemoteFile, Source
from lldata.store import home
from lldata.upkeep import file_digest

# Of files whose content is known to be their authors': NIQE's of the LIVE laboratory, and those of
# CLIP, whose addresses state them (openaipublic.azureedge.net/clip/models/SHA256/NAME).
PINNED = {
    "niqe_modelparameters.mat": "8452f33e53831faaf83c3b63bf99ab10a7b3d16e56837d7c0bb7537c728c2eff",
    "RN50.pt": "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
    "RN101.pt": "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
    "RN50x4.pt": "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
    "RN50x16.pt": "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
    "RN50x64.pt": "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
    "ViT-B-32.pt": "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    "ViT-B-16.pt": "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    "ViT-L-14.pt": "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    "ViT-L-14-336px.pt": "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
}
PINS = "SHA256SUMS"  # the user's own, as sha256sum writes them
LARGEST = 2**33  # bytes
PAGE = "https://github.com/chaofengc/IQA-PyTorch"

_LOG = logging.getLogger(__name__)


def folders() -> tuple[Path, Path, Path]:
    """Return where parameter files are looked for: pyiqa's own cache, ours, then torch's."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "torch"
    torch_home = Path(os.environ.get("TORCH_HOME", str(cache))).expanduser()
    hub = torch_home / "hub"
    return hub / "pyiqa", home() / ".weights" / "pyiqa", hub / "checkpoints"


@dataclass(frozen=True)
class Files:
    """The files of one metric as pyiqa asks for them."""

    metric: str  # pyiqa:NAME
    places: tuple[Path, ...]
    download: bool
    used: dict[str, str] = field(default_factory=dict)  # name -> sha256

    def named(self, name: str, address: str) -> Path:
        """Return a file by its name, fetched if it is nowhere and that is wished.

        Raises
        ------
        ScoreError
            If it is not here, cannot be had, or is not the pinned one.
        """
        found = next((place / name for place in self.places if (place / name).is_file()), None)
        if found is None:
            found = self.fetched(address, folders()[1] / name)
        self.check(found)
        return found

    def fetched(self, address: str, target: Path) -> Path:
        """Fetch a file over https to where it shall lie, whole and checked.

        Raises
        ------
        ScoreError
            If nothing shall be fetched, or it cannot be had or is not the pinned one.
        """
        if not self.download:
            raise self.missing(target.name, target.parent)
        _LOG.warning("%s: %s is fetched from %s", self.metric, target.name, _host(address))
        file = RemoteFile(target.name, address, LARGEST, sha256=pinned(target))
        source = Source("pyiqa", f"files of {self.metric}", PAGE, "see its page", (file,))
        try:
            return download(source, target.parent)[0].path
        except DownloadError as error:
            raise ScoreError(
                error.where, error.found, error.expected,
                f"Try again later, or get it elsewhere and put it into {target.parent}",
            ) from error  # fmt: skip

    def check(self, path: Path, *, pickled: bool = False) -> None:
        """Refuse a file that is not the pinned one, and a pickle that is not pinned at all.

        Raises
        ------
        ScoreError
            If it is refused.
        """
        found = file_digest(path)
        for known, whose in ((pinned(path), "pinned"), (_first(path), "first fetched")):
            if known not in (None, found):
                raise ScoreError(
                    path, f"its SHA-256 is {found[:16]}...",
                    f"the {whose} file has {known[:16]}...", "Replace it by the authors' file",
                )  # fmt: skip
        if pickled and pinned(path) is None:
            raise ScoreError(
                path, "it is a pickle whose SHA-256 is not pinned",
                "pickles are opened only if it is",
                f"Compare {found} with one you trust, then write '{found} {path.name}' into "
                f"{folders()[1] / PINS}",
            )  # fmt: skip
        self.used[path.name] = found

    def missing(self, name: str, folder: Path) -> ScoreError:
        """Return the error of a file that is not here."""
        return ScoreError(
            f"--metrics {self.metric}", f"its parameter file {name} is not here",
            "parameter files are read offline",
            f"Put it into {folder}, or have it fetched with --download",
        )  # fmt: skip


def pinned(path: Path) -> str | None:
    """Return the sha256 that a file of this name must have: ours, else the user's."""
    if path.name in PINNED:
        return PINNED[path.name]
    pins = folders()[1] / PINS
    lines = pins.read_text("utf-8").splitlines() if pins.is_file() else []
    words = (line.split(maxsplit=1) for line in lines)
    known = {pair[1].strip().lstrip("*"): pair[0].lower() for pair in words if len(pair) == 2}
    return known.get(path.name)


def _first(path: Path) -> str | None:
    """Return the sha256 of the first file of this name that was fetched."""
    pin = path.with_name(path.name + PIN)
    words = pin.read_text("utf-8").split() if pin.is_file() else []
    return words[0].lower() if words else None


def _host(address: str) -> str:
    return urlsplit(address).netloc or address
