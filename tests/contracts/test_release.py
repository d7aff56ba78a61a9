"""What becomes a release: a tag that CHANGELOG.md, pyproject.toml and CITATION.cff agree on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def released(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / ".github" / "release.sh"
    return subprocess.run([script, tag], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    changes = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\n- New.\n\n## 1.1.0 (2026-11-01)\n\n- Old.\n"
    (tmp_path / "CHANGELOG.md").write_text(changes, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n', encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text("version: 1.2.0\n", encoding="utf-8")
    return tmp_path


def test_the_notes_of_a_release_are_its_part_of_the_changelog(folder: Path):
    found = released(folder, "v1.2.0")
    assert (found.returncode, found.stdout.strip()) == (0, "- New.")


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("v1.1.0", "pyproject.toml has another version."),
        ("v1.2", "a tag is vX.Y.Z."),
        ("v1.2.0; rm x", "a tag is vX.Y.Z."),
    ],
)
def test_a_tag_of_another_version_is_no_release(folder: Path, tag: str, message: str):
    found = released(folder, tag)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == f"release {tag}: {message}\n"


def test_a_version_that_has_no_date_yet_is_no_release(folder: Path):
    path = folder / "CHANGELOG.md"
    path.write_text("# Changelog\n\n## 1.2.0 (unreleased)\n\n- New.\n", encoding="utf-8")
    assert "has no heading '## 1.2.0 (YYYY-MM-DD)'" in released(folder, "v1.2.0").stderr


def test_version_and_changelog_of_this_checkout_are_of_one_version():
    head = next(
        line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    ).split()[1]  # fmt: skip
    assert f'version = "{head}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert f"version: {head}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
