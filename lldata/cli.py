"""The command `lldata`: folders of RAW files to audited datasets. A thin skin on the library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lldata import console
from lldata.errors import LowLightError, StoreError

_cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Folders of RAW files in, audited HDF5 datasets out.",
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Protocol = Annotated[str | None, typer.Option(help="Capture protocol; else the frames decide.")]
Lists = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of list files that decide the splits.")
]
Deep = Annotated[bool, typer.Option("--deep", help="Decode every frame twice and compare.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")]
Source = Annotated[Path, typer.Argument(metavar="SRC", help="Folder of RAW files.")]
DatasetName = Annotated[
    str, typer.Argument(metavar="D", help="Dataset: its name, its folder, or its packed .h5.")
]
_KEEPERS = frozenset({"simulate", "download", "ingest", "synthesize", "export"})
PackPath = Annotated[Path, typer.Argument(metavar="OUT.h5", help="File to make.")]


def app() -> None:
    """Run the command line and end the process."""
    console.run_app(_cli, "lldata", keepers=_KEEPERS)


@_cli.callback()
def _main(
    verbose: Annotated[int, typer.Option("-v", count=True, help="Say more; -vv for all.")] = 0,
) -> None:
    console.log_to_stderr(verbose)


def _engine(workers: int | None, name: str = "local") -> Any:
    from lldata.engine import named

    return named(name, workers)


@_cli.command()
def protocols(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One protocol.")] = None,
    as_json: Json = False,
) -> None:
    """List the capture protocols, or print the shooting sheet of one.

    Example: lldata protocols canon6d_iso12600
    """
    from lldata import protocol
    from lldata.outputs import sheet

    if name is None:
        found = [protocol.load(n) for n in protocol.names()]
        rows = [(p.name, p.kind, p.title) for p in found]
        if as_json:
            console.print_json([{"name": n, "kind": k, "title": t} for n, k, t in rows])
        else:
            console.print_table("Capture protocols", ("name", "kind", "title"), rows)
        return
    chosen = protocol.load(name)
    if as_json:
        console.print_json(sheet.keys(chosen))
        return
    for section in sheet.sections(chosen):
        console.print_table(*section)


@_cli.command()
def simulate(
    protocol: Annotated[str, typer.Argument(metavar="PROTOCOL|canon6d", help="Which set-up.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, new or empty.")],
    scenes: Annotated[int, typer.Option(min=1, help="Scenes in each set.")] = 12,
    size: Annotated[str, typer.Option(metavar="HxW", help="Of a RAW or clip frame.")] = "512x768",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="KIND=N", help="Spoil N scenes; repeat it.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder of photographs to take instead of drawn scenes.")
    ] = None,
    noise: Annotated[
        Path | None, typer.Option(help="File of lldata calibrate, of this camera at these ISOs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write simulated captures as a camera under a protocol would: DNG files, or frames of clips.

    PROTOCOL is one of lldata protocols; canon6d is both sets of the Canon 6D.
    A KIND is misaligned, wrong_iso, wrong_exposure, saturated, truncated or
    swapped.

    Example: lldata simulate canon6d canon6d/ --scenes 12 --fault misaligned=1
    """
    from lldata.protocol import ClipProtocol, load, load_raw
    from lldata.synthesis import camera, clips

    names = ("canon6d_iso200", "canon6d_iso12600") if protocol == "canon6d" else (protocol,)
    options: dict[str, Any] = {
        "scenes": scenes, "size": _size(size), "seed": seed, "faults": _faults(fault or []),
        "photos": photos,
    }  # fmt: skip
    chosen = load(names[0])
    if isinstance(chosen, ClipProtocol) and noise is None:
        files = clips.simulate(chosen, out, **options)
    else:
        files = camera.simulate([load_raw(n) for n in names], out, noise=noise, **options)
    count, first = 0, next(files)
    with console.progress("simulating", first.total) as advance:
        advance()
        for count, _ in enumerate(files, 1):  # noqa: B007  # the count is what is said below
            advance()
    document = {"path": str(out), "protocols": list(names), "files": count + 1, "synthetic": True}
    if as_json:
        console.print_json(document)
    else:
        console.say(f"{out}: {count + 1} simulated files. Next: lldata ingest {out}")


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise LowLightError(
            f"--size {text}",
            "this is no size",
            "HEIGHTxWIDTH is needed",
            "Write for example --size 512x768",
        )
    return int(height), int(width)


def _faults(texts: Sequence[str]) -> dict[str, int]:
    faults = {}
    for text in texts:
        kind, _, number = text.partition("=")
        if not number.isdigit():
            raise LowLightError(
                f"--fault {text}",
                "it says no number of scenes",
                "KIND=N is needed",
                "Write for example --fault misaligned=2",
            )
        faults[kind] = int(number)
    return faults


