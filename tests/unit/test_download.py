from __future__ import annotations

import io
import json
import shutil
import stat
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lldata import protocol
from lldata.errors import DownloadError, LowLightError, ProtocolError
from lldata.fetching import sources, unpack
from lldata.fetching.download import Held, default_folder, download, unpack_all
from lldata.fetching.fetch import Patience
from lldata.fetching.sources import RemoteFile, Source
from lldata.sets import planning
from tests.servers import Site

HASTY = Patience(silence_s=0.5, window_s=0.3, slowest_bytes=1000, attempts=3, pause_s=0.0)
BODY = np.random.default_rng(0).bytes(40_000)


@pytest.fixture
def site(server: tuple[Site, Path], monkeypatch: pytest.MonkeyPatch) -> Site:
    site, crt = server
    monkeypatch.setenv("SSL_CERT_FILE", str(crt))
    fresh = Site(BODY, address=site.address)
    site.__dict__.update(fresh.__dict__)
    return site


def having(site: Site, folder: Path, *supplied: Path, name: str = "set.bin", **known) -> Held:
    file = RemoteFile(name, site.address_of_file, 10**6, **known)
    source = Source("night", "", "", "", (file,))
    return download(source, folder, supplied, patience=HASTY)[0]


def pinned(site: Site, folder: Path, *supplied: Path, **changes) -> Held:
    known = {"size": len(BODY), "sha256": Site(BODY).sha256, **changes}
    return having(site, folder, *supplied, **known)


def interrupted(site: Site, folder: Path) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    file = RemoteFile("set.bin", site.address_of_file, 10**6)
    with pytest.raises(KeyboardInterrupt):
        download(Source("night", "", "", "", (file,)), folder, report=interrupt, patience=HASTY)


def final(folder: Path) -> bool:
    return (folder / "set.bin").exists()


# ---- one good file


def test_a_pinned_file_is_fetched_once_and_kept(site: Site, tmp_path: Path):
    held = pinned(site, tmp_path)
    assert (held.path.read_bytes(), held.state, held.pinned) == (BODY, "downloaded", "published")
    again = pinned(site, tmp_path)
    assert (again.state, again.sha256, site.asked) == ("kept", held.sha256, [""])
    assert {p.name for p in tmp_path.iterdir()} == {"set.bin", ".set.bin.lock"}


def test_what_the_user_has_is_checked_and_never_fetched(site: Site, tmp_path: Path):
    own = tmp_path / "mine" / "set.bin"
    own.parent.mkdir()
    own.write_bytes(BODY)
    for place in (own, own.parent):
        held = pinned(site, tmp_path / "out", place)
        assert (held.path, held.state) == (own, "supplied")
    own.write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match=r"set.bin: it has 39999 bytes, but set.bin has 40000"):
        pinned(site, tmp_path / "out", own)
    with pytest.raises(DownloadError, match="it is no file of the set and holds none"):
        pinned(site, tmp_path / "out", tmp_path)
    assert site.asked == []


def test_without_a_published_sha256_the_first_one_is_remembered(site: Site, tmp_path: Path):
    first = having(site, tmp_path)
    assert first.pinned == "first use"
    assert (tmp_path / "set.bin.sha256").read_text() == f"{first.sha256}  set.bin\n"
    (tmp_path / "set.bin").unlink()
    site.body = BODY[::-1]
    with pytest.raises(DownloadError, match=f"the first set.bin had {first.sha256}"):
        having(site, tmp_path)
    assert not final(tmp_path)


def test_the_name_is_ours_whatever_the_server_redirects_to(site: Site, tmp_path: Path):
    site.redirect = f"{site.address}/..%2F..%2Fetc"
    assert pinned(site, tmp_path).path == tmp_path / "set.bin"


def test_what_is_there_is_taken_before_anything_is_fetched(site: Site, tmp_path: Path):
    (tmp_path / "mine.bin").write_bytes(BODY)
    away = RemoteFile("away.bin", "https://127.0.0.1:9/file", 10**6)
    source = Source("night", "", "", "", (away, RemoteFile("mine.bin", "https://x/y", 10**6)))
    with pytest.raises(DownloadError) as told:
        download(source, tmp_path / "out", (tmp_path,), patience=HASTY)
    assert (tmp_path / "out" / "mine.bin.sha256").is_file()
    assert "no connection to 127.0.0.1:9 (" in told.value.found
    assert told.value.remedy == (
        "Try again later, or fetch https://127.0.0.1:9/file by hand and name the file with --from"
    )


