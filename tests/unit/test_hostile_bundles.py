"""Hostile submissions: each is refused in one line, nothing is written, little memory is taken."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import stat
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eval.record import pairs_sha256
from eval.run import run
from eval.running.settings import Settings
from eval.submission import recomputed
from eval.submission.bundle import RECORD, _entry
from eval.submission.check import Checking, check
from eval.submission.submit import Submission, submit
from lldata.engine import Local
from tests.bundles import Parts, written, zipped
from tests.stores import night

MOST_MEMORY = 64 * 2**20  # bytes, traced
EXTRA = b"\x99\x99\x04\0four"


class Bomb:
    """Leaves a file behind if it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(Path.cwd() / "ran"),))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return night(tmp_path_factory.mktemp("data") / "night", "train test test").path


@pytest.fixture(scope="module")
def good(store: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("run")
    run(Settings("amplify", store, out=folder / "run"))
    made = submit(Submission(folder / "run", folder / "b.zip", "me", dataset=store))
    return made.path.read_bytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, data: bytes = b"", more: bytes = b"", bits: int = 8) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def encoded(picture: np.ndarray, suffix: str = ".png") -> bytes:
    return bytes(cv2.imencode(suffix, picture)[1])


def member(name: str, mode: int = stat.S_IFREG | 0o644, **changes: Any) -> zipfile.ZipInfo:
    entry = _entry("x")
    entry.filename = entry.orig_filename = name
    entry.external_attr = mode << 16
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry


def with_member(name: str | zipfile.ZipInfo, content: bytes = b"x") -> Callable[[Parts], bytes]:
    def made(parts: Parts) -> bytes:
        parts.members[name if isinstance(name, str) else name.filename] = content
        texts = parts.told().texts()
        with warnings.catch_warnings(action="ignore"):
            return zipped([*list(texts.items())[:-1], (name, content)])

    return made


