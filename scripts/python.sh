#!/usr/bin/env bash
# Prints the Python of a virtual environment that has the packages of a requirements file, making it at first use.
# Usage: scripts/python.sh REQUIREMENTS
set -euo pipefail
requirements=$1
key=$(sha256sum "$requirements" | cut -c1-16)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/craton/venv-$key
if [ ! -f "$folder/complete" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder" >&2
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
    touch "$folder/complete"
fi
echo "$folder/bin/python"
