"""What lies beside a dataset for those who find it: a card in Markdown, and Croissant metadata.

Both follow from the index, so that the same dataset has the same card on every machine; the only
date in them is that of the first ingest, which the index keeps.

Source: MLCommons, Croissant Format Specification 1.1; HDF5 has no record sets there, so that files
are named with their sha256 and not described inside.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from lldata import publish, store
from lldata.fetching.sources import sources
from lldata.outputs.sheet import interval
from lldata.outputs.usage import usage
from lldata.stated import stated
from lldata.store import Store
from lldata.synthesis.drawn import ranges

CARD, CROISSANT = "README.md", "croissant.json"
_HDF5 = "application/x-hdf5"
_CONTEXT: dict[str, Any] = {  # of the specification, section "Appendix 1: JSON-LD context"
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "rai":
    "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip


def write_cards(dataset: Store) -> None:
    """Write the card and the Croissant metadata beside a dataset's index, each in one step."""
    croissant = json.dumps(croissant_of(dataset), indent=1, ensure_ascii=False, allow_nan=False)
    publish.write_replacing(dataset.path / CROISSANT, f"{croissant}\n".encode())
    publish.write_replacing(dataset.path / CARD, card_of(dataset).encode())


# ---- Croissant


def croissant_of(dataset: Store) -> dict[str, Any]:
    """Return the Croissant 1.1 metadata of a dataset in a folder, as JSON-LD."""
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": dataset.name,
        "description": _description(dataset),
        "datePublished": dataset.created[:10],
        "version": "1.0.0",
        "identifier": f"sha256:{dataset.digest}",
        "keywords": ["low-light", dataset.protocol, _KINDS[dataset.kind]],
        "citeAs": stated(dataset, "source", str),
        "distribution": [_file_object(*each) for each in _files(dataset)],
    }
    return {key: value for key, value in document.items() if value}


_KINDS = {
    "raw": "RAW frames", "pictures": "pairs of ready pictures", "clips": "unpaired clips",
}  # fmt: skip


def _files(dataset: Store) -> Iterator[tuple[str, int, str]]:
    """Yield name, bytes and sha256 of every file of the dataset: the index, scenes, their parts."""
    data = (dataset.path / "dataset.h5").read_bytes()
    yield "dataset.h5", len(data), hashlib.sha256(data).hexdigest()
    parted = {p.name.partition(".")[0] for p in (dataset.path / "scenes").glob("*.part*.h5")}
    for scene, size, sha256 in dataset.scene_files():
        yield f"scenes/{scene}.h5", size, sha256
        if scene in parted:
            path = store.scene_path(dataset.path, scene)
            for part in store.read_scene(path).parts:
                name = store.part_path(path, part["number"]).name
                yield f"scenes/{name}", part["size"], part["sha256"]


def _file_object(name: str, size: int, sha256: str) -> dict[str, str]:
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name,
        "contentSize": f"{size} B", "encodingFormat": _HDF5, "sha256": sha256,
    }  # fmt: skip


def _description(dataset: Store) -> str:
    title = stated(dataset, "title", str) or dataset.protocol
    scenes, pairs = len(dataset.scene_columns["scene"]), len(dataset.pair_columns["pair"])
    said = (
        f"{title}. {pairs} pairs of {scenes} scenes: {_KINDS[dataset.kind]}, audited by lldata; "
        f"{len(_usable(dataset)['pair'])} pairs are usable."
    )
    return f"{said} Simulated: no camera took these frames." if dataset.synthetic else said


def _usable(dataset: Store) -> dict[str, NDArray[Any]]:
    columns = dataset.pair_columns
    return {name: column[columns["status"] != "quarantine"] for name, column in columns.items()}


# ---- the card

_ABOUT_AUDITS = (
    "Pairs and scenes by what each audit found. Pairs in quarantine stay in the files and out of "
    "every benchmark."
)


