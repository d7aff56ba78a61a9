"""One dataset as one file, to hand on: the index and the tree of every scene.

HDF5 loses data where a disk is full, and can crash. So it writes through a file that takes note of
the first error and swallows the rest; what was written is read back whole before it gets its name.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lldata import publish, seal, store, upkeep
from lldata.errors import StoreError
from lldata.store import GET_PACK, RESTORE, Store


@dataclass(frozen=True)
class Packed:
    """What was packed."""

    path: Path
    scenes: int
    bytes: int
    sha256: str  # of the whole file

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**asdict(self), "path": str(self.path)}


class _Sink(io.RawIOBase):
    """A file that HDF5 can write to and never sees fail: the first error is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        try:
            if self.error is None:
                _write_whole(self._file, data)
        except OSError as error:
            self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        try:
            if self.error is None:
                self._file.truncate(size)
        except OSError as error:
            self.error = error
        return size or 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Leave it to the end: a flush for each scene would only cost time."""


def _write_whole(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of it: a disk that fills up first takes a part, and refuses the rest."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def pack(dataset: Store, out: Path, advance: Callable[[], None] = lambda: None) -> Packed:
    """Write a dataset as one self-contained file; it appears whole, verified, or not at all.

    Parameters
    ----------
    dataset : in a folder, or packed itself
    out : the file to make, its name ending in .h5
    advance : called twice for each scene, when it is written and when it is verified

    Raises
    ------
    StoreError
        If `out` exists or is no .h5, a scene is damaged, or the disk has too little room.
    """
    _check(dataset, out)
    publish.remove_leftovers(out.parent, f"{out.name}.")
    temporary = publish.temporary_beside(out)
    try:
        with temporary.open("w+b", buffering=0) as file:
            _write(dataset, file, advance)
        digest = upkeep.file_digest(temporary)
        _verify_whole(dataset, temporary, out, advance)
        size = temporary.stat().st_size
        if not publish.name_once(temporary, out):
            raise _taken(out)
        publish.sync_folder(out.absolute().parent)
    finally:
        temporary.unlink(missing_ok=True)
    return Packed(out, len(dataset.scenes), size, digest)


def _check(dataset: Store, out: Path) -> None:
    if out.suffix != ".h5":
        raise StoreError(out, "it is no .h5", "a packed dataset is one", f"Name it {out.name}.h5")
    if out.exists():
        raise _taken(out)
    if dataset.stale():
        raise StoreError(
            dataset.path, "its index names other scenes than its folder",
            "both must agree before packing", f"Rebuild it: lldata index {dataset.path}",
        )  # fmt: skip
    publish.make_folder(out.parent)
    publish.check_room(out.parent, sum(size for _, size, _ in dataset.scene_files()))


def _taken(out: Path) -> StoreError:
    return StoreError(out, "it exists", "nothing may be there yet", "Choose another path")


def _write(dataset: Store, file: BinaryIO, advance: Callable[[], None]) -> None:
    for scene, size, sha256 in [] if dataset.packed else dataset.scene_files():
        path = store.scene_path(dataset.path, scene)
        if wrong := upkeep.verify_scene(path, size, sha256, deep=False):
            raise StoreError(path, wrong[0], "only a sound dataset is packed", RESTORE)
    sink = _Sink(file)
    try:
        store.write_pack(dataset, sink, advance)  # type: ignore[arg-type]
    finally:
        if sink.error is not None:  # whatever else it made fail
            raise sink.error
    digest = seal.of(file, os.fstat(file.fileno()).st_size)
    file.seek(0, os.SEEK_END)
    _write_whole(file, digest)
    os.fsync(file.fileno())


def _verify_whole(dataset: Store, temporary: Path, out: Path, advance: Callable[[], None]) -> None:
    packed = Store(temporary)
    wrong = [] if packed.digest == dataset.digest else ["its digest is another"]
    for _, said in problems(packed, deep=True):
        wrong += said
        advance()
    packed.close()
    if wrong:
        first = wrong[0].removesuffix(f". {GET_PACK}")
        raise StoreError(
            out, f"what was written reads back differently ({first})",
            "a disk gives back what it took", "Verify the dataset, then the disk",
        )  # fmt: skip


def problems(dataset: Store, *, deep: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield each scene of a dataset, in a folder or packed, and what is wrong with it.

    What concerns no scene comes last, under the name "".

    Parameters
    ----------
    deep : recompute every digest from the pixels, besides the sha256 of the files
    """
    for scene, size, sha256 in dataset.scene_files():
        path = store.scene_path(dataset.path, scene)
        if not dataset.packed:
            wrong, remedy = upkeep.verify_scene(path, size, sha256, deep=deep), RESTORE
        else:
            wrong, remedy = upkeep.verify_content(path) if deep else [], GET_PACK
        yield scene, [said if remedy in said else f"{said}. {remedy}" for said in wrong]
    if dataset.packed:
        broken = f"the file's sha256 differs from the one at its end. {GET_PACK}"
        yield "", [] if seal.holds(dataset.path) else [broken]
        return
    said = upkeep.verify_index(dataset.path)
    stale = f"the index names other files than the folder; lldata index {dataset.path} rebuilds it"
    strays = upkeep.stray_parts(dataset.path)
    yield "", [*said, *([stale] * dataset.stale()), *strays]
