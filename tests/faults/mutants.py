"""Damaged files: RAW files and stores with bytes changed, cut or zeroed.

Each is read in a disposable process, as the toolkit reads them. What counts is that the parent
lives, nothing hangs past its limit, and no changed pixel is taken for a sound one.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from lldata import ingest, raw, store, upkeep
from lldata.dng import write_dng
from lldata.engine import Local, Unit, WorkerError, run_units
from lldata.errors import LowLightError
from lldata.measures import emptiness
from lldata.scene import Pixels, array_digest
from tests.captures import frame, light, write_scene

HEADER = 4096  # bytes: where most of a file's structure lies
Told = dict[str, dict[str, int]]  # file -> what became of its mutants -> how many
FOUND = "other pixels, found by the integrity audit"
OTHER = "other pixels: another photograph to anyone who has not the source's sha256"
KINDS = ("byte", "bytes", "header", "header", "cut", "zeros")


def mutated(data: bytes, seed: int) -> bytes:
    """Return the data with damage that follows from the seed alone."""
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    changed = bytearray(data)
    if kind == "cut":
        return bytes(changed[: rng.randrange(1, len(data))])
    if kind == "zeros":
        start = rng.randrange(len(data))
        end = min(len(data), start + rng.randrange(1, 4096))
        changed[start:end] = bytes(end - start)
        return bytes(changed)
    reach = min(len(data), HEADER) if kind == "header" else len(data)
    for _ in range({"byte": 1, "bytes": 64, "header": 4}[kind]):
        place = rng.randrange(reach)
        changed[place] ^= rng.randrange(1, 256)
    return bytes(changed)


def raw_files(folder: Path, shared: Path | None) -> list[Path]:
    """Return sound RAW files to damage: our own DNGs, Bayer and X-Trans, and real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    write_scene(folder, "00001", light(1, (96, 128)))
    xtrans = frame(light(2, (96, 126)), 0.1, cfa="RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB")
    write_dng(folder / "xtrans.DNG", xtrans)
    found = [*sorted((folder / "short").iterdir()), folder / "xtrans.DNG"]
    if shared is not None:
        found += [
            shared / "raw" / "RAW_KODAK_DC50.KDC",
            shared / "raw" / "truncated_350d.dng",
            next((shared / "sid_sony_tiles" / "short").iterdir()),
            shared / "bracket_mt9m001" / "00001_00_0.125s.DNG",
            shared / "raw" / "Blackmagic.dng",
        ]
    return found


