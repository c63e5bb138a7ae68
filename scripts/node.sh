#!/usr/bin/env bash
# Prints the folder of a Node.js that is new enough to build the console: the system's, or one of the npm registry, pinned by its
# hash and fetched at first use. Debian 12's own (18) is too old.
set -euo pipefail
version=22.23.3

new_enough() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'; }

system=$(command -v node || true)
if [ -n "$system" ] && new_enough "$system"; then
    dirname "$system"
    exit
fi
case $(uname -m) in
    x86_64) machine=x64 sha256=00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5 ;;
    aarch64) machine=arm64 sha256=894b9938b215d40b3a38db094ef436d02b3bc7dd16f04fca145a4735cd9e9035 ;;
    *)
        echo "error: Node.js ${system:+here }is older than 20.19" >&2
        echo "hint: install Node.js 22 from https://nodejs.org" >&2
        exit 1
        ;;
esac
folder=${XDG_CACHE_HOME:-$HOME/.cache}/craton/node-$version
if [ ! -x "$folder/bin/node" ]; then
    echo "fetching Node.js $version (the system's is older than 20.19)" >&2
    partial=$(mktemp -d "$(mkdir -p "${folder%/*}" && echo "${folder%/*}")/.node.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    (cd "$partial" && npm pack --silent "node-linux-$machine@$version" >/dev/null)
    echo "$sha256  $partial/node-linux-$machine-$version.tgz" | sha256sum --check --quiet >&2
    tar xzf "$partial/node-linux-$machine-$version.tgz" -C "$partial" package/bin package/LICENSE
    rm -rf "$folder"
    mv "$partial/package" "$folder"
fi
echo "$folder/bin"
