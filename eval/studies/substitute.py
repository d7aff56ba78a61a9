"""The datasets a study runs on: the user's own, or simulated ones, named as such."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from eval.progress import Progress
from eval.running.pictures import encoded
from eval.studies.reported import Reported, Role, Substitute
from lldata import ingest, synthesise
from lldata.engine import Local
from lldata.errors import ScoreError
from lldata.ingest import Dataset
from lldata.locks import locked
from lldata.protocol import ClipProtocol, SynthesisProtocol, load, load_raw
from lldata.publish import write_replacing
from lldata.store import Store, home, open_store
from lldata.synthesis import camera, clips, photographs

PREFIX = "substitute-"
# of the few photographs that scikit-image ships: five to test on, so that there is an interval
_SPLITS = ("test", "train", "test", "val")


def assigned(
    table: Reported, named: Sequence[str], tell: Callable[[str], None], progress: Progress
) -> Mapping[str, Store]:
    """Return the dataset of each role of a table: the named one of its protocol, or a substitute.

    Raises
    ------
    ScoreError
        If a dataset named fits no role, or a role that another one has.
    StoreError
        If there is no dataset of a name.
    """
    found: dict[str, Store] = {}
    for name in named:
        store = open_store(name)
        fitting = [role for role, one in table.datasets.items() if store.protocol in one.protocols]
        free = [role for role in fitting if role not in found]
        if not free:
            wanted = ", ".join(p for role in table.datasets.values() for p in role.protocols)
            raise ScoreError(
                f"--dataset {name}",
                f"its protocol is {store.protocol}"
                + (", and its part is taken" if fitting else ""),
                f"{table.name} is about {wanted or 'no dataset'}", "Name others, or none",
            )  # fmt: skip
        found[free[0]] = store
    for role, one in table.datasets.items():
        if role not in found:
            found[role] = substituted(one, tell, progress)
    return {role: found[role] for role in table.datasets}


def is_substitute(store: Store) -> bool:
    """Whether a dataset was simulated here to stand in for real captures."""
    return store.name.startswith(PREFIX) and bool(store.synthetic)


def substituted(role: Role, tell: Callable[[str], None], progress: Progress) -> Store:
    """Return the simulated dataset of a role; it is made once, and a stopped making goes on."""
    name = PREFIX + role.substitute.protocol
    found = _standing(name, role.substitute)
    if found is None:
        # of two studies at once the second would lose the photographs when the first is done
        with locked(home() / ".cache" / f".{name}.lock", keep=False):
            found = _standing(name, role.substitute) or _simulated(role, name, tell, progress)
    return found


def _standing(name: str, plan: Substitute) -> Store | None:
    path = home() / name
    if not (path / "dataset.h5").is_file():
        return None
    store = open_store(path)
    return store if store.pairs["scene"].nunique() >= plan.scenes else None


def _simulated(role: Role, name: str, tell: Callable[[str], None], progress: Progress) -> Store:
    tell(f"{role.title}: no dataset is named, so the substitute {name} is simulated")
    source = home() / ".cache" / name
    for dataset in _prepared(role.substitute, name, source):
        with progress(f"making {name}", len(dataset.plan.scenes)) as advance:
            for _ in ingest.ingest(dataset, Local(), deep=False):
                advance()
    shutil.rmtree(source)
    return open_store(home() / name)


def _prepared(plan: Substitute, name: str, source: Path) -> Iterator[Dataset]:
    protocol = load(plan.protocol)
    if isinstance(protocol, SynthesisProtocol):
        _lay_out_photographs(source)
        yield synthesise.prepare(source, name, plan.protocol, 0, Local())
        return
    height, width = plan.size
    if isinstance(protocol, ClipProtocol):
        frames = clips.simulate(protocol, source, scenes=plan.scenes, size=(height, width))
    else:
        raw = load_raw(plan.protocol)
        frames = camera.simulate([raw], source, scenes=plan.scenes, size=(height, width))
    for _ in frames:
        pass
    yield from ingest.prepare(source, plan.protocol, name, Local())


def _lay_out_photographs(folder: Path) -> None:
    """Lay out scikit-image's photographs as RGB, with lists that say which are tested on."""
    folder.mkdir(parents=True, exist_ok=True)
    lists: dict[str, list[str]] = {split: [] for split in _SPLITS}
    for number, photograph in enumerate(photographs.shipped()):
        picture = cv2.imdecode(np.fromfile(photograph.path, np.uint8), cv2.IMREAD_COLOR_RGB)
        path = folder / Path(photograph.name).with_suffix(".png")
        write_replacing(path, encoded(np.asarray(picture, np.uint8), ".png"))
        lists[_SPLITS[number % len(_SPLITS)]].append(path.name)
    for split, listed in lists.items():
        write_replacing(folder / f"{split}.txt", "".join(f"{one}\n" for one in listed).encode())
