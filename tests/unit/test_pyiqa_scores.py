from __future__ import annotations

import csv
import hashlib
import pickle
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eval.metrics import find_metric, pyiqa_scores, score_images
from eval.metrics.parameter_files import PINNED, PINS, Files, folders
from lldata.errors import ScoreError
from tests.servers import Site

NIQE = "niqe_modelparameters.mat"
BRISQUE = "brisque_svm_weights.pth"


@pytest.fixture(autouse=True)
def _no_torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    pyiqa_scores.load_metric.cache_clear()


@pytest.fixture
def _with_pyiqa() -> None:
    pytest.importorskip("pyiqa")


def official(shared_data: Path, metric: str) -> dict[str, float]:
    with (shared_data / "iqa" / "official_scores.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["metric"] == metric)
    return {name: float(row[name]) for name in ("I03", "I04", "I06")}


def distorted(shared_data: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(shared_data / "iqa" / "dist" / f"{name}.bmp").convert("RGB"))


@pytest.mark.usefixtures("_with_pyiqa")
@pytest.mark.parametrize("folder", [0, 1], ids=["pyiqa's cache", "our folder"])
def test_niqe_lands_within_six_percent_of_its_authors(shared_data: Path, folder: int):
    place = folders()[folder]
    place.mkdir(parents=True)
    shutil.copy(shared_data / "iqa" / NIQE, place)
    niqe = find_metric("pyiqa:niqe")
    for name, value in official(shared_data, "niqe").items():
        found = score_images(distorted(shared_data, name), metrics=[niqe])["pyiqa:niqe"]
        assert found == pytest.approx(value, rel=0.06)
    assert niqe.better == "lower"
    assert niqe.parameters["files"] == {NIQE: PINNED[NIQE]}


@pytest.mark.usefixtures("_with_pyiqa")
def test_piqe_needs_no_file_and_equals_its_authors(shared_data: Path):
    for name, value in official(shared_data, "piqe").items():
        found = score_images(distorted(shared_data, name), metrics=("pyiqa:piqe",))
        assert found["pyiqa:piqe"] == pytest.approx(value, abs=0.01)


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_missing_file_is_named_with_its_place_and_nothing_is_fetched():
    reach = socket.getaddrinfo
    with pytest.raises(ScoreError, match=f"{NIQE} is not here.*weights/pyiqa.*--download"):
        find_metric("pyiqa:niqe")
    assert socket.getaddrinfo is reach


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_network_of_torchvision_is_a_parameter_file_as_any_other(
    capsys: pytest.CaptureFixture[str],
):
    with pytest.raises(ScoreError, match=r"alexnet-.*pth is not here.*Put it into .*weights/pyiqa"):
        find_metric("pyiqa:lpips")
    assert capsys.readouterr().err == ""  # torch says "Downloading" before it asks for the file


@pytest.mark.usefixtures("_with_pyiqa")
@pytest.mark.parametrize("place", [1, 2], ids=["ours", "torch's"])
def test_weights_that_torch_would_fetch_are_read_where_they_lie_and_only_if_pinned(place: int):
    torch = pytest.importorskip("torch")
    fetch, path = torch.hub.load_state_dict_from_url, folders()[place] / "net-12345678.pth"
    path.parent.mkdir(parents=True)
    torch.save({"weight": torch.ones(2)}, path)
    files = Files("pyiqa:any", folders(), download=False)
    with pyiqa_scores._checked_files_only(files):
        assert torch.utils.model_zoo.load_url is torch.hub.load_state_dict_from_url is not fetch
        with pytest.raises(ScoreError, match="it is a pickle whose SHA-256 is not pinned"):
            torch.hub.load_state_dict_from_url(f"https://there/{path.name}", check_hash=True)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        folders()[1].mkdir(parents=True, exist_ok=True)
        (folders()[1] / PINS).write_text(f"{found}  {path.name}\n")
        loaded = torch.hub.load_state_dict_from_url(f"https://there/{path.name}", progress=False)
    assert loaded["weight"].tolist() == [1.0, 1.0]
    assert files.used == {path.name: found}
    assert torch.hub.load_state_dict_from_url is fetch


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_file_that_is_not_the_authors_is_refused():
    place = folders()[1]
    place.mkdir(parents=True)
    (place / NIQE).write_bytes(b"another file")
    with pytest.raises(ScoreError, match=rf"{NIQE}: its SHA-256 is .* has 8452f33e53831faa"):
        find_metric("pyiqa:niqe")


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_metric_pyiqa_does_not_have_is_named():
    with pytest.raises(ScoreError, match="pyiqa:nope: pyiqa has no such metric"):
        find_metric("pyiqa:nope")


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(ScoreError, match=r"need the extra 'iqa'.*lowlight-toolkit\[iqa\]"):
        find_metric("pyiqa:niqe")


@pytest.fixture
def site(server: tuple[Site, Path], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A server in the place of pyiqa's, for the file of NIQE."""
    site, crt = server
    site.asked.clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(crt))
    niqe = pytest.importorskip("pyiqa.archs.niqe_arch")
    for key in ("url", "niqe"):
        monkeypatch.setitem(niqe.default_model_urls, key, f"{site.address}/{NIQE}")
    return site


def test_the_pinned_file_is_fetched_on_request_and_never_again(site: Site, shared_data: Path):
    site.body = (shared_data / "iqa" / NIQE).read_bytes()
    assert find_metric("pyiqa:niqe", download=True).parameters["files"] == {NIQE: PINNED[NIQE]}
    pyiqa_scores.load_metric.cache_clear()
    find_metric("pyiqa:niqe", download=True)
    assert len(site.asked) == 1
    left = {path.name for path in folders()[1].iterdir() if not path.name.startswith(".")}
    assert left == {NIQE}


def test_a_fetched_file_that_is_another_never_has_its_name(site: Site):
    site.body = b"another file"
    with pytest.raises(ScoreError, match=rf"its sha256 is .*that of {NIQE} is 8452f33e53831faa"):
        find_metric("pyiqa:niqe", download=True)
    assert not (folders()[1] / NIQE).exists()


def test_nothing_is_fetched_without_https_or_without_the_request(site: Site, tmp_path: Path):
    address = f"{site.address}/file".replace("https", "http")
    with pytest.raises(ScoreError, match=r"file\.mat: its address begins with http://"):
        Files("pyiqa:niqe", (), download=True).fetched(address, tmp_path / "file.mat")
    with pytest.raises(ScoreError, match=r"its parameter file file\.mat is not here"):
        Files("pyiqa:niqe", (), download=False).named("file.mat", f"{site.address}/file")
    assert site.asked == []


def test_a_file_nobody_pinned_must_stay_the_first_that_was_fetched(site: Site):
    site.body = b"parameters of nobody"
    files = Files("pyiqa:ilniqe", (folders()[1],), download=True)
    path = files.named("some.mat", f"{site.address}/some.mat")
    assert files.used == {"some.mat": hashlib.sha256(site.body).hexdigest()}
    path.write_bytes(b"changed later")
    with pytest.raises(ScoreError, match="but the first fetched file has"):
        files.named("some.mat", f"{site.address}/some.mat")


class Marker:
    """What a hostile file would run."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.place),)  # type: ignore[return-value]


def brisque(content: object = None) -> tuple[Path, str]:
    """Put a file of BRISQUE's form into our folder: support vectors and their weights."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("pyiqa")
    path = folders()[1] / BRISQUE
    path.parent.mkdir(parents=True)
    vectors = (torch.ones(3, 1), torch.zeros(3, 36))
    torch.save(vectors if content is None else content, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_pickle_is_opened_only_if_its_hash_is_pinned():
    path, found = brisque()
    with pytest.raises(ScoreError, match=rf"{BRISQUE}: it is a pickle .* '{found} {BRISQUE}'"):
        find_metric("pyiqa:brisque")
    (path.parent / PINS).write_text(f"{found}  {BRISQUE}\n")
    metric = find_metric("pyiqa:brisque")
    assert metric.parameters["files"] == {BRISQUE: found}
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.isfinite(score_images(pixels, metrics=[metric])["pyiqa:brisque"])
    (path.parent / PINS).write_text(f"{'0' * 64} *{BRISQUE}\n")
    pyiqa_scores.load_metric.cache_clear()
    with pytest.raises(ScoreError, match="but the pinned file has 0000000000000000"):
        find_metric("pyiqa:brisque")


def test_a_pinned_pickle_runs_nothing_all_the_same(tmp_path: Path):
    place = tmp_path / "it ran"
    path, _ = brisque()
    path.write_bytes(pickle.dumps(Marker(place), 2))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / PINS).write_text(f"{found}  {BRISQUE}\n")
    with pytest.raises(ScoreError, match="it holds more than tensors"):
        find_metric("pyiqa:brisque")
    assert not place.exists()


def test_what_asks_the_network_for_more_is_refused(monkeypatch: pytest.MonkeyPatch):
    pyiqa = pytest.importorskip("pyiqa")
    monkeypatch.setattr(pyiqa, "create_metric", lambda *_, **__: socket.create_connection(("a", 1)))
    with pytest.raises(ScoreError, match="it asks the network for more than a parameter file"):
        find_metric("pyiqa:piqe", download=True)