def tarred(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def with_picture(content: bytes) -> Callable[[Parts], bytes]:
    def made(parts: Parts) -> bytes:
        parts.members[parts.first] = content
        return parts.told().zipped()

    return made


def record_text(old: str, new: str) -> Callable[[Parts], bytes]:
    def made(parts: Parts) -> bytes:
        text = json.dumps(parts.record)
        assert old in text
        return parts.zipped(record=text.replace(old, new, 1))

    return made


def record_with(change: Callable[[Parts], Any]) -> Callable[[Parts], bytes]:
    def made(parts: Parts) -> bytes:
        change(parts)
        return parts.zipped()

    return made


def patched(find: bytes, put: bytes, at: int = 0) -> Callable[[Parts], bytes]:
    """Change bytes of the finished zip file: those after the `at`th time `find` stands in it."""

    def made(parts: Parts) -> bytes:
        whole = bytearray(parts.zipped())
        place = -1
        for _ in range(at + 1):
            place = whole.index(find, place + 1)
        whole[place : place + len(put)] = put
        return bytes(whole)

    return made


def twice(parts: Parts) -> bytes:
    with warnings.catch_warnings(action="ignore"):
        return zipped([*parts.texts().items(), (parts.first, b"other")])


def other_case(parts: Parts) -> bytes:
    parts.members[parts.first.upper()] = parts.members[parts.first]
    return parts.told().zipped()


def overlapping(parts: Parts) -> bytes:
    """Two members of the list are one place of the file."""
    whole = bytearray(parts.zipped())
    names = [m.start() for m in re.finditer(b"PK\1\2", bytes(whole))]
    whole[names[-1] + 42 : names[-1] + 46] = whole[names[-2] + 42 : names[-2] + 46]
    return bytes(whole)


def gap(parts: Parts) -> bytes:
    """Something hidden stands between the members and their list."""
    whole = parts.zipped()
    start = struct.unpack_from("<I", whole, len(whole) - 6)[0]
    end = whole[:-6] + struct.pack("<I", start + 6) + whole[-2:]
    return end[:start] + b"hidden" + end[start:]


def pair_left_out(parts: Parts) -> None:
    row = parts.rows.pop()
    parts.record["pairs_sha256"] = pairs_sha256(row["pair"] for row in parts.rows)
    parts.members.pop(f"outputs/{row['pair']}.png")
    parts.told()


def pair_of_elsewhere(parts: Parts) -> None:
    old = parts.rows[0]["pair"]
    parts.rows[0]["pair"] = "00009/x"
    parts.record["pairs_sha256"] = pairs_sha256(row["pair"] for row in parts.rows)
    parts.members = {k.replace(old, "00009/x"): v for k, v in parts.members.items()}
    parts.told()


def huge_in_manifest(parts: Parts) -> bytes:
    parts.manifest["files"][parts.first] |= {"height": 2**31, "width": 2**31}
    return parts.zipped()


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


ZIPS: dict[str, Callable[[Parts], bytes]] = {
    "a zip bomb": with_member(member("outputs/a.png", compress_type=8), bytes(3 * 10**7)),
    "a packed picture": with_member(member("outputs/a.png", compress_type=12), bytes(10**4)),
    "a zip in the zip": with_member("outputs/a/b.zip", zipped([("x", b"x")])),
    "a name that leads out": with_member("../evil.png"),
    "a name that leads out further in": with_member("outputs/../../evil.png"),
    "an absolute name": with_member("/var/evil.png"),
    "a name of another system": with_member("..\\evil.png"),
    "a drive's name": with_member("C:evil.png"),
    "a name with a line end": with_member("outputs/a\nb.png"),
    "a name written from the right": with_member("outputs/\u202egnp.exe"),
    "a name of full-width dots": with_member("\uff0e\uff0e/evil.png"),
    "a name of a joined letter": with_member("outputs/\ufb01.png"),
    "a name of two forms": with_member("outputs/e\u0301.png"),
    "a name that ends in a dot": with_member("outputs/evil.png."),
    "a hidden name": with_member("outputs/.evil.png"),
    "a very long name": with_member("outputs/" + "n" * 500),
    "a name cut by a zero": patched(b"record.json", b"rec\0rd.json"),
    "two names for one member": patched(b"record.json", b"recorb.json"),
    "a link": with_member(member("outputs/a.png", stat.S_IFLNK | 0o777), b"/etc/passwd"),
    "a device": with_member(member("outputs/a.png", stat.S_IFCHR | 0o666)),
    "a folder": with_member(member("outputs/a/", stat.S_IFDIR | 0o755), b""),
    "a member twice": twice,
    "a member twice in other letters": other_case,
    "an encrypted member": patched(b"PK\1\2\x14\x03\x14\0\0", b"PK\1\2\x14\x03\x14\0\1"),
    "an extra field": with_member(member("outputs/a.png", extra=EXTRA)),
    "a member's comment": with_member(member("outputs/a.png", comment=b"hello")),
    "members in one place": overlapping,
    "something between": gap,
    "something before": lambda p: b"#!/bin/sh\n" + p.zipped(),
    "something after": lambda p: p.zipped() + b"more",
    "a comment": lambda p: p.zipped()[:-2] + b"\5\0hello",
    "a list of 65535 members": lambda p: p.zipped()[:-14] + b"\xff\xff\xff\xff" + p.zipped()[-10:],
    "half a file": lambda p: p.zipped()[: len(p.zipped()) // 2],
    "no byte": lambda _: b"",
    "text": lambda _: b"<script>alert(1)</script>" * 9,
    "a pointer of Git LFS": lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:a\n",
    "a tar archive": lambda p: tarred("../evil.png", p.members[p.first]),
    "a file of HDF5": lambda _: b"\x89HDF\r\n\x1a\n" + bytes(600),
    "weights of PyTorch": lambda _: zipped([("archive/data.pkl", pickle.dumps(Bomb()))]),
    "a NumPy array": with_member("outputs/a.npy", b"\x93NUMPY"),
    "a pickle": with_member("outputs/a.pkl", pickle.dumps(Bomb())),
    "an HDF5 file": with_member("outputs/a.h5", b"\x89HDF\r\n\x1a\n"),
    "a member more than it says": lambda p: zipped([*p.texts().items(), ("outputs/a.png", b"x")]),
}
TEXTS: dict[str, Callable[[Parts], bytes]] = {
    "no manifest": lambda p: zipped(list(p.texts().items())[1:]),
    "no record": lambda p: zipped([(k, v) for k, v in p.texts().items() if k != RECORD]),
    "another record": lambda p: zipped(
        [(k, v + b" " if k == RECORD else v) for k, v in p.texts().items()]
    ),
    "a newer manifest": record_with(lambda p: p.manifest.update(format=2)),
    "a manifest of true": record_with(lambda p: p.manifest.update(format=True)),
    "a manifest with more": record_with(lambda p: p.manifest.update(x=1)),
    "a manifest with a key twice": lambda p: p.zipped(manifest='{"format": 1, "format": 1}'),
    "a manifest of a list": lambda p: p.zipped(manifest="[]"),
    "files of a list": record_with(lambda p: p.manifest.update(files=[])),
    "an owner with markup": record_with(lambda p: p.manifest.update(owner="<b>me</b>")),
    "an owner that is a path": record_with(lambda p: p.manifest.update(owner="../me")),
    "a correction of nothing": record_with(lambda p: p.manifest.update(corrects="f" * 64)),
    "a correction of anything": record_with(lambda p: p.manifest.update(corrects="")),
    "a score that is NaN": record_text('"psnr": ', '"psnr": NaN, "x": '),
    "an infinite score": record_text('"psnr": ', '"psnr": Infinity, "x": '),
    "a score of 1e999": record_text('"psnr": ', '"psnr": 1e999, "x": '),
    "a score of 400 digits": record_text('"psnr": ', '"psnr": 1' + "0" * 400 + ', "x": '),
    "a score of 10000 digits": record_text('"psnr": ', '"psnr": 1' + "0" * 9999 + ', "x": '),
    "a score no metric gives": record_with(lambda p: p.rows[0]["scores"].update(psnr=-5.0)),
    "a score that is text": record_with(lambda p: p.rows[0]["scores"].update(psnr="30")),
    "a score that is true": record_with(lambda p: p.rows[0]["scores"].update(psnr=True)),
    "a key twice": record_text('"track":', '"track": "a", "track":'),
    "a field more": record_with(lambda p: p.record.update(x=1)),
    "a field less": record_with(lambda p: p.record.pop("digest")),
    "rows of an object": record_with(lambda p: p.record.update(rows={"a": 1})),
    "no row": record_with(lambda p: p.record.update(rows=[], pairs_sha256=pairs_sha256([]))),
    "a record as deep as the sea": lambda p: p.zipped(record=nested(10**5)),
    "options as deep as a well": record_with(
        lambda p: p.record.update(options={"a": json.loads(nested(50))})
    ),
    "a record that is no text": lambda p: p.zipped(record=""),
    "a script for a method": record_with(lambda p: p.record.update(method="<script>x</script>")),
    "a script for a label": record_with(lambda p: p.record.update(label="a onload=alert(1)")),
    "a script for a source": record_with(lambda p: p.record.update(
        method="theirs", outside={"source": "JavaScript:alert(1)", "licence": None})),
    "a quote that ends an attribute": record_with(
        lambda p: p.record["hardware"].update(cpu='" onmouseover="alert(1)')
    ),
    "a key with markup": record_with(lambda p: p.record["software"].update({"<img>": "1"})),
    "a text of a megabyte": record_with(lambda p: p.record["software"].update(a="a" * 10**6)),
    "a text that turns the line": record_with(lambda p: p.record["software"].update(a="\u202ea")),
    "an outside method under a known name": record_with(
        lambda p: p.record.update(outside={"source": None, "licence": None})
    ),
    "an unknown method of the toolkit": record_with(lambda p: p.record.update(method="best")),
    "an oracle that says it is blind": record_with(lambda p: p.record.update(method="scaled")),
    "a dataset that is a path": record_with(lambda p: p.record.update(dataset="../../etc")),
    "a track that is a path": record_with(lambda p: p.record.update(track="../../etc")),
    "a level it has not reached": record_with(lambda p: p.record.update(level="rerun")),
    "a partial run": record_with(lambda p: p.record.update(partial=True)),
    "a time that is none": record_with(lambda p: p.record.update(created="yesterday")),
    "a definition of its own": record_with(
        lambda p: p.record["metrics"]["psnr"].update(definition="f" * 12)
    ),
    "another dataset's digest": record_with(lambda p: p.record.update(digest="f" * 64)),
    "other references": record_with(lambda p: p.record.update(reference_digest="f" * 64)),
    "a pair left out": record_with(pair_left_out),
    "a pair twice over": record_with(lambda p: p.rows.append(p.rows[0])),
    "a pair of elsewhere": record_with(pair_of_elsewhere),
    "a ratio of its own": record_with(lambda p: p.rows[0].update(ratio=1.0)),
    "the split it trained on": record_with(lambda p: p.record.update(trained_on=["night/test"])),
    "the whole dataset as training": record_with(lambda p: p.record.update(trained_on=["night"])),
    "a picture left out": record_with(lambda p: (p.members.pop(p.first), p.told())),
    "a picture of another size than told": huge_in_manifest,
    "a picture of no pair": with_member("outputs/00002/other.png"),
}  # fmt: skip
FLAT = zlib.compress(bytes(10**6))
PICTURES: dict[str, Callable[[Parts], bytes]] = {
    "a wrong hash": record_with(
        lambda p: p.manifest["files"][p.first].update(sha256="f" * 64)
    ),
    "400 megapixels": with_picture(png(20000, 20000, FLAT)),
    "another size than told": with_picture(png(60, 48, FLAT)),
    "pixels that end early": with_picture(png(64, 48, zlib.compress(bytes(500)))),
    "half a picture": lambda p: with_picture(p.members[p.first][:999])(p),
    "a JPEG": with_picture(encoded(np.zeros((48, 64, 3), np.uint8), ".jpg")),
    "grey": with_picture(encoded(np.zeros((48, 64), np.uint8))),
    "transparency": with_picture(encoded(np.zeros((48, 64, 4), np.uint8))),
    "16 bits": with_picture(encoded(np.zeros((48, 64, 3), np.uint16))),
    "a text beside the pixels": with_picture(png(64, 48, FLAT, chunk(b"tEXt", b"a\0<script>"))),
    "a profile that is a bomb": with_picture(
        png(64, 48, FLAT, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**6))))
    ),
    "another picture": with_picture(png(64, 48, FLAT)),
    "a better score": record_with(lambda p: p.rows[0]["scores"].update(psnr=40.0)),
    "a score that hides": record_with(lambda p: p.rows[0]["scores"].update(psnr=None)),
}  # fmt: skip
ALL = ZIPS | TEXTS | PICTURES


