"""Train SID on simulated captures alone and score it on real ones, beside SID trained on real ones.

    python -m tests.benchmarks.study_simulated --photos FOLDER --real sid_sony_tiles

The dataset of real captures must be ingested; the simulated ones are made here, each kind of
capture once. What a stopped run has simulated, trained and scored is taken up again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lldata import ingest
from lldata.engine import Local
from lldata.protocol import RawProtocol, load_raw
from lldata.store import Store, home, open_store
from lldata.synthesis.camera import simulate
from tests.benchmarks.likeness import likeness, likeness_table
from tests.benchmarks.tables import markdown
from tests.benchmarks.trained_runs import Row, Trial, arguments, difference, publish, spread, study


@dataclass(frozen=True)
class Kind:
    """One way to simulate captures."""

    title: str
    size: tuple[int, int] = (512, 768)
    as_tiles: bool = True  # at the ISO and exposures of the real tiles, else any of the camera
    own_photographs: bool = True  # those given, else scikit-image's


KINDS = {
    "any_exposure": Kind("any ISO and ratio, scikit-image's photographs", as_tiles=False,
                         own_photographs=False),
    "exposure": Kind("ISO and ratio of the real ones", own_photographs=False),
    "photographs": Kind("and low-light photographs as sources"),
    "large": Kind("and frames of 1536x2304", size=(1536, 2304)),
}  # fmt: skip


def main() -> None:
    """Run what is not done yet; figures and page are written after every training."""
    parser = arguments(__doc__, "simulated")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--real", default="sid_sony_tiles", help="dataset of real captures")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--scenes", type=int, default=60, help="of each kind")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, help="default $LLDATA_HOME/.runs/.simulated")
    asked = parser.parse_args()
    work = asked.work or home() / ".runs" / ".simulated"
    stores = {"real": open_store(asked.real)}
    for name in asked.kinds.split(","):
        stores[name] = simulated(name, work, asked.photos, asked.scenes, asked.workers)
    facts = [likeness(name, store) for name, store in stores.items()]
    for rows in study(trials(stores, asked.seeds, asked.set), work, asked.device):
        publish(asked.figures, "simulated", [*({"likeness": one} for one in facts), *rows])
        asked.page.write_text(page(json.loads(asked.figures.read_text("utf-8"))), "utf-8")


def trials(stores: Mapping[str, Store], seeds: int, options: dict[str, Any]) -> list[Trial]:
    """Return every training: all datasets of one seed before the next seed."""
    real = stores["real"].name
    names = [store.name for store in stores.values()]
    return [Trial("sid", name, real, seed, options) for seed in range(seeds) for name in names]


def simulated(name: str, work: Path, photos: Path, scenes: int, workers: int) -> Store:
    """Simulate and ingest captures of one kind, unless all of that was done."""
    kind, dataset, finished = KINDS[name], f"simulated_{name}", work / f"{name}.ingested"
    if finished.is_file():
        return open_store(dataset)
    taken = simulate(
        [_protocol(kind)], work / name, scenes=scenes, size=kind.size,
        photos=photos if kind.own_photographs else None,
    )  # fmt: skip
    for _ in taken:
        pass
    engine = Local(workers=workers)
    (prepared,) = ingest.prepare(work / name, "sid_sony", dataset, engine)
    for _ in ingest.ingest(prepared, engine, deep=False):
        pass
    finished.touch()
    return open_store(dataset)


def _protocol(kind: Kind) -> RawProtocol:
    """Return the protocol of the Sony, restricted to what the real tiles were taken at."""
    sony = load_raw("sid_sony")
    if not kind.as_tiles:
        return sony
    exposure = replace(sony.exposure, short_s=(0.1,), long_s=(10,), ratios=(100,))
    camera = replace(sony.camera, iso_exif=(200, 250, 320, 500))
    return replace(sony, exposure=exposure, camera=camera)


def page(report: dict[str, Any]) -> str:
    """Return the page, Markdown."""
    facts = [row["likeness"] for row in report["runs"] if "likeness" in row]
    rows: list[Row] = [row for row in report["runs"] if "likeness" not in row]
    real = [row for row in rows if row["trained_on"] == rows[0]["scored_on"]]
    table: list[list[object]] = [
        ["trained on", "PSNR, dB", "SSIM", "PSNR over real ones, dB", "seeds"]
    ]
    for title, found in _kinds(rows, real):
        if found:
            gap = difference(found, real) if real and found is not real else "0"
            table.append([title, spread(found, "psnr"), spread(found, "ssim", 4), gap, len(found)])
    head = _HEAD.format(
        real=rows[0]["scored_on"], pairs=len(rows[0]["pairs"]), steps=rows[0]["steps"],
        batch=rows[0]["recipe"]["batch"], crop=rows[0]["recipe"]["crop"],
        precision=rows[0]["recipe"]["precision"],
    )  # fmt: skip
    return "\n\n".join([head, markdown(table), _LIKENESS, likeness_table(facts)]) + "\n"


def _kinds(rows: list[Row], real: list[Row]) -> list[tuple[str, list[Row]]]:
    found = [
        (f"simulated: {kind.title}", [r for r in rows if r["trained_on"] == f"simulated_{name}"])
        for name, kind in KINDS.items()
    ]
    return [("real tiles", real), *found]


_HEAD = """# From simulated captures to real ones

Written by `python -m tests.benchmarks.study_simulated` from `docs/benchmarks/simulated.json`; no
figure is typed by hand.

SID is trained on captures of a simulated Sony α7S II and scored on the {pairs} test pairs of
`{real}`, which a real one took, beside SID trained on the real train pairs. All by one recipe:
{steps} steps of {batch} crops of {crop}x{crop} packed pixels, in {precision}. PSNR and SSIM are
means over pairs and seeds, in brackets the least and the greatest of the seeds. The difference is
taken pair by pair, with a 95 % interval over places where there are at least five of them."""

_LIKENESS = """## How like they are

Medians over the train pairs alone. Amplified input: the packed short times the ratio, clipped to
0 and 1, 1 is white. Read noise: of green patches whose reference is flat, at 3 to 12 DN above
black, after photon noise of the calibrated gain is taken off, over what the camera model says."""


if __name__ == "__main__":
    main()
