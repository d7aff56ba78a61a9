#!/usr/bin/env bash
# Print what CHANGELOG.md says of the tag vX.Y.Z; fail unless it is dated there and is the version
# of pyproject.toml and CITATION.cff.
set -euo pipefail
tag=$1 version=${1#v}
fail() { echo "release $tag: $1" >&2; exit 1; }
[[ $tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "a tag is vX.Y.Z."
grep -qxF "version = \"$version\"" pyproject.toml || fail "pyproject.toml has another version."
grep -qxF "version: $version" CITATION.cff || fail "CITATION.cff has another version."
grep -qE "^## ${version//./\\.} \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" CHANGELOG.md ||
  fail "CHANGELOG.md has no heading '## $version (YYYY-MM-DD)'."
awk -v head="## $version (" 'index($0, "## ") == 1 { on = index($0, head) == 1; next } on' CHANGELOG.md