def card_of(dataset: Store) -> str:
    """Return the dataset card, Markdown: what it is, its numbers, its limits, how to cite it."""
    usable = _usable(dataset)
    parts = [
        f"# {dataset.name}",
        _description(dataset),
        "## What it holds",
        _table(("", "value"), _facts(dataset)),
        "## Usable pairs",
        _table(("", "pairs"), [
            *((f"split {k}", v) for k, v in _counts(usable["split"])),
            *((f"ratio {k}", v) for k, v in _counts(usable["ratio"].round())),
            *((f"ISO {k}", v) for k, v in _counts(usable["iso"])),
        ]),
        "## Audits",
        _ABOUT_AUDITS,
        _audits(dataset),
        "## Known limits",
        "\n".join(f"- {said}" for said in _limits(dataset)),
        "## Where it comes from",
        _table(("", "value"), _provenance(dataset)),
        "## Citation",
        stated(dataset, "source", str) or "The protocol names no source.",
        "## Use",
        usage(dataset),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _facts(dataset: Store) -> list[tuple[str, object]]:
    make = stated(dataset, "camera.make", str)
    models = "/".join(map(str, stated(dataset, "camera.models", list) or ()))
    named = "-" if make is None else f"{make} {models}".strip()
    size = sum(size for _, size, _ in dataset.scene_files())
    scenes = dataset.scene_columns
    return [
        ("kind", _KINDS[dataset.kind]), ("protocol", dataset.protocol), ("camera", named),
        ("simulated", "yes" if dataset.synthetic else "no"),
        *([("distinct photographs", n)] if (n := dataset.distinct_sources) else []),
        *(("drawn " + key.replace("_", " "), interval(v)) for key, v in ranges(dataset).items()),
        ("scenes", len(scenes["scene"])), ("groups", len(set(scenes["group"]))),
        ("pairs", len(dataset.pair_columns["pair"])),
        ("usable pairs", len(_usable(dataset)["pair"])),
        ("size", f"{size / 1e6:.1f} MB"),
    ]  # fmt: skip


def _counts(column: Any) -> list[tuple[str, int]]:
    values = Counter(v for v in column if not (isinstance(v, float) and math.isnan(v)))
    return [(f"{k:g}" if isinstance(k, float) else str(k), n) for k, n in sorted(values.items())]


def _audits(dataset: Store) -> str:
    counts = Counter((f.check, f.status) for f in dataset.findings)
    order = ("pass", "unknown", "warn", "quarantine")
    rows = [(c, *(counts[c, s] for s in order)) for c in sorted({c for c, _ in counts})]  # type: ignore[index]
    return _table(("audit", *order), rows)


def _limits(dataset: Store) -> list[str]:
    pairs = dataset.pair_columns["status"]
    lost = {f.scene for f in dataset.findings} - set(dataset.scene_columns["scene"])
    quarantined, warned, unknown = (
        int((pairs == status).sum()) for status in ("quarantine", "warn", "unknown")
    )
    judged = (
        f"Of {len(pairs)} pairs {quarantined} are in quarantine, {warned} carry a warning, and "
        f"{unknown} could not be judged by every audit."
    )
    said = [judged]
    if lost:
        said.append(f"{len(lost)} scenes or files are named by findings but not stored.")
    if dataset.synthetic:
        said.append("Simulated frames have the noise of a model, not of a camera.")
    if dataset.kind == "clips":
        said.append(
            "Low and target clips are unpaired: they show different times, no full-reference score "
            "applies between them, and the methods of lleval do not take them yet."
        )
    return said


def _provenance(dataset: Store) -> list[tuple[str, object]]:
    public = sources().get(dataset.protocol)
    licence = [] if public is None or dataset.synthetic else [
        ("public set of this protocol", public.page),
        ("its licence, where these frames are its", public.licence),
    ]  # fmt: skip
    return [
        *licence,
        ("first ingest", dataset.created), ("digest", f"`{dataset.digest}`"),
        ("reference digest", f"`{dataset.reference_digest}`"),
        *((f"version of {k}", v) for k, v in sorted(dataset.versions.items())),
    ]  # fmt: skip


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(v) for v in line)} |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