def wrong(path: Path, store: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "entries").mkdir(exist_ok=True)
    (verdict,) = check(Checking([path], store, tmp_path / "entries"))
    assert not verdict.passed
    assert verdict.document()["level"] is None
    return [one.message for one in verdict.findings if one.status == "fail"]


def test_the_bundle_they_are_made_of_is_taken(good: bytes, store: Path, tmp_path: Path):
    path = written(tmp_path / "b.zip", Parts(good).zipped())
    (tmp_path / "entries").mkdir()
    (verdict,) = check(Checking([path], store, tmp_path / "entries"))
    assert [one for one in verdict.findings if one.status == "fail"] == []
    assert len(ALL) >= 100


@pytest.mark.parametrize("name", ALL)
def test_a_hostile_bundle_is_refused_in_one_line(
    name: str, good: bytes, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "b.zip", ALL[name](Parts(good)))
    tracemalloc.start()
    said = wrong(path, store, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said
    assert all(line.isprintable() and len(line) < 400 for line in said)
    assert peak < MOST_MEMORY
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["b.zip", "entries"]


def test_what_is_no_regular_file_is_refused(good: bytes, store: Path, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "link.zip").symlink_to(written(tmp_path / "b.zip", good))
    for name in ("pipe.zip", "link.zip", "."):
        assert "it is no regular file" in wrong(tmp_path / name, store, tmp_path)[0]


def test_no_picture_is_looked_at_before_all_else_holds(
    good: bytes, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def looked(*_: object) -> None:
        pytest.fail("a picture was looked at")

    monkeypatch.setattr("eval.submission.recomputed.run_units", looked)
    for name in ("a pair left out", "a picture of no pair", "other references"):
        path = written(tmp_path / "b.zip", ALL[name](Parts(good)))
        assert wrong(path, store, tmp_path)


def test_a_picture_is_decoded_in_another_process(
    good: bytes, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("eval.submission.pixels.decode_picture", lambda *_: pytest.fail("here"))
    path = written(tmp_path / "b.zip", good)
    (verdict,) = check(Checking([path], store, store))
    assert verdict.passed


def test_the_memory_and_time_of_that_process_are_bounded(
    good: bytes, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    engines: list[Local] = []
    monkeypatch.setattr(recomputed, "run_units", lambda units, engine: engines.append(engine) or [])
    monkeypatch.setattr(recomputed, "_held", lambda *_: ([], []))
    check(Checking([written(tmp_path / "b.zip", good)], store, store))
    assert engines == [Local(1, recomputed.TIMEOUT_S, recomputed.MEMORY_BYTES)]
