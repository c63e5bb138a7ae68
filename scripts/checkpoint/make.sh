#!/bin/sh
# Makes the checkpoint that tests import: SmolLM2 in half precision, in three shards, beside the test models.
# Prints why and makes nothing where there is no Python. Does nothing where it is already there.
set -eu
cd "$(dirname "$0")"

models=${CRATON_TEST_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/craton/test-models}
version=$(cat from_gguf.py requirements.txt | sha256sum | cut -c1-12)
folder=$models/SmolLM2-135M-Instruct-checkpoint
if [ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ]; then exit 0; fi
if ! command -v python3 >/dev/null; then
    echo "no python3: the tests that import a real checkpoint are skipped" >&2
    exit 0
fi
python=$(../python.sh "$PWD/requirements.txt")
made=$(mktemp -d "$models/.checkpoint.XXXXXX")
trap 'rm -rf "$made"' EXIT INT TERM
"$python" from_gguf.py "$models/SmolLM2-135M-Instruct.Q4_1.gguf" "$made" --shards 3
echo "$version" > "$made/version"
rm -rf "$folder"
chmod 755 "$made"
mv "$made" "$folder"
echo "test checkpoint: $folder"