# ---- resuming


@pytest.mark.parametrize("twentieth", range(1, 20))
def test_a_line_dropped_at_any_twentieth_gives_the_same_file(
    site: Site, tmp_path: Path, twentieth: int
):
    site.drop_after = len(BODY) * twentieth // 20
    held = pinned(site, tmp_path)
    assert held.path.read_bytes() == BODY
    assert site.asked[1] == f"bytes={site.drop_after}-"


def test_a_stopped_download_goes_on_with_the_next_call(site: Site, tmp_path: Path):
    site.drop_after = 0
    with pytest.raises(DownloadError, match=r"the connection ended after 0 of 40000 bytes"):
        having(site, tmp_path)
    site.drop_after = 9000
    interrupted(site, tmp_path)
    assert not final(tmp_path)
    have = (tmp_path / "set.bin.part").stat().st_size
    assert have > 0
    site.drop_after, site.asked[:] = None, []
    assert having(site, tmp_path).path.read_bytes() == BODY
    assert site.asked == [f"bytes={have}-"]


def test_a_server_without_ranges_begins_anew(site: Site, tmp_path: Path):
    (tmp_path / "set.bin.part").write_bytes(BODY[:7000])
    site.ranges = False
    assert pinned(site, tmp_path).path.read_bytes() == BODY
    assert site.asked == ["bytes=7000-"]


def test_a_file_that_changed_midway_is_fetched_anew(site: Site, tmp_path: Path):
    site.drop_after = 9000
    interrupted(site, tmp_path)
    site.body, site.etag, site.drop_after = BODY[::-1], '"two"', None
    assert having(site, tmp_path).path.read_bytes() == BODY[::-1]


def test_a_part_of_an_unknown_version_is_not_gone_on_with(site: Site, tmp_path: Path):
    (tmp_path / "set.bin.part").write_bytes(b"of another file")
    assert having(site, tmp_path).path.read_bytes() == BODY
    assert site.asked == [""]


def test_a_part_without_a_note_is_gone_on_with_where_the_sha256_is_known(
    site: Site, tmp_path: Path
):
    (tmp_path / "set.bin.part").write_bytes(BODY[:7000])
    assert pinned(site, tmp_path).path.read_bytes() == BODY
    assert site.asked == ["bytes=7000-"]


def test_a_server_that_sends_the_rest_of_another_version_is_asked_for_all(
    site: Site, tmp_path: Path
):
    site.drop_after = 9000
    interrupted(site, tmp_path)
    site.body, site.etag, site.drop_after, site.heeds_if_range = BODY[::-1], '"two"', None, False
    assert having(site, tmp_path).path.read_bytes() == BODY[::-1]
    assert site.asked[-1] == ""


def test_a_part_that_is_whole_already_needs_no_server(site: Site, tmp_path: Path):
    (tmp_path / "set.bin.part").write_bytes(BODY)
    assert pinned(site, tmp_path).state == "downloaded"
    assert site.asked == []


def test_a_part_longer_than_the_servers_file_is_fetched_anew(site: Site, tmp_path: Path):
    (tmp_path / "set.bin.part").write_bytes(BODY + b"more")
    assert having(site, tmp_path, sha256=site.sha256).path.read_bytes() == BODY


def test_two_downloads_at_once_fetch_it_once(site: Site, tmp_path: Path):
    site.pause_s = 0.01
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(pinned(site, tmp_path).state))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["downloaded", "kept", "kept"]
    assert site.asked == [""]


# ---- nothing wrong is accepted


@pytest.mark.parametrize(
    ("wrong", "known", "message"),
    [
        ({"drop_after": 20_000, "ranges": False}, {}, "the connection ended after 20000 of 40000"),
        ({"body": BODY[:-1]}, {}, "the server's has 39999 bytes, but 40000 bytes is expected"),
        ({"body": BODY + b"x"}, {}, "the server's has 40001 bytes"),
        ({"extra": b"x", "promise": -1}, {}, "the server sends more than 40000 bytes"),
        ({"promise": -1}, {"size": None, "sha256": None}, "does not say how long it is"),
        ({"promise": 10**7}, {"size": None}, "the server's has 10000000 bytes, but at most 1000"),
        ({"body": bytes(40_000)}, {}, "set.bin: its sha256 is"),
        ({"status": 404}, {}, "the server answered 404 Not Found"),
        ({"status": 503}, {}, "the server answered 503 Service Unavailable"),
        ({"redirect": "http://127.0.0.1/file"}, {}, "begins with http://, but files are fetched"),
        ({"redirect": "file:///etc/hostname"}, {}, "the server answered 302"),
        ({"redirect": "ftp://127.0.0.1/file"}, {}, "begins with ftp://"),
        ({"pause_s": 0.7}, {}, "timed out"),
        ({"pause_s": 0.2, "body": BODY[:1000]}, {"size": 1000}, r"only \d+ bytes in 0.3 s"),
    ],
)  # fmt: skip
def test_what_a_server_does_wrong_is_refused(
    site: Site, tmp_path: Path, wrong: dict, known: dict, message: str
):
    site.__dict__.update(wrong)
    with pytest.raises(DownloadError, match=message):
        pinned(site, tmp_path, **known)
    assert not final(tmp_path)


