"""The store: a folder of immutable HDF5 files, one a scene, and an index that can be rebuilt.

`$LLDATA_HOME/<dataset>/scenes/<scene>.h5` holds the mosaics as the sensor gave them, the rendered
references, every field of every frame and the audits' findings; `dataset.h5` is a cache of their
tables. A scene exists once its file does. Nothing published is ever opened for writing.

A packed dataset is one file: the index, and under `files/` the tree of every scene file. Its
scenes are named as those of a folder are, PACK.h5/scenes/SCENE.h5, and read by the same functions.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import multiprocessing
import os
import re
import tomllib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from lldata import seal
from lldata.audit import Finding
from lldata.child import Child
from lldata.engine import GIBIBYTE, run_isolated
from lldata.errors import StoreError
from lldata.frame import Frame
from lldata.measures.fingerprint import is_thumbnail
from lldata.measures.likeness import Print, prints, recognisable
from lldata.scene import (
    DRAWN,
    Pixels,
    SceneFile,
    canonical_json,
    combined_digest,
    drawn_ranges,
    finite,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Store", "dataset_path", "datasets", "home", "open_store"]  # others are lldata's own

SCHEMA = 1
CHUNK = 256
LARGEST_PIXELS = 2**30  # bytes of pixels in one scene file
MOST_OPEN_FILES = 32
NAME = r"[a-z0-9][a-z0-9_-]*"
_PLAIN_NAME = re.compile(r"(?![A-Za-z]:)(?!\.{1,2}\Z)[^/\\\0]*")  # "" too: pairs without a long
_PART = re.compile(r"\.part\d+\.h5$")  # scenes of brackets have dots in their names: 00001-0.25s
COLUMNS = {  # of the pair table
    "pair": str, "scene": str, "group": str, "short": str, "long": str, "reference": str,
    "split": str, "ratio": float, "iso": float, "exposure_s": float,
    "shift_y_px": float, "shift_x_px": float, "status": str,
}  # fmt: skip
SCENE_COLUMNS = {
    "scene": str, "group": str, "split": str, "origin": str, "size": int, "sha256": str,
    "content": str, "references": str,
}  # fmt: skip
PICTURES = ("reference", "low", "normal")  # kinds of pictures in a scene file
MOST_OBJECTS = 100_000
MOST_INDEX = 2**28  # bytes of all tables of a packed file
MOST_ROWS = 2**20  # of one of them
MOST_DENSE = 1000  # times the bytes of a packed file that its arrays may claim
PACKED = "files"  # group of a packed dataset that holds the trees of its scene files
CHECK_S = 20.0  # that the structure of a packed file may take to check
RESTORE = "Restore the file, or delete it and ingest the scene again"
GET_PACK = "Get the file again, or make it anew with lldata pack"
_IN_ONE_FILE: Mapping[str, Any] = {"short": {}, "runs": [], "clip": {}}  # most scenes
_PLAIN = "iufbS"  # kinds of values: numbers, booleans, text of fixed length
_NUMBERS = {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
_FILTERS = {h5py.h5z.FILTER_FLETCHER32, 32008}  # checksum; Bitshuffle-LZ4
_log = logging.getLogger(__name__)


def home() -> Path:
    """Return the folder that holds the datasets: $LLDATA_HOME, else ~/lldata."""
    return Path(os.environ.get("LLDATA_HOME") or Path.home() / "lldata").expanduser()


def check_name(name: str) -> str:
    """Return a dataset's name if it is one.

    Raises
    ------
    StoreError
        If it has other than lower-case letters, digits, - and _.
    """
    if not re.fullmatch(NAME, name):
        raise StoreError(
            f"dataset name {name!r}",
            "a dataset cannot be called so",
            "it must match [a-z0-9][a-z0-9_-]*",
            "Choose another name",
        )
    return name


def software_versions() -> dict[str, str]:
    """Return the versions that decide what a store's pixels are."""
    from lldata.raw import LIBRAW_VERSION, RAWPY_VERSION

    return {
        "lldata": version("lowlight-toolkit"), "rawpy": RAWPY_VERSION,
        "libraw": LIBRAW_VERSION, "numpy": np.__version__,
    }  # fmt: skip


# ---- HDF5 text and tables: fixed-length UTF-8 only, h5py would make it variable


def _text_in(attributes: h5py.AttributeManager, name: str, text: str) -> None:
    data = text.encode("utf-8") or b"\0"
    attributes.create(name, np.bytes_(data), dtype=h5py.string_dtype("utf-8", len(data)))


def _text_out(attributes: h5py.AttributeManager, name: str) -> str:
    value = attributes[name]
    return bytes(value).decode("utf-8") if isinstance(value, bytes) else str(value)


def _json_in(group: h5py.Group, name: str, value: Any) -> None:
    group.create_dataset(name, data=np.frombuffer(canonical_json(value) or b" ", np.uint8))


