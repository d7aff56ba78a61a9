"""What the workflow does with a pull request: tried in a repository of two files."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".github" / "submissions.sh"
TRACK = "leaderboard/records/night"
NEW = f"{TRACK}/theirs--outputs"

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("git", "bash", "unzip"))), reason="git, bash and unzip are needed"
)


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Return a checkout with one entry, from which a pull request starts."""
    folder = tmp_path / "theirs"
    (folder / TRACK).mkdir(parents=True)
    (folder / TRACK / "lime--default.json").write_text("old")
    (folder / "leaderboard" / "tracks").mkdir()
    (folder / "leaderboard/tracks/night.toml").write_text('dataset          = "night_set"\n')
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    shutil.copytree(folder, tmp_path / "base")
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "night_set.h5").touch()
    return folder


def add(folder: Path, name: str = NEW, record: str = "new", beside: str = "new") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr("record.json", record)
    (folder / f"{name}.json").write_text(beside)


def checked(theirs: Path, code: int = 0) -> tuple[int, str, list[str]]:
    """Run the script on what was added; return its code, its words and the calls of lleval."""
    tools = theirs.parent / "bin"
    tools.mkdir(exist_ok=True)
    stub = f'#!/bin/sh\necho "$@" >> {theirs.parent}/calls\nexit {code}\n'
    (tools / "lleval").write_text(stub)
    (tools / "lleval").chmod(0o755)
    base = git(theirs, "rev-parse", "HEAD")
    git(theirs, "add", "-A")
    git(theirs, "commit", "-qm", "theirs")
    done = subprocess.run(
        [SCRIPT, "base", "theirs", "packs"], cwd=theirs.parent, capture_output=True, text=True,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "BASE": base, "OWNER": "me"}, check=False,
    )  # fmt: skip
    calls = theirs.parent / "calls"
    return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []


def test_a_new_entry_is_checked_on_its_dataset_for_its_owner(theirs: Path):
    add(theirs)
    options = "--dataset packs/night_set.h5 --entries base/leaderboard/records --owner me"
    assert checked(theirs) == (0, "", [f"leaderboard check theirs/{NEW}.zip {options}"])


def test_a_correction_is_a_file_more(theirs: Path):
    add(theirs, f"{NEW}.2")
    assert checked(theirs)[0] == 0


def test_a_bundle_that_fails_fails_the_pull_request(theirs: Path):
    add(theirs)
    assert checked(theirs, code=1)[0] == 1


def test_an_old_entry_stays_as_it_is(theirs: Path):
    (theirs / TRACK / "lime--default.json").write_text("better")
    code, said, calls = checked(theirs)
    assert (code, calls) == (1, [])
    assert "lime--default.json: it is changed or removed" in said


def test_an_old_entry_is_not_moved(theirs: Path):
    (theirs / TRACK / "lime--default.json").rename(theirs / TRACK / "lime--other.json")
    assert "lime--default.json: it is changed or removed" in checked(theirs)[1]


@pytest.mark.parametrize("missing", ["json", "zip"])
def test_an_entry_has_both_its_files(theirs: Path, missing: str):
    add(theirs)
    (theirs / f"{NEW}.{missing}").unlink()
    code, said, _ = checked(theirs)
    assert code == 1
    assert f"{NEW}.{missing}: there is no such file" in said


def test_the_record_beside_a_bundle_is_the_bundles(theirs: Path):
    add(theirs, beside="other")
    assert "it is another record than its bundle's" in checked(theirs)[1]


@pytest.mark.parametrize(
    "name", [f"{TRACK}/run.sh", f"{TRACK}/a/b--c.json", f"{TRACK}/$(id)--a.zip"]
)
def test_nothing_else_is_added_there(theirs: Path, name: str):
    (theirs / name).parent.mkdir(exist_ok=True)
    (theirs / name).write_text("x")
    code, said, calls = checked(theirs)
    assert (code, calls) == (1, [])
    assert "it is added, but entries are" in said


def test_a_link_is_no_bundle(theirs: Path):
    add(theirs)
    (theirs / f"{NEW}.zip").unlink()
    (theirs / f"{NEW}.zip").symlink_to("/etc/passwd")
    assert "there is no such file, but an entry has both" in checked(theirs)[1]


def test_a_dataset_that_is_not_at_hand_is_named(theirs: Path):
    add(theirs)
    (theirs.parent / "packs" / "night_set.h5").unlink()
    assert "dataset night_set is not in the release" in checked(theirs)[1]
