"""Write a dataset as files that any program reads, in the folders that ingest takes again.

Mosaics become DNG, references and ready pictures PNG of their own bits; or pictures alone, as
pairs; or NumPy arrays. Whatever files of a scene are there already stay: so an export goes on.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata import cfa, publish, store
from lldata.dng import dng_bytes
from lldata.engine import Local, Unit, run_units
from lldata.errors import LowLightError, StoreError
from lldata.frame import Frame
from lldata.pairing import SIDE_TABLE, TRUTH
from lldata.reading import origin
from lldata.render import render
from lldata.scene import canonical_json
from lldata.stated import stated
from lldata.store import Store

Form = Literal["dng", "png16", "npy"]
MANIFEST = "export.json"  # of which dataset and in which form the folder is
TABLE = "pairs.csv"
_FOLDERS = {"short": "short", "long": "long", "low": "low", "normal": "high", "target": "target"}
_PNG_EFFORT = [cv2.IMWRITE_PNG_COMPRESSION, 3]  # a third of the time of 9, 2 % larger
_TIMEOUT_S = 3600.0  # a scene of an ultra-high-resolution clip has thousands of frames


@dataclass(frozen=True)
class Job:
    """One scene to export."""

    dataset: Store
    scene: str
    out: Path
    form: Form
    folders: Mapping[str, str]


def export(
    dataset: Store, out: Path, form: str = "dng", split: str | None = None,
    engine: Local | None = None,
) -> Iterator[str]:  # fmt: skip
    """Export a dataset, or one split of it, and yield each scene as its files are there.

    Parameters
    ----------
    out : a new or empty folder, or one that an export of the same dataset and form was begun in
    form : dng, png16 or npy

    Raises
    ------
    LowLightError
        If there is no such form or split, `out` holds something else, or the dataset's protocol
        is malformed.
    """
    chosen = written_form(dataset, form)
    scenes = scenes_of(dataset, split)
    folders = {**_FOLDERS, **_named_folders(dataset)}
    group = _group_column(dataset)
    _begin(dataset, out, chosen, split)
    _write_tables(dataset, scenes, out, chosen, group)
    units = (
        Unit(scene, export_scene, (Job(dataset, scene, out, chosen, folders),)) for scene in scenes
    )
    for unit, result in run_units(units, engine or Local(timeout_s=_TIMEOUT_S)):
        if isinstance(result, BaseException):
            raise result
        yield unit.key


def written_form(dataset: Store, form: str) -> Form:
    """Return the form files get: pictures and clips have no mosaics, so that their DNG is PNG.

    Raises
    ------
    LowLightError
        If there is no such form.
    """
    if form not in get_args(Form):
        raise LowLightError(
            f"--format {form}", "there is none of that name",
            f"the formats are {', '.join(get_args(Form))}", "Choose one of them",
        )  # fmt: skip
    if form == "npy":
        return "npy"
    return "dng" if form == "dng" and dataset.kind == "raw" else "png16"


def scenes_of(dataset: Store, split: str | None) -> list[str]:
    """Return the scenes of a dataset, or of one of its splits.

    Raises
    ------
    StoreError
        If it has no such split.
    """
    table = dataset.scenes
    known = sorted(set(table["split"]))
    if split is not None and split not in known:
        raise StoreError(
            f"--split {split}", f"{dataset.name} has none of that name",
            f"its splits are {', '.join(known)}", "Choose one of them",
        )  # fmt: skip
    rows = table if split is None else table[table["split"] == split]
    return [str(scene) for scene in rows["scene"]]


def _begin(dataset: Store, out: Path, form: str, split: str | None) -> None:
    """Claim the folder for this export, or find that it was begun there."""
    mine = {
        "dataset": dataset.name, "digest": dataset.digest, "format": form, "split": split,
        "reference_digest": dataset.reference_digest,
    }  # fmt: skip
    manifest = out / MANIFEST
    if manifest.is_file():
        if manifest.read_bytes() == canonical_json(mine):
            return
        found = f"another export was begun there ({MANIFEST})"
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        found = "it is not empty"
    else:
        publish.write_replacing(manifest, canonical_json(mine))
        return
    raise LowLightError(
        out, found, "a new or empty folder is needed", "Choose another, or empty this one"
    )


def _named_folders(dataset: Store) -> dict[str, str]:
    """Return what the dataset's protocol calls the folders; a bracket lies in one."""
    if stated(dataset, "kind", str) == "bracket":
        return {"short": "", "long": ""}
    names = {kind: stated(dataset, f"files.{kind}", str) for kind in _FOLDERS}
    return {k: name for k, name in names.items() if name is not None and store.is_plain(name)}


def _group_column(dataset: Store) -> str:
    """Return what the dataset's protocol calls the groups in the table beside the frames."""
    return stated(dataset, "files.group", str) or "scene"


# ---- tables beside the frames