def _json_out(group: h5py.Group, name: str) -> Any:
    return json.loads(_json_text(group[name]))


def _json_text(dataset: h5py.Dataset) -> str:
    return str(dataset[()].tobytes().decode("utf-8"))


def _column_in(group: h5py.Group, name: str, values: list[Any], kind: type) -> None:
    if kind is str:
        encoded = [str(v).encode("utf-8") for v in values]
        length = max([1, *map(len, encoded)])
        kept = np.array(encoded, dtype=h5py.string_dtype("utf-8", length))
        group.create_dataset(name, data=kept)
    else:
        group.create_dataset(name, data=np.array(values, np.float64))


def _column_out(group: h5py.Group, name: str, kind: type) -> NDArray[Any]:
    values: NDArray[Any] = group[name][()]
    if kind is str:
        texts: dict[bytes, str] = {}  # equal ones are held once
        found = values.astype("S").tolist()
        return np.array([texts.setdefault(t, t.decode("utf-8")) for t in found], object)
    return values.astype(kind)


# ---- writing


def scene_bytes(
    scene: SceneFile | Callable[[], SceneFile],
    pixels: Pixels,
    clip: Mapping[str, Sequence[NDArray[np.uint16]]] | None = None,
) -> memoryview:
    """Build the HDF5 file of a scene, or of a part of its shorts or clips, in memory.

    Parameters
    ----------
    scene : or a function that returns it, called once the pixels are compressed: they can be
        hashed meanwhile
    clip : the frames, each (H, W, 3), of low, target or truth that this file holds
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for kind in ("short", "long"):
            for name, frame in getattr(pixels, kind).items():
                dataset = _pixels_in(file, f"{kind}/{name}", frame.mosaic)
                _frame_in(dataset.attrs, frame)
        for kind in PICTURES:
            for name, picture in getattr(pixels, kind).items():
                dataset = _pixels_in(file, f"{kind}/{name}", picture)
                for key, value in pixels.facts.get(f"{kind}/{name}", {}).items():
                    _value_in(dataset.attrs, key, value)
        for name, frames in (clip or {}).items():
            _frames_in(file, f"clip/{name}", frames)
        told = scene() if callable(scene) else scene
        for name in ("scene", "group", "split", "camera"):
            _text_in(file.attrs, name, getattr(told, name))
        file.attrs["schema"] = SCHEMA
        _json_in(file, "record", _record(told))
    return buffer.getbuffer()


def _record(scene: SceneFile) -> dict[str, Any]:
    return {
        **{k: v for k, v in scene.__dict__.items() if k not in ("pairs", "findings")},
        "pairs": list(scene.pairs), "findings": [f.as_json() for f in scene.findings],
    }  # fmt: skip


def _pixels_in(file: h5py.File, name: str, array: NDArray[Any]) -> h5py.Dataset:
    chunks = tuple(min(CHUNK, side) for side in array.shape[:2]) + array.shape[2:]
    return file.create_dataset(
        name, data=array, chunks=chunks, fletcher32=True, **hdf5plugin.Bitshuffle(cname="lz4")
    )


def _frames_in(file: h5py.File, name: str, frames: Sequence[NDArray[np.uint16]]) -> None:
    """Write frames as one array (T, H, W, 3), without a second copy of them in memory."""
    height, width, colours = frames[0].shape
    dataset = file.create_dataset(
        name, (len(frames), height, width, colours), np.uint16,
        chunks=(1, min(CHUNK, height), min(CHUNK, width), colours), fletcher32=True,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )  # fmt: skip
    for number, frame in enumerate(frames):
        dataset[number] = frame


def _value_in(attributes: h5py.AttributeManager, name: str, value: Any) -> None:
    if isinstance(value, str):
        _text_in(attributes, name, value)
    elif value is not None:
        attributes[name] = np.asarray(value)


def _frame_in(attributes: h5py.AttributeManager, frame: Frame) -> None:
    for name, value in frame.metadata().items():
        _value_in(attributes, name, value)


def _attributes(attributes: h5py.AttributeManager) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in attributes:
        value = attributes[name]
        if isinstance(value, bytes | str):
            values[name] = _text_out(attributes, name)
        else:
            values[name] = value.tolist() if hasattr(value, "tolist") else value
    return values


def _window(dataset: h5py.Dataset, window: tuple[Any, ...] | None) -> NDArray[Any]:
    values: NDArray[Any] = dataset[() if window is None else window]
    return values


def _frame_out(attributes: h5py.AttributeManager, mosaic: NDArray[np.uint16]) -> Frame:
    return Frame.from_metadata(mosaic, _attributes(attributes))


def part_path(path: Path, number: int) -> Path:
    """Return where a further part of the scene file at `path` lies."""
    return path.with_name(f"{path.stem}.part{number}.h5")


def scene_path(folder: Path, scene: str) -> Path:
    """Return where a scene's file lies."""
    return folder / "scenes" / f"{scene}.h5"


