"""One dataset as one file: opened, read and verified as its folder is."""

from __future__ import annotations

import copy
import errno
import io
import shutil
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np
import pytest

from lldata import store, upkeep
from lldata.errors import LowLightError, StoreError
from lldata.outputs import pack
from lldata.sample import read_crop
from lldata.store import Store
from tests.stores import night

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds a dataset, night, and the file it is packed into, night.h5."""
    folder = tmp_path_factory.mktemp("made")
    dataset = night(folder / "night", exposures=(0.1, 0.04), quarantined=("00002",))
    pack.pack(dataset, folder / "night.h5")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(made / "night", tmp_path / "night"))


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return shutil.copy(made / "night.h5", tmp_path / "packed.h5")


@pytest.fixture(scope="module")
def packed(made: Path) -> Store:
    return store.open_store(made / "night.h5")


def test_a_packed_dataset_has_the_digests_pairs_and_findings_of_its_folder(
    folder: Store, packed: Store
):
    for name in ("name", "digest", "reference_digest", "created", "protocol", "versions"):
        assert getattr(packed, name) == getattr(folder, name)
    assert packed.pairs.equals(folder.pairs)
    assert packed.findings == folder.findings
    assert (packed.packed, folder.packed, packed.stale()) == (True, False, False)


def test_every_pixel_and_field_comes_back(folder: Store, packed: Store):
    for row in folder.pairs.itertuples():
        ours, theirs = (s.frame(row.scene, row.short) for s in (packed, folder))
        assert ours.metadata() == theirs.metadata()
        np.testing.assert_array_equal(ours.mosaic, theirs.mosaic)
        for one, other in zip(
            *(read_crop(s, row, 2, 4, 12) for s in (packed, folder)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_packing_a_packed_file_gives_the_same_bytes(packed: Store, tmp_path: Path):
    again = pack.pack(packed, tmp_path / "again.h5")
    assert again.path.read_bytes() == packed.path.read_bytes()
    assert (again.scenes, again.bytes) == (4, packed.path.stat().st_size)
    assert again.sha256 == upkeep.file_digest(packed.path)


def test_few_bytes_come_on_top_of_the_scenes(folder: Store, packed: Store):
    stored = sum(size for _, size, _ in folder.scene_files())
    index = (folder.path / "dataset.h5").stat().st_size
    assert packed.path.stat().st_size < 1.05 * (stored + index)


def said(dataset: Store, *, deep: bool) -> dict[str, list[str]]:
    return {scene: wrong for scene, wrong in pack.problems(dataset, deep=deep) if wrong}


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_dataset_has_no_problems(folder: Store, packed: Store, deep: bool):
    assert said(folder, deep=deep) == said(packed, deep=deep) == {}


def test_a_flipped_bit_anywhere_in_a_packed_file_is_found(packed: Store, path: Path):
    packed = copy.copy(packed)
    packed.path = path
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(sound), 200):
        broken = bytearray(sound)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        assert said(packed, deep=False) == {
            "": [f"the file's sha256 differs from the one at its end. {store.GET_PACK}"]
        }


def test_each_problem_of_a_folder_says_what_to_do(folder: Store):
    store.scene_path(folder.path, "00003").unlink()
    assert said(folder, deep=False)["00003"] == [f"the file is missing. {store.RESTORE}"]


def read_in_child(opened: Store) -> int:
    return int(opened.frame("00001", "00001_00_0.1s").mosaic.sum())


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_an_open_packed_store_goes_to_another_process(packed: Store, method: str):
    expected = read_in_child(packed)
    with get_context(method).Pool(1) as pool:  # its processes are daemons, as loader workers are
        assert pool.apply(read_in_child, (packed,)) == expected


def test_few_trees_stay_open_and_closing_frees_the_file(
    packed: Store, monkeypatch: pytest.MonkeyPatch
):
    packed.close()
    monkeypatch.setattr(store, "MOST_OPEN_FILES", 2)
    for name in packed.scenes["scene"]:
        packed.frame(name, f"{name}_00_0.1s")
    assert len(packed._open_files._files) == 2
    packed.close()
    assert packed._open_files._pack is None
    assert read_in_child(packed) > 0


def hostile(kind: str, path: Path) -> None:
    buffer = io.BytesIO(path.read_bytes())
    with h5py.File(buffer, "r+") as file:
        tree = file["files/00001"]
        if kind == "external link":
            tree["x"] = h5py.ExternalLink("other.h5", "/x")
        elif kind == "linked scene":
            file["files/x"] = h5py.SoftLink("/files/00001")
        elif kind == "linked files":
            del file["files"]
            file["files"] = h5py.ExternalLink("other.h5", "/files")
        elif kind == "external storage":
            tree.create_dataset("x", (4,), "u1", external=[("secret.txt", 0, 4)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((4,), "u1")
            layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
            tree.create_virtual_dataset("x", layout)
        elif kind == "object":
            tree.attrs["x"] = "text of any length"
        elif kind == "filter":
            tree.create_dataset("x", data=np.zeros(4096, "u1"), compression="gzip")
        elif kind == "shared":
            file["files/00002/x"] = tree["short"]
        elif kind == "bomb":
            tree.create_dataset("x", (2**40,), "u1", chunks=(2**20,))
        else:
            for name in range(40):
                tree.create_dataset(f"x{name}", (2**28,), "u1", chunks=(2**20,))
    path.write_bytes(buffer.getbuffer())


HOSTILE = ("external link", "linked scene", "external storage", "virtual", "object", "filter",
           "shared", "bomb", "many bombs")  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_packed_file_that_reaches_outside_itself_is_refused(path: Path, kind: str):
    hostile(kind, path)
    with pytest.raises(StoreError, match="a file that lldata wrote has nothing of the kind"):
        store.check_pack(path)


def test_the_check_runs_in_another_process_before_the_file_is_opened(path: Path):
    hostile("bomb", path)
    with pytest.raises(StoreError, match="its arrays claim more than"):
        store.open_store(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no HDF5", r"it is cut short or damaged, .*Get the file again, or make it anew"),
        (None, "it is no packed dataset"),
        ("links", "no packed"),
    ],
)
def test_other_files_are_no_packed_datasets(
    folder: Store, path: Path, content: object, message: str
):
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is None:
        path.write_bytes((folder.path / "dataset.h5").read_bytes())
    else:
        hostile("linked files", path)
    with pytest.raises(StoreError, match=message):
        store.check_pack(path)


def test_the_index_of_a_folder_stands_for_the_folder(folder: Store):
    assert store.open_store(folder.path / "dataset.h5").path == folder.path


def test_a_packed_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match=r"none\.h5: there is no such file"):
        store.open_store(tmp_path / "none.h5")


def test_nothing_is_replaced_and_only_h5_is_written(folder: Store, packed: Store, tmp_path: Path):
    with pytest.raises(StoreError, match="it exists, but nothing may be there yet"):
        pack.pack(folder, packed.path)
    with pytest.raises(StoreError, match=r"Name it night\.zip\.h5"):
        pack.pack(folder, tmp_path / "night.zip")


def test_a_damaged_scene_is_not_packed(folder: Store, tmp_path: Path):
    path = store.scene_path(folder.path, "00003")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(StoreError, match="only a sound dataset is packed"):
        pack.pack(folder, tmp_path / "night.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["night"]


FULL = """
import resource, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from lldata import store
from lldata.outputs import pack
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
opened = store.open_store(Path({folder!r}))
for limit in range(0, {size}, {step}):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        pack.pack(opened, Path({out!r}))
    except OSError as error:
        assert error.errno == {code}, error
    else:
        raise SystemExit("packed")
    assert not list(Path({out!r}).parent.glob("*.h5")) + list(Path({out!r}).parent.glob(".*"))
"""


def test_a_disk_that_fills_up_at_any_byte_leaves_nothing(
    folder: Store, packed: Store, tmp_path: Path
):
    """HDF5 writing to the disk itself crashed in three of four such limits."""
    size = packed.path.stat().st_size
    (tmp_path / "full").mkdir()
    code = FULL.format(
        root=str(ROOT), folder=str(folder.path), out=str(tmp_path / "full" / "x.h5"), size=size,
        step=max(1, size // 60), code=errno.EFBIG,
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_disk_with_too_little_room_is_refused_at_once(
    folder: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("", (), {"free": 1000}))
    with pytest.raises(LowLightError, match=r"1e-06 GB are free, but .* GB are needed"):
        pack.pack(folder, tmp_path / "night.h5")


def test_what_reads_back_differently_gets_no_name(
    folder: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pack.upkeep, "verify_content", lambda _: ["its mosaics differ"])
    with pytest.raises(LowLightError, match=r"reads back differently \(its mosaics differ\)"):
        pack.pack(folder, tmp_path / "night.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["night"]