@_cli.command()
def calibrate(
    src: Source,
    out: Annotated[
        Path | None, typer.Option(help="File; else CAMERA.json in $LLDATA_HOME/.calibration.")
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure a camera's gain and noise at each ISO from takes of darks, flats or anything still.

    Example: lldata calibrate darks_and_flats/
    """
    from lldata.noise import calibration
    from lldata.noise.calibrating import calibrate as measured

    calibration.check_target(out)
    found = measured(src, _engine(workers), console.progress)
    path = calibration.write(found, out)
    if as_json:
        console.print_json({"path": path, **found.as_json()})
        return
    for line in found.left_out:
        console.say(line)
    console.print_table(f"{found.camera}: {path}", calibration.COLUMNS, calibration.rows(found))


@_cli.command()
def download(
    protocol: Annotated[str, typer.Argument(metavar="P", help="Protocol of a public set.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder; else $LLDATA_HOME/.downloads/P.")
    ] = None,
    supplied: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="PATH", help="A file you have, or its folder."),
    ] = None,
    unpack: Annotated[bool, typer.Option(help="Unpack the archives too.")] = True,
    as_json: Json = False,
) -> None:
    """Fetch a public set, go on with it, or check what is there; whole files are never refetched.

    Example: lldata download sid_sony --out SID
    """
    from lldata.fetching import download as work
    from lldata.fetching.sources import source_of

    source = source_of(protocol)
    folder = work.default_folder(source) if out is None else out
    with console.transfer() as report:
        held = work.download(source, folder, supplied or (), report=report)
    count = work.unpack_all(source, held, folder) if unpack else 0
    if as_json:
        console.print_json({"protocol": protocol, "path": folder, "unpacked": count,
                            "files": [h.as_json() for h in held]})  # fmt: skip
        return
    columns = ("file", "bytes", "state", "sha256 by", "sha256")
    console.print_table(source.title, columns, [
        (h.name, h.size, h.state, h.pinned, h.sha256) for h in held
    ])  # fmt: skip
    unpacked = console.counted(count, "file")
    console.say(f"{folder}: {unpacked} unpacked. Source: {source.page} ({source.licence})")


@_cli.command()
def check(
    src: Source,
    protocol: Protocol = None,
    lists: Lists = None,
    deep: Deep = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Audit a folder of frames without storing anything; exit 1 where something is wrong.

    Exit 1 says that something was found, if only to look at; what cannot be told
    (unknown) is no finding.

    Example: lldata check /media/card/canon6d
    """
    engine = _engine(workers)
    from lldata import ingest as work  # while the workers' server starts
    from lldata.sets.planning import plan

    plans = plan(src, protocol, engine, lists, by_time=True)
    if any(p.by_time for p in plans):
        console.say("no names tell scenes: each is a long exposure and the shorts taken after it")
    findings: list[Any] = []
    with console.progress("checking", sum(len(p.scenes) for p in plans)) as advance:
        for outcome in work.check(plans, engine, deep=deep):
            findings += outcome.findings
            if outcome.state != "named":
                advance()
    if as_json:
        console.print_json({"findings": [f.as_json() for f in findings]})
    else:
        _answer(findings, sum(len(p.scenes) for p in plans))
    if any(f.status in ("warn", "quarantine") for f in findings):
        raise typer.Exit(1)


@_cli.command()
def ingest(
    src: Source,
    protocol: Protocol = None,
    name: Annotated[str | None, typer.Option(help="Name of the dataset.")] = None,
    lists: Lists = None,
    deep: Deep = False,
    workers: Workers = None,
    engine: Annotated[
        str, typer.Option(metavar="local|dask=ADDRESS", help="Where the work is done.")
    ] = "local",
    as_json: Json = False,
) -> None:
    """Audit a folder of frames and store it as datasets; run it again to go on or to add scenes.

    Example: lldata ingest canon6d/
    """
    where = _engine(workers, engine)
    from lldata import ingest as work  # while the workers' server starts

    _make(work.prepare(src, protocol, name, where, lists), where, deep=deep, as_json=as_json)


@_cli.command()
def synthesize(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of photographs.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset.")],
    protocol: Annotated[str, typer.Option(help="How to darken them.")] = "raise_retinex",
    lists: Lists = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same dataset.")] = 0,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Darken photographs by a formula and store them as pairs; run it again to go on.

    Example: lldata synthesize photographs/ dusk --protocol raise_retinex
    """
    from lldata import synthesise as work

    engine = _engine(workers)
    dataset = work.prepare(src, name, protocol, seed, engine, lists)
    _make([dataset], engine, deep=False, as_json=as_json)


def _make(datasets: Sequence[Any], engine: Any, *, deep: bool, as_json: bool) -> None:
    """Store prepared datasets and print what became of them."""
    from lldata import ingest as work
    from lldata.outputs import summary
    from lldata.sets.splits import only_split
    from lldata.store import open_store

    results, findings, hints = [], [], []
    for dataset in datasets:
        with console.progress(dataset.name, len(dataset.plan.scenes)) as advance:
            for _ in work.ingest(dataset, engine, deep=deep):
                advance()
        stored = open_store(dataset.path)
        results.append(summary.brief(stored))
        findings += stored.findings
        hints.append(only_split(stored))
    if as_json:
        console.print_json({"datasets": results})
        return
    _answer(findings, sum(r["scenes"] for r in results))
    columns = ("dataset", "scenes", "pairs", "quarantined", "digest")
    console.print_table("Datasets", columns, [
        (r["name"], r["scenes"], r["pairs"], r["quarantined"], r["digest"][:12]) for r in results
    ])  # fmt: skip
    for result in results:
        console.say(f"{result['name']}: {result['path']}")
    for said in filter(None, hints):
        console.say_wrapped(said)


def _answer(findings: Sequence[Any], scenes: int) -> None:
    """Say first which scenes to shoot again, then why, then what each audit found."""
    from lldata.outputs import verdict

    found = verdict.verdicts(findings)
    console.say_wrapped(verdict.headline(findings, scenes))
    if found:
        columns = ("scene", "verdict", "audit", "what was found")
        console.print_table("", columns, verdict.rows(found))
    for said in verdict.of_lists(findings):
        console.say_wrapped(f"Lists: {said}.")
    rows = verdict.counts(findings)
    if rows:
        console.print_table("Audits, number of scenes", ("audit", *verdict.ORDER), rows)


@_cli.command("ls")
def list_datasets(as_json: Json = False) -> None:
    """List the datasets under $LLDATA_HOME (default ~/lldata).

    Example: lldata ls
    """
    from lldata.outputs import summary
    from lldata.store import datasets, home

    rows = [_brief_or_reason(name) for name in datasets()]
    if as_json:
        console.print_json(rows)
    elif rows:
        columns = tuple(summary.BRIEF.values())
        table = [tuple(row[key] for key in summary.BRIEF) for row in rows]
        console.print_table(str(home()), columns, table)
    else:
        console.say(f"{home()} holds no datasets yet. Make one: lldata ingest FOLDER")


def _brief_or_reason(name: str) -> dict[str, Any]:
    from lldata.outputs import summary
    from lldata.store import home, open_store

    try:
        return summary.brief(open_store(name))
    except StoreError as error:
        console.say(str(error))
        return {**dict.fromkeys((*summary.BRIEF, "digest")), "name": name,
                "path": str(home() / name)}  # fmt: skip


@_cli.command()
def show(
    datasets: Annotated[list[str], typer.Argument(metavar="D", help="Datasets: names or folders.")],
    as_json: Json = False,
) -> None:
    """Show what a dataset holds: splits, ratios, ISO values (of usable pairs), digests.

    Of several datasets: one table of all their usable pairs. digest tells one
    content from another, rendered its references as LibRaw developed them.

    Example: lldata show canon6d_iso200 canon6d_iso12600
    """
    from lldata.outputs import summary
    from lldata.store import open_store
    from lldata.view import open_view

    if len(datasets) > 1:
        _show_view(open_view(datasets), as_json=as_json)
        return
    document = summary.full(open_store(datasets[0]))
    if as_json:
        console.print_json(document)
    else:
        console.print_table(document["name"], ("", ""), summary.lines(document))


def _show_view(view: Any, *, as_json: bool) -> None:
    from lldata.outputs import summary

    rows, usable = view.counts(), view.usable()
    document = {
        "datasets": [summary.brief(store) for store in view.stores.values()],
        "pairs": len(view.pairs), "usable": len(usable), "rows": rows, **summary.numbers(usable),
    }  # fmt: skip
    if as_json:
        console.print_json(document)
        return
    columns = ("dataset", "iso", "split", "ratio", "pairs")
    table = [tuple(row[c] for c in columns) for row in rows]
    console.print_table(f"{len(usable)} usable pairs of {len(view.pairs)}", columns, table)


@_cli.command()
def verify(
    dataset: DatasetName,
    deep: Annotated[bool, typer.Option("--deep", help="Recompute every digest too.")] = False,
    as_json: Json = False,
) -> None:
    """Compare a dataset's files with its index; exit 1 if anything differs.

    Example: lldata verify canon6d_iso12600 --deep
    """
    from lldata.outputs import pack as packing
    from lldata.store import open_store

    store = open_store(dataset)
    problems: list[dict[str, str | None]] = []
    with console.progress("verifying", len(store.scenes) + 1) as advance:
        for scene, wrong in packing.problems(store, deep=deep):
            problems += [{"scene": scene or None, "message": said} for said in wrong]
            advance()
    if as_json:
        console.print_json({"name": store.name, "scenes": len(store.scenes), "digest": store.digest,
                            "problems": problems})  # fmt: skip
    else:
        for problem in problems:
            console.say(f"{dataset}: {problem['scene'] or 'the dataset'}: {problem['message']}")
        found = console.counted(len(problems), "problem")
        console.say(f"{dataset}: {console.counted(len(store.scenes), 'scene')}, {found}")
    if problems:
        raise typer.Exit(1)


@_cli.command()
def index(
    dataset: Annotated[str, typer.Argument(metavar="D", help="Dataset: its name or its folder.")],
    as_json: Json = False,
) -> None:
    """Rebuild a dataset's index from its scene files.

    Example: lldata index canon6d_iso12600
    """
    from datetime import UTC, datetime

    from lldata import store as stores
    from lldata import upkeep
    from lldata.outputs import summary

    path = stores.dataset_path(dataset)
    if path.is_file():
        raise StoreError(
            path,
            "it is a packed dataset",
            "an index is rebuilt in a dataset's folder",
            "Make the pack anew with lldata pack",
        )
    if not (path / "scenes").is_dir():
        raise StoreError(
            f"dataset {dataset}",
            f"{path} holds no scenes",
            "an index is built from scene files",
            "Correct the name",
        )
    upkeep.build_index(path, datetime.now(UTC).isoformat(timespec="seconds"))
    document = summary.brief(stores.open_store(path))
    if as_json:
        console.print_json(document)
    else:
        held = [console.counted(document[f"{noun}s"], noun) for noun in ("scene", "pair")]
        console.say(f"{document['name']}: {', '.join(held)}")


@_cli.command()
def pack(dataset: DatasetName, out: PackPath, as_json: Json = False) -> None:
    """Make one self-contained .h5 of a dataset; every command reads it as it reads the folder.

    Example: lldata pack canon6d_iso12600 canon6d.h5
    """
    from lldata.outputs import pack as packing
    from lldata.store import open_store

    store = open_store(dataset)
    with console.progress("packing", 2 * len(store.scenes) + 1) as advance:
        packed = packing.pack(store, out, advance)
    if as_json:
        console.print_json({**packed.as_json(), "name": store.name, "digest": store.digest})
    else:
        scenes = console.counted(packed.scenes, "scene")
        console.say(f"{out}: {scenes}, {packed.bytes / 1e6:.1f} MB, verified")


@_cli.command()
def export(
    dataset: DatasetName,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make, or to go on in.")],
    form: Annotated[str, typer.Option("--format", help="dng, png16 or npy.")] = "dng",
    split: Annotated[str | None, typer.Option(help="This split only.")] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Write a dataset as DNG and PNG files that lldata ingest takes again, or as arrays.

    Example: lldata export canon6d_iso12600 canon6d/ --split test
    """
    from lldata.outputs import export as exporting
    from lldata.store import open_store

    store = open_store(dataset)
    scenes = exporting.scenes_of(store, split)
    with console.progress("exporting", len(scenes)) as advance:
        for _ in exporting.export(store, out, form, split, _engine(workers)):
            advance()
    written = exporting.written_form(store, form)
    document = {"path": str(out), "name": store.name, "format": written, "scenes": len(scenes)}
    if as_json:
        console.print_json(document)
    else:
        console.say(f"{out}: {len(scenes)} scenes of {store.name} as {written}")


@_cli.command()
def report(
    dataset: DatasetName,
    out: Annotated[Path | None, typer.Option(help="HTML file; else D.html here.")] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Write one HTML file: what to shoot again, contact sheet, exposures, shifts, every finding.

    Example: lldata report canon6d_iso12600 --out canon.html
    """
    from lldata import report as reporting
    from lldata.store import open_store

    store = open_store(dataset)
    path = Path(f"{store.name}.html") if out is None else out
    with console.progress("drawing", reporting.shown_count(store)) as advance:
        reporting.write_report(store, path, _engine(workers), advance)
    if as_json:
        console.print_json({"path": str(path), "name": store.name, "bytes": path.stat().st_size})
    else:
        console.say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