# ---- reading, guarded


@dataclass
class _Budget:
    """What a file may still hold."""

    bytes: int
    objects: int = MOST_OBJECTS
    seen: set[Any] = field(default_factory=set)  # places of objects
    stored: bool = False  # whether every byte that is claimed must stand in the file

    def tree(self) -> _Budget:
        """Return the budget of one scene's tree in a packed file."""
        return _Budget(min(2 * LARGEST_PIXELS, self.bytes), seen=self.seen)


def _raw_open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", rdcc_nbytes=0)  # many stay open: no chunk cache
    except OSError as error:
        raise _unreadable(path, error) from error


def _open(path: Path) -> h5py.File:
    """Open an HDF5 file for reading, refusing what could reach outside it or fill the memory."""
    file = _raw_open(path)
    try:
        with _read_errors(path):
            _check_schema(path, file)
            _check_tree(path, file, _Budget(2 * LARGEST_PIXELS))
    except BaseException:
        file.close()
        raise
    return file


def _open_pack(path: Path) -> h5py.File:
    """Open a packed file whose structure a disposable process has found sound."""
    _checked_pack(path, *_version(path))
    return _raw_open(path)


def _open_own(index: Path) -> h5py.File:
    """Open the index of a folder; one without its seal as a stranger's file is opened.

    Of its scene files the sealed index knows the sha256: they are opened in this process.
    """
    _checked_index(index, *_version(index))
    return _open(index)


def _version(path: Path) -> tuple[int, int, int]:
    """Return what is another once a file has been replaced."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_size, status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=32)
def _checked_pack(path: Path, size: int, mtime_ns: int, inode: int) -> None:
    _check_apart(check_pack, path)


@lru_cache(maxsize=32)
def _checked_index(path: Path, size: int, mtime_ns: int, inode: int) -> None:
    try:
        sound = seal.holds(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not sound:
        _check_apart(check_index, path)
        folder = path.parent
        _log.warning("%s: the index is damaged; lldata index %s rebuilds it", folder, folder)


def _check_apart(check: Callable[[Path], None], path: Path) -> None:
    """Check a file in a process that may hang or crash over it."""
    if multiprocessing.current_process().daemon:  # a worker: disposable, and may have no child
        check(path)
    elif os.name != "posix":
        run_isolated(check, path, timeout_s=CHECK_S)
    else:  # also for a program that may not start processes of its own kind
        child = Child(GIBIBYTE * 4)
        try:
            answer = child.call(check, (path,), CHECK_S)
        finally:
            child.close()
        lost = "it needs too much memory" if answer.out_of_memory else answer.lost
        if lost is not None:
            raise _hostile(path, f"its structure cannot be checked: {lost}")
        if answer.error is not None:
            raise answer.error


def check_index(path: Path) -> None:
    """Refuse a folder's index as `check_pack` refuses a packed file."""
    with _raw_open(path) as file, _read_errors(path):
        _check_schema(path, file)
        _check_tables(path, file, _Budget(MOST_INDEX, stored=True))


def _check_tables(path: Path, file: h5py.File, left: _Budget, without: str = "") -> None:
    """Refuse an index that claims more than stands in the file, or whose columns differ."""
    _check_tree(path, file, left, without)
    for table, columns in (("pairs", COLUMNS), ("scenes", SCENE_COLUMNS)):
        shapes = {file[table][name].shape for name in columns}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 1 or shape[0] > MOST_ROWS:
            raise _hostile(path, f"the columns of '{table}' differ in length, or are too long")


def check_pack(path: Path) -> None:
    """Refuse a packed file that could reach outside itself or fill the memory.

    In this process, for disposable ones: damaged files can make HDF5 loop for ever.

    Raises
    ------
    StoreError
        If it is no packed dataset, or holds what lldata does not write.
    """
    with _raw_open(path) as file, _read_errors(path):
        _check_schema(path, file)
        if not isinstance(file.get(PACKED, getlink=True), h5py.HardLink):
            raise StoreError(
                path, "it is no packed dataset", "lldata pack writes them", "Name another file"
            )
        whole = _Budget(MOST_DENSE * path.stat().st_size)
        index = _Budget(MOST_INDEX, seen=whole.seen, stored=True)
        _check_tables(path, file, index, without=PACKED)
        for name in file[PACKED]:
            if not isinstance(file[PACKED].get(name, getlink=True), h5py.HardLink):
                raise _hostile(path, f"'{name}' is a link")
            tree = whole.tree()
            before = tree.bytes
            _check_tree(path, file[PACKED][name], tree)
            whole.bytes -= before - tree.bytes


@contextlib.contextmanager
def open_tree(path: Path) -> Iterator[h5py.Group]:
    """Open a scene file for reading, or the tree that stands for it in a packed file."""
    pack = path.parent.parent
    if pack.is_file():
        with _open_pack(pack) as file, _read_errors(path):
            yield file[PACKED][path.stem]
    else:
        with _open(path) as file, _read_errors(path):
            yield file