def decode_mutant(source: Path, seed: int) -> str:
    """Decode one mutant, in a worker; say what came of it."""
    data = source.read_bytes()
    changed = mutated(data, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / source.name
        path.write_bytes(changed)
        if changed != data and _known_source(path, source):
            return "TAKEN FOR ITS SOURCE"
        try:
            frame = raw.decode(path)
        except LowLightError:
            return "refused"
    if array_digest(frame.mosaic) == _sound_pixels(source):
        return "the same pixels"
    empty = emptiness.measure(frame)
    return FOUND if empty.rows or empty.blocks else OTHER


def _known_source(path: Path, source: Path) -> bool:
    """Whether a dataset made from the source would take the file at `path` for it."""
    known = {"size": source.stat().st_size, "mtime_ns": 0, "sha256": _sha256(source)}
    return ingest._same_file(path, known)


@cache
def _sha256(source: Path) -> str:
    return upkeep.file_digest(source)


@cache
def _sound_pixels(source: Path) -> str:
    """Return the digest of the source's own pixels, "" where it has none to decode."""
    try:
        return array_digest(raw.decode(source).mosaic)
    except LowLightError:
        return ""


def damaged_raw(folder: Path, shared: Path | None, mutants: int, timeout_s: float = 10) -> Told:
    """Decode mutants of every sound RAW file; return what came of them, by file."""
    files = raw_files(folder, shared)
    each = -(-mutants // len(files))
    units = (
        Unit(f"{p.name} {seed}", decode_mutant, (p, seed)) for p in files for seed in range(each)
    )
    return _counted(units, timeout_s)


def _counted(units: Iterable[Unit], timeout_s: float) -> Told:
    told: dict[str, Counter[str]] = {}
    engine = Local(workers=2, timeout_s=timeout_s, memory_bytes=4 * 2**30)
    for unit, result in run_units(units, engine):
        name = unit.key.rsplit(" ", 1)[0]
        if isinstance(result, WorkerError):
            result = "stopped" if "longer" in str(result) else "its process died"
        elif isinstance(result, BaseException):
            result = f"bug: {type(result).__name__}: {result}"
        told.setdefault(name, Counter())[result] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(told.items())}


def stores(folder: Path) -> list[Path]:
    """Return sound HDF5 files to damage: scenes of frames, pictures and clips, and an index."""
    from tests.stores import night

    night(folder / "raw", "train test")
    scene = store.read_scene(store.scene_path(folder / "raw", "00001"))
    rng = np.random.default_rng(0)
    low = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    pictures = replace(scene, kind="pictures", scene="p1", pairs=())
    upkeep.publish_scene(folder / "pictures", pictures, Pixels(low={"p1": low}, normal={"p1": low}))
    size = {"frames": 3, "height": 48, "width": 64}
    clips = replace(scene, kind="clips", scene="c1", pairs=(), clip={"low": size, "target": size})
    frames = rng.integers(0, 65535, (6, 48, 64, 3), dtype=np.uint16)
    shots = ((("low", "target")[i // 3], each) for i, each in enumerate(frames))
    upkeep.publish_clip(folder / "clips", clips, shots)
    return [
        store.scene_path(folder / "raw", "00001"), folder / "raw" / "dataset.h5",
        store.scene_path(folder / "pictures", "p1"), store.scene_path(folder / "clips", "c1"),
    ]  # fmt: skip


def read_store_mutant(source: Path, seed: int) -> str:
    """Read one damaged HDF5 file, in a worker, as if its sha256 were unknown."""
    data = source.read_bytes()
    changed = mutated(data, seed)
    with tempfile.TemporaryDirectory() as name:
        if source.name == "dataset.h5":
            return _read_index_mutant(Path(name), source, changed)
        path = Path(name) / source.name
        path.write_bytes(changed)
        wrong = upkeep.verify_scene(path, len(changed), upkeep.file_digest(path), deep=True)
        if wrong:
            return "refused"
        same = _pixels_digest(path) == _pixels_digest(source)
        return "sound: the damage lies in unused bytes" if same else "WRONG PIXELS ACCEPTED"


def _read_index_mutant(folder: Path, source: Path, changed: bytes) -> str:
    (folder / "scenes").mkdir()
    (folder / "dataset.h5").write_bytes(changed)
    try:
        store.Store(folder)
    except LowLightError:
        return "refused"
    if changed == source.read_bytes():
        return "sound: the damage lies in unused bytes"
    return "refused" if upkeep.verify_index(folder) else "WRONG INDEX ACCEPTED"


def _pixels_digest(path: Path) -> list[str]:
    pixels = store.read_pixels(path)
    scene = store.read_scene(path)
    arrays = [f.mosaic for kind in (pixels.short, pixels.long) for f in kind.values()]
    arrays += [p for k in store.PICTURES for p in getattr(pixels, k).values()]
    arrays += [each for _, _, each in store.read_clip(path, scene)]
    return [array_digest(each) for each in arrays]


def damaged_stores(folder: Path, mutants: int, timeout_s: float = 20) -> Told:
    """Read mutants of every kind of HDF5 file; return what came of them, by file."""
    files = stores(folder)
    each = -(-mutants // len(files))
    units = (
        Unit(f"{p.parent.parent.name if p.parent.name == 'scenes' else 'index'} {seed}",
             read_store_mutant, (p, seed))
        for p in files for seed in range(each)
    )  # fmt: skip
    return _counted(units, timeout_s)


def bit_flips(folder: Path, flips: int, seed: int = 0) -> dict[str, int]:
    """Flip single bits anywhere in a dataset; return how many verify finds."""
    from tests.stores import night

    dataset = night(folder / "night", "train train test").path
    files = [*sorted((dataset / "scenes").glob("*.h5")), dataset / "dataset.h5"]
    sizes = np.array([f.stat().st_size for f in files])
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(flips):
        path = files[int(rng.choice(len(files), p=sizes / sizes.sum()))]
        sound = path.read_bytes()
        changed = bytearray(sound)
        changed[int(rng.integers(len(sound)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        found += bool(verified(dataset))
        path.write_bytes(sound)
    assert not verified(dataset)
    shutil.rmtree(dataset)
    return {"flips": flips, "found": found}


def verified(dataset: Path) -> Sequence[str]:
    """Return what `lldata verify --deep` would say of a dataset."""
    try:
        opened = store.Store(dataset)
        said = upkeep.verify_index(dataset)
        for scene, size, sha256 in opened.scene_files():
            path = store.scene_path(dataset, scene)
            said += upkeep.verify_scene(path, size, sha256, deep=True)
    except LowLightError as error:
        return [str(error)]
    return said