def _write_tables(dataset: Store, scenes: list[str], out: Path, form: Form, column: str) -> None:
    """Write what names of files cannot tell: pairs, splits, groups, and where it was simulated.

    `column` is what the protocol calls the groups.
    """
    pairs = dataset.pairs[dataset.pairs["scene"].isin(scenes)]
    publish.write_replacing(out / TABLE, pairs.to_csv(index=False, lineterminator="\n").encode())
    as_pictures = dataset.kind == "raw" and form == "png16"
    for split, rows in pairs.groupby("split"):
        names = rows["short"] if dataset.kind == "raw" else rows["scene"].drop_duplicates()
        publish.write_replacing(out / f"{split}.txt", "".join(f"{n}\n" for n in names).encode())
    table = dataset.scenes[dataset.scenes["scene"].isin(scenes)]
    if dataset.kind == "raw" and column != "scene" and not as_pictures:
        groups = table.rename(columns={"scene": "id", "group": column})[["id", column]]
        data = groups.to_csv(index=False, lineterminator="\n").encode()
        publish.write_replacing(out / SIDE_TABLE, data)
    origins = {s: o for s, o in zip(table["scene"], table["origin"], strict=True) if o}
    if origins:
        note = {"format": 1, "software": "lldata export", "sources": origins}
        publish.write_replacing(out / TRUTH, json.dumps(note, indent=1).encode())


# ---- one scene


def export_scene(job: Job) -> None:
    """Write the files of one scene that are not there yet."""
    if job.dataset.kind == "clips":
        _export_clips(job)
    elif job.dataset.kind == "pictures":
        _export_pictures(job)
    elif job.form == "png16":
        _export_rendered(job)
    else:
        _export_frames(job)


def _export_frames(job: Job) -> None:
    path, opened = store.scene_path(job.dataset.path, job.scene), job.dataset
    frames = store.frame_names(path)
    for kind in ("short", "long"):
        for name in frames[kind]:
            frame = opened.frame(job.scene, name, kind)
            if job.form == "dng":
                _write_dng(job.out / job.folders[kind] / f"{name}.DNG", frame)
            else:
                _write_arrays(job, kind, name, frame)
    for name in frames["reference"]:
        picture = opened.reference(job.scene, name)
        if job.form == "npy":
            _write_npy(job.out / "reference" / f"{name}.npy", picture)
        else:  # a ready one stands for the long frame
            folder = "reference" if name in frames["long"] else job.folders["long"]
            _write_png(job.out / folder / f"{name}.png", picture)


def _export_rendered(job: Job) -> None:
    """Write each short as LibRaw renders it beside its reference, as ready pairs."""
    pairs = job.dataset.pairs
    for row in pairs[pairs["scene"] == job.scene].itertuples():
        short, reference = str(row.short), str(row.reference)
        low = job.out / "low" / f"{short}.png"
        if not low.exists():
            _write_png(low, render(job.dataset.frame(job.scene, short)))
        high = job.out / "high" / f"{short}.png"
        if not high.exists():
            _write_png(high, job.dataset.reference(job.scene, reference))


def _export_pictures(job: Job) -> None:
    names = store.frame_names(store.scene_path(job.dataset.path, job.scene))
    for kind in ("low", "normal"):
        for name in names[kind]:
            picture, _ = job.dataset.picture(job.scene, name, kind)
            _write_picture(job, job.out / job.folders[kind] / name, picture)


def _export_clips(job: Job) -> None:
    for name in store.read_scene(store.scene_path(job.dataset.path, job.scene)).clip:
        folder = job.out / job.scene / job.folders.get(name, name)
        count = job.dataset.clip_shape(job.scene, name)[0]
        for number in range(count):
            path = folder / f"{number:06}"
            if not (path.with_suffix(".png").exists() or path.with_suffix(".npy").exists()):
                _write_picture(job, path, job.dataset.clip_frame(job.scene, name, number))


def _write_picture(job: Job, path: Path, picture: NDArray[Any]) -> None:
    if job.form == "npy":
        _write_npy(path.with_name(f"{path.name}.npy"), picture)
    else:
        _write_png(path.with_name(f"{path.name}.png"), picture)


def _write_dng(path: Path, frame: Frame) -> None:
    if not path.exists():
        publish.write_replacing(path, dng_bytes(frame, private=origin.statement(frame)))


def _write_arrays(job: Job, kind: str, name: str, frame: Frame) -> None:
    """Write a mosaic (H, W) uint16, its fields, and of a short its packed planes (C, h, w)."""
    _write_npy(job.out / kind / f"{name}.npy", frame.mosaic)
    fields = json.dumps(frame.metadata(), indent=1, allow_nan=False).encode()
    publish.write_replacing(job.out / kind / f"{name}.json", fields)
    if kind == "short":
        _write_npy(job.out / "packed" / f"{name}.npy", cfa.normalise(frame))


def _write_npy(path: Path, array: NDArray[Any]) -> None:
    if not path.exists():
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
        publish.write_replacing(path, buffer.getbuffer())


def _write_png(path: Path, picture: NDArray[Any]) -> None:
    if path.exists():
        return
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]), _PNG_EFFORT)
    if not done:
        raise LowLightError(
            path, f"a picture of shape {picture.shape} cannot be written",
            "a PNG holds RGB of 8 or 16 bits", "Export it with --format npy",
        )  # fmt: skip
    publish.write_replacing(path, data.tobytes())
