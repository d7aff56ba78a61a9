"""Names of the site's files: readable, the same on every build, and safe whatever a record says."""

from __future__ import annotations

import hashlib
import re

from eval.record import Record

FRONT, DATA, FEED, CITATIONS, SUMS = (
    "index.html", "leaderboard.json", "feed.xml", "leaderboard.bib", "SHA256SUMS",
)  # fmt: skip
COPIES = "data"
DOCUMENTATION, METRICS = "docs/index.html", "docs/metrics.html"


def short_hash(data: bytes, digits: int = 16) -> str:
    """Return the first digits of the sha256."""
    return hashlib.sha256(data).hexdigest()[:digits]


def copy_of(record: Record, data: bytes) -> str:
    """Return the address of a record's copy: it names the content, so it never changes."""
    name = re.sub(r"[^A-Za-z0-9@._-]+", "-", f"{record.track}--{record.file_name}").strip(".-")
    return f"{COPIES}/{name[:100] or 'record'}.{short_hash(data)}.json"


def stem_of(copy: str) -> str:
    """Return what the copy, the page, the rows and the badge of a record are all named."""
    return copy.removeprefix(f"{COPIES}/").removesuffix(".json")


def key_of(copy: str) -> str:
    """Return the record's short name in an address's state: the hash of its content."""
    return stem_of(copy).rpartition(".")[2]


def slug(text: str) -> str:
    """Return `text` as part of a file name; with a hash where that is another text."""
    plain = re.sub(r"[^a-z0-9@_-]+", "-", text.lower()).strip("-")[:60]
    return plain if plain and plain == text else f"{plain or 'x'}-{short_hash(text.encode(), 8)}"


def method_page(method: str) -> str:
    """Return the page of a method; `lime` and `lime@amplified` share one."""
    return f"methods/{slug(method.partition('@')[0])}.html"


def entry_page(copy: str) -> str:
    """Return the page of one record."""
    return f"entries/{stem_of(copy)}.html"


def rows_file(copy: str) -> str:
    """Return the CSV file of a record's rows."""
    return f"{COPIES}/{stem_of(copy)}.csv"


def badge_file(copy: str) -> str:
    """Return the badge of one record."""
    return f"badges/{stem_of(copy)}.svg"


def track_page(table: str) -> str:
    """Return the page of a table, given its id."""
    return f"tracks/{table}.html"


def track_csv(table: str) -> str:
    """Return the CSV file of a table, given its id."""
    return f"tracks/{table}.csv"


def reported_page(name: str) -> str:
    """Return the page of a table that a paper prints."""
    return f"reported/{slug(name)}.html"


def compare_page(table: str) -> str:
    """Return the page that compares two methods of a table, given its id."""
    return f"compare/{table}.html"