def _index_path(path: Path) -> Path:
    return path if path.is_file() else path / "dataset.h5"


@contextlib.contextmanager
def _open_index(path: Path) -> Iterator[h5py.File]:
    """Open a dataset's index for reading: of its folder, or of its packed file."""
    index = _index_path(path)
    with _open_pack(index) if path.is_file() else _open_own(index) as file, _read_errors(index):
        yield file


@contextlib.contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Turn what HDF5 and missing parts raise into one named error."""
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> StoreError:
    _log.info("%s: %s", path, error)
    if path.name == "dataset.h5":
        remedy = f"Rebuild the index: lldata index {path.parent}"
    elif path.parent.name == "scenes" and path.parent.parent.is_dir():
        remedy = RESTORE
    else:
        remedy = GET_PACK
    refused = isinstance(error, PermissionError)
    why = "it cannot be read (permission denied)" if refused else "it is cut short or damaged"
    return StoreError(path, why, "a whole file of lldata is needed", remedy)


def _check_schema(path: Path, file: h5py.File) -> None:
    found = file.attrs.get("schema")
    if not isinstance(found, np.integer) or not 1 <= int(found) <= SCHEMA:
        newer = isinstance(found, np.integer) and int(found) > SCHEMA
        raise StoreError(
            path,
            f"its schema is {found}",
            f"this lldata reads schema 1 to {SCHEMA}",
            "Upgrade lldata" if newer else "Name a file that lldata wrote",
        )


def _check_tree(path: Path, group: h5py.Group, left: _Budget, without: str = "") -> None:
    """Refuse links, external and virtual storage, objects, unknown filters, too many bytes."""
    _check_attributes(path, group)
    for name in group:
        if name == without:
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _hostile(path, f"'{name}' is a link")
        item = group[name]
        place = h5py.h5o.get_info(item.id).addr
        if place in left.seen:
            raise _hostile(path, f"'{name}' is a second name of another object")
        left.seen.add(place)
        left.objects -= 1
        if left.objects < 0:
            raise _hostile(path, f"it holds more than {MOST_OBJECTS} objects")
        if isinstance(item, h5py.Group):
            _check_tree(path, item, left)
        elif isinstance(item, h5py.Dataset):
            _check_dataset(path, name, item, left)
        else:
            raise _hostile(path, f"'{name}' is a {type(item).__name__}")


def _check_dataset(path: Path, name: str, item: h5py.Dataset, left: _Budget) -> None:
    _check_attributes(path, item)
    if item.external or item.is_virtual:
        raise _hostile(path, f"'{name}' stores its values in another file")
    if item.dtype.kind not in _PLAIN:
        raise _hostile(path, f"'{name}' has values of type {item.dtype}")
    filters = item.id.get_create_plist()
    used = {filters.get_filter(i)[0] for i in range(filters.get_nfilters())}
    if used - _FILTERS:
        raise _hostile(path, f"'{name}' is packed by the filters {sorted(used)}")
    if left.stored and item.id.get_storage_size() < item.nbytes:
        raise _hostile(path, f"'{name}' claims more than the file holds")
    left.bytes -= item.nbytes
    if left.bytes < 0:
        raise _hostile(
            path, "its arrays claim more than any of lldata's do, or a thousand times its size"
        )


def _check_attributes(path: Path, item: h5py.Group | h5py.Dataset) -> None:
    for index in range(h5py.h5a.get_num_attrs(item.id)):
        attribute = h5py.h5a.open(item.id, index=index)
        kind = attribute.get_type()
        if kind.get_class() in _NUMBERS:
            continue  # most of the two dozen of a frame; no dtype is made for them
        if attribute.dtype.kind not in _PLAIN:
            name = attribute.name.decode("utf-8", "replace")
            raise _hostile(path, f"the attribute '{name}' is of kind {attribute.dtype.kind}")


def _hostile(path: Path, found: str) -> StoreError:
    return StoreError(
        path,
        found,
        "a file that lldata wrote has nothing of the kind",
        "Do not use this file",
    )


def is_plain(name: str) -> bool:
    """Whether a name is one part of a path on every system: what it names stays in a folder."""
    return _PLAIN_NAME.fullmatch(name) is not None


def _check_names(where: Path, what: str, names: Iterable[str]) -> None:
    for name in names:
        if not is_plain(name):
            raise _hostile(where, f"{what} is called {name!r}")


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and None not in map(finite, value)


def _record_out(path: Path, tree: h5py.Group) -> dict[str, Any]:
    """Return a scene's record, whose names and numbers of further files make paths."""
    record: dict[str, Any] = _json_out(tree, "record")
    _check_names(path, "a clip", record.get("clip", {}))
    for part in record["parts"]:
        if type(part["number"]) is not int:
            raise _hostile(path, f"a part has the number {part['number']!r}")
    return record


