"""The leaderboard as a static site: every mean recomputed from the rows of a kept record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.documentation.index import check_index
from eval.machine import one_algebra_thread
from eval.pages import page
from eval.record import Record
from eval.rows import lines
from eval.running.folder import RECORD, check_folder
from eval.site import (
    addresses,
    badge,
    citations,
    compare_page,
    data,
    entry_page,
    feed,
    front_page,
    method_page,
    reported_page,
    track_page,
)  # fmt: skip
from eval.site.couples import couples
from eval.site.publishing import write_site
from eval.site.standings import Standing, standings
from eval.strict_json import file_content
from eval.studies.kept_sweep import read_sweep
from eval.studies.sweep import Sweep
from eval.valid import valid
from lldata.console import to_json
from lldata.errors import LowLightError, ScoreError


@dataclass(frozen=True)
class Read:
    """A record as it was read: where from, and its bytes."""

    record: Record
    path: Path
    content: bytes


def build(
    records: Sequence[Path],
    out: Path,
    pictures: Collection[str] = (),
    sweeps: Sequence[Path] = (),
    docs: Path | None = None,
) -> Path:
    """Write the leaderboard of `records` into the folder `out`.

    Pages name the copies of the records by their content, every link leads somewhere at every
    moment, and the front page is replaced last. The same records give the same bytes, in
    whatever order they come.

    Parameters
    ----------
    records : record files; of the same run made again the newest counts
    out : gets index.html, a page for each track, method and record, the records, data to download
    pictures : datasets whose licence lets pictures of them be published; of no other any is shown
    sweeps : sweep.json files, for the curves of robustness
    docs : folder of the pages of documentation; None for a site without

    Returns
    -------
    the path of the front page

    Raises
    ------
    ScoreError
        If a file is no valid record or sweep, a shipped track is malformed, `out` is a file, or
        no record is of a dataset named in `pictures`.
    LowLightError
        If a page of `docs` is malformed, a link of it leads nowhere, or the extra is missing.
    """
    check_folder(out, f"--out {out}")
    documented = _documentation(docs)
    found = [_read(path) for path in sorted(records)]
    _check_pictures(found, pictures)
    read = {addresses.copy_of(one.record, one.content): one for one in found}
    folders = {
        copy: one.path.parent
        for copy, one in read.items()
        if one.record.dataset in pictures and one.path.name == RECORD
    }
    swept = [read_sweep(path) for path in sorted(sweeps)]
    with one_algebra_thread():  # of sums so small, threads would only wait
        tables = standings((one.record, copy) for copy, one in sorted(read.items()))
        files = dict(_files(tables, folders, swept, documented)) | documented
    files[addresses.FRONT] = _front(tables, addresses.DOCUMENTATION in files)
    files |= {entry.copy: read[entry.copy].content for t in tables for entry in t.entries}
    return write_site(out, files)


def _documentation(folder: Path | None) -> dict[str, bytes]:
    """Return the pages of documentation by address."""
    if folder is None:
        return {}
    check_index(folder)  # before the extra: who has neither would install it for nothing
    try:
        from eval.documentation.pages import documentation
    except ModuleNotFoundError as error:
        raise LowLightError(
            f"--docs {folder}",
            f"the package {error.name} is not installed",
            "pages of documentation need the extra 'docs'",
            "Install it: pip install 'lowlight-toolkit[docs]'",
        ) from error
    return documentation(folder)


def _front(tables: Sequence[Standing], documented: bool) -> bytes:
    address = addresses.DOCUMENTATION if documented else None
    return _page("front", front=front_page.view(tables), documentation=address, root="")


def _read(path: Path) -> Read:
    content = file_content(path)
    return Read(valid(path, content), path, content)


def _files(
    tables: Sequence[Standing],
    folders: dict[str, Path],
    sweeps: Sequence[Sweep],
    documented: Mapping[str, bytes],
) -> Iterator[tuple[str, bytes]]:
    """Yield the address and content of every file but the front page and the copies of records."""
    yield addresses.DATA, (to_json(data.document(tables)) + "\n").encode()
    yield addresses.FEED, feed.atom(tables).encode()
    yield addresses.CITATIONS, citations.bibtex(tables).encode()
    for table in tables:
        shown = track_page.view(table, sweeps, documented)
        yield addresses.track_page(table.id), _page("track", board=shown)
        yield from _of_table(table, folders)
    for address, shown in method_page.views(tables):
        yield address, _page("method", method=shown)
    for address, shown in reported_page.views(tables):
        yield address, _page("reported", reported=shown)


def _of_table(table: Standing, folders: dict[str, Path]) -> Iterator[tuple[str, bytes]]:
    """Yield what is beside a table: data, comparisons, and page, rows and badge of each entry."""
    found = list(couples(table))
    yield addresses.track_csv(table.id), data.track_csv(table).encode()
    if found:
        shown = compare_page.view(table, found)
        yield addresses.compare_page(table.id), _page("compare", board=shown)
    for entry in table.entries:
        shown = entry_page.view(entry, table, found, folders.get(entry.copy))
        yield addresses.entry_page(entry.copy), _page("entry", entry=shown)
        yield addresses.rows_file(entry.copy), data.as_csv(lines(entry.record)).encode()
        if entry.rank:
            yield addresses.badge_file(entry.copy), badge.svg(entry, table).encode()


def _page(name: str, root: str = "../", **context: object) -> bytes:
    return page.render(f"{name}.html.j2", kind="site", root=root, **context).encode()


def _check_pictures(found: Sequence[Read], pictures: Collection[str]) -> None:
    datasets = sorted({one.record.dataset for one in found})
    for name in pictures:
        if name not in datasets:
            raise ScoreError(
                f"--pictures {name}",
                "no record is of that dataset",
                f"the records are of {', '.join(datasets) or 'none'}",
                "Name the datasets whose pictures may be published",
            )
