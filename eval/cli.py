"""The command `lleval`: methods run on datasets, scores, records. A thin skin on the library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lldata import console
from lldata.errors import LowLightError

_HELP = {"help_option_names": ["-h", "--help"]}
_cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings=_HELP, help="Run methods on datasets, score them, publish the scores.",
)  # fmt: skip
_board = typer.Typer(
    no_args_is_help=True,
    context_settings=_HELP,
    help="Make the site, submit runs, check submissions.",
)
_KEEPERS = ("run", "train", "enhance", "reproduce", "matrix", "sweep")  # what they finished stays
_cli.add_typer(_board, name="leaderboard")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Model = Annotated[str, typer.Option("--model", metavar="M", help="Method: lleval models.")]
MaybeModel = Annotated[str | None, typer.Option("--model", metavar="M", help="lleval models.")]
Dataset = Annotated[str, typer.Option("--dataset", metavar="D", help="Name or folder.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Option of the method.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of every random choice.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Weights = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Folder of a training, or a .safetensors.")
]
Metrics = Annotated[str | None, typer.Option(metavar="A,B", help="Names: lleval metrics.")]
Download = Annotated[bool, typer.Option("--download", help="Let pyiqa fetch what it lacks.")]


def app() -> None:
    """Run the command line and end the process."""
    console.run_app(_cli, "lleval", _resumed, _KEEPERS)


def _resumed(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments that go on with an interrupted command."""
    again = list(arguments)
    return [*again, "--resume"] if "train" in again[:2] and "--resume" not in again else again


@_cli.callback()
def _main(
    verbose: Annotated[int, typer.Option("-v", count=True, help="Say more; -vv for all.")] = 0,
) -> None:
    console.log_to_stderr(verbose)


@_cli.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="M", help="One method.")] = None,
    as_json: Json = False,
) -> None:
    """List the methods, or show one with its options.

    Example: lleval models sid
    """
    from eval import listing

    if name is not None:
        facts = listing.model(name)
        if as_json:
            console.print_json(facts)
        else:
            _say_model(facts)
        return
    rows = listing.models()
    if as_json:
        console.print_json(rows)
        return
    heads = ("name", "domain", "trainable", "reference use", "parameters")
    console.print_table("Methods", heads, [
        [row[head.replace(" ", "_")] for head in heads] for row in rows
    ])  # fmt: skip
    for line in listing.MEANINGS_OF_MODELS:
        console.say(line)