def read_scene(path: Path) -> SceneFile:
    """Read all of a scene file but its pixels."""
    with open_tree(path) as file:
        record = _record_out(path, file)
        return SceneFile(**{
            **record, "pairs": tuple({k: row[k] for k in COLUMNS} for row in record["pairs"]),
            "findings": tuple(Finding(**f) for f in record["findings"]),
            "parts": tuple(record["parts"]),
        })  # fmt: skip


class _OpenFiles:
    """At most 32 open scene files in each process; dropped, not copied, when pickled or forked."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, h5py.Group] = OrderedDict()
        self._pack: h5py.File | None = None  # that holds them all
        self._pid = os.getpid()

    def get(self, path: Path) -> h5py.Group:
        if self._pid != os.getpid():  # forked: the handles belong to the parent
            self._files, self._pack, self._pid = OrderedDict(), None, os.getpid()
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        while len(self._files) >= MOST_OPEN_FILES:
            self._drop(self._files.popitem(last=False)[1])
        self._files[path] = self._opened(path)
        return self._files[path]

    def _opened(self, path: Path) -> h5py.Group:
        pack = path.parent.parent
        if self._pack is None and not pack.is_file():
            return _open(path)
        if self._pack is None:
            self._pack = _open_pack(pack)
        return self._pack[PACKED][path.stem]

    def _drop(self, tree: h5py.Group) -> None:
        if isinstance(tree, h5py.File):
            tree.close()

    def close(self) -> None:
        while self._files:
            self._drop(self._files.popitem()[1])
        if self._pack is not None:
            self._pack.close()
            self._pack = None

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


class _Table(dict[str, NDArray[Any]]):
    """The columns of a table of an index."""

    @cached_property
    def frame(self) -> pd.DataFrame:
        import pandas as pd  # only those who look at tables wait for it

        return pd.DataFrame(dict(self))


@lru_cache(maxsize=8)
def _reopened(path: Path, size: int, mtime_ns: int, inode: int) -> Store:
    return Store(path)


class Store:
    """One dataset, for reading. Cheap to open whatever its size; safe to pickle and fork.

    Pickled it is its path: another process reads the index there, once for all its copies.

    Raises
    ------
    StoreError
        If it cannot be read, or one of its names is no plain name of a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_files = _OpenFiles()
        self._records: dict[str, Mapping[str, Any]] = {}  # what places a scene's frames in files
        with _open_index(path) as file:
            self.name = _text_out(file.attrs, "dataset")
            self.protocol = _text_out(file.attrs, "protocol")
            self.created = _text_out(file.attrs, "created")
            self.digest = _text_out(file.attrs, "digest")
            self.reference_digest = _text_out(file.attrs, "reference_digest")
            self.synthetic = bool(file.attrs["synthetic"])
            self.kind = _text_out(file.attrs, "kind") if "kind" in file.attrs else "raw"
            self.versions = {
                k: _text_out(file.attrs, k) for k in ("lldata", "rawpy", "libraw", "numpy")
            }
            self._pairs = _Table({k: _column_out(file["pairs"], k, t) for k, t in COLUMNS.items()})
            self._scenes = _Table(
                {k: _column_out(file["scenes"], k, t) for k, t in SCENE_COLUMNS.items()}
            )
        self._check_names()

    def _check_names(self) -> None:
        """Refuse an index from elsewhere whose names would lead out of a folder."""
        for what in ("scene", "split"):
            named = {*self._pairs[what], *self._scenes[what]}
            _check_names(self.path, f"a {what}", named)
        for what in ("short", "long", "reference"):
            _check_names(self.path, f"a {what}", set(self._pairs[what]))
        _check_names(self.path, "the dataset", [self.name])

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        path = state["path"]
        self.__dict__.update(_reopened(path, *_version(_index_path(path))).__dict__)
        self._open_files = _OpenFiles()

    @property
    def pairs(self) -> pd.DataFrame:
        """The pair table, one row a pair."""
        return self._pairs.frame

    @property
    def scenes(self) -> pd.DataFrame:
        """The table of scenes and their files."""
        return self._scenes.frame

    @property
    def pair_columns(self) -> Mapping[str, NDArray[Any]]:
        """The columns of `pairs`, for those who need not wait for pandas to load."""
        return self._pairs

    @property
    def scene_columns(self) -> Mapping[str, NDArray[Any]]:
        """The columns of `scenes`, likewise."""
        return self._scenes

    @cached_property
    def findings(self) -> list[Finding]:
        """The audits' findings of every scene."""
        with _open_index(self.path) as file:
            return [Finding(**f) for f in _json_out(file, "findings")]

    def prints(self) -> list[Print]:
        """Return what every scene's frames are recognised by; older indexes know none.

        Raises
        ------
        StoreError
            If they are not what lldata recognises frames by.
        """
        columns = [self._scenes[name] for name in ("scene", "group", "split", "origin")]
        with _open_index(self.path) as file:
            table = file["scenes"]
            facts = _json_out(table, "fingerprints") if "fingerprints" in table else {}
            found = [
                one
                for scene, group, split, origin in zip(*columns, strict=True)
                for one in prints(self.name, scene, group, split, origin, facts.get(scene, {}))
            ]
        for one in found:
            texts = all(isinstance(value, str) for _, value in one.keys)
            if not texts or not is_thumbnail(one.thumbnail):
                raise _hostile(self.path, f"what {one.file} of scene {one.scene} is known by")
        return found

    @property
    def protocol_text(self) -> str:
        """The protocol's TOML at the time of ingest."""
        with _open_index(self.path) as file:
            return str(_json_out(file, "protocol_text"))

    @cached_property
    def protocol_table(self) -> dict[str, Any]:
        """The keys of that TOML, which need not be those of today; {} where it is none."""
        try:
            return tomllib.loads(self.protocol_text)
        except tomllib.TOMLDecodeError:
            return {}

    @property
    def drawn(self) -> dict[str, list[float]] | None:
        """The least and the greatest value of what was drawn; None in an index that has none.

        Raises
        ------
        StoreError
            If it is no such table.
        """
        with _open_index(self.path) as file:
            if "drawn" not in file:
                return None
            found = _json_out(file, "drawn")
        if not (isinstance(found, dict) and all(map(_is_range, found.values()))):
            raise _hostile(self.path, "what it says was drawn")
        return {key: found[key] for key in DRAWN if key in found}

    @property
    def packed(self) -> bool:
        """Whether the dataset is one packed file."""
        return self.path.is_file()

    @property
    def distinct_sources(self) -> int | None:
        """How many distinct photographs a simulated dataset was made from; None for captures."""
        origins = {origin for origin in self._scenes["origin"] if origin}
        return len(origins) or None

    def scene_files(self) -> list[tuple[str, int, str]]:
        """Return scene, bytes and sha256 of every scene file as the index knows them."""
        columns = (self._scenes[name] for name in ("scene", "size", "sha256"))
        return [(str(a), int(b), str(c)) for a, b, c in zip(*columns, strict=True)]

    def stale(self) -> bool:
        """Whether the scene files are others than the index says."""
        if self.packed:
            return False
        standing = {e.name: e.stat().st_size for e in scene_entries(self.path)}
        known = {f"{scene}.h5": size for scene, size, _ in self.scene_files()}
        return standing != known

    def usable(self, split: str | None = None) -> pd.DataFrame:
        """Return the pairs that are not in quarantine, of one split or of all."""
        rows = self.pairs[self.pairs["status"] != "quarantine"]
        return rows if split is None else rows[rows["split"] == split]

    def _dataset(self, scene: str, kind: str, name: str) -> h5py.Dataset:
        path = scene_path(self.path, scene)
        try:
            if kind == "short":
                path = self._file_of(scene, name)
            return self._open_files.get(path)[kind][name]
        except KeyError:
            raise StoreError(
                f"{self.name}/{scene}",
                f"it has no {kind} frame {name!r}",
                "the pair table and the scene file must agree",
                f"Rebuild the index: lldata index {self.name}",
            ) from None

    def _record(self, scene: str) -> Mapping[str, Any]:
        """Return what places a scene's shorts and clips in its files."""
        if scene not in self._records:
            path = scene_path(self.path, scene)
            with _read_errors(path):
                record = _record_out(path, self._open_files.get(path))
            shorts = {n: p["number"] for p in record["parts"] for n in p.get("short", ())}
            runs = [(p.get("clip", {}), p["number"]) for p in record["parts"]]
            clip = record.get("clip", {})
            found = {"short": shorts, "runs": runs, "clip": clip}
            self._records[scene] = found if any(found.values()) else _IN_ONE_FILE
        return self._records[scene]

    def _file_of(self, scene: str, short: str) -> Path:
        """Return the file that holds a short: the scene's own, or a further part."""
        path = scene_path(self.path, scene)
        number = self._record(scene)["short"].get(short)
        return path if number is None else part_path(path, number)

    def frame(
        self,
        scene: str,
        name: str,
        kind: str = "short",
        window: tuple[slice, slice] | None = None,
    ) -> Frame:
        """Return a frame, or a window of it (the window must begin on a CFA period)."""
        dataset = self._dataset(scene, kind, name)
        with _read_errors(scene_path(self.path, scene)):
            return _frame_out(dataset.attrs, _window(dataset, window))

    def mosaic(self, scene: str, name: str, window: tuple[slice, slice]) -> NDArray[np.uint16]:
        """Return a window of a short's mosaic alone, for whoever has its fields already."""
        with _read_errors(scene_path(self.path, scene)):
            return _window(self._dataset(scene, "short", name), window)

    def reference(
        self, scene: str, name: str, window: tuple[slice, slice] | None = None
    ) -> NDArray[np.uint16]:
        """Return a reference (H, W, 3) uint16, or a window of it."""
        with _read_errors(scene_path(self.path, scene)):
            return _window(self._dataset(scene, "reference", name), window)

    def shape(self, scene: str, name: str, kind: str = "short") -> tuple[int, int]:
        """Return (H, W) of a frame without reading it."""
        height, width = self._dataset(scene, kind, name).shape[:2]
        return int(height), int(width)

    def picture(
        self, scene: str, name: str, kind: str, window: tuple[slice, slice] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return a ready picture (H, W, 3) uint8 or uint16, or a window of it, and its facts.

        Parameters
        ----------
        kind : low or normal
        """
        dataset = self._dataset(scene, kind, name)
        with _read_errors(scene_path(self.path, scene)):
            return _window(dataset, window), _attributes(dataset.attrs)

    def clip_shape(self, scene: str, name: str) -> tuple[int, int, int]:
        """Return (frames, H, W) of a scene's clip low, target or truth."""
        try:
            facts = self._record(scene)["clip"][name]
        except KeyError:
            raise StoreError(
                f"{self.name}/{scene}", f"it has no clip {name!r}",
                f"its clips are {', '.join(self._record(scene)['clip']) or 'none'}",
                "Name one of them",
            ) from None  # fmt: skip
        return int(facts["frames"]), int(facts["height"]), int(facts["width"])

    def clip_frame(
        self, scene: str, name: str, number: int, window: tuple[slice, slice] | None = None
    ) -> NDArray[np.uint16]:
        """Return one frame (H, W, 3) uint16 of a clip, or a window of it."""
        path, record = scene_path(self.path, scene), self._record(scene)
        count = self.clip_shape(scene, name)[0]
        if not 0 <= number < count:
            raise StoreError(
                f"{self.name}/{scene}: {name}", f"frame {number} is asked for",
                f"it has {count} frames, from 0", "Ask for one of them",
            )  # fmt: skip
        first = 0
        for runs, part in record["runs"]:
            start, length = runs.get(name, (0, 0))
            if start <= number < start + length:
                path, first = part_path(path, part), start
                break
            first = max(first, start + length)  # the scene's own file holds the last frames
        where = (number - first,) if window is None else (number - first, *window)
        with _read_errors(path):
            return _window(self._open_files.get(path)["clip"][name], where)

    def close(self) -> None:
        """Close this process's open scene files."""
        self._open_files.close()


def datasets() -> list[str]:
    """Return the names of the datasets under the home folder."""
    if not home().is_dir():
        return []
    return sorted(p.parent.name for p in home().glob("*/dataset.h5") if p.parent.name[0] != ".")


def dataset_path(dataset: str | Path) -> Path:
    """Return the folder or packed file of a dataset, given by its name or by that path."""
    path = Path(dataset)
    if path.suffix == ".h5":
        whole = path.name == "dataset.h5" and (path.parent / "scenes").is_dir()
        return path.parent if whole else path
    named = len(path.parts) == 1 and not (path / "dataset.h5").is_file()
    return home() / path if named else path


def open_store(dataset: str | Path) -> Store:
    """Open a dataset by its name under $LLDATA_HOME, by its folder, or by its packed file.

    Raises
    ------
    StoreError
        If there is none, it is no dataset of lldata, or its schema is newer than this one reads.
    """
    path = dataset_path(dataset)
    if path.suffix == ".h5" and not path.is_dir():
        if not path.is_file():
            raise StoreError(
                path, "there is no such file", "a packed dataset is needed", "Correct the path"
            )
        return Store(path)
    if not (path / "dataset.h5").is_file():
        if any(scene_entries(path)):
            raise StoreError(
                path,
                "it has scenes but no index",
                "an index is needed",
                f"Rebuild it: lldata index {dataset}",
            )
        known = ", ".join(datasets()) or "none yet"
        raise StoreError(
            f"dataset {dataset}",
            f"there is none in {home()}",
            f"the datasets there are: {known}",
            "Make one with lldata ingest, or name its folder",
        )
    store = Store(path)
    if store.stale():
        _log.warning(
            "%s: the index is older than the scenes; lldata index %s rebuilds it",
            store.name,
            dataset,
        )
    return store


def scene_entries(path: Path) -> Iterable[os.DirEntry[str]]:
    """Return the scene files of a dataset's folder, further parts left out."""
    folder = path / "scenes"
    if not folder.is_dir():
        return []
    return [
        entry
        for entry in os.scandir(folder)
        if entry.name.endswith(".h5") and entry.name[0] != "." and not _PART.search(entry.name)
    ]


def part_entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the further parts in a folder of scene files, each after the scene it is called by."""
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if entry.name[0] != "." and (end := _PART.search(entry.name)):
            yield entry.name[: end.start()], folder / entry.name


# ---- the index


def index_bytes(
    path: Path,
    created: str,
    entries: list[tuple[SceneFile, int, str]],
    scene_findings: list[Finding],
) -> memoryview:
    """Build the index of some scenes, each with its file's bytes and sha256, in memory."""
    scenes = [scene for scene, _, _ in entries]
    findings = [f for s in scenes for f in s.findings] + scene_findings
    rows = [row for scene in scenes for row in scene.pairs]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["synthetic"] = any(s.synthetic for s in scenes)
        texts = {
            "dataset": path.name, "protocol": scenes[0].protocol, "created": created,
            "kind": scenes[0].kind,
            "digest": combined_digest({s.scene: s.content for s in scenes}),
            "reference_digest": combined_digest({s.scene: s.references for s in scenes}),
            **scenes[-1].versions,
        }  # fmt: skip
        for name, text in texts.items():
            _text_in(file.attrs, name, text)
        for name, kind in COLUMNS.items():
            _column_in(file.require_group("pairs"), name, [row[name] for row in rows], kind)
        table = file.create_group("scenes")
        for name in ("scene", "group", "split", "origin", "content", "references"):
            _column_in(table, name, [getattr(s, name) for s in scenes], str)
        _column_in(table, "size", [size for _, size, _ in entries], float)
        _column_in(table, "sha256", [digest for _, _, digest in entries], str)
        _json_in(table, "sources", {s.scene: s.sources for s in scenes})
        _json_in(table, "fingerprints", {s.scene: recognisable(s.facts) for s in scenes})
        drawn = drawn_ranges(told for s in scenes for told in s.facts.values())
        _json_in(file, "drawn", drawn)
        _json_in(file, "findings", [f.as_json() for f in findings])
        _json_in(file, "protocol_text", scenes[0].protocol_text)
    return buffer.getbuffer()


def frame_names(path: Path) -> dict[str, list[str]]:
    """Return the names of a scene's frames and pictures by kind, its further parts included."""
    found: dict[str, list[str]] = {}
    parts = [part_path(path, part["number"]) for part in read_scene(path).parts]
    for each in (path, *parts):
        with open_tree(each) as file:
            for kind in ("short", "long", *PICTURES):
                found.setdefault(kind, []).extend(file.get(kind, {}))
    return found


def read_pixels(path: Path) -> Pixels:
    """Read every frame and picture of a scene but clips, from its file and its further parts."""
    pixels = _pixels_of(path)
    for part in read_scene(path).parts:
        if "short" in part:
            pixels.short.update(_pixels_of(part_path(path, part["number"])).short)
    return pixels


def _pixels_of(path: Path) -> Pixels:
    with open_tree(path) as file:
        frames = {
            kind: {n: _frame_out(d.attrs, d[()]) for n, d in file.get(kind, {}).items()}
            for kind in ("short", "long")
        }
        found = {kind: file.get(kind, {}) for kind in PICTURES}
        pictures = {kind: {n: d[()] for n, d in group.items()} for kind, group in found.items()}
        facts = {
            f"{kind}/{n}": _attributes(d.attrs) for kind, g in found.items() for n, d in g.items()
        }
    return Pixels(frames["short"], frames["long"], **pictures, facts=facts)


def read_clip(path: Path, scene: SceneFile) -> Iterator[tuple[str, int, NDArray[np.uint16]]]:
    """Yield every frame of a scene's clips as (name, number, frame), part by part."""
    done = dict.fromkeys(scene.clip, 0)
    files = [part_path(path, p["number"]) for p in scene.parts if "clip" in p]
    for file_path in [*files, path]:
        with open_tree(file_path) as file:
            for name, dataset in file.get("clip", {}).items():
                for index in range(dataset.shape[0]):
                    yield name, done[name], dataset[index]
                    done[name] += 1


# ---- packing


def write_pack(store: Store, target: BinaryIO, advance: Callable[[], None]) -> None:
    """Write a dataset's index and the tree of every scene file as one HDF5 file.

    Chunks are copied as they are stored, so that no memory is needed for pixels.

    Parameters
    ----------
    target : open for writing and reading, empty
    advance : called after each scene
    """
    with h5py.File(target, "w") as pack:
        with _open_index(store.path) as index:
            for name in index.attrs:
                pack.attrs.create(name, index.attrs[name], dtype=index.attrs.get_id(name).dtype)
            for name in index:
                if name != PACKED:
                    index.copy(name, pack)
        files = pack.create_group(PACKED)
        for scene in store.scenes["scene"]:
            path = scene_path(store.path, scene)
            parts = [part_path(path, part["number"]) for part in read_scene(path).parts]
            for each in (path, *parts):
                with open_tree(each) as tree:
                    tree.copy(tree, files, name=each.stem)
            advance()