@pytest.mark.parametrize("address", ["http://127.0.0.1/file", "file:///etc/hostname", "/file"])
def test_only_https_is_spoken(tmp_path: Path, address: str):
    source = Source("night", "", "", "", (RemoteFile("set.bin", address, 10),))
    with pytest.raises(DownloadError, match="files are fetched over https only"):
        download(source, tmp_path)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DownloadError, match=r"its certificate is refused .self.signed"):
        pinned(site, tmp_path)


def test_a_server_that_is_not_there_is_named(site: Site, tmp_path: Path):
    away = replace(site, address="https://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"set.bin from 127.0.0.1:9: .*[Rr]efused"):
        pinned(away, tmp_path)


def test_what_the_disk_has_no_room_for_is_not_begun(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, 100))
    with pytest.raises(LowLightError, match=r"1e-07 GB are free, but 4e-05 GB are needed"):
        pinned(site, tmp_path)
    assert not (tmp_path / "set.bin.part").exists()


def test_a_cut_archive_is_refused_even_without_a_pin(site: Site, tmp_path: Path):
    site.body = zipped({"a/1.txt": b"light"})[:-30]
    with pytest.raises(DownloadError, match="it is no whole zip archive"):
        having(site, tmp_path, name="set.zip")
    assert not (tmp_path / "set.zip").exists()


# ---- archives


def zipped(files: dict[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def unpacked(folder: Path, data: bytes, bounds: unpack.Bounds = unpack.BOUNDS) -> dict[str, bytes]:
    (folder / "set.zip").write_bytes(data)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    unpack.unpack(folder / "set.zip", out, bounds)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_plain_files_are_unpacked_and_again_without_harm(tmp_path: Path):
    files = {"Sony/short/a.ARW": BODY, "Sony/long/b.ARW": b"", "notes.txt": b"dark"}
    clutter = {".DS_Store": b"x", "__MACOSX/Sony/._a.ARW": b"x", "Sony/Thumbs.db": b"x"}
    for _ in range(2):
        assert unpacked(tmp_path, zipped({**files, **clutter})) == files


@pytest.mark.parametrize(
    "name", ["../up.txt", "/etc/up.txt", "a/../../up.txt", "a\\up.txt", "C:up.txt", "a//up.txt",
             "up.txt\n", "up.", "a /up.txt", f"{'x' * 201}.txt"],
)  # fmt: skip
def test_names_that_are_not_plain_are_refused(tmp_path: Path, name: str):
    with pytest.raises(DownloadError, match=r"set.zip: .* is (no plain relative|a) name"):
        unpacked(tmp_path, zipped({"good.txt": b"x", name: b"x"}))
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["out", "set.zip"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777), "'link' is no regular file"),
        (zipped({"pipe": b""}, stat.S_IFIFO), "'pipe' is no regular file"),
        (zipped({"A.txt": b"x", "a.TXT": b"y"}), "'a.TXT' is there twice"),
        (zipped({"bomb": bytes(10**6)}), r"'bomb' unpacks to \d+ times its size"),
        (zipped({f"{n}": bytes(3000) for n in range(40)}), r"it unpacks to \d+ times its size"),
        (zipped({f"{n}": b"" for n in range(11)}), "it holds 11 files, but 10 at most"),
        (zipped({"a": BODY}).replace(BODY[5000:5010], bytes(10)), "it is damaged .Bad CRC-32"),
    ],
    ids=["symlink", "pipe", "twice", "bomb", "bombs", "many", "flipped"],
)
def test_archives_that_hold_what_they_must_not_are_refused(
    tmp_path: Path, data: bytes, message: str
):
    bounds = unpack.Bounds(files=10 if message.startswith("it holds") else 100, ratio=10)
    with pytest.raises(DownloadError, match=message):
        unpacked(tmp_path, data, bounds)
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]