@_cli.command()
def metrics(
    check: Annotated[
        bool, typer.Option("--check", help="Compare each with another implementation.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --check: pictures with their printed scores."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the metrics: unit, direction, what each reads, the id of its definition.

    With --check each is computed by somebody else too, on pictures made here and
    on those of --data (dist/, ref/, official_scores.csv); exit 1 where the two
    disagree.

    Example: lleval metrics --check
    """
    from eval import listing

    if check:
        _check_metrics(data, as_json=as_json)
        return
    if data is not None:
        raise LowLightError(
            f"--data {data}", "nothing is compared with it", "that is done by --check",
            "Add --check",
        )  # fmt: skip
    rows = listing.metrics()
    if as_json:
        console.print_json(rows)
        return
    console.print_table("Metrics", ("name", "unit", "better", "reads", "definition"), [
        (r["name"], r["unit"], r["better"], ", ".join(r["reads"]), r["definition"]) for r in rows
    ])  # fmt: skip
    console.say("pyiqa:NAME: any metric of pyiqa (extra iqa), for example pyiqa:niqe, pyiqa:piqe")
    console.say("what each of ours is: docs/metrics.md, also in the site's documentation")


def _check_metrics(data: Path | None, *, as_json: bool) -> None:
    from eval.cross_check.report import COLUMNS, compared, document, rows, said

    found = compared(data, console.progress)
    if as_json:
        console.print_json(document(found))
    else:
        console.print_table("Metrics beside other implementations", COLUMNS, rows(found))
        for line in said(found):
            console.say(line)
    if any(one.status == "fail" for one in found):
        raise typer.Exit(1)


@_cli.command()
def tracks(as_json: Json = False) -> None:
    """List the tracks: which pairs of which dataset are scored with what.

    Example: lleval tracks
    """
    from eval import listing

    rows = listing.tracks()
    if as_json:
        console.print_json(rows)
    elif rows:
        columns = ("name", "dataset", "split", "metrics", "title")
        console.print_table(
            "Tracks", columns, [[_text(row[key]) for key in columns] for row in rows]
        )
    else:
        console.say("no track is kept yet; lleval run scores any split of any dataset without one")


@_cli.command()
def weights(as_json: Json = False) -> None:
    """List finished weights: what each was trained on, its hash and validation score.

    Example: lleval weights
    """
    from eval.kept_weights import finished

    rows = finished(console.say)
    if as_json:
        console.print_json([vars(row) for row in rows])
    elif rows:
        columns = ("method", "dataset", "training", "steps", "val psnr", "sha256")
        console.print_table("Weights", columns, [
            (w.method, w.dataset, w.path.name, w.steps, w.validation_psnr, w.sha256[:8])
            for w in rows
        ])  # fmt: skip
    else:
        console.say("no weights are finished yet; lleval train makes some")


@_cli.command()
def train(
    model: Model,
    dataset: Dataset,
    preset: Annotated[str, typer.Option(help="quick (minutes) or paper.")] = "quick",
    steps: Annotated[
        int | None, typer.Option(min=1, help="How many, instead of the preset's.")
    ] = None,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    device: Device = "auto",
    noise_model: Annotated[
        str | None,
        typer.Option(
            "--noise-model",
            metavar="C",
            help="Make shorts of longs with the noise of a camera: what lldata calibrate kept.",
        ),
    ] = None,
    options: Sets = None,
    perceptual: Annotated[
        str | None, typer.Option(help="Network that compares regions: vgg19, random or none.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of weights.")] = None,
    as_json: Json = False,
) -> None:
    """Train a method on the train split of a dataset.

    Example: lleval train --model sid --dataset canon6d_iso12600
    """
    from eval.training import train_method

    folder = train_method(
        model, dataset, tell=console.say, preset=preset, steps=steps, seed=seed, resume=resume,
        device=device, options=_options(options), out=out, noise_model=noise_model,
        perceptual=perceptual,
    )  # fmt: skip
    if folder is None:  # another process of this training speaks
        return
    if as_json:
        console.print_json({"method": model, "dataset": dataset, "weights": folder})
    else:
        console.say(f"{folder}: finished. Next: lleval run --model {model} --dataset {dataset}")


@_cli.command()
def run(
    dataset: Dataset,
    model: MaybeModel = None,
    outputs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures an outside method made: SCENE/SHORT.png."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="X", help="What the outside method is called.")
    ] = None,
    track: Annotated[str | None, typer.Option(help="Name: lleval tracks.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test; default test.")] = None,
    weights: Weights = None,
    metrics: Metrics = None,
    options: Sets = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write.")] = None,
    limit: Annotated[int | None, typer.Option(help="The first N pairs; never ranked.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes of one thread each; default this one alone.")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="local|dask=ADDRESS", help="Where the work is done.")
    ] = "local",
    device: Device = "auto",
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Run a method on a dataset and score it; run it again to go on where it stopped.

    Finished pairs are kept; a clip counts as one, and begins anew if it was
    interrupted.

    An outside method takes part with a folder of pictures: --outputs DIR --name X
    in place of --model. DIR/method.toml may tell its source, licence,
    parameters, reference_use and trained_on.

    Example: lleval run --model lime --dataset canon6d_iso12600
    """
    from eval.pages.summary import remarks, scores_of
    from eval.run import run as work
    from eval.running.settings import Settings

    settings = Settings(
        method=_method(model, outputs, name), dataset=dataset, track=track, split=split,
        weights=weights, outputs=outputs,
        metrics=_names(metrics), options=_options(options), seed=seed, out=out, limit=limit,
        workers=workers, engine=engine, device=device, download=download,
    )  # fmt: skip
    done = work(settings, tell=console.say, progress=console.progress)
    record = done.record
    scores = scores_of(record)
    if as_json:
        console.print_json({
            "method": record.method, "dataset": record.dataset, "track": record.track,
            "scores": {
                one.metric: {**one.found.plain(), "definition": one.definition} for one in scores
            },
            "record": done.record_path, "report": done.report_path,
        })  # fmt: skip
        return
    title = f"{record.method} ({record.label}) on {record.track}"
    console.print_table(title, ("metric", "mean", "95 % interval", "pairs", "definition"), [
        (one.metric, one.mean, _interval(one.found.ci95), one.found.n, one.definition)
        for one in scores
    ])  # fmt: skip
    for line in remarks(scores):
        console.say(line)
    console.say(f"record {done.record_path}")
    console.say(f"report {done.report_path}")


@_cli.command()
def matrix(
    model: Model,
    datasets: Annotated[
        str, typer.Option(metavar="A,B", help="Trained on each of them, scored on each.")
    ],
    split: Annotated[str | None, typer.Option(help="train, val or test; default test.")] = None,
    metrics: Metrics = None,
    options: Sets = None,
    limit: Annotated[int | None, typer.Option(help="The first N pairs of each.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Score a trained method on every camera it was trained for: train sensor x test sensor.

    It takes the newest finished weights of each dataset; run it again to go on.

    Example: lleval matrix --model sid --datasets canon6d_iso200,canon6d_iso12600
    """
    from eval.running.settings import Settings
    from eval.studies import matrix as study

    settings = Settings(
        method=model, dataset="", split=split, metrics=_names(metrics),
        options=_options(options), limit=limit, device=device,
    )  # fmt: skip
    cells = study.matrix(
        _names(datasets, "--datasets"), settings, tell=console.say, progress=console.progress
    )
    if as_json:
        console.print_json(study.document(cells))
        return
    for title, columns, rows in study.tables(cells):
        console.print_table(title, columns, rows)
    for note in study.notes(cells):
        console.say_wrapped(note)


@_cli.command()
def sweep(
    model: Model,
    dataset: Dataset,
    axis: Annotated[
        str | None, typer.Option(metavar="A,B", help="Such as ratio,black_level; default all.")
    ] = None,
    track: Annotated[str | None, typer.Option(help="Name: lleval tracks.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test; default test.")] = None,
    weights: Weights = None,
    metrics: Metrics = None,
    options: Sets = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to write.")] = None,
    limit: Annotated[int | None, typer.Option(help="The first N pairs.")] = None,
    workers: Annotated[int, typer.Option(help="Processes, for classical methods.")] = 1,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Disturb a method's input in steps and say how much it loses; run it again to go on.

    RAW frames: brightness, ratio, black_level, white_balance, read_noise,
    hot_pixels, eight_bit. Pictures and clips: brightness, noise, eight_bit.

    Example: lleval sweep --model amplify --dataset canon6d_iso12600 --axis ratio
    """
    from eval.running.settings import Settings
    from eval.studies import swept
    from eval.studies.sweep import sweep as work

    settings = Settings(
        method=model, dataset=dataset, track=track, split=split, weights=weights,
        metrics=_names(metrics), options=_options(options), seed=seed, out=out, limit=limit,
        workers=workers, device=device,
    )  # fmt: skip
    found = work(settings, _names(axis, "--axis"), tell=console.say, progress=console.progress)
    if as_json:
        console.print_json(swept.document(found))
        return
    for title, columns, rows in swept.tables(found):
        console.print_table(title, columns, rows)
    console.say(f"record {found.path}")
    console.say(f"plots {found.path.parent}/*.svg")


@_cli.command("profile")
def profile_model(
    model: Model,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of the frame, in pixels of its mosaic.")
    ] = None,
    options: Sets = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Measure what a method costs on one frame: operations, seconds, peak memory.

    Example: lleval profile --model sid --size 2848x4256
    """
    from baselines.method import info
    from eval.profile import SIZES, parsed_size, profile, said

    chosen = parsed_size(size) if size else SIZES[info(model).domain]
    console.say(f"{model}: one frame of {chosen[0]}x{chosen[1]}, untrained")
    found = profile(model, chosen, device=device, options=_options(options))
    if as_json:
        console.print_json(vars(found))
    else:
        console.print_table(model, ("", ""), said(found))


@_cli.command()
def reproduce(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="One of those listed without it.")
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", metavar="D", help="Yours, of a part of the table; repeat it."),
    ] = None,
    pairs: Annotated[
        str | None, typer.Option(help="Which pairs the paper may have counted, as 88 or 89.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="The first N pairs of each.")] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of the frame to time, where it is timed.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of a figure.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Run what a table of a paper is about and print ours beside the printed figures.

    Without --dataset it runs on simulated captures, made on first use and called
    so. Without TABLE the tables are listed.

    Example: lleval reproduce canon-table-1 --limit 4
    """
    from eval.profile import parsed_size
    from eval.studies import beside
    from eval.studies.reproduce import Asked
    from eval.studies.reproduce import reproduce as work

    if table is None:
        listed = beside.listed()
        if as_json:
            console.print_json(listed)
        else:
            columns = ("name", "kind", "where", "title")
            rows = [[one[key] for key in columns] for one in listed]
            console.print_table("What papers print", columns, rows)
        return
    asked = Asked(
        tuple(datasets or ()), pairs, limit, None if size is None else parsed_size(size), device,
        out,
    )  # fmt: skip
    found = work(table, asked, tell=console.say, progress=console.progress)
    if as_json:
        console.print_json(beside.document(found))
        return
    console.print_table(found.table.title, beside.columns(found), beside.rows(found))
    for note in beside.notes(found):
        console.say_wrapped(note)


@_cli.command()
def enhance(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="RAW file, image, folder or video.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Image, folder or video to write.")
    ],
    model: Model,
    options: Sets = None,
    weights: Weights = None,
    ratio: Annotated[
        str | None, typer.Option(metavar="R|auto", help="Amplification of a RAW file.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write input and output side by side.")
    ] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="The folder holds the frames of one clip.")
    ] = False,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="Average a clip's frames along their motion.")
    ] = False,
    fps: Annotated[str | None, typer.Option(help="Frames per second of the video written.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Enhance your own RAW file, image (8 or 16 bits), folder of them, or clip.

    A folder's pictures are photographs, each by itself, unless --clip, a method
    for clips or a video as OUTPUT makes them the frames of one clip. An
    interrupted clip is gone on with where it stopped.

    Example: lleval enhance --model lime night.jpg night-lime.jpg
    """
    from eval.enhancing.clip_source import wanted_rate
    from eval.enhancing.enhance import enhance as work
    from eval.enhancing.task import Enhancement

    task = Enhancement(
        model, source, target, _options(options), weights, _ratio(ratio), compare, device,
        clip, smooth, wanted_rate(fps),
    )  # fmt: skip
    written = work(task, tell=console.say, progress=console.progress)
    if as_json:
        console.print_json({"method": model, "written": written})
    else:
        for path in written[:5]:
            console.say(str(path))
        if len(written) > 5:
            console.say(f"and {len(written) - 5} more in {target}")


@_cli.command()
def score(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The image to score.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Its reference.")],
    given: Annotated[
        Path | None, typer.Option("--input", metavar="IMAGE", help="What the method was given.")
    ] = None,
    metrics: Metrics = None,
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Score an image against its reference.

    Example: lleval score output.png reference.png --metrics psnr,ssim,mae
    """
    from eval.images import rgb
    from eval.metrics import find_metrics, score_images

    chosen = find_metrics(_names(metrics) or ("psnr", "ssim"), download=download)
    scores = score_images(rgb(output), rgb(target), chosen, None if given is None else rgb(given))
    if as_json:
        console.print_json(scores)
        return
    console.print_table(output.name, ("metric", "score", "unit", "definition"), [
        (metric.name, scores[metric.name], metric.unit, metric.definition) for metric in chosen
    ])  # fmt: skip


@_cli.command()
def compare(
    records: Annotated[
        list[Path], typer.Argument(metavar="RECORD", help="Files or run folders, two or more.")
    ],
    metric: Annotated[str, typer.Option(help="Which score to compare.")] = "psnr",
    as_json: Json = False,
) -> None:
    """Compare records pair by pair: difference, interval, p-value (Holm-corrected).

    Example: lleval compare lime--default gamma--default
    """
    from eval.comparison import compare as work
    from eval.running.folder import record_path
    from eval.ties import called, in_words, renamed, tied_with_best
    from eval.valid import read_valid

    read = [read_valid(record_path(path)) for path in records]
    names = called(read, records)
    found = renamed(work(read, metric, tell=console.say), names)
    tied = tied_with_best(read, found)
    if as_json:
        best = [name for name, is_tied in zip(names, tied, strict=True) if is_tied]
        console.print_json({"pairs": [vars(one) for one in found], "tied_with_best": best})
        return
    console.print_table(f"{metric}: a minus b", ("a", "b", "difference", "95 %", "p", "pairs"), [
        (c.a, c.b, c.difference, _interval(c.ci95), c.p_value, c.n) for c in found
    ])  # fmt: skip
    console.say_wrapped(in_words(found, names, tied))


@_cli.command()
def verify(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Its file or run folder.")],
    from_outputs: Annotated[
        bool, typer.Option("--from-outputs", help="Score the outputs kept beside it again.")
    ] = False,
    rerun: Annotated[bool, typer.Option("--rerun", help="Run the method again.")] = False,
    dataset: Annotated[
        str | None, typer.Option(metavar="D", help="Name or folder; default the record's.")
    ] = None,
    weights: Weights = None,
    options: Sets = None,
    device: Annotated[str | None, typer.Option(help="Default the record's.")] = None,
    as_json: Json = False,
) -> None:
    """Say which level a record reaches: reported, recomputed or rerun; exit 1 if it differs.

    Without an option: whether its parts agree, and the data, weights and
    definitions at hand are its own. --set KEY=PATH gives a file that the record
    knows by name and hash only.

    Example: lleval verify lime--default --from-outputs
    """
    from eval.verification.verify import Asked
    from eval.verification.verify import verify as work

    asked = Asked(record, _how(from_outputs, rerun), dataset, weights, _options(options), device)
    found = work(asked, progress=console.progress)
    if as_json:
        console.print_json(found.document())
    else:
        rows = [(one.status, one.check, one.message) for one in found.findings]
        console.print_table(found.path.name, ("", "", ""), rows)
        console.say(f"{found.path}: {found.level or 'not verified'}")
    if found.level is None:
        raise typer.Exit(1)


@_board.command("build")
def build_board(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the site; default .site.")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(metavar="DIR", help="More records; default your runs.")
    ] = None,
    pictures: Annotated[
        list[str] | None,
        typer.Option(metavar="D", help="Publish pictures of dataset D: its licence must let you."),
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder docs of the source: its pages too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the static leaderboard site of the shipped records and your own.

    Without --out it is written to $LLDATA_HOME/.site. Pictures are shown of no
    dataset that --pictures does not name. With --docs the documentation is part
    of it (extra docs).

    Example: lleval leaderboard build --out site/ --docs docs/
    """
    from eval.listing import record_paths, sweep_paths
    from eval.site.build import build
    from eval.site.data import tables
    from lldata.console import counted
    from lldata.store import home

    found = record_paths(records)
    page = build(found, out or home() / ".site", pictures or (), sweep_paths(records), docs)
    if as_json:
        console.print_json({"page": page, "records": len(found)})
        return
    for title, columns, rows in tables(page.parent):
        console.print_table(title, columns, rows)
    console.say(f"{page}: {counted(len(found), 'record')}")


@_board.command("submit")
def submit_run(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Its file or run folder.")],
    out: Annotated[Path, typer.Option(metavar="BUNDLE.zip", help="File to write.")],
    owner: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Who may correct the entry.")
    ] = None,
    corrects: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Of the bundle of an older own entry.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="D", help="Name or folder; default the record's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bundle a run for the leaderboard: its record and outputs, every score verified first.

    Example: lleval leaderboard submit lime--default --owner ME --out lime.zip
    """
    from eval.submission.submit import Submission, submit

    asked = Submission(record, out, owner, corrects, dataset)
    made = submit(asked, progress=console.progress)
    if as_json:
        console.print_json({"bundle": made.path, "sha256": made.sha256, "track": made.record.track})
        return
    if owner is None:
        console.say("no --owner: nobody will be able to correct this entry")
    console.say(f"{made.path}: {made.record.file_name} on {made.record.track}")
    console.say(f"sha256 {made.sha256}")


@_board.command("check")
def check_bundles(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE", help="Files of submit.")],
    dataset: Annotated[
        str | None, typer.Option(metavar="D", help="Name or folder; default each record's.")
    ] = None,
    entries: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Entries so far; default the shipped.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Who submits; else not asked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check submissions and recompute every score from their pictures; exit 1 if one fails.

    Example: lleval leaderboard check lime.zip --entries leaderboard/records
    """
    from eval.submission.check import Checking, check

    verdicts = check(Checking(bundles, dataset, entries, owner, console.progress))
    if as_json:
        console.print_json({"bundles": [verdict.document() for verdict in verdicts]})
    for verdict in () if as_json else verdicts:
        rows = [(one.status, one.check, one.message) for one in verdict.findings]
        console.print_table(verdict.path.name, ("", "", ""), rows)
        console.say(f"{verdict.path}: {'recomputed' if verdict.passed else 'refused'}")
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)


def _method(model: str | None, outputs: Path | None, name: str | None) -> str:
    """Return the method to run, or what the outside one is called, "" if its folder says so."""
    if (model is None) != (outputs is None) and (outputs is not None or name is None):
        return str(model if outputs is None else name or "")
    raise LowLightError(
        "lleval run", "it is told of no method, or of two", "it takes one",
        "Give --model M, or --outputs DIR --name X for an outside method",
    )  # fmt: skip


def _how(from_outputs: bool, rerun: bool) -> Any:
    """Return how a record is verified."""
    if from_outputs and rerun:
        raise LowLightError(
            "lleval verify", "both --from-outputs and --rerun are given", "one is done at a time",
            "Leave one out",
        )  # fmt: skip
    return "outputs" if from_outputs else "rerun" if rerun else "claims"


def _names(text: str | None, flag: str = "--metrics") -> tuple[str, ...]:
    """Return the names that stand with commas between, each once; none where nothing is given."""
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    if text is not None and not names:
        raise LowLightError(
            f"{flag} '{text}'", "it names nothing", "one name at least is needed",
            "Leave it out, or name some with commas between",
        )  # fmt: skip
    return names


def _options(texts: Sequence[str] | None) -> dict[str, Any]:
    """Return KEY=VALUE texts as options: numbers, true and false become such."""
    options: dict[str, Any] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not key.isidentifier() or not equals:
            raise LowLightError(
                f"--set {text}", "this sets nothing", "KEY=VALUE is needed",
                "Write for example --set alpha=0.15",
            )  # fmt: skip
        options[key] = _value(value)
    return options


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _ratio(text: str | None) -> Any:
    if text in (None, "auto"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise LowLightError(
            f"--ratio {text}", "this is no ratio", "a positive number or auto is needed",
            "Write for example --ratio 100",
        )  # fmt: skip
    return value


def _interval(ci95: tuple[float, float] | None) -> str | None:
    return None if ci95 is None else f"{ci95[0]:.4g} to {ci95[1]:.4g}"


def _say_model(facts: dict[str, Any]) -> None:
    said = facts.pop("meanings") or {}
    options = [(key, _as_set(value), said[key]) for key, value in (facts["options"] or {}).items()]
    facts["options"] = "as below, by --set OPTION=VALUE" if options else "none"
    if "missing" in facts:
        facts["options"] = None
    console.print_table(facts["name"], ("", ""), _flat(facts))
    if options:
        console.print_table("Options", ("option", "default", "meaning"), options)


def _as_set(value: object) -> str | None:
    """Return a default as `--set` takes it, None where there is none."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(_text(value)).replace(" ", "")


def _flat(facts: dict[str, Any]) -> list[tuple[str, object]]:
    return [(key, _text(value)) for key, value in facts.items()]


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or None
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
