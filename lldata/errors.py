"""Every mistake a user can mend, said in one line: WHERE: FOUND, but EXPECTED. REMEDY."""

from __future__ import annotations


class LowLightError(Exception):
    """A mistake the user can mend; the commands print its one line and exit with 2.

    Parameters
    ----------
    where : the file, field, option or dataset at fault
    found : what stands there
    expected : what should
    remedy : what to do about it, an imperative
    """

    def __init__(self, where: object, found: str, expected: str, remedy: str) -> None:
        super().__init__(where, found, expected, remedy)
        self.where, self.found, self.expected, self.remedy = str(where), found, expected, remedy

    def and_more(self, said: str) -> LowLightError:
        """Return the same mistake as the first of several; `said` is about the others."""
        return type(self)(self.where, f"{self.found} ({said})", self.expected, self.remedy)

    def __str__(self) -> str:
        line = f"{self.where}: {self.found}, but {self.expected}. {self.remedy.rstrip('.')}."
        return " ".join(line.split())


class FrameError(LowLightError):
    """A frame cannot be read."""


class MetadataError(FrameError):
    """A frame lacks a field it must carry, or is no mosaic of the size its scene needs."""


class ProtocolError(LowLightError):
    """A capture protocol is unknown, ambiguous or malformed."""


class StoreError(LowLightError):
    """A dataset is missing, damaged, too new, or would be changed where it must not be."""


class MethodError(LowLightError):
    """A method is unknown, lacks an extra or weights, or got an option it does not have."""


class ScoreError(LowLightError):
    """Images cannot be scored, or a metric, track or record is unknown or malformed."""


class DownloadError(LowLightError):
    """A public file cannot be had, is not the pinned one, or an archive holds what it must not."""
