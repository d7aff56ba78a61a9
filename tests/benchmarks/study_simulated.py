"""Train SID on simulated captures alone and score it on real ones, beside SID trained on real ones.

    python -m tests.benchmarks.study_simulated --night FOLDER --ordinary FOLDER

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
from lldata.synthesis import sensor
from lldata.synthesis.camera import simulate
from tests.benchmarks.likeness import black_errors, likeness, likeness_table
from tests.benchmarks.tables import markdown
from tests.benchmarks.trained_runs import Row, Trial, arguments, difference, publish, spread, study

SIZE = (512, 768)  # of a frame


@dataclass(frozen=True)
class Kind:
    """One way to simulate captures."""

    title: str
    as_tiles: bool = True  # at the ISO and exposures of the real tiles, else any of the camera
    photographs: str | None = None  # whose: "night" or "ordinary"; None: scikit-image's
    black: str = "published"  # how far its black level is off; or "measured", or "none"
    veil: float = 0.0  # of the lens
    exposed: float = 0.7  # where the bright end of a long frame lies, of the range


KINDS = {
    "any_exposure": Kind("any ISO and ratio, scikit-image's photographs, perfect black",
                         as_tiles=False, black="none"),
    "exposure": Kind("ISO and ratio of the real ones, scikit-image's photographs, perfect black",
                     black="none"),
    "photographs": Kind("ISO and ratio of the real ones, photographs of the night, perfect black",
                        photographs="night", black="none"),
    "black": Kind("the same, black level off as ELD calibrated it", photographs="night"),
    "exposed": Kind("the same, ordinary photographs, a lens that veils 1 %, long frames exposed "
                    "half as much", photographs="ordinary", veil=0.01, exposed=0.35),
    "measured": Kind("the same, black level off as the real train pairs show it",
                     photographs="ordinary", veil=0.01, exposed=0.35, black="measured"),
}  # fmt: skip


def main() -> None:
    """Run what is not done yet; figures and page are written after every training."""
    parser = arguments(__doc__, "simulated")
    parser.add_argument("--night", type=Path, help="folder of photographs taken at night")
    parser.add_argument("--ordinary", type=Path, help="folder of ordinary photographs")
    parser.add_argument("--real", default="sid_sony_tiles", help="dataset of real captures")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--scenes", type=int, default=60, help="of each kind")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, help="default $LLDATA_HOME/.runs/.simulated")
    asked = parser.parse_args()
    work = asked.work or home() / ".runs" / ".simulated"
    stores = {"real": open_store(asked.real)}
    albums = {None: None, "night": asked.night, "ordinary": asked.ordinary}
    for name in asked.kinds.split(","):
        wanted = KINDS[name].photographs
        album = albums[wanted]
        if wanted and album is None:
            parser.error(f"--{wanted} is missing: {name} is made of these photographs")
        camera = camera_of(KINDS[name], stores["real"])
        stores[name] = simulated(name, work, album, camera, asked.scenes, asked.workers)
    facts = [likeness(name, store) for name, store in stores.items()]
    for rows in study(trials(stores, asked.seeds, asked.set), work, asked.device):
        publish(asked.figures, "simulated", [*({"likeness": one} for one in facts), *rows])
        asked.page.write_text(page(json.loads(asked.figures.read_text("utf-8"))), "utf-8")


def trials(stores: Mapping[str, Store], seeds: int, options: dict[str, Any]) -> list[Trial]:
    """Return every training: all datasets of one seed before the next seed."""
    real = stores["real"].name
    names = [store.name for store in stores.values()]
    return [Trial("sid", name, real, seed, options) for seed in range(seeds) for name in names]


def camera_of(kind: Kind, real: Store) -> sensor.Sensor:
    """Return the simulated camera; of the real captures it may know how far black is off."""
    camera = replace(sensor.load(_protocol(kind)), veil=kind.veil, exposed=kind.exposed)
    errors = {"published": camera.noise.black_errors, "none": ()}.get(kind.black)
    errors = black_errors(real) if errors is None else errors
    return replace(camera, noise=replace(camera.noise, black_errors=errors))


def simulated(
    name: str, work: Path, photos: Path | None, camera: sensor.Sensor, scenes: int, workers: int
) -> Store:
    """Simulate and ingest captures of one kind, unless all of that was done."""
    dataset, finished = f"simulated_{name}", work / f"{name}.ingested"
    if finished.is_file():
        return open_store(dataset)
    taken = simulate(
        [_protocol(KINDS[name])],
        work / name,
        scenes=scenes,
        size=SIZE,
        photos=photos,
        cameras=[camera],
    )
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
    return "\n\n".join([head, markdown(table), _CLOSES, _LIKENESS, likeness_table(facts)]) + "\n"


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

_CLOSES = """## What closes the gap

The black level, most of all. The real shorts show a few DN and are multiplied by 100: one DN is as
much as a dark place of them has. The black level of this camera is off by up to that, differently
at each ISO. ELD's calibration of an α7S II says so (its colour bias), and the dark of the real ones
shows it, by the same measure as the dark of captures simulated with its figures (last lines
below). A network trained on a perfect black renders every real dark place too dark. Another body of
the same camera is off by a little more or less, and tenths of a DN count: the last kind takes the
errors of the real body from its train pairs, as `lldata calibrate` would from its darks, and trains
on none of their pictures.

Then the tone. Photographs of the night are black skies in most crops. Ordinary ones, lit as at
night, behind a lens that veils 1 % of the light and exposed half as much, come close to the real
references in mean, contrast and darkest tones."""

_LIKENESS = """## How like they are

Medians over the train pairs alone. Amplified input: the packed short times the ratio, clipped to
0 and 1, 1 is white. Read noise: of green patches whose reference is flat, at 3 to 12 DN above
black, after photon noise of the calibrated gain is taken off, over what the camera model says.
Black level off: how far the dark of green lies off what the reference promises; the measure itself
reads up to 0.2 DN too low, as the first kinds show, whose black is perfect."""


if __name__ == "__main__":
    main()
