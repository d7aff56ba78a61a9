#!/bin/bash
# Checks the entries a pull request adds: submissions.sh BASE_CHECKOUT THEIR_CHECKOUT PACKS
# with the commit it starts from in $BASE and the account that made it in $OWNER.
set -euo pipefail
base=$1 theirs=$2 packs=$3
records=leaderboard/records

refuse() { echo "$1" >&2; exit 1; }

changes() {
  git -C "$theirs" -c core.quotePath=false diff -z --no-renames --name-only "--diff-filter=$1" \
    "$BASE...HEAD" -- "$records"
}

while IFS= read -r -d '' file; do
  refuse "$file: it is changed or removed, but entries stay as they are. Add a new one that corrects it."
done < <(changes a)

while IFS= read -r -d '' file; do
  [[ $file =~ ^$records/([a-z0-9][a-z0-9_-]*)/([A-Za-z0-9][A-Za-z0-9_.=+@-]*--[A-Za-z0-9_.=+@-]+)\.(json|zip)$ ]] ||
    refuse "$file: it is added, but entries are $records/TRACK/METHOD--LABEL.json and .zip. Rename it."
  track=${BASH_REMATCH[1]} bundle=$theirs/${file%.*}.zip record=$theirs/${file%.*}.json
  for one in "$bundle" "$record"; do
    [[ -f $one && ! -L $one ]] || refuse "$one: there is no such file, but an entry has both. Add it."
  done
  [[ $file == *.zip ]] || continue
  dataset=$(sed -n 's/^dataset *= *"\([a-z0-9_-]*\)".*/\1/p' "$base/leaderboard/tracks/$track.toml")
  [[ -f $packs/$dataset.h5 ]] ||
    refuse "$file: dataset $dataset is not in the release, but its pixels are needed. Ask a maintainer."
  lleval leaderboard check "$bundle" --dataset "$packs/$dataset.h5" \
    --entries "$base/$records" --owner "$OWNER"
  unzip -p "$bundle" record.json | cmp - "$record" ||
    refuse "$record: it is another record than its bundle's. Take the one of the bundle."
done < <(changes A)