def test_an_encrypted_member_is_refused(tmp_path: Path):
    data = bytearray(zipped({"a": b"secret"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DownloadError, match="'a' is encrypted"):
        unpacked(tmp_path, bytes(data))


def test_another_file_in_the_way_is_never_overwritten(tmp_path: Path):
    unpacked(tmp_path, zipped({"a.txt": b"ours"}))
    with pytest.raises(DownloadError, match=r"a.txt is there with another content"):
        unpacked(tmp_path, zipped({"a.txt": b"hers"}))
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"ours"


def test_the_sets_own_folders_become_list_files(tmp_path: Path):
    names = {f"lol/{kind}/low/{n}.png": b"" for kind, n in (("our485", 2), ("eval15", 1))}
    (tmp_path / "lol.zip").write_bytes(zipped(names))
    source = Source("rgb_pairs", "", "", "", (RemoteFile("lol.zip", "", 1),),
                    {"train": "lol/our485/low", "test": "lol/eval15/low"})  # fmt: skip
    held = Held("lol.zip", tmp_path / "lol.zip", 1, "", "supplied", "published")
    assert unpack_all(source, [held], tmp_path) == 2
    assert (tmp_path / "train.txt").read_text() == "2\n"
    assert (tmp_path / "test.txt").read_text() == "1\n"


def test_lol_as_downloaded_is_ingested_with_its_own_splits(tmp_path: Path):
    from lldata.engine import Local

    source = sources.source_of("rgb_pairs")
    picture = b"not read yet"
    names = [("our485", 2), ("our485", 5), ("eval15", 1)]
    files = {f"lol_dataset/{part}/{kind}/{n}.png": picture for part, n in names
             for kind in ("low", "high")}  # fmt: skip
    (tmp_path / "lol_dataset.zip").write_bytes(zipped(files))
    held = Held("lol_dataset.zip", tmp_path / "lol_dataset.zip", 1, "", "kept", "published")
    unpack_all(source, [held], tmp_path)
    (plan,) = planning.plan(tmp_path, "rgb_pairs", Local(workers=1))
    assert {s.scene: s.split for s in plan.scenes} == {"1": "test", "2": "train", "5": "train"}
    assert plan.findings == ()


# ---- the table


def test_every_public_set_is_of_a_protocol_and_bounded():
    for name, source in sources.sources().items():
        assert source.protocol == name
        assert source.page.startswith("https://")
        for file in source.files:
            assert file.address.startswith("https://")
            assert (file.size or 0) <= file.at_most_bytes
            assert file.sha256 is None or len(file.sha256) == 64
            assert "/" not in file.name


@pytest.mark.parametrize("name", ["sid_sony", "sid_fuji"])
def test_the_pinned_lists_are_those_of_the_shared_data(shared_data: Path, name: str):
    import hashlib

    for file in sources.source_of(name).files[1:]:
        data = (shared_data / "sid_lists" / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_set_without_an_address_says_where_to_ask():
    with pytest.raises(DownloadError, match=r"no direct address .*jconenna/Canon-6D.* says how"):
        sources.source_of("canon6d_iso200")
    with pytest.raises(ProtocolError, match="no such protocol"):
        sources.source_of("nikon")


def test_the_default_folder_is_under_the_home():
    source = sources.source_of("sid_sony")
    assert default_folder(source).parts[-2:] == (".downloads", "sid_sony")
    assert set(sources.sources()) <= {*protocol.names(), "rgb_pairs", "raise_retinex"}


def test_the_command_prints_what_it_holds(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from lldata import cli

    site.body = zipped({"Sony/short/a.ARW": BODY})
    file = RemoteFile("set.zip", site.address_of_file, 10**6, len(site.body), site.sha256)
    source = Source("sid_sony", "night", "https://page", "free", (file,))
    monkeypatch.setattr(sources, "source_of", lambda name: source)
    cli.download("sid_sony", tmp_path, as_json=True)
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["unpacked"], document["files"][0]["state"]) == (1, "downloaded")
    assert document["files"][0]["sha256"] == site.sha256
    assert (tmp_path / "Sony/short/a.ARW").read_bytes() == BODY
    cli.download("sid_sony", tmp_path)
    assert "1 file unpacked" in capsys.readouterr().err
