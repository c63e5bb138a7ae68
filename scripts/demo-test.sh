#!/usr/bin/env bash
# Runs the demo once with the development build and a fresh data folder. Usage: scripts/demo-test.sh PYTHON
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=$(cd "$root" && cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
# The first chapter runs its script against moto too.
with_moto=$("$root/scripts/python.sh" "$root/conformance/differential/requirements.txt")
"$target/debug/craton" demo --data-dir "$data/data" --python "$with_moto" </dev/null | tee "$data/out"
grep -q '^   passages retrieved from moto: 0$' "$data/out"
"$target/debug/craton" demo permissions --data-dir "$data/data" --python "$1" </dev/null | tee -a "$data/out"
"$target/debug/craton" demo import --data-dir "$data/data" --python "$1" </dev/null | tee -a "$data/out"
"$target/debug/craton" demo inference --data-dir "$data/data" --python "$1" </dev/null | tee -a "$data/out"
"$target/debug/craton" demo hub --data-dir "$data/data" --python "$1" </dev/null | tee -a "$data/out"
"$target/debug/craton" demo evaluation --records 1 --data-dir "$data/data" --python "$1" </dev/null | tee -a "$data/out"
# It said where the console is only after every part of it had been answered.
[ "$(grep -c '^Console: http' "$data/out")" = 6 ]
